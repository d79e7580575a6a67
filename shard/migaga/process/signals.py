"""SIGTERM and SIGINT of a process: installed before the heavy imports, awaited by the composition root.

The first asks for an ordered stop, the second cuts its grace.
"""

from __future__ import annotations

import asyncio
import signal
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopSignals:
    """Counts the signals that ask this process to stop."""

    def __init__(self) -> None:
        self._count = 0
        self._first = asyncio.Event()
        self._second = asyncio.Event()

    def install(self) -> None:
        """Note signals from now on, also while nothing awaits them yet."""
        for number in SIGNALS:
            signal.signal(number, self._early)

    def attach(self) -> None:
        """Hand the signals to the running loop."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self.received)
        self._tell()

    def received(self) -> None:
        """Note one signal."""
        self._count += 1
        self._tell()

    @property
    def asked(self) -> bool:
        """Whether the process was asked to stop."""
        return self._count > 0

    async def first(self) -> None:
        """Wait until the process is asked to stop."""
        await self._first.wait()

    async def second(self) -> None:
        """Wait until it is asked again: what still runs is left."""
        await self._second.wait()

    def _early(self, number: int, frame: FrameType | None) -> None:
        # No loop runs yet, so nobody waits: `attach` tells what was counted here.
        self._count += 1

    def _tell(self) -> None:
        if self._count >= 1:
            self._first.set()
        if self._count >= 2:
            self._second.set()
