"""Parsers of single configuration values: text in, a typed value out, `ValueError` saying what is expected.

`settings.py` names one for each key and puts section, key and line in front of what they say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import urlsplit

from migaga.common.text import did_you_mean

INTENTS: Mapping[str, int] = MappingProxyType(
    {
        "GUILDS": 1 << 0,
        "GUILD_MEMBERS": 1 << 1,
        "GUILD_MODERATION": 1 << 2,
        "GUILD_EXPRESSIONS": 1 << 3,
        "GUILD_INTEGRATIONS": 1 << 4,
        "GUILD_WEBHOOKS": 1 << 5,
        "GUILD_INVITES": 1 << 6,
        "GUILD_VOICE_STATES": 1 << 7,
        "GUILD_PRESENCES": 1 << 8,
        "GUILD_MESSAGES": 1 << 9,
        "GUILD_MESSAGE_REACTIONS": 1 << 10,
        "GUILD_MESSAGE_TYPING": 1 << 11,
        "DIRECT_MESSAGES": 1 << 12,
        "DIRECT_MESSAGE_REACTIONS": 1 << 13,
        "DIRECT_MESSAGE_TYPING": 1 << 14,
        "MESSAGE_CONTENT": 1 << 15,
        "GUILD_SCHEDULED_EVENTS": 1 << 16,
        "AUTO_MODERATION_CONFIGURATION": 1 << 20,
        "AUTO_MODERATION_EXECUTION": 1 << 21,
        "GUILD_MESSAGE_POLLS": 1 << 24,
        "DIRECT_MESSAGE_POLLS": 1 << 25,
    }
)
"""Discord's gateway intents (its documentation: events/gateway, "List of Intents")."""

_SEPARATORS = re.compile(r"[\s,]+")
_LARGEST_SNOWFLAKE = 2**64 - 1


def _shown(value: str) -> str:
    """Quote a wrong value in a complaint; a long one may be a secret in the wrong place and stays hidden."""
    return repr(value) if len(value) <= 40 and value.count(".") < 2 else f"a text of {len(value)} characters"


def words(value: str) -> tuple[str, ...]:
    """Split at spaces, commas and line ends."""
    return tuple(word for word in _SEPARATORS.split(value) if word)


def text(value: str) -> str:
    """Take the text as it is."""
    return value


def snowflake(value: str) -> int:
    """Read one id of Discord."""
    if not (value.isascii() and value.isdigit()) or not 0 < int(value) <= _LARGEST_SNOWFLAKE:
        raise ValueError(f"expected an id of Discord, such as 123456789012345678, not {_shown(value)}")
    return int(value)


def snowflakes(value: str) -> frozenset[int]:
    """Read ids of Discord separated by spaces or commas."""
    return frozenset(snowflake(word) for word in words(value))


def integer(low: int, high: int) -> Callable[[str], int]:
    """Make a parser of whole numbers from `low` to `high`, both included."""

    def parse(value: str) -> int:
        if re.fullmatch(r"[+-]?[0-9]{1,9}", value) is None or not low <= int(value) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}, not {_shown(value)}")
        return int(value)

    return parse


def seconds(low: float, high: float) -> Callable[[str], timedelta]:
    """Make a parser of durations in seconds from `low` to `high`, both included."""

    def parse(value: str) -> timedelta:
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value) is None or not low <= float(value) <= high:
            raise ValueError(f"expected a number of seconds from {low:g} to {high:g}, not {_shown(value)}")
        return timedelta(seconds=float(value))

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Make a parser that takes one of some words, in any case, and answers it as it is written in `choices`."""

    def parse(value: str) -> str:
        for choice in choices:
            if value.casefold() == choice.casefold():
                return choice
        raise ValueError(f"expected one of {', '.join(choices)}, not {_shown(value)}.{did_you_mean(value, choices)}")

    return parse


def prefix(value: str) -> str:
    """Read a command prefix: 1 to 5 characters without spaces."""
    if not 1 <= len(value) <= 5 or any(character.isspace() for character in value):
        raise ValueError(f"expected 1 to 5 characters without spaces, not {_shown(value)}")
    return value


def intents(value: str) -> int:
    """Read names of gateway intents, separated by spaces or commas, as Discord's bit field."""
    bits = 0
    for word in words(value):
        name = word.upper()
        if name not in INTENTS:
            raise ValueError(
                f"expected names of Discord's gateway intents, {_shown(word)} is none.{did_you_mean(word, INTENTS)}"
            )
        bits |= INTENTS[name]
    return bits


def shard_count(value: str) -> int | Literal["recommended"]:
    """Read a number of shards, or `recommended`: as many as Discord recommends at start."""
    if value.casefold() == "recommended":
        return "recommended"
    if re.fullmatch(r"[0-9]{1,5}", value) is None or not 1 <= int(value) <= 16_384:
        raise ValueError(f'expected "recommended" or a whole number from 1 to 16384, not {_shown(value)}')
    return int(value)


def shard_ids(value: str) -> tuple[int, ...]:
    """Read shard ids, such as `0, 2` or `0-3`; each once, in order. `all` is the empty tuple."""
    if value.casefold() == "all":
        return ()
    ids: set[int] = set()
    for word in words(value):
        span = re.fullmatch(r"([0-9]{1,5})(?:-([0-9]{1,5}))?", word)
        if span is None or int(span[2] or span[1]) < int(span[1]):
            raise ValueError(f'expected "all" or shard ids such as 0,2 or 0-3, not {_shown(word)}')
        ids.update(range(int(span[1]), int(span[2] or span[1]) + 1))
    return tuple(sorted(ids))


def http_url(value: str) -> str:
    """Read the address of a web API; a slash at its end is left out."""
    if re.fullmatch(r"https?://[^\s/?#]+[^\s?#]*", value) is None or not _has_place(value):
        raise ValueError(f"expected an address such as https://discord.com/api/v10, not {_shown(value)}")
    return value.rstrip("/")


def _has_place(url: str) -> bool:
    """Whether an address has a host and a port that there can be."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def paths(value: str) -> tuple[Path, ...]:
    """Read folders or files, one a line or separated by commas (names may hold spaces)."""
    return tuple(Path(part.strip()).expanduser() for part in re.split(r"[,\n]", value) if part.strip())


def path(value: str) -> Path:
    """Read one file name."""
    return Path(value).expanduser()


def folder(value: str) -> Path | None:
    """Read one folder name; `none` means that there is none."""
    return None if value.casefold() == "none" else path(value)


def options(value: str) -> Mapping[str, Mapping[str, object]]:
    """Read options of modules, a JSON object: name of a module -> name of an option -> its value."""
    try:
        found = json.loads(value)
    except ValueError as error:
        raise ValueError(f"expected a JSON object, but it is no JSON: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(of, dict) for of in found.values()):
        raise ValueError('expected a JSON object such as {"points": {"daily": 10}}')
    return MappingProxyType({module: MappingProxyType(of) for module, of in found.items()})
