"""The intake of one shard: runs the handlers of each event, keeps the watermark, never drops anything.

`FleetEventManager` hands in what the socket brought; the framework's `Router` says what is to run. A bounded number
of events is in flight; beyond it the shard stops reading its socket, so that the pressure goes back to Discord.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

import hikari

from migaga.gateway.observer import Observer
from migaga.gateway.received import Received
from migaga.gateway.watermark import Watermark

_LOG = logging.getLogger(__name__)

IN_FLIGHT_LIMIT = 1_000
"""Events of one shard that may be handled at once."""


class Router(Protocol):
    """Says what is to run for an event. The framework implements it."""

    def route(self, event: Received) -> Callable[[], Awaitable[None]] | None:
        """Return what runs all handlers of `event`, or None when nobody wants it. Synchronous, cheap, never raises."""
        ...


class EventBuilder(Protocol):
    """Builds hikari's objects for an event. `FleetEventManager` is one."""

    def build(self, event: Received) -> Sequence[hikari.Event]:
        """Return the events that hikari makes of a raw one. Raises what hikari raises for a payload it cannot read."""
        ...


class Intake:
    """Events of one shard on their way through the handlers.

    It outlives connections and sessions: a new session begins a new watermark, and a handler that an old session's
    event still occupies cannot move it.
    """

    def __init__(self, shard_id: int, router: Router, observer: Observer, *, limit: int = IN_FLIGHT_LIMIT) -> None:
        self._shard_id = shard_id
        self._router = router
        self._observer = observer
        self._limit = limit
        self._running: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._first = 0
        self.watermark = Watermark()

    @property
    def in_flight(self) -> int:
        """How many events are being handled."""
        return len(self._running)

    @property
    def has_room(self) -> bool:
        """Whether another event may come in."""
        return self._room.is_set()

    @property
    def resume_seq(self) -> int:
        """The number that a RESUME of this session has to name."""
        return self._first if self.watermark.value is None else self.watermark.value

    def begin_session(self, *, start: int | None, first: int) -> None:
        """Count a session that is new (`start` is None, `first` is READY's number) or resumed from `start`."""
        self._first = first
        self.watermark = Watermark(start)

    def receive(self, event: Received) -> None:
        """Take one event. Its handlers start before those of any later event."""
        watermark = self.watermark
        if not watermark.received(event.seq):
            self._observer.event_repeated()
            return
        self._observer.event_received(event.name)
        handlers = self._router.route(event)
        if handlers is None:
            watermark.finished(event.seq)
            return
        self._observer.event_routed(event.name)
        task = asyncio.create_task(
            self._run(event, handlers, watermark), name=f"{event.name} of shard {self._shard_id}"
        )
        self._running.add(task)
        task.add_done_callback(self._ended)
        self._idle.clear()
        if len(self._running) >= self._limit:
            self._room.clear()
        self._tell()

    async def room(self) -> None:
        """Wait until another event may come in."""
        await self._room.wait()

    async def drain(self, grace: timedelta) -> int:
        """Wait for the running handlers for at most `grace`, then cancel them.

        Returns the number cancelled. Their events stay unfinished, so a resumed session brings them again.
        """
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._idle.wait()
        except TimeoutError:
            late = list(self._running)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return len(late)
        return 0

    def abandon(self) -> None:
        """Cancel the running handlers now. Their events stay unfinished."""
        for task in self._running:
            task.cancel()

    async def _run(self, event: Received, handlers: Callable[[], Awaitable[None]], watermark: Watermark) -> None:
        try:
            await handlers()
        except Exception:
            # The framework reports what its handlers raise; this is its own fault, and must not hold the watermark.
            _LOG.exception("handling %s on shard %d failed", event.name, self._shard_id)
        watermark.finished(event.seq)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if len(self._running) < self._limit:
            self._room.set()
        if not self._running:
            self._idle.set()
        self._tell()

    def _tell(self) -> None:
        self._observer.in_flight(self._shard_id, len(self._running))
        self._observer.watermark_lag(self._shard_id, self.watermark.lag)
