"""A word of a text command -> a value. What needs Discord's state is looked up through `Resolver`.

`plain_value` is the part that needs nothing; custom ids and options use it as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Protocol

import hikari

from migaga.framework.durations import parse_duration
from migaga.framework.emoji import Emoji
from migaga.framework.errors import WrongArgument
from migaga.framework.spec import OptionSpec, ParameterKind, ParameterSpec
from migaga.framework.values import finish

Spec = ParameterSpec | OptionSpec

_ID = re.compile(r"\d{15,20}", re.ASCII)
_MENTIONS: Mapping[ParameterKind, re.Pattern[str]] = {
    ParameterKind.USER: re.compile(r"<@!?(\d{15,20})>", re.ASCII),
    ParameterKind.MEMBER: re.compile(r"<@!?(\d{15,20})>", re.ASCII),
    ParameterKind.ROLE: re.compile(r"<@&(\d{15,20})>", re.ASCII),
    ParameterKind.CHANNEL: re.compile(r"<#(\d{15,20})>", re.ASCII),
    ParameterKind.MENTIONABLE: re.compile(r"<@[!&]?(\d{15,20})>", re.ASCII),
    ParameterKind.SNOWFLAKE: re.compile(r"<(?:@[!&]?|#|a?:\w+:)(\d{15,20})>", re.ASCII),
}
_LARGEST_ID = 2**64 - 1
_INTEGER = re.compile(r"[+-]?(?:\d{1,3}(?:[,_' ]\d{3})+|\d{1,30})", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:(?:\d{1,3}(?:[,_' ]\d{3})+|\d{1,30})(?:\.\d{1,30})?|\.\d{1,30})", re.ASCII)
_SEPARATORS = str.maketrans("", "", ",_' ")
_YES = frozenset({"yes", "y", "true", "t", "on", "1", "enable", "enabled", "yeah", "yep"})
_NO = frozenset({"no", "n", "false", "f", "off", "0", "disable", "disabled", "nope"})
LOOKED_UP = frozenset(
    {
        ParameterKind.USER,
        ParameterKind.MEMBER,
        ParameterKind.ROLE,
        ParameterKind.CHANNEL,
        ParameterKind.MENTIONABLE,
    }
)


class Resolver(Protocol):
    """Finds what people name. `text` is an id in digits or a name; all that fit are returned, none is an empty list."""

    async def user(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.User]:
        """Users by id, and members of the guild by name (user name, display name or nickname)."""
        ...

    async def member(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.Member]:
        """Members of the guild by id, user name, display name or nickname."""
        ...

    async def role(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.Role]:
        """Roles of the guild by id or name."""
        ...

    async def channel(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.PartialChannel]:
        """Channels of the guild by id or name."""
        ...


def quoted(text: str) -> str:
    """Show what was given in a message: short, in a code span that it cannot leave."""
    short = " ".join(text.replace("`", "'").split())
    return f"`{short[:60]}…`" if len(short) > 60 else f"`{short or ' '}`"


def wrong(spec: Spec, given: str, what: str) -> WrongArgument:
    """Make the error that says what a parameter needs and what it got."""
    return WrongArgument(spec.name, given, f"`{spec.name}` must be {what}, not {quoted(given)}.")


def plain_value(spec: Spec, text: str) -> object:
    """Convert a text whose meaning depends on nothing else.

    Raises:
        WrongArgument: it does not fit.
    """
    if spec.choices:
        return finish(spec, _choice(spec, text))
    converter = _PLAIN.get(spec.kind, _snowflake)
    return finish(spec, converter(spec, text))


def _choice(spec: Spec, text: str) -> object:
    wanted = text.strip().casefold()
    for choice in spec.choices:
        if wanted in {choice.name.casefold(), str(choice.value).casefold()}:
            return choice.value
    names = ", ".join(choice.name for choice in spec.choices)
    raise WrongArgument(spec.name, text, f"`{spec.name}` must be one of: {names}; not {quoted(text)}.")


def _text(_spec: Spec, text: str) -> str:
    return text


def _integer(spec: Spec, text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise wrong(spec, text, "a whole number, such as `12`")
    return int(text.translate(_SEPARATORS))


def _number(spec: Spec, text: str) -> float:
    if not _NUMBER.fullmatch(text.strip()):
        raise wrong(spec, text, "a number, such as `1.5`")
    return float(text.translate(_SEPARATORS))


def _decimal(spec: Spec, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text.strip()):
        raise wrong(spec, text, "an amount, such as `12.50`")
    return Decimal(text.translate(_SEPARATORS))


def _boolean(spec: Spec, text: str) -> bool:
    word = text.strip().casefold()
    if word in _YES or word in _NO:
        return word in _YES
    raise wrong(spec, text, "`yes` or `no`")


def _duration(spec: Spec, text: str) -> timedelta:
    found = parse_duration(text)
    if found is None:
        raise wrong(spec, text, "a duration, such as `3 hours and 2 minutes` or `1h30m`")
    return found


def _emoji(spec: Spec, text: str) -> Emoji:
    try:
        return Emoji.parse(text)
    except ValueError:
        raise wrong(spec, text, "an emoji") from None


def _snowflake(spec: Spec, text: str) -> hikari.Snowflake:
    found = find_id(spec.kind, text) or find_id(ParameterKind.SNOWFLAKE, text)
    if found is None:
        raise wrong(spec, text, f"{'an' if spec.kind is ParameterKind.SNOWFLAKE else 'the'} id of a thing in Discord")
    return found


_PLAIN: Mapping[ParameterKind, Callable[[Spec, str], object]] = {
    ParameterKind.TEXT: _text,
    ParameterKind.INTEGER: _integer,
    ParameterKind.NUMBER: _number,
    ParameterKind.DECIMAL: _decimal,
    ParameterKind.BOOLEAN: _boolean,
    ParameterKind.DURATION: _duration,
    ParameterKind.EMOJI: _emoji,
}


def find_id(kind: ParameterKind, text: str) -> hikari.Snowflake | None:
    """Return the id that a mention of this kind, or bare digits, hold."""
    text = text.strip()
    mention = _MENTIONS[kind].fullmatch(text) if kind in _MENTIONS else None
    digits = mention[1] if mention else text
    if not _ID.fullmatch(digits) or int(digits) > _LARGEST_ID:
        return None
    return hikari.Snowflake(digits)


async def from_text(spec: ParameterSpec, text: str, guild_id: hikari.Snowflake | None, resolver: Resolver) -> object:
    """Convert one word (or the rest of the line) of a text command.

    Raises:
        WrongArgument: it does not fit, or names nothing or several things.
    """
    if spec.kind not in LOOKED_UP:
        return plain_value(spec, text)
    found_id = find_id(spec.kind, text)
    named = str(found_id) if found_id else text.strip().removeprefix("#" if spec.kind is ParameterKind.CHANNEL else "@")
    if not named or len(named) > 100:
        raise wrong(spec, text, f"a {spec.kind.value}")
    found = await _look_up(spec, named, text, guild_id, resolver)
    if not found:
        raise WrongArgument(spec.name, text, f"There is no {spec.kind.value} {quoted(text)} here.")
    if len(found) > 1:
        some = ", ".join(f"`{thing.id}`" for thing in found[:5])
        reason = f"{len(found)} fit {quoted(text)} as `{spec.name}`. Mention the one you mean, or give its id: {some}."
        raise WrongArgument(spec.name, text, reason)
    return check_thing(spec, found[0], text)


async def _look_up(
    spec: ParameterSpec, named: str, text: str, guild_id: hikari.Snowflake | None, resolver: Resolver
) -> Sequence[hikari.User | hikari.Role | hikari.PartialChannel]:
    match spec.kind:
        case ParameterKind.USER:
            return await resolver.user(guild_id, named)
        case ParameterKind.MEMBER:
            return await resolver.member(guild_id, named)
        case ParameterKind.ROLE:
            return await resolver.role(guild_id, named)
        case ParameterKind.CHANNEL:
            return await resolver.channel(guild_id, named)
        case _:
            is_role, is_mention = text.startswith("<@&"), text.startswith("<@")
            roles = await resolver.role(guild_id, named) if is_role or not is_mention else []
            users = [] if is_role else await resolver.user(guild_id, named)
            return [*roles, *users]


def check_thing(spec: ParameterSpec, thing: hikari.Unique, given: str) -> object:
    """Check what was found: the kind of a channel.

    Raises:
        WrongArgument: it is a channel of another kind.
    """
    if spec.channel_types and isinstance(thing, hikari.PartialChannel) and thing.type not in spec.channel_types:
        kinds = " or ".join(channel_kind(kind) for kind in spec.channel_types)
        raise WrongArgument(spec.name, given, f"`{spec.name}` must be a {kinds}; <#{thing.id}> is not.")
    return thing


def channel_kind(kind: hikari.ChannelType | int) -> str:
    """Name a kind of channel as people do: `text channel`."""
    try:
        name = hikari.ChannelType(kind).name
    except ValueError:
        return "channel of another kind"
    words = name.removeprefix("GUILD_").replace("_", " ").lower()
    return words if words.endswith(("thread", "category")) else f"{words} channel"
