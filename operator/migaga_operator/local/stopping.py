"""Ctrl-C and SIGTERM of `migaga up`: the first asks to drain, the second to end. `up_command.py` installs it."""

from __future__ import annotations

import asyncio
import signal

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stops:
    """Counts what asks this process to end."""

    def __init__(self) -> None:
        self._count = 0
        self._first = asyncio.Event()
        self._second = asyncio.Event()

    def install(self) -> None:
        """Take the signals of the running loop."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.ask)

    def ask(self) -> None:
        """Ask once more."""
        self._count += 1
        (self._first if self._count == 1 else self._second).set()

    @property
    def is_urgent(self) -> bool:
        """Whether it was asked more than once."""
        return self._second.is_set()

    async def first(self, seconds: float | None = None) -> None:
        """Wait until it is asked, or for so many seconds."""
        try:
            async with asyncio.timeout(seconds):
                await self._first.wait()
        except TimeoutError:
            # The time that was given is over: that counts as asking.
            self.ask()

    async def second(self) -> None:
        """Wait until it is asked again."""
        await self._second.wait()
