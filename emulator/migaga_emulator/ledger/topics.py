"""Waiting without polling: who waits for a topic is woken when something was said about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Topics:
    """Topics and who waits for them."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def tell(self, topic: str) -> None:
        """Something changed: everybody who waits for this topic looks again."""
        for event in self._waiting.get(topic, ()):
            event.set()

    async def until(self, topic: str, holds: Callable[[], bool], timeout: float) -> bool:
        """Wait until `holds()` is true; looks now and whenever the topic is told. False after `timeout` seconds."""
        event = asyncio.Event()
        self._waiting.setdefault(topic, set()).add(event)
        try:
            async with asyncio.timeout(timeout):
                while not holds():
                    event.clear()
                    await event.wait()
        except TimeoutError:
            return holds()
        finally:
            waiting = self._waiting[topic]
            waiting.discard(event)
            if not waiting:
                del self._waiting[topic]
        return True
