"""The intake of one shard: runs the handlers of each event, keeps the watermark, never drops anything.

`FleetEventManager` hands in what the socket brought; the framework's `Router` says what is to run. A bounded number
of events is in flight; beyond it the shard stops reading its socket, so that the pressure goes back to Discord.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Protocol

from migaga.gateway.observer import Observer
from migaga.gateway.received import Received
from migaga.gateway.watermark import Watermark

_LOG = logging.getLogger(__name__)

IN_FLIGHT_LIMIT = 1_000
"""Events of one shard that may be handled at once."""
ASIDE_LIMIT = 10_000
"""Events put aside beyond which another one keeps its place among those in flight: memory is bounded."""

PutAside = Callable[[], None]
"""Called when all that is left of an event waits for people: it no longer counts as unfinished, its handlers go on."""


class AgainError(Exception):
    """Handlers of an event could not work because the database is away: call the same `Handlers` again later."""


class Handlers(Protocol):
    """Runs all handlers of one event."""

    def __call__(self, put_aside: PutAside, /) -> Awaitable[None]:
        """Return when all have ended.

        Raises:
            AgainError: Some have to run again when the database is back. Called again, it runs only those.
        """
        ...


class Router(Protocol):
    """Says what is to run for an event. The framework implements it."""

    def route(self, event: Received) -> Handlers | None:
        """Return what runs all handlers of `event`, or None when nobody wants it. Synchronous, cheap, never raises."""
        ...

    def refuse(self, event: Received, reason: str) -> Handlers | None:
        """Return what tells a person why an interaction will not be run; None when nobody waits for an answer.

        The reason is a sentence for people. Such an event is never routed afterwards. It needs no database.
        """
        ...

    def left(self, has_left: Callable[[int | None], bool]) -> None:
        """Forget the guilds whose shard this process no longer has: their state, and dialogues that are open there.

        Args:
            has_left: Tells whether a guild (None: direct messages) has left.
        """
        ...


class Intake:
    """Events of one shard on their way through the handlers.

    It outlives connections and sessions: a new session begins a new watermark, and a handler that an old session's
    event still occupies cannot move it.
    """

    def __init__(
        self,
        shard_id: int,
        router: Router,
        observer: Observer,
        *,
        limit: int = IN_FLIGHT_LIMIT,
        aside_limit: int = ASIDE_LIMIT,
    ) -> None:
        self._shard_id = shard_id
        self._router = router
        self._observer = observer
        self._limit = limit
        self._aside_limit = aside_limit
        self._running: set[asyncio.Task[None]] = set()
        self._aside: set[asyncio.Task[None]] = set()
        self._room = asyncio.Event()
        self._room.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._first = 0
        self.watermark = Watermark()
        observer.intake(shard_id, in_flight=lambda: self.in_flight, lag=lambda: self.watermark.lag)

    @property
    def in_flight(self) -> int:
        """How many events are being handled, without those that were put aside."""
        return len(self._running)

    @property
    def put_aside(self) -> int:
        """How many events were put aside while their handlers go on."""
        return len(self._aside)

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
        if watermark.has_had(event.seq):
            self._observer.event_repeated()
            return
        self._observer.event_received(event.name)
        handlers = self._router.route(event)
        if handlers is None:
            watermark.passed(event.seq)
            return
        watermark.received(event.seq)
        self._observer.event_routed(event.name)
        task = asyncio.create_task(self._run(event, handlers, watermark), name=event.name)
        running = self._running
        running.add(task)
        task.add_done_callback(self._ended)
        if len(running) == 1:
            self._idle.clear()
        if len(running) >= self._limit:
            self._room.clear()

    async def room(self) -> None:
        """Wait until another event may come in."""
        await self._room.wait()

    async def drain(self, grace: timedelta) -> int:
        """Wait for the running handlers for at most `grace`, then cancel them.

        Returns the number of events that stay unfinished: a resumed session brings them again. One that was put aside
        is not among them, and does not come again.
        """
        try:
            async with asyncio.timeout(grace.total_seconds()):
                await self._idle.wait()
        except TimeoutError:
            unfinished = len(self._running)
            late = [*self._running, *self._aside]
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
            return unfinished
        return 0

    def abandon(self) -> None:
        """Cancel the running handlers now. Their events stay unfinished."""
        for task in (*self._running, *self._aside):
            task.cancel()

    async def _run(self, event: Received, handlers: Handlers, watermark: Watermark) -> None:
        put_aside = partial(self._set_aside, asyncio.current_task(), event.seq, watermark)
        try:
            await handlers(put_aside)
        except Exception:
            # The framework reports what its handlers raise; this is its own fault, and must not hold the watermark.
            _LOG.exception("handling %s on shard %d failed", event.name, self._shard_id)
        watermark.finished(event.seq)

    def _set_aside(self, task: asyncio.Task[None] | None, seq: int, watermark: Watermark) -> None:
        """Let the event of a task hold nothing up."""
        watermark.finished(seq)
        if task in self._running and len(self._aside) < self._aside_limit:
            self._running.discard(task)
            self._aside.add(task)
            self._changed()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._aside.discard(task)
        self._changed()

    def _changed(self) -> None:
        if len(self._running) < self._limit:
            self._room.set()
        if not self._running and not self._aside:
            self._idle.set()
