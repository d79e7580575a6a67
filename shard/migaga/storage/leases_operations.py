"""Writes on the tables of ownership, as data: what is expected, what is changed.

`migaga.continuity` decides them, `leases.py` executes them literally, and so does the model database of the tests.
Knows neither SQLAlchemy nor a clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

Value: TypeAlias = str | int | bytes | bool | None


class Outcome(Enum):
    """What became of an operation."""

    DONE = "done"
    """It is committed."""
    REFUSED = "refused"
    """A row is not as expected; nothing was changed."""
    FAILED = "failed"
    """It was certainly not executed: no connection, a lock time-out, a deadlock."""
    UNKNOWN = "unknown"
    """Nobody can say, and it may still be executed later."""


@dataclass(frozen=True, slots=True)
class Add:
    """A change: the column's value plus a number."""

    amount: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """An expectation: the column's value is this number or lower."""

    limit: int


@dataclass(frozen=True, slots=True)
class Update:
    """Compare and swap one row: `change` it if it is as `expect` says. Column -> value; None means NULL."""

    table: str
    key: Mapping[str, Value]
    expect: Mapping[str, Value | AtMost] = field(repr=False)
    change: Mapping[str, Value | Add] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Insert:
    """Insert a row unless its key is there. Alone it is DONE when inserted, REFUSED when the key was there;
    in `Together` both are fine."""

    table: str
    row: Mapping[str, Value] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete one row if it is as `expect` says."""

    table: str
    key: Mapping[str, Value] = field(repr=False)
    expect: Mapping[str, Value | AtMost] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Together:
    """All in one transaction: every `fences` must find its row, or nothing happens; then the `rows` are inserted."""

    fences: tuple[Update, ...]
    rows: tuple[Insert, ...] = ()


Operation: TypeAlias = Update | Insert | Delete | Together
