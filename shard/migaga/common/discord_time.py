"""Discord's time of day, told from what Discord says, because this machine's may be wrong by minutes.

Every moment that Discord names (the time in a snowflake, the `Date` of an answer) had passed when it was heard of, so
it bounds how far the local clock can be ahead; the tightest bound heard lately is taken for the difference. The local
clock is the one that nobody sets, so a corrected time of day changes nothing.
"""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from migaga.common.clock import Clock, MonotonicClock

WINDOW = 300.0
"""Seconds that a bound counts for at least, and twice that at most: clocks drift."""
_EPOCH = 1_420_070_400_000
"""Discord's epoch in Unix milliseconds: the first of January 2015 (reference, "Snowflakes")."""


def time_of(snowflake: int) -> float:
    """Return when an id was made, in Unix seconds."""
    return ((snowflake >> 22) + _EPOCH) / 1_000


class DiscordTime:
    """Tells the age of what Discord made."""

    def __init__(self, clock: Clock | None = None, *, wall: float | None = None) -> None:
        """`wall` is the local time of day now, in Unix seconds; it may be wrong by any amount."""
        self._clock = clock or MonotonicClock()
        self._start = (time.time() if wall is None else wall) - self._clock.now()
        self._bounds: list[float] = []
        """The tightest of this window, and of the one before."""
        self._turns_at = 0.0

    def heard(self, moment: float) -> None:
        """Note a moment that Discord says has come, in Unix seconds."""
        bound = self._local() - moment
        now = self._clock.now()
        if not self._bounds or now >= self._turns_at:
            self._bounds = [bound, *self._bounds[:1]]
            self._turns_at = now + WINDOW
        elif bound < self._bounds[0]:
            self._bounds[0] = bound

    def heard_date(self, header: str | None) -> None:
        """Note the `Date` header of an answer; one that is missing or no date is passed over."""
        if header is None:
            return
        try:
            moment = parsedate_to_datetime(header)
        except ValueError:
            return
        self.heard(moment.timestamp())

    def age_of(self, snowflake: int) -> float:
        """Return how many seconds ago an id was made; never below 0.

        Before Discord has said anything else, the local time of day is believed.
        """
        moment = time_of(snowflake)
        if self._bounds:
            self.heard(moment)
        return max(0.0, self._local() - moment - min(self._bounds, default=0.0))

    def _local(self) -> float:
        return self._start + self._clock.now()
