"""The emulator's clock in a scenario: it may stand still in the past while the world is made. Called by `stage.py`."""

from __future__ import annotations

import time


class StageClock:
    """The system's clock; while it stands, its wall clock shows what it was set to.

    What is made while it stands has the ids of that time: messages of yesterday.
    """

    def __init__(self) -> None:
        self._standing: float | None = None

    def stand(self, at: float) -> None:
        """Show `at` (seconds since the Unix epoch) until it is set again or runs."""
        self._standing = at

    def run(self) -> None:
        """Show the time of this machine."""
        self._standing = None

    def time(self) -> float:
        """Seconds since the Unix epoch."""
        return time.time() if self._standing is None else self._standing

    def monotonic(self) -> float:
        """Seconds that never go back, and never stand."""
        return time.monotonic()
