"""Gaps: times in which no connected session covered a guild. Synchronous; times are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from migaga_emulator.ledger.figures import GapTotals


class GapBook:
    """The gaps of one bot. A guild counts from the first time that it is covered."""

    def __init__(self) -> None:
        self._covered: set[int] = set()
        self._open: dict[int, float] = {}
        self._begun: set[float] = set()
        self._longest = 0.0
        self._guild_seconds = 0.0

    def update(self, guild_ids: Iterable[int], covers: Callable[[int], bool], now: float) -> None:
        """Look at guilds whose coverage may have changed."""
        for guild_id in guild_ids:
            if covers(guild_id):
                self._covered.add(guild_id)
                self._close(guild_id, now)
            elif guild_id in self._covered and guild_id not in self._open:
                self._open[guild_id] = now
                self._begun.add(now)

    def forget(self, guild_id: int, now: float) -> None:
        """The bot left this guild."""
        self._close(guild_id, now)
        self._covered.discard(guild_id)

    def totals(self, now: float) -> GapTotals:
        """Counts and lengths, gaps that are still open included."""
        running = [now - begun for begun in self._open.values()]
        return GapTotals(
            len(self._begun), max([self._longest, *running]), self._guild_seconds + sum(running), len(self._open)
        )

    def _close(self, guild_id: int, now: float) -> None:
        begun = self._open.pop(guild_id, None)
        if begun is not None:
            self._longest = max(self._longest, now - begun)
            self._guild_seconds += now - begun
