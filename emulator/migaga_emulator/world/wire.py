"""How values look in Discord's JSON: objects, snowflakes, timestamps. Used by all that makes payloads."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TypeAlias

JsonObject: TypeAlias = dict[str, object]
"""A JSON object as it goes over the wire."""

DISCORD_EPOCH_MS = 1_420_070_400_000
"""First millisecond of 2015, from which snowflakes count."""


def timestamp(seconds: float) -> str:
    """ISO 8601 in UTC with microseconds, as Discord writes it. `seconds` since the Unix epoch."""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat(timespec="microseconds")


def optional_timestamp(seconds: float | None) -> str | None:
    """The same, or None."""
    return None if seconds is None else timestamp(seconds)


def parse_timestamp(text: str) -> float:
    """Seconds since the Unix epoch of an ISO 8601 time; without a zone it is UTC. ValueError when it is none."""
    moment = datetime.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)).timestamp()


def optional_id(value: int | None) -> str | None:
    """A snowflake as text, or None."""
    return None if value is None else str(value)


def created_at(snowflake: int) -> float:
    """Seconds since the Unix epoch at which a snowflake was made."""
    return ((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000


def json_object(value: object) -> JsonObject:
    """`value` when it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def json_list(value: object) -> list[object]:
    """`value` when it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def objects(value: object) -> list[JsonObject]:
    """The objects of an array; an empty list when it is none."""
    return [item for item in json_list(value) if isinstance(item, dict)]


def text_of(source: Mapping[str, object], key: str) -> str:
    """The text under `key`, or an empty one."""
    value = source.get(key)
    return value if isinstance(value, str) else ""


def int_of(source: Mapping[str, object], key: str, default: int = 0) -> int:
    """The whole number under `key` (a snowflake may be text), or `default`."""
    value = source.get(key)
    if isinstance(value, int):
        return int(value)
    return int(value) if isinstance(value, str) and value.isdecimal() else default
