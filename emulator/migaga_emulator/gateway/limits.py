"""Limits that decide by the time they are given: the IDENTIFY budget, its buckets, and counts in a window.

Synchronous and without a clock: every call takes `now`, seconds of any clock that never goes back.
"""

from __future__ import annotations

from enum import Enum


class Verdict(Enum):
    """What an IDENTIFY gets."""

    ACCEPTED = "accepted"
    EARLY = "early"
    """Its bucket was used less than five seconds ago: op 9 `d: false`."""
    EXHAUSTED = "exhausted"
    """The day's budget is used up: every session ends and the token is reset."""


class WindowCounter:
    """At most `limit` in `period_s`. A window begins with the first count after the last one ended."""

    def __init__(self, limit: int, period_s: float) -> None:
        self.limit = limit
        self.period_s = period_s
        self._begun: float | None = None
        self._used = 0

    def take(self, now: float, n: int = 1) -> bool:
        """Count `n`; False when that is over the limit (they are counted all the same)."""
        self._roll(now)
        if self._begun is None:
            self._begun = now
        self._used += n
        return self._used <= self.limit

    def remaining(self, now: float) -> int:
        """How many are left in this window."""
        self._roll(now)
        return max(0, self.limit - self._used)

    def reset_after(self, now: float) -> float:
        """Seconds until the window ends; 0 when none is running."""
        self._roll(now)
        return 0.0 if self._begun is None else min(self.period_s, max(0.0, self._begun + self.period_s - now))

    def _roll(self, now: float) -> None:
        if self._begun is not None and now >= self._begun + self.period_s:
            self._begun = None
            self._used = 0


class IdentifyBudget:
    """IDENTIFYs of one application: `total` in `window_s`, and one per bucket in `interval_s`.

    The documentation counts "IDENTIFY calls to the websocket", so every call with a right token is counted, also one
    that is answered with op 9. An early one does not start its bucket's five seconds again. Discord says that buckets
    must start in order, but answers nothing when they do not: that is not enforced.
    """

    def __init__(self, *, total: int, window_s: float, max_concurrency: int, interval_s: float) -> None:
        self.max_concurrency = max_concurrency
        self.interval_s = interval_s
        self._window = WindowCounter(total, window_s)
        self._bucket_used: dict[int, float] = {}

    @property
    def total(self) -> int:
        """The budget of one window."""
        return self._window.limit

    def identify(self, shard_id: int, now: float) -> Verdict:
        """Count an IDENTIFY of this shard and say what it gets."""
        if not self._window.take(now):
            return Verdict.EXHAUSTED
        bucket = shard_id % self.max_concurrency
        used = self._bucket_used.get(bucket)
        if used is not None and now - used < self.interval_s:
            return Verdict.EARLY
        self._bucket_used[bucket] = now
        return Verdict.ACCEPTED

    def count(self, now: float) -> Verdict:
        """Count an IDENTIFY that is refused for another reason."""
        return Verdict.ACCEPTED if self._window.take(now) else Verdict.EXHAUSTED

    def spend(self, n: int, now: float) -> None:
        """Use up `n`, as if that many had been sent."""
        self._window.take(now, n)

    def remaining(self, now: float) -> int:
        """IDENTIFYs left in this window."""
        return self._window.remaining(now)

    def reset_after(self, now: float) -> float:
        """Seconds until `remaining` is `total` again; 0 when nothing is used."""
        return self._window.reset_after(now)
