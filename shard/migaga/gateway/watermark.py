"""The watermark of one session: the last event, in order of receipt, before which everything is finished.

Pure bookkeeping, used by `intake.py`. A session is resumed from here, so it must never pass an unfinished event.
"""

from __future__ import annotations

from collections import deque


class Watermark:
    """Follows the sequence numbers of one session. They only grow, may have gaps, and may be repeated by a replay."""

    def __init__(self, start: int | None = None) -> None:
        """Begin at `start`, the number that the session is resumed from; None for a session that is new."""
        self._value = start
        self._last = start
        self._open: deque[int] = deque()
        self._finished: set[int] = set()

    @property
    def value(self) -> int | None:
        """The watermark: resuming from here brings every event that is not finished."""
        return self._value

    @property
    def last(self) -> int | None:
        """The last number received."""
        return self._last

    @property
    def lag(self) -> int:
        """How many events were received after the watermark."""
        return len(self._open)

    def has_had(self, seq: int) -> bool:
        """Whether an event, or a later one, was received before: it is a repetition."""
        return self._last is not None and seq <= self._last

    def received(self, seq: int) -> bool:
        """Note the receipt of an event. False for a repetition, which changes nothing."""
        if self.has_had(seq):
            return False
        self._last = seq
        self._open.append(seq)
        return True

    def passed(self, seq: int) -> None:
        """Note the receipt of an event that is no repetition and that nobody wants: it is finished at once."""
        if self._open:
            self._open.append(seq)
            self._finished.add(seq)
        else:
            self._value = seq
        self._last = seq

    def finished(self, seq: int) -> None:
        """Note that every handler of an event has ended. A number that is not open changes nothing."""
        waiting = self._open
        if not waiting or seq < waiting[0]:
            return
        if seq != waiting[0]:
            self._finished.add(seq)
            return
        self._value = waiting.popleft()
        while waiting and waiting[0] in self._finished:
            self._value = waiting.popleft()
            self._finished.discard(self._value)
        if self._finished and not waiting:
            self._finished.clear()
