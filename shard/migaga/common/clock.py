"""Time as the deciding code sees it: a clock and a sleep that tests can replace."""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

_BOOTTIME: int | None = getattr(time, "CLOCK_BOOTTIME", None)


class Clock(Protocol):
    """A clock that only goes forward, and a way to wait by it."""

    def now(self) -> float:
        """Return seconds since some fixed moment. Only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds`; zero or less lets other tasks run once."""
        ...


class MonotonicClock:
    """The machine's clock that also counts the time it was suspended, where there is one (CLOCK_BOOTTIME)."""

    def now(self) -> float:
        """Return seconds since boot, suspension included."""
        return time.monotonic() if _BOOTTIME is None else time.clock_gettime(_BOOTTIME)

    async def sleep(self, seconds: float) -> None:
        """Wait for `seconds` of the event loop's clock."""
        await asyncio.sleep(max(0.0, seconds))
