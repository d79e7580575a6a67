"""The intake of one shard: runs the handlers of each event, knows how far the session is, never drops anything.

`FleetEventManager` hands in what the socket brought; the framework's `Router` says what is to run; `fleet/held.py`
opens it when the shard is this process's own, and stores how far it is. What may not be handled yet waits in memory;
beyond a bound the shard stops reading its socket, so that the pressure goes back to Discord.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial

from migaga.common.alive import Alive
from migaga.common.clock import Clock
from migaga.common.ending import end_those_of_modules
from migaga.continuity.progress import Point, Progress
from migaga.gateway.apologies import Apologies
from migaga.gateway.handling import AgainError, Caution, Handlers, Mute, Router, Running
from migaga.gateway.observer import Observer
from migaga.gateway.received import Received

_LOG = logging.getLogger(__name__)

IN_FLIGHT_LIMIT = 1_000
"""Events of one shard that may be handled at once."""
ASIDE_LIMIT = 10_000
"""Events put aside beyond which another one keeps its place among those in flight: memory is bounded."""
HELD_LIMIT = 10_000
"""Events that wait in memory while the shard may not handle, beyond which its socket is not read."""
YIELD_EVERY = 20
"""Events that waited and are begun before other tasks get a turn."""
LOOK_EVERY = 0.25
"""Seconds after which more of a backlog may be begun."""
ALONE_FOR = 0.05
"""Seconds for which a suspected event is handled alone. One that ends its process does so soon."""
AGAIN_AFTER = (0.25, 2.0)
"""Seconds until handlers that missed the database run again: at first, at most."""
BACKLOG_AT_ONCE = 16
"""Events that have waited which are handled at once at first, and how many more each second: people who ask for
something now need the processor and connections to the database, too."""
BACKLOG = 200
"""Waiting events that are many enough to slow others down."""
LATE = 0.05
"""Seconds by which the event loop may be late before what has waited waits a little longer."""


class Intake:
    """Events of one shard on their way through the handlers.

    It outlives connections and sessions: a new session begins a new progress, and a handler that an old session's
    event still occupies cannot move it.
    """

    def __init__(
        self,
        shard_id: int,
        router: Router,
        observer: Observer,
        *,
        alive: Alive,
        clock: Clock,
        on_finished: Callable[[int], None] = lambda seq: None,
        limit: int = IN_FLIGHT_LIMIT,
        aside_limit: int = ASIDE_LIMIT,
    ) -> None:
        """Take what it works with.

        Args:
            shard_id: For logs and counts.
            router: What is to run.
            observer: Who counts.
            alive: Whether handlers may start now.
            clock: Own time.
            on_finished: Told the number of each event of the session that has been handled, at once.
            limit: Events in flight.
            aside_limit: Events put aside because they wait for people.
        """
        self._shard_id = shard_id
        self._router = router
        self._observer = observer
        self._alive = alive
        self._clock = clock
        self._on_finished = on_finished
        self._limit = limit
        self._aside_limit = aside_limit
        self._running: dict[Received, Running] = {}
        self._aside: set[Running] = set()
        self._waiting: deque[Received] = deque()
        self._awaited: dict[Received, None] = {}
        """Those of them whose answer a person waits for, who was not told that there will be none; in order."""
        self._apologies = Apologies(shard_id, router, alive)
        self._opened = asyncio.Event()
        self.heard: Callable[[str, Mapping[str, object]], None] | None = None
        """Told of each event that comes, with its payload: is this shard silent?"""
        self.mute: Mute | None = None
        self.on_passed: Callable[[Received, float], None] | None = None
        """Told of each event, and when it was begun, that the watermark may pass: the journal."""
        self.on_fault: Callable[[Running], None] = lambda running: None
        """Told of each event whose handlers could not be run for a reason of our own, to keep it."""
        self.on_begun: Callable[[Received, Running | None], None] = lambda event, running: None
        """Told of each event that has waited and begins now, with what runs it; None: nobody wants it."""
        self._caution: Caution | None = None
        self._pump: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        self._room.set()
        self._below = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._first = 0
        self.progress = Progress("", 0)
        observer.intake(shard_id, in_flight=lambda: self.in_flight, lag=lambda: self.progress.lag)

    @property
    def in_flight(self) -> int:
        """How many events are being handled or wait for it, without those that were put aside."""
        return len(self._running) + len(self._waiting)

    @property
    def put_aside(self) -> int:
        """How many events were put aside while their handlers go on."""
        return len(self._aside)

    @property
    def has_room(self) -> bool:
        """Whether another event may come in."""
        if not self._opened.is_set():
            return True  # RESUMED comes behind all that is replayed, which Discord bounds.
        if not self._alive.is_valid():
            return len(self._waiting) < HELD_LIMIT
        return self._room.is_set()

    def begin_session(self, session_id: str, seq: int, done: Collection[int] = (), *, ready: bool = False) -> None:
        """Count a session from `seq` on, with what is `done` above it.

        What waits of an older one goes on waiting, before all that the new one brings: Discord has it no more. What
        waits of the same session comes again. With `ready` it has just begun: `seq` is READY's own number, which is
        still to be handled.
        """
        self._waiting = deque(event for event in self.waiting if event.session_id != session_id)
        self._awaited = {event: None for event in self._waiting if event in self._awaited}
        if session_id != self.progress.session_id:
            self._caution = None  # It was about numbers of the session before.
        self._first = seq
        self.progress = Progress(session_id, seq - 1 if ready else seq, done)
        self._changed()

    def open(self, caution: Caution | None = None) -> None:
        """Handle from now on; what waits first. With `caution` what waits is handled one after the other."""
        self._caution = caution if self._waiting else None
        self._opened.set()
        self._keep_pumping()

    def shut(self) -> None:
        """Begin nothing more until `open`. What runs goes on."""
        self._opened.clear()

    def receive(self, event: Received) -> None:
        """Take one event. Its handlers start before those of any later event."""
        progress = self.progress
        if progress.has_had(event.seq):
            self._observer.event_repeated()
            return
        self._observer.event_received(event.name)
        if self.heard is not None:
            self.heard(event.name, event.payload)
        if self.mute is not None and self.mute.keeps(event, self._clock.now()):
            progress.received(event.seq, self._clock.now(), waits=True)
            return
        if self._must_wait(event):
            self._hold(event)
            return
        if progress.is_skipped(event.seq):
            progress.passed(event.seq)
            return
        handlers = self._router.route(event)
        if handlers is None:
            progress.passed(event.seq)
            return
        progress.received(event.seq, self._clock.now())
        self._begin(event, handlers)

    def _must_wait(self, event: Received) -> bool:
        """Whether an event may not begin now. Somebody who waits for an answer does not wait behind a backlog."""
        if not self._opened.is_set() or not self._alive.is_valid():
            return True
        has_backlog = bool(self._waiting) or self._pump is not None
        return has_backlog and (self._caution is not None or not _is_awaited(event))

    def unmute(self, events: Sequence[Received], handled: Iterable[Received]) -> None:
        """Handle events that were kept, first what people wait for; those `handled` elsewhere are finished."""
        for event in handled:
            if not self.is_late(event):
                self.progress.finished(event.seq)
        self._waiting.extend(events)
        self._awaited |= {event: None for event in events if _is_awaited(event)}
        self._begin_awaited()
        self._changed()
        if self._opened.is_set():
            self._keep_pumping()

    def run_left(self, event: Received) -> Running | None:
        """Run an event that a dead owner had put aside; None when nobody wants it. It is not part of the session."""
        handlers = self._router.route(event)
        return None if handlers is None else self._begin(event, handlers)

    @property
    def waiting(self) -> Sequence[Received]:
        """What has not begun and is not done, in order."""
        return tuple(event for event in self._waiting if not self._is_done(event))

    def is_late(self, event: Received) -> bool:
        """Whether an event belongs to an older session."""
        return event.session_id != self.progress.session_id

    def begin_late(self) -> None:
        """Begin what waits of older sessions: when this shard is left, nobody else could."""
        if not self._opened.is_set() or not self._alive.is_valid():
            return
        late = [event for event in self._waiting if self.is_late(event)]
        self._waiting = deque(event for event in self._waiting if not self.is_late(event))
        for event in late:
            self._begin_waiting(event)

    async def room(self) -> None:
        """Wait until another event may come in."""
        await self._room.wait()

    # ---- what has to be stored

    def point(self) -> Point:
        """Return how far the session is. No RESUME may name a number below READY's."""
        point = self.progress.point()
        return point if point.seq >= self._first else replace(point, seq=self._first)

    def overdue(self, now: float) -> list[Running]:
        """Return the running events of the session that should become rows: they run for long, or hold up too many."""
        return self._of_session(self.progress.to_put_aside(now))

    def unfinished(self) -> list[Running]:
        """Return the running events of the session that are not finished."""
        return self._of_session(self.progress.running)

    def pass_over(self, running: Running) -> None:
        """Let the watermark pass an event that goes on running and is stored beside it."""
        if not self.is_late(running.event):
            self.progress.finished(running.event.seq)
        self._passed(running)

    def _passed(self, running: Running) -> None:
        if self.on_passed is not None and not running.is_passed:
            running.is_passed = True
            self.on_passed(running.event, running.since)

    def _of_session(self, seqs: Collection[int]) -> list[Running]:
        if not seqs:
            return []
        wanted, session = set(seqs), self.progress.session_id
        found = [one for one in self._running.values() if one.event.session_id == session and one.event.seq in wanted]
        return sorted(found, key=lambda one: one.event.seq)

    # ---- ending

    async def settle(self, seconds: float) -> None:
        """Wait for the running handlers for at most so long. Nothing is cancelled."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._idle.wait()

    async def drain(self, grace: timedelta) -> int:
        """Wait for the running handlers for at most `grace`, then cancel them.

        Returns the number of events that stay unfinished. One that was put aside is not among them.
        """
        await self.settle(grace.total_seconds())
        unfinished = len(self._running)
        await self.close()
        return unfinished

    async def close(self) -> None:
        """Cancel whatever runs, now. Nothing is handled any more."""
        self._closed = True
        self._waiting.clear()
        self._awaited.clear()
        late = [*self._tasks(), *self._apologies.tasks, *([self._pump] if self._pump else [])]
        await end_those_of_modules(*late)

    def abandon(self) -> None:
        """Cancel the running handlers now, without waiting for their ends. Their events stay unfinished."""
        for task in self._tasks():
            task.cancel()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [one.task for one in (*self._running.values(), *self._aside)]

    async def until_idle(self) -> None:
        """Wait until nothing runs."""
        await self._idle.wait()

    # ---- handling

    def _hold(self, event: Received) -> None:
        """Let an event wait; a person who waits for an answer is told at once why there will be none."""
        self.progress.received(event.seq, self._clock.now(), waits=True)
        if self._opened.is_set() and not self._alive.is_valid() and not self.progress.is_done(event.seq):
            self._refuse(event)
        self._waiting.append(event)
        if _is_awaited(event):
            self._awaited[event] = None
        self._changed()
        if self._opened.is_set():
            self._keep_pumping()

    def _refuse(self, event: Received) -> None:
        """See to it that a person who waits for an answer is told in time. What listeners make of it comes later."""
        if _is_awaited(event):
            told = partial(self._awaited.pop, event, None)
            self._apologies.begin(event, lambda: event in self._waiting, told)

    def _keep_pumping(self) -> None:
        if self._pump is None and self._waiting and not self._closed:
            self._pump = asyncio.create_task(self._pump_waiting(), name=f"events that wait on shard {self._shard_id}")
            self._pump.add_done_callback(self._pumped)

    def _pumped(self, task: asyncio.Task[None]) -> None:
        self._pump = None
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("events of shard %d wait longer than they should", self._shard_id, exc_info=error)
        if self._opened.is_set():
            self._keep_pumping()

    async def _pump_waiting(self) -> None:
        """Begin what waits, in order; first what people wait for."""
        count, began = 0, self._clock.now()
        self._begin_awaited()
        while self._waiting and self._opened.is_set():
            if not self._alive.is_valid():
                await self._alive.until_valid()
                self._begin_awaited()
                continue
            if len(self._running) >= self._backlog_limit(self._clock.now() - began):
                await self._until_below()
                continue
            if self._caution is not None:
                await self._cautiously(self._caution)
                continue
            self._begin_waiting(self._waiting.popleft())
            count += 1
            if count % YIELD_EVERY == 0:
                await self._let_others_go_first()
        self._changed()

    def _begin_awaited(self) -> None:
        """Begin the interactions of a backlog: behind the rest of it they would come too late to be answered."""
        if self._caution is not None or not self._opened.is_set() or not self._alive.is_valid():
            return
        awaited, self._awaited = self._awaited, {}
        for event in awaited:
            self._waiting.remove(event)
            self._begin_waiting(event)

    def _backlog_limit(self, seconds: float) -> int:
        return min(self._limit, BACKLOG_AT_ONCE + int(BACKLOG_AT_ONCE * seconds))

    async def _let_others_go_first(self) -> None:
        """Yield; for longer while the event loop is late, because it has too much to do."""
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        for _ in range(20 if len(self._waiting) >= BACKLOG else 0):
            before = loop.time()
            await asyncio.sleep(0.001)
            if loop.time() - before < LATE:
                return

    async def _cautiously(self, caution: Caution) -> None:
        """Handle one event alone for a moment: the next begins when it has ended, or has not ended its process."""
        event = self._waiting[0]
        allowed = self.is_late(event) or self._is_done(event) or await caution.allows(event)
        if (
            not self._opened.is_set()
            or self._caution is not caution
            or not self._waiting
            or self._waiting[0] is not event
        ):
            return  # Shut, or another session, while it was looked at.
        if allowed:
            self._begin_waiting(self._waiting.popleft())
            if (running := self._running.get(event)) and not self._is_done(event):
                await asyncio.wait({running.task}, timeout=ALONE_FOR)
        else:
            self._waiting.popleft()
            self.progress.finished(event.seq)
        if not self._waiting:
            self._caution = None

    def _begin_waiting(self, event: Received) -> None:
        self._awaited.pop(event, None)
        if self._is_done(event):
            return
        handlers = self._router.route(event)
        running = None if handlers is None else self._begin(event, handlers)
        if running is None and not self.is_late(event):
            self.progress.finished(event.seq)
        self.on_begun(event, running)

    def _is_done(self, event: Received) -> bool:
        return not self.is_late(event) and self.progress.is_done(event.seq)

    def _begin(self, event: Received, handlers: Handlers) -> Running:
        self._observer.event_routed(event.name)
        running = Running(event, self._clock.now())
        if event.session_id == self.progress.session_id:
            self.progress.begun(event.seq, running.since)
        running.task = asyncio.create_task(self._run(running, handlers, self.progress), name=event.name)
        self._running[event] = running
        running.task.add_done_callback(partial(self._ended, running))
        self._changed()
        return running

    async def _run(self, running: Running, handlers: Handlers, progress: Progress) -> None:
        event, has_fault = running.event, False
        try:
            await self._until_handled(running, handlers, progress)
        except Exception:
            # The framework reports what its handlers raise; this is its own fault, and must not hold the watermark.
            _LOG.exception("handling %s on shard %d failed", event.name, self._shard_id)
            has_fault = True
            self.on_fault(running)
        if progress.session_id == event.session_id and progress is self.progress:
            progress.finished(event.seq)
            if not has_fault:  # Until its row is stored, a restart in place must not take it for handled.
                self._on_finished(event.seq)
            self._passed(running)

    async def _until_handled(self, running: Running, handlers: Handlers, progress: Progress) -> None:
        """Run the handlers; those that missed the database run again until they have had it."""
        wait, longest = AGAIN_AFTER
        while True:
            try:
                await handlers(partial(self._let_go, running, progress))
            except AgainError:
                await self._clock.sleep(wait)
                await self._alive.until_valid()
                wait = min(2 * wait, longest)
            else:
                return

    def _let_go(self, running: Running, progress: Progress) -> None:
        """Let an event that only waits for people hold nothing up."""
        running.let_go = True
        if progress.session_id == running.event.session_id:
            progress.finished(running.event.seq)
            self._passed(running)
        if running.event in self._running and len(self._aside) < self._aside_limit:
            del self._running[running.event]
            self._aside.add(running)
            self._changed()

    def _ended(self, running: Running, task: asyncio.Task[None]) -> None:
        self._running.pop(running.event, None)
        self._aside.discard(running)
        self._changed()

    async def _until_below(self) -> None:
        """Wait until something has ended, or a moment: more may be begun with time."""
        self._below.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY):
                await self._below.wait()

    def _changed(self) -> None:
        if len(self._running) < self._limit:
            self._below.set()
        if len(self._running) < self._limit and (len(self._waiting) < self._limit):
            self._room.set()
        else:
            self._room.clear()
        if self._running or self._aside:
            self._idle.clear()
        else:
            self._idle.set()


def _is_awaited(event: Received) -> bool:
    """Whether a person waits for the answer, for 3 s at most."""
    return event.name == "INTERACTION_CREATE"
