"""When a shard may connect again. Pure; used by `shard.py`, times are given.

Discord wants a lost shard back at once, and a broken gateway left alone. hikari waits 1 s and more before every new
connection within 30 s of the last one, whatever ended it: a dropped line would keep a shard's events waiting.
"""

from __future__ import annotations

FIRST_WAIT = 0.5
LONGEST_WAIT = 60.0
LIVED = 5.0
"""Seconds after which a connection was a good one: what ended it is no reason to wait."""


class Reconnects:
    """Waits of one shard: none after a connection that lived, 0.5 s to 60 s while connections fail or end young."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._failures = 0

    def wait(self, now: float) -> float:
        """Return the seconds to wait before the next connection is opened."""
        if self._began is None or now - self._began >= LIVED:
            self._failures = 0
            return 0.0
        self._failures += 1
        return float(min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(self._failures - 1, 10)))

    def session_lost(self) -> None:
        """Note that Discord has answered that the session is gone: no fault of the gateway, and every event until the
        next IDENTIFY is lost. That one has a back-off of its own."""
        self._began = None

    def begins(self, now: float) -> None:
        """Note that a connection is opened now."""
        self._began = now
