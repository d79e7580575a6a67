"""Options that the configuration sets for all guilds which have not set them. `runtime.py` checks them at the start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migaga.common.errors import ConfigError
from migaga.common.text import did_you_mean
from migaga.framework.convert import plain_value
from migaga.framework.errors import UserError
from migaga.framework.spec import ModuleSpec, OptionSpec
from migaga.framework.values import decode, encode
from migaga.storage.types import JsonValue

Given = Mapping[str, Mapping[str, object]]
"""Module -> option -> value as JSON has it."""


def check_defaults(given: Given, modules: Iterable[ModuleSpec]) -> dict[str, dict[str, JsonValue]]:
    """Return what is set for the modules that run here, as the database would hold it. Others' options are left out.

    A value is what the database holds, or the text that a person would write in `/options set`.

    Raises:
        ConfigError: A module has no such option, or the value does not fit.
    """
    return {
        module.name: {name: _read(module, name, value) for name, value in given[module.name].items()}
        for module in modules
        if given.get(module.name)
    }


def _read(module: ModuleSpec, name: str, value: object) -> JsonValue:
    where = f"[Modules] Options: {module.name}.{name}"
    spec = next((one for one in module.options if one.name == name), None)
    if spec is None:
        names = [one.name for one in module.options]
        has = f"It has {', '.join(names)}." if names else "It has none."
        raise ConfigError(f"{where}: module {module.name} has no such option.{did_you_mean(name, names)} {has}")
    try:
        return _stored(spec, value)
    except (ValueError, UserError) as error:
        raise ConfigError(f"{where}: {error}".rstrip(".") + ". Correct the value, or leave it out.") from error


def _stored(spec: OptionSpec, value: object) -> JsonValue:
    try:
        return encode(spec, decode(spec, value))
    except ValueError:
        if not isinstance(value, str):
            raise
    stored = encode(spec, plain_value(spec, value))
    decode(spec, stored)
    return stored
