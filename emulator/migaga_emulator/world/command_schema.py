"""Checks the body of an application command: names, descriptions, options, choices, limits."""

from __future__ import annotations

import re
import unicodedata

from migaga_emulator.rules import Rules
from migaga_emulator.world.fields import Body
from migaga_emulator.world.wire import JsonObject, json_list, objects

SUB_COMMAND, SUB_GROUP, STRING, INTEGER, BOOLEAN = 1, 2, 3, 4, 5
USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = 6, 7, 8, 9, 10, 11
_NAME = re.compile(r"[-_'\w]{1,32}\Z")
_LOCALES = frozenset(
    (
        *("id", "da", "de", "en-GB", "en-US", "es-ES", "es-419", "fr", "hr", "it", "lt", "hu", "nl", "no", "pl"),
        *("pt-BR", "ro", "fi", "sv-SE", "vi", "tr", "cs", "el", "bg", "ru", "uk", "hi", "th", "zh-CN", "ja"),
        *("zh-TW", "ko"),
    )
)


def read_command(body: Body, rules: Rules) -> JsonObject:
    """The command with Discord's defaults filled in; faults are noted in the body's problems."""
    kind = body.choice("type", (1, 2, 3, 4)) or 1
    chat = kind == 1
    command: JsonObject = {
        "type": kind,
        "name": _read_name(body) if chat else body.text("name", minimum=1, maximum=32, required=True),
        "description": "",
        "default_member_permissions": None,
        "dm_permission": body.boolean("dm_permission", default=True),
        "contexts": body.data.get("contexts"),
        "integration_types": body.data.get("integration_types") or [0],
        "nsfw": body.boolean("nsfw"),
    }
    if chat:
        command["description"] = body.text("description", minimum=1, maximum=100, required=True) or ""
        _read_options(body, command)
    elif body.data.get("description") or body.data.get("options"):
        body.fault("description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", "Must not be set for this type")
    bits = body.permissions("default_member_permissions")
    command["default_member_permissions"] = None if bits is None else str(bits)
    _read_localizations(body, command, chat)
    if characters(command) > rules.command_characters:
        message = f"Command exceeds maximum size ({rules.command_characters})"
        body.fault(None, "APPLICATION_COMMAND_TOO_LARGE", message)
    return command


def characters(part: JsonObject) -> int:
    """Characters of a command, option or choice: the longest localization of name and description, and values."""
    total = 0
    for key in ("name", "description"):
        texts = [part.get(key), *_localized(part.get(f"{key}_localizations"))]
        total += max((len(text) for text in texts if isinstance(text, str)), default=0)
    value = part.get("value")
    if isinstance(value, str):
        total += len(value)
    return total + sum(characters(item) for key in ("options", "choices") for item in objects(part.get(key)))


def _localized(value: object) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else []


def valid_name(name: str) -> bool:
    """Whether a name fits a chat command or option: letters of any script, digits, `-_'`, no capitals."""
    marks = "".join(character for character in name if unicodedata.category(character) not in ("Mn", "Mc"))
    return bool(_NAME.match(marks)) and len(name) <= 32 and name == name.lower()


