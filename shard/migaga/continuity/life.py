"""Whether this process is alive in the eyes of the others (P1): beats, validity, abandonment.

The runtime beats with it and asks `is_valid` inline before each connect, handler start and call to Discord.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum, auto

from migaga.storage.leases_operations import Add, Outcome, Update

BEAT_EVERY = 2.0
"""Seconds between beats."""
VALID_FOR = 7.0
"""Seconds of validity, from before the last successful beat was sent. `deaths.DEAD_AFTER` is longer."""


class LifeState(Enum):
    """What a process may think of itself."""

    FOLLOWING = auto()
    """Each beat extends its life."""
    UNSURE = auto()
    """A beat got no answer: what it holds has to be read again before a beat extends its life."""
    ABANDONED = auto()
    """Others declared it dead. It must hold nothing and start again under a new id."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A beat that was sent."""

    operation: Update
    sent_at: float


class Life:
    """The life of one process under one id."""

    def __init__(self, process_id: str, joined_at: float) -> None:
        """Begin with the row that was inserted. `joined_at` is the moment before the insert was sent."""
        self.process_id = process_id
        self.state = LifeState.FOLLOWING
        self._valid_until = joined_at + VALID_FOR
        self._last_sent = joined_at
        self._unconfirmed: float | None = None

    def is_valid(self, now: float) -> bool:
        """Whether this process may connect, handle and call at `now`."""
        return self.state is not LifeState.ABANDONED and now < self._valid_until

    def left(self, now: float) -> float:
        """Return the seconds of validity that are left, zero or more."""
        return max(0.0, self._valid_until - now) if self.is_valid(now) else 0.0

    def due_at(self) -> float:
        """Return when the next beat should be sent: never again once it is abandoned, or nobody could follow it."""
        return math.inf if self.state is LifeState.ABANDONED else self._last_sent + BEAT_EVERY

    def beat(self, now: float) -> Beat:
        """Make a beat to be sent at `now`. One at a time."""
        self._last_sent = now
        expect = {"dead": False}
        return Beat(Update("process", {"id": self.process_id}, expect, {"beat": Add(1)}), now)

    def answered(self, beat: Beat, outcome: Outcome) -> None:
        """Take the answer to a beat, however late it comes."""
        if outcome is Outcome.REFUSED:
            self.abandon()
        elif self.state is LifeState.ABANDONED:
            return
        elif outcome is not Outcome.DONE:
            self.state = LifeState.UNSURE
            self._unconfirmed = None
        elif self.state is LifeState.UNSURE:
            self._unconfirmed = beat.sent_at
        else:
            self._extend(beat.sent_at)

    def rows_read(self, asked_at: float) -> None:
        """Note that all rows that this process holds were read and judged, asked for at `asked_at`.

        After an interruption a beat counts only then: a failover may have forgotten claims.
        """
        if self.state is LifeState.UNSURE and self._unconfirmed is not None and asked_at >= self._unconfirmed:
            self.state = LifeState.FOLLOWING
            self._extend(self._unconfirmed)
            self._unconfirmed = None

    def abandon(self) -> None:
        """Give this id up: it was declared dead, or its row is gone."""
        self.state = LifeState.ABANDONED

    def _extend(self, sent_at: float) -> None:
        self._valid_until = max(self._valid_until, sent_at + VALID_FOR)
