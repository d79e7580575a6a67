"""How far the events of one session are handled (P5): the watermark, and what is finished or put aside above it.

The intake of a shard tells it what was received, finished and stored aside; the flush stores `point`.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

AFTER_SECONDS = 5.0
"""A handler that runs for longer is put aside."""
LONGEST_LAG = 1_000
"""With more events behind the watermark the oldest are put aside."""


@dataclass(frozen=True, slots=True)
class Point:
    """How far a session is: what a flush stores."""

    session_id: str = field(repr=False)
    seq: int
    done: frozenset[int]
    """Finished numbers above `seq`."""


class Progress:
    """Follows the sequence numbers of one session. They only grow, may have gaps, and may be repeated by a replay."""

    def __init__(self, session_id: str, seq: int, done: Iterable[int] = ()) -> None:
        """Begin at `seq`, from which the session is resumed, with what is `done` above it. READY is `seq` 1."""
        self._session_id = session_id
        self._seq = seq
        self._last = seq
        self._order: deque[int] = deque()
        self._since: dict[int, float] = {}
        self._done = set(done)
        self._skip = frozenset(self._done)

    @property
    def session_id(self) -> str:
        """The session that is counted; empty before the first one."""
        return self._session_id

    @property
    def seq(self) -> int:
        """The last number, in order of receipt, with all before it finished, aside or quarantined."""
        return self._seq

    @property
    def lag(self) -> int:
        """How many events were received after the watermark."""
        return len(self._order)

    @property
    def running(self) -> tuple[int, ...]:
        """The numbers that hold the watermark or would, oldest first."""
        return tuple(seq for seq in self._order if seq not in self._done)

    def has_had(self, seq: int) -> bool:
        """Whether an event, or a later one, was received before: it is a repetition."""
        return seq <= self._last

    def is_skipped(self, seq: int) -> bool:
        """Whether an event was finished before the session was resumed."""
        return seq in self._skip

    def is_done(self, seq: int) -> bool:
        """Whether an event is finished, aside or quarantined."""
        return seq <= self._seq or seq in self._done

    def passed(self, seq: int) -> None:
        """Note the receipt of an event that is no repetition and needs no handling: it is finished at once."""
        self._last = seq
        if self._order:
            self._order.append(seq)
            self._since[seq] = 0.0
            self._done.add(seq)
        else:
            self._seq = seq
            self._done.discard(seq)

    def received(self, seq: int, now: float, *, waits: bool = False) -> bool:
        """Note the receipt of an event; tell whether it has to be handled. False for what was had, or is done.

        `waits`: it is not begun yet. Until `begun` it neither runs for long nor holds anything up.
        """
        if seq <= self._last:
            return False
        self._last = seq
        self._order.append(seq)
        self._since[seq] = math.inf if waits else now
        if seq in self._skip:
            self._advance()
            return False
        return True

    def begun(self, seq: int, now: float) -> None:
        """Note that the handlers of an event that waited begin."""
        if self._since.get(seq) == math.inf:
            self._since[seq] = now

    def finished(self, seq: int) -> None:
        """Note that every handler of an event has ended, or that it is stored aside or quarantined."""
        if seq in self._since:
            self._done.add(seq)
            self._advance()

    def to_put_aside(self, now: float) -> list[int]:
        """Return the running events that should become rows, oldest first.

        Those that run for too long, and the oldest while the watermark lags too far behind.
        """
        surplus = sum(since != math.inf for since in self._since.values()) - LONGEST_LAG
        return [
            seq
            for position, seq in enumerate(self._order)
            if seq not in self._done and (now - self._since[seq] > AFTER_SECONDS or position < surplus)
        ]

    def point(self) -> Point:
        """Return what is to be stored now."""
        return Point(self._session_id, self._seq, frozenset(seq for seq in self._done if seq > self._seq))

    def _advance(self) -> None:
        while self._order and self._order[0] in self._done:
            self._seq = self._order.popleft()
            self._done.discard(self._seq)
            del self._since[self._seq]
