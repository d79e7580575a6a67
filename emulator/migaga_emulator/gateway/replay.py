"""What a session keeps for a RESUME. Synchronous; times are given. Used by `session.py`."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """One event in the buffer."""

    seq: int
    at: float
    item: T


class ReplayBuffer(Generic[T]):
    """The last events of a session, bounded in number and age; what the client acknowledged is forgotten."""

    def __init__(self, *, max_events: int, max_age_s: float) -> None:
        self._max_events = max_events
        self._max_age_s = max_age_s
        self._kept: deque[Kept[T]] = deque()
        self._floor = 0

    @property
    def floor(self) -> int:
        """The lowest sequence number a RESUME may name: every event after it is still here."""
        return self._floor

    def __len__(self) -> int:
        return len(self._kept)

    def append(self, seq: int, item: T, now: float) -> None:
        """Keep an event. `seq` must be higher than every one before it."""
        self._kept.append(Kept(seq, now, item))
        while len(self._kept) > self._max_events:
            self._forget_oldest()

    def acknowledge(self, seq: int) -> None:
        """Forget every event up to and including `seq`: a heartbeat named it."""
        while self._kept and self._kept[0].seq <= seq:
            self._forget_oldest()

    def expire(self, now: float) -> None:
        """Forget what is too old."""
        while self._kept and now - self._kept[0].at > self._max_age_s:
            self._forget_oldest()

    def since(self, seq: int, now: float) -> list[Kept[T]] | None:
        """The events after `seq`, in order; None when one of them is no longer kept."""
        self.expire(now)
        if seq < self._floor:
            return None
        return [kept for kept in self._kept if kept.seq > seq]

    def _forget_oldest(self) -> None:
        self._floor = self._kept.popleft().seq
