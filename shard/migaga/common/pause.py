"""Whether the bot's operators have paused it: no handler and no task starts, and the connections stay.

`process/mode.py` sets it from a file; the framework asks before it starts anything.
"""

from __future__ import annotations

import asyncio


class Pause:
    """The pause of this process's bot."""

    def __init__(self) -> None:
        self._running = asyncio.Event()
        self._running.set()

    @property
    def is_on(self) -> bool:
        """Whether nothing may start. Cheap: asked inline, for each event."""
        return not self._running.is_set()

    def begin(self) -> None:
        """Let nothing start any more. What runs goes on."""
        self._running.clear()

    def end(self) -> None:
        """Go on, with the next event."""
        self._running.set()

    async def until_over(self) -> None:
        """Return when the bot is not paused."""
        while self.is_on:
            await self._running.wait()
