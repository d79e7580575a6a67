"""The wish that a pod ends, and waiting for one of several things. Used by `container.py` and `pod_run.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress


class Stop:
    """A wish to end, with a deadline that can come nearer but never go away."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._nearer = asyncio.Event()
        self._deadline = 0.0

    @property
    def is_begun(self) -> bool:
        """Whether it is wished."""
        return self._begun.is_set()

    @property
    def deadline(self) -> float:
        """The loop's time when what still runs is killed."""
        return self._deadline

    def begin(self, grace: float) -> None:
        """Wish the end within `grace` seconds from now. A second wish can only make it sooner."""
        deadline = asyncio.get_running_loop().time() + grace
        if self.is_begun and deadline >= self._deadline:
            return
        self._deadline = deadline
        self._begun.set()
        self._nearer.set()
        self._nearer = asyncio.Event()

    async def wait(self) -> None:
        """Wait until it is wished."""
        await self._begun.wait()

    async def until_over(self) -> None:
        """Wait until the deadline has passed."""
        await self._begun.wait()
        loop = asyncio.get_running_loop()
        while (left := self._deadline - loop.time()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._nearer.wait()


class Nudge:
    """Wakes everyone who waits for it, each time anew."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def send(self) -> None:
        """Wake those who wait now."""
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self) -> None:
        """Wait for the next one."""
        await self._event.wait()


async def first(*waits: Coroutine[object, object, object], timeout: float | None = None) -> None:
    """Wait until one of these has ended or `timeout` seconds are over; the others are cancelled."""
    tasks = [asyncio.create_task(wait, name="node-wait") for wait in waits]
    try:
        await asyncio.wait(tasks, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
