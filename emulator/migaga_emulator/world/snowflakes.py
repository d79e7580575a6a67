"""Makes the ids of everything in the world."""

from __future__ import annotations

from migaga_emulator.world.clock import Clock
from migaga_emulator.world.wire import DISCORD_EPOCH_MS


class Snowflakes:
    """Ids that grow, carry the time they were made at, and never repeat."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last_ms = 0
        self._count = 0

    def next(self) -> int:
        """The next id. After 4,096 ids of one millisecond the following millisecond is used."""
        now = int(self._clock.time() * 1000) - DISCORD_EPOCH_MS
        if now > self._last_ms:
            self._last_ms, self._count = now, 0
        else:
            self._count += 1
            if self._count >= 4096:
                self._last_ms, self._count = self._last_ms + 1, 0
        return (self._last_ms << 22) | self._count


def at(seconds: float) -> int:
    """The smallest snowflake of a moment (seconds since the Unix epoch)."""
    return max(0, int(seconds * 1000) - DISCORD_EPOCH_MS) << 22