def _read_name(body: Body) -> str:
    name = body.text("name", minimum=1, maximum=32, required=True)
    if name is not None and not valid_name(name):
        body.fault("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    return name or ""


def _read_localizations(body: Body, target: JsonObject, described: bool, *, strict: bool = True) -> None:
    for key, maximum in (("name", 32), ("description", 100)):
        inner = body.body(f"{key}_localizations")
        if inner is None or (key == "description" and not described):
            continue
        for locale in inner.data:
            if locale not in _LOCALES:
                inner.fault(locale, "ENUM_TYPE_COERCE", f'Value "{locale}" is not a valid enum value.')
                continue
            text = inner.text(locale, minimum=1, maximum=maximum)
            if key == "name" and strict and described and text is not None and not valid_name(text):
                inner.fault(locale, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
        target[f"{key}_localizations"] = dict(inner.data)


def _read_options(body: Body, target: JsonObject, depth: int = 0) -> None:
    options: list[JsonObject] = []
    names: set[str] = set()
    optional_seen = False
    for item in body.bodies("options", maximum=25):
        option = _read_option(item, depth)
        options.append(option)
        name = str(option["name"])
        if name in names:
            item.fault("name", "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", "Option names must be unique")
        names.add(name)
        if option.get("type") in (SUB_COMMAND, SUB_GROUP):
            continue
        if option.get("required") and optional_seen:
            message = "Required options must be placed before non-required options"
            item.fault(None, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional_seen = optional_seen or not option.get("required")
    nested = {option.get("type") in (SUB_COMMAND, SUB_GROUP) for option in options}
    if len(nested) > 1:
        message = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        body.fault("options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
    if options:
        target["options"] = options


def _read_option(item: Body, depth: int) -> JsonObject:
    kind = item.choice("type", range(1, 12), required=True)
    option: JsonObject = {
        "type": kind,
        "name": _read_name(item),
        "description": item.text("description", minimum=1, maximum=100, required=True) or "",
    }
    _read_localizations(item, option, described=True)
    if kind in (SUB_COMMAND, SUB_GROUP):
        if depth >= 2 or (depth == 1 and kind == SUB_GROUP):
            message = "Sub-commands and groups cannot be nested here"
            item.fault("type", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        else:
            _read_options(item, option, 1 if kind == SUB_GROUP else 2)
            if kind == SUB_GROUP:
                _only_sub_commands(item, option)
        return option
    if item.boolean("required"):
        option["required"] = True
    _read_bounds(item, option)
    _read_choices(item, option)
    if kind == CHANNEL and item.given("channel_types"):
        option["channel_types"] = item.array("channel_types")
    return option


def _only_sub_commands(item: Body, option: JsonObject) -> None:
    inner = objects(option.get("options"))
    if not inner or any(child.get("type") != SUB_COMMAND for child in inner):
        message = "A group holds sub-commands and nothing else"
        item.fault("options", "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _read_bounds(item: Body, option: JsonObject) -> None:
    kind = option["type"]
    numeric = kind in (INTEGER, NUMBER)
    for key in ("min_value", "max_value"):
        if not item.given(key):
            continue
        if not numeric:
            item.fault(key, "APPLICATION_COMMAND_OPTION_BOUND_INVALID", "Only for INTEGER and NUMBER options")
            continue
        value = item.integer(key) if kind == INTEGER else item.number(key)
        if value is not None and abs(value) > 2**53:
            item.fault(key, "NUMBER_TYPE_MAX", "Must be between -2^53 and 2^53.")
        option[key] = value
    for key, lowest in (("min_length", 0), ("max_length", 1)):
        if item.given(key):
            if kind != STRING:
                item.fault(key, "APPLICATION_COMMAND_OPTION_BOUND_INVALID", "Only for STRING options")
            option[key] = item.integer(key, minimum=lowest, maximum=6000)


def _read_choices(item: Body, option: JsonObject) -> None:
    kind = option["type"]
    if item.boolean("autocomplete"):
        option["autocomplete"] = True
        if kind not in (STRING, INTEGER, NUMBER):
            item.fault("autocomplete", "APPLICATION_COMMAND_OPTION_AUTOCOMPLETE_INVALID", "Not for this option type")
        if item.data.get("choices"):
            message = "Choices and autocomplete are mutually exclusive"
            item.fault("choices", "APPLICATION_COMMAND_OPTION_AUTOCOMPLETE_CHOICES", message)
    choices = read_choices(item, "choices", kind if isinstance(kind, int) else STRING)
    if choices:
        if kind not in (STRING, INTEGER, NUMBER):
            item.fault("choices", "APPLICATION_COMMAND_OPTION_CHOICES_INVALID", "Not for this option type")
        option["choices"] = choices


def read_choices(item: Body, key: str, kind: int) -> list[JsonObject]:
    """Up to 25 choices of an option of type `kind`: names of 1 to 100 characters, values of the right type."""
    choices: list[JsonObject] = []
    names: set[object] = set()
    for choice in item.bodies(key, maximum=25):
        name = choice.text("name", minimum=1, maximum=100, required=True)
        if name in names:
            message = "Choice names must be unique"
            choice.fault("name", "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_DUPLICATE", message)
        names.add(name)
        entry: JsonObject = {"name": name, "value": _choice_value(choice, kind)}
        _read_localizations(choice, entry, described=False, strict=False)
        choices.append(entry)
    return choices


def _choice_value(choice: Body, kind: int) -> object:
    if kind == INTEGER:
        return choice.integer("value", required=True)
    if kind == NUMBER:
        return choice.number("value") if choice.required("value") else None
    if choice.required("value") and not isinstance(choice.data["value"], str):
        choice.fault("value", "STRING_TYPE_CONVERT", "Could not interpret as string.")
        return None
    return choice.text("value", minimum=1, maximum=100, strip=False)


def channel_types(option: JsonObject) -> list[object]:
    """The channel types that an option takes; empty: all."""
    return json_list(option.get("channel_types"))
