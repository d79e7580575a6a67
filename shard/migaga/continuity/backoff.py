"""How long one shard waits before it may IDENTIFY again (P8): 5 s to 10 min, forgotten after 10 min of life.

It keeps a server that ends every new session from eating the day's budget.
"""

from __future__ import annotations

import math

SHORTEST = 5.0
LONGEST = 600.0


class BackOff:
    """The back-off of one shard. Times are seconds of the own clock."""

    def __init__(self) -> None:
        self._sent_at: float | None = None
        self._failures = 0

    def sent(self, now: float) -> None:
        """Note that an IDENTIFY was sent."""
        self._failures = 0 if self._sent_at is None else self._failures + 1
        self._sent_at = now

    def lived(self, seconds: float) -> None:
        """Note that a session has ended that lived for so long. Waiting for the next try is no life."""
        if seconds >= LONGEST:
            self._sent_at = None

    def ready_at(self, now: float) -> float:
        """Return when the next IDENTIFY may be sent: `now` or later."""
        if self._sent_at is None:
            return now
        pause = LONGEST if self._failures > 7 else min(LONGEST, math.ldexp(SHORTEST, self._failures))
        return max(now, self._sent_at + pause)
