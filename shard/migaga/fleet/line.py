"""The shards of this process that wait to IDENTIFY: one at a time in each bucket. `identify.py` keeps one.

Shards that have lost their session go before those that never had one: their guilds miss events. Otherwise the order
is that of asking, which is also the order in which Discord wants buckets to start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why nobody may IDENTIFY now."""

    reason: str
    seconds: float
    """After which to look again."""
    until: datetime | None = None
    """When the budget is renewed, if that is what is waited for."""


@dataclass(slots=True, eq=False)
class Place:
    """The place of one shard."""

    shard_id: int
    recovery: bool
    number: int
    first: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while it is first in its bucket."""
    has_turn: bool = False
    """It connects: nobody overtakes it any more."""
    obstacle: Obstacle | None = None

    @property
    def rank(self) -> tuple[bool, bool, int]:
        """What the line is ordered by."""
        return not self.has_turn, not self.recovery, self.number


class Line:
    """Everybody who waits, or connects."""

    def __init__(self, bucket_of: Callable[[int], int]) -> None:
        """`bucket_of` says in which bucket a shard is; call `advance` when that changes."""
        self._bucket_of = bucket_of
        self._places: list[Place] = []
        self._next = 0

    def join(self, shard_id: int, *, recovery: bool) -> Place:
        """Take a place at the end."""
        self._next += 1
        place = Place(shard_id, recovery, self._next)
        self._places.append(place)
        self.advance()
        return place

    def leave(self, place: Place) -> None:
        """Give the place up: the next one is first. A place that is not in the line is nothing to give up."""
        if place in self._places:
            self._places.remove(place)
            self.advance()

    def advance(self) -> None:
        """Find out who is first in each bucket."""
        taken: set[int] = set()
        for place in sorted(self._places, key=lambda one: one.rank):
            bucket = self._bucket_of(place.shard_id)
            if bucket in taken:
                place.first.clear()
            else:
                place.first.set()
                taken.add(bucket)

    @property
    def waiting(self) -> int:
        """Return how many wait for their turn."""
        return sum(not place.has_turn for place in self._places)

    @property
    def obstacle(self) -> Obstacle | None:
        """Return what stops the first of those that are stopped."""
        stopped = [place for place in self._places if place.obstacle is not None]
        return min(stopped, key=lambda one: one.rank).obstacle if stopped else None
