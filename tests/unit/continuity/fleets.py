"""Short ways to write fleets down."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import TypedDict, Unpack

from migaga.continuity.generations import Generations
from migaga.continuity.view import View
from migaga.storage.leases_operations import Operation, Value
from migaga.storage.leases_rows import (
    BreakerRow,
    BucketRow,
    DayRow,
    GenerationRow,
    Observation,
    ProcessRow,
    ShardPhase,
    ShardRow,
)

G = "2:1:v10"


class ShardFields(TypedDict, total=False):
    session_id: str
    seq: int
    done_set: str | None
    want: str | None
    want_beat: int
    journaled: int


def shard(
    number: int, owner: str | None, state: str = ShardPhase.CLAIMED, token: str = "", **more: Unpack[ShardFields]
) -> ShardRow:
    phase = state if owner else ShardPhase.FREE
    return ShardRow(G, number, owner, token or f"t{number}", state=phase, **more)


def process(name: str, *, revision: int = 1, ready: bool = True, capacity: int = 16, leaving: int = 0) -> ProcessRow:
    return ProcessRow(name, 0, False, ready, revision, capacity, leaving)


def view(
    me: str,
    processes: Sequence[ProcessRow],
    shards: Sequence[ShardRow],
    generations: Sequence[GenerationRow] = (GenerationRow(1, G, 2, 1, 10, "LIVE"),),
) -> View:
    return View(me, Observation(generations, shards, processes))


def deciding(machine: Generations, seen: View, now: float) -> Operation | None:
    return machine.decide(seen, now, unfinished=0, obstacle=None)


def tokens() -> Callable[[], str]:
    numbers = itertools.count()
    return lambda: f"new{next(numbers)}"


def ops(row: ShardRow | DayRow | BucketRow | BreakerRow | ProcessRow) -> dict[str, Value]:
    """Return a row as what an insert takes."""
    assert fields(row)
    return asdict(row)
