"""Specs -> the application commands that are registered with Discord, as plain JSON.

Source: Discord's documentation, "Application Command Object". `register.py` sends them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import hikari

from migaga.framework.spec import Choice, CommandSpec, MenuSpec, ModuleSpec, ParameterKind, ParameterSpec, Requirements

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Payload: TypeAlias = dict[str, Json]

_TYPES: Mapping[ParameterKind, hikari.OptionType] = {
    ParameterKind.TEXT: hikari.OptionType.STRING,
    ParameterKind.INTEGER: hikari.OptionType.INTEGER,
    ParameterKind.NUMBER: hikari.OptionType.FLOAT,
    # Discord's numbers are doubles, which no amount of money should be.
    ParameterKind.DECIMAL: hikari.OptionType.STRING,
    ParameterKind.BOOLEAN: hikari.OptionType.BOOLEAN,
    ParameterKind.USER: hikari.OptionType.USER,
    ParameterKind.MEMBER: hikari.OptionType.USER,
    ParameterKind.ROLE: hikari.OptionType.ROLE,
    ParameterKind.CHANNEL: hikari.OptionType.CHANNEL,
    ParameterKind.MENTIONABLE: hikari.OptionType.MENTIONABLE,
    ParameterKind.EMOJI: hikari.OptionType.STRING,
    ParameterKind.ATTACHMENT: hikari.OptionType.ATTACHMENT,
    ParameterKind.DURATION: hikari.OptionType.STRING,
    ParameterKind.SNOWFLAKE: hikari.OptionType.STRING,
}
_NUMBERS = frozenset({ParameterKind.INTEGER, ParameterKind.NUMBER})
_GUILD, _BOT_DM = 0, 1
_GUILD_INSTALL = 0


def command_payloads(modules: Iterable[ModuleSpec]) -> list[Payload]:
    """Return all commands of all modules; commands of one group are merged, wherever they come from.

    The order is that of the modules, so equal modules give equal payloads.
    """
    specs = list(modules)
    merged: dict[str, list[CommandSpec]] = {}
    for command in (command for module in specs for command in module.commands if command.slash):
        merged.setdefault(command.path[0], []).append(command)
    slashes = [_root(name, commands) for name, commands in merged.items()]
    return slashes + [_menu(menu) for module in specs for menu in module.menus]


def payload_size(payload: Payload) -> int:
    """Count what Discord counts of a command: characters of names, descriptions and values, of all that is in it.

    Of a localised text the longest form counts. Source: "Slash Commands": at most 8,000.
    """
    size = _longest(payload, "name") + _longest(payload, "description")
    value = payload.get("value")
    if value is not None:
        size += len(str(value))
    for key in ("options", "choices"):
        inner = payload.get(key)
        if isinstance(inner, list):
            size += sum(payload_size(part) for part in inner if isinstance(part, dict))
    return size


def _longest(payload: Payload, key: str) -> int:
    localised = payload.get(f"{key}_localizations")
    texts = [payload.get(key, ""), *(localised.values() if isinstance(localised, dict) else ())]
    return max(len(str(text)) for text in texts)


def payload_owners(modules: Iterable[ModuleSpec]) -> list[str]:
    """Name what each of `command_payloads` is, in the same order, for messages: `/points (module points)`."""
    specs = list(modules)
    owners: dict[str, dict[str, None]] = {}
    for module in specs:
        for command in module.commands:
            if command.slash:
                owners.setdefault(command.path[0], {})[module.name] = None
    slashes = [f"/{name} (module {', '.join(of)})" for name, of in owners.items()]
    return slashes + [f"{menu.name!r} (module {module.name})" for module in specs for menu in module.menus]


def _root(name: str, commands: list[CommandSpec]) -> Payload:
    lone = commands[0]
    if len(lone.path) == 1:
        return _top(name, lone.description, commands, lone.localisations, _options(lone))
    description = lone.group_descriptions.get((name,), name)
    return _top(name, description, commands, {}, _subcommands((name,), commands))


def _top(
    name: str,
    description: str,
    commands: list[CommandSpec],
    localisations: Mapping[str, tuple[str, str]],
    options: list[Json],
) -> Payload:
    guild_only = all(command.requirements.guild_only for command in commands)
    return {
        "type": int(hikari.CommandType.SLASH),
        "name": name,
        "description": description,
        **_localised(localisations),
        "options": options,
        "default_member_permissions": _shared_permissions([command.requirements for command in commands]),
        # Discord knows this for the whole tree only: when any needs an age limit, the tree has it.
        "nsfw": any(command.nsfw for command in commands),
        "contexts": [_GUILD] if guild_only else [_GUILD, _BOT_DM],
        "integration_types": [_GUILD_INSTALL],
    }


def _shared_permissions(requirements: list[Requirements]) -> str | None:
    """What everybody needs who may use any of them; `0`: nobody but administrators; None: no limit.

    Permissions are of the whole tree for Discord; each command's own are checked when it is used.
    """
    open_to_some = [requirement for requirement in requirements if not requirement.owner_only]
    if not open_to_some:
        return "0"
    shared = open_to_some[0].permissions
    for requirement in open_to_some[1:]:
        shared &= requirement.permissions
    return str(int(shared)) if shared else None


def _subcommands(path: tuple[str, ...], commands: list[CommandSpec]) -> list[Json]:
    found: list[Json] = []
    groups: dict[str, list[CommandSpec]] = {}
    for command in commands:
        name = command.path[len(path)]
        if len(command.path) == len(path) + 1:
            found.append(
                {
                    "type": int(hikari.OptionType.SUB_COMMAND),
                    "name": name,
                    "description": command.description,
                    **_localised(command.localisations),
                    "options": _options(command),
                }
            )
        else:
            groups.setdefault(name, []).append(command)
    for name, inner in groups.items():
        below = (*path, name)
        found.append(
            {
                "type": int(hikari.OptionType.SUB_COMMAND_GROUP),
                "name": name,
                "description": inner[0].group_descriptions.get(below, name),
                "options": _subcommands(below, inner),
            }
        )
    return found


def _localised(localisations: Mapping[str, tuple[str, str]]) -> Payload:
    if not localisations:
        return {}
    return {
        "name_localizations": {locale: name for locale, (name, _) in localisations.items()},
        "description_localizations": {locale: text for locale, (_, text) in localisations.items()},
    }


def _options(command: CommandSpec) -> list[Json]:
    return [_option(parameter) for parameter in command.parameters]


def _option(parameter: ParameterSpec) -> Payload:
    payload: Payload = {
        "type": int(_TYPES[parameter.kind]),
        "name": parameter.name,
        "description": parameter.description,
        **_localised(parameter.localisations),
        "required": parameter.required,
    }
    if parameter.choices:
        payload["choices"] = [_choice(choice) for choice in parameter.choices]
    if parameter.autocomplete is not None:
        payload["autocomplete"] = True
    if parameter.channel_types:
        payload["channel_types"] = [int(kind) for kind in parameter.channel_types]
    if not parameter.choices:
        payload.update(_limits(parameter))
    return payload


def _limits(parameter: ParameterSpec) -> Payload:
    if parameter.kind in _NUMBERS:
        names = ("min_value", "max_value")
    elif parameter.kind is ParameterKind.TEXT:
        names = ("min_length", "max_length")
    else:
        return {}
    limits = zip(names, (parameter.minimum, parameter.maximum), strict=True)
    return {name: limit for name, limit in limits if limit is not None}


def _choice(choice: Choice) -> Payload:
    payload: Payload = {"name": choice.name, "value": choice.value}
    if choice.localisations:
        payload["name_localizations"] = dict(choice.localisations)
    return payload


def _menu(menu: MenuSpec) -> Payload:
    kind = hikari.CommandType.USER if menu.type == "user" else hikari.CommandType.MESSAGE
    payload: Payload = {
        "type": int(kind),
        "name": menu.name,
        "default_member_permissions": _shared_permissions([menu.requirements]),
        "contexts": [_GUILD] if menu.requirements.guild_only else [_GUILD, _BOT_DM],
        "integration_types": [_GUILD_INSTALL],
    }
    if menu.localisations:
        payload["name_localizations"] = dict(menu.localisations)
    return payload
