"""A command's arguments, from a line of text or from an interaction -> the handler's arguments by name.

Both forms end in the same checks. The runtime calls these after permissions and cooldowns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import hikari

from migaga.framework.convert import LOOKED_UP, Resolver, check_thing, find_id, from_text, plain_value, quoted
from migaga.framework.errors import WrongArgument
from migaga.framework.parse import Word, rest_of, split_words
from migaga.framework.spec import CommandSpec, ParameterKind, ParameterSpec
from migaga.framework.values import finish


async def bind_text(
    command: CommandSpec,
    line: str,
    guild_id: hikari.Snowflake | None,
    resolver: Resolver,
    attachments: Sequence[hikari.Attachment] = (),
) -> dict[str, object]:
    """Turn the text after a command's name into the handler's arguments.

    Args:
        command: The command.
        line: What stands after its name.
        guild_id: Where it was used; None in direct messages.
        resolver: Finds users, roles and channels.
        attachments: Files of the message, which attachment parameters take in order.

    Raises:
        WrongArgument: one is missing, does not fit, or there are too many.
    """
    words = list(split_words(line))
    files = list(attachments)
    values: dict[str, object] = {}
    takers = [parameter for parameter in command.parameters if parameter.kind is not ParameterKind.ATTACHMENT]
    for parameter in command.parameters:
        if parameter.kind is ParameterKind.ATTACHMENT:
            values[parameter.argument] = files.pop(0) if files else _default(parameter)
        elif not words:
            values[parameter.argument] = _default(parameter)
        else:
            text = _take(parameter, words, line, last=parameter is takers[-1])
            values[parameter.argument] = await from_text(parameter, text, guild_id, resolver)
    if words:
        raise _too_many(command, words, line)
    return values


def _default(parameter: ParameterSpec) -> object:
    if not parameter.required:
        return parameter.default
    if parameter.kind is ParameterKind.ATTACHMENT:
        raise WrongArgument(parameter.name, None, f"`{parameter.name}` is missing: attach a file to your message.")
    raise WrongArgument(parameter.name, None, f"`{parameter.name}` is missing.")


def _take(parameter: ParameterSpec, words: list[Word], line: str, *, last: bool) -> str:
    first = words[0]
    # Names of people, roles and channels may have several words; a mention or an id is always one.
    is_name = last and len(words) > 1 and not first.quoted and parameter.kind in LOOKED_UP
    is_label = last and len(words) > 1 and not first.quoted and any(" " in choice.name for choice in parameter.choices)
    if parameter.rest or is_label or (is_name and find_id(parameter.kind, first.text) is None):
        words.clear()
        return rest_of(line, first)
    return words.pop(0).text


def _too_many(command: CommandSpec, words: list[Word], line: str) -> WrongArgument:
    surplus = rest_of(line, words[0])
    if not command.parameters:
        return WrongArgument("", surplus, f"This command takes nothing, but got {quoted(surplus)}.")
    last = command.parameters[-1].name
    hint = " Put a name of several words in quotation marks." if len(command.parameters) > 1 else ""
    return WrongArgument(last, surplus, f"There is more than this command takes: {quoted(surplus)}.{hint}")


def bind_slash(
    command: CommandSpec,
    options: Sequence[hikari.CommandInteractionOption],
    resolved: hikari.ResolvedOptionData | None,
) -> dict[str, object]:
    """Turn the options of an interaction (those of the sub-command) into the handler's arguments.

    Raises:
        WrongArgument: one does not fit, or is missing because Discord still shows an older version.
    """
    given = {option.name: option.value for option in options}
    values: dict[str, object] = {}
    for parameter in command.parameters:
        value = given.get(parameter.name)
        values[parameter.argument] = _default(parameter) if value is None else from_slash(parameter, value, resolved)
    return values


def slash_options(interaction: hikari.CommandInteraction) -> Sequence[hikari.CommandInteractionOption]:
    """Return the options of the sub-command that an interaction calls."""
    options = interaction.options
    while options and options[0].type in {hikari.OptionType.SUB_COMMAND, hikari.OptionType.SUB_COMMAND_GROUP}:
        options = options[0].options or ()
    return options


def from_slash(
    parameter: ParameterSpec,
    value: hikari.Snowflake | str | int | float | bool,
    resolved: hikari.ResolvedOptionData | None,
) -> object:
    """Convert one option's value.

    Raises:
        WrongArgument: it does not fit, or names something that is gone.
    """
    if parameter.kind in LOOKED_UP or parameter.kind is ParameterKind.ATTACHMENT:
        return _resolved(parameter, value, resolved)
    match parameter.kind, value:
        case (ParameterKind.NUMBER, int() | float()) if not isinstance(value, bool):
            return finish(parameter, float(value))
        case (ParameterKind.INTEGER, int()) | (ParameterKind.BOOLEAN, bool()):
            return finish(parameter, value)
        case _:
            return plain_value(parameter, str(value))


def _resolved(parameter: ParameterSpec, value: object, resolved: hikari.ResolvedOptionData | None) -> object:
    found: hikari.Unique | None = None
    number = int(value) if isinstance(value, (str, int)) and str(value).isdecimal() else None
    if resolved is not None and number is not None:
        things: Sequence[Mapping[hikari.Snowflake, hikari.Unique]] = {
            ParameterKind.USER: (resolved.users,),
            ParameterKind.MEMBER: (resolved.members,),
            ParameterKind.ROLE: (resolved.roles,),
            ParameterKind.CHANNEL: (resolved.channels,),
            ParameterKind.ATTACHMENT: (resolved.attachments,),
        }.get(parameter.kind, (resolved.roles, resolved.members, resolved.users))
        found = next((of[key] for of in things if (key := hikari.Snowflake(number)) in of), None)
    if found is None:
        where = "a member of this server" if parameter.kind is ParameterKind.MEMBER else "here any more"
        raise WrongArgument(parameter.name, str(value), f"{quoted(str(value))} for `{parameter.name}` is not {where}.")
    return check_thing(parameter, found, str(value))
