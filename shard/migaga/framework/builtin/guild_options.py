"""Show and set options of modules. Called by `core.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from migaga.common.text import did_you_mean
from migaga.framework.convert import plain_value
from migaga.framework.errors import UserError
from migaga.framework.guild_settings import GuildSettings
from migaga.framework.scope import LoadedModule
from migaga.framework.spec import OptionSpec, ParameterKind
from migaga.framework.values import decode, encode

_MENTION = re.compile(r"<(?:#|@&|@!?)(\d{15,20})>", re.ASCII)
_MENTIONS = {
    ParameterKind.CHANNEL: "<#{}>",
    ParameterKind.ROLE: "<@&{}>",
    ParameterKind.USER: "<@{}>",
    ParameterKind.MEMBER: "<@{}>",
}
_NOTHING = frozenset({"none", "nothing", "-"})


def find(module: LoadedModule, name: str) -> OptionSpec:
    """Return an option by name.

    Raises:
        UserError: The module has none of this name.
    """
    wanted = name.strip().casefold().replace("-", "_").replace(" ", "_")
    for spec in module.spec.options:
        if spec.name == wanted:
            return spec
    names = [spec.name for spec in module.spec.options]
    listed = f" It has {', '.join(f'`{one}`' for one in names)}." if names else " It has none."
    raise UserError(f"{module.spec.title} has no such option.{did_you_mean(wanted, names)}{listed}")


async def assign(settings: GuildSettings, guild_id: int, module: LoadedModule, name: str, text: str) -> str:
    """Set an option from what a person wrote, and return the new value as people see it.

    Raises:
        UserError: The value does not fit, or there is no such option.
    """
    spec = find(module, name)
    if spec.nullable and text.strip().casefold() in _NOTHING:
        await settings.set(guild_id, module.spec.name, spec.name, None)
        return show(spec, None)
    mention = _MENTION.fullmatch(text.strip())
    value = plain_value(spec, mention[1] if mention and spec.kind in _MENTIONS else text)
    stored = encode(spec, value)
    try:
        decode(spec, stored)
    except ValueError as error:
        raise UserError(str(error)) from None
    await settings.set(guild_id, module.spec.name, spec.name, stored)
    return show(spec, value)


def show(spec: OptionSpec, value: object) -> str:
    """Return a value as people see it."""
    if value is None:
        return "not set"
    template = _MENTIONS.get(spec.kind)
    if template is not None:
        return template.format(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"`{str(value).replace('`', 'ˋ')}`"


async def describe(settings: GuildSettings, guild_id: int, modules: Sequence[LoadedModule]) -> list[str]:
    """Return one line for each option: name, value, what it is for."""
    lines: list[str] = []
    for module in modules:
        stored = await settings.stored(guild_id, module.spec.name)
        if module.spec.options:
            lines.append(f"**{module.spec.title}** (`{module.spec.name}`)")
        lines.extend(_line(spec, stored) for spec in module.spec.options)
    return lines


def _line(spec: OptionSpec, stored: Mapping[str, object]) -> str:
    value = _value(spec, stored.get(spec.name, spec.default))
    return f"  `{spec.name}`: {show(spec, value)}. {spec.description}"


def _value(spec: OptionSpec, stored: object) -> object:
    if stored is spec.default:
        return stored
    try:
        return decode(spec, stored)
    except ValueError:
        return spec.default
