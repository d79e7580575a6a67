"""Tells people in time that nothing is done for them while the database is away. Made by each `intake.py`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from migaga.common.alive import Alive
from migaga.gateway.handling import AgainError, FaultError, Router
from migaga.gateway.received import Received

_LOG = logging.getLogger(__name__)

REFUSED_AFTER = 1.2
"""Seconds that a person waits for the life to be valid again before they are told that nothing is done."""
AWAY = "The bot cannot reach its database right now, so it did nothing. Please run it again in a moment."


class Apologies:
    """The apologies of one shard that are under way."""

    def __init__(self, shard_id: int, router: Router, alive: Alive) -> None:
        self._shard_id = shard_id
        self._router = router
        self._alive = alive
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def tasks(self) -> frozenset[asyncio.Task[None]]:
        """Those that are under way."""
        return frozenset(self._tasks)

    def begin(self, event: Received, still_waits: Callable[[], bool], told: Callable[[], None]) -> None:
        """Apologize to who waits for the answer to an event, unless it can be handled in time.

        Args:
            event: What they did.
            still_waits: Whether the event has not begun meanwhile.
            told: Called before the person is told.
        """
        task = asyncio.create_task(self._apologize(event, still_waits, told), name=f"refusal of {event.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _apologize(self, event: Received, still_waits: Callable[[], bool], told: Callable[[], None]) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(REFUSED_AFTER):
                await self._alive.until_valid()
                return
        refusal = self._router.refuse(event, AWAY) if still_waits() else None
        if refusal is None:
            return
        told()
        try:
            await refusal(lambda: None)
        except AgainError:
            _LOG.warning("shard %d: a person could not be told that nothing is done for them", self._shard_id)
        except FaultError:
            _LOG.exception("shard %d: a person could not be told that nothing is done for them", self._shard_id)
