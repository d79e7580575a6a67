"""One shard that this process holds, or wants: its lease, its connection and what of it is handled, together.

`steward.py` makes one for each shard that it claims or wants, tells it what it reads, and ends it. The connection asks
it as its `ShardLease`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace

from migaga.common import logs
from migaga.common.ending import end_tasks
from migaga.common.errors import CredentialsError, MigagaError, UnavailableError
from migaga.continuity.holding import Beside, Hold, Holding, Step
from migaga.continuity.local import resume_point
from migaga.continuity.poison import STEADY_AFTER, Suspicion
from migaga.continuity.progress import Point
from migaga.fleet.aside import Aside
from migaga.fleet.caution import OneByOne
from migaga.fleet.journaling import Journaling
from migaga.fleet.mute import KeptEvents
from migaga.fleet.parts import Parts, ShardKey
from migaga.fleet.statelog import Track
from migaga.fleet.wanting import Wanting
from migaga.gateway.handling import Running
from migaga.gateway.intake import Intake
from migaga.gateway.privates import Session
from migaga.gateway.received import Received
from migaga.gateway.runner import ShardRunner
from migaga.gateway.shard import FleetShard, ShardLife, ShardState
from migaga.storage.leases_operations import Operation, Outcome
from migaga.storage.leases_rows import InflightRow, ShardRow

_LOG = logging.getLogger(__name__)

AGAIN_AFTER = 0.25
"""Seconds until a write that was not executed is tried again."""

ROWS_AT_ONCE = 500
"""Events whose rows are stored in one transaction: thousands may wait when their session ends."""

MakeStep = Callable[[Holding], Step]


class HeldShard:
    """One shard of this process. Its steward calls `start`, and in the end `drop`."""

    def __init__(self, row: ShardRow, parts: Parts, point: Point | None, *, owned: bool) -> None:
        """Begin with a row that was claimed (`owned`), to be resumed from `point`; or with one that is wanted."""
        self.row = row
        self.parts = parts
        self.holding: Holding | None = Holding(row, parts.clock.now()) if owned else None
        self.intake = Intake(
            row.id,
            parts.router,
            parts.observer,
            alive=parts.member,
            clock=parts.clock,
            on_finished=self._finished,
        )
        self.life = ShardLife(row.id, self.intake, since=parts.clock.now())
        self.live_since: float | None = None
        self.is_gone = False
        """It is neither held nor wanted any more."""
        self.may_be_passed = False
        """It was passed on, and nobody knows whether. When it is lost, that was how: what runs on is stored as such."""
        self._runner: ShardRunner | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writing = asyncio.Lock()
        self._stored: Point | None = None
        self._aside = Aside(row.key, parts)
        self.intake.on_fault = self._aside.quarantine
        self.intake.on_begun = self._begun
        self._had_session = bool(row.session_id)
        self._is_connected = self._ignores_session = False
        self._wanting = Wanting(row, parts)
        self._track: Track | None = None
        self._journaling: Journaling | None = None
        self._has_said_journaling = self._has_said_steady = False
        self.kept: KeptEvents | None = None
        """Of a generation that is not cut in: what may not be handled yet."""
        if owned:
            self._begin_at(point)

    # ---- what it is

    @property
    def key(self) -> ShardKey:
        """Generation and shard id."""
        return self.row.key

    @property
    def connection(self) -> FleetShard | None:
        """Its present connection."""
        return None if self._runner is None else self._runner.connection

    @property
    def is_wanted(self) -> bool:
        """Whether it is somebody else's still."""
        return self.holding is None

    @property
    def state(self) -> Hold | None:
        """How far it is held; None while it is only wanted."""
        return None if self.holding is None else self.holding.state

    @property
    def is_live(self) -> bool:
        """Whether its events are handled here."""
        return self.holding is not None and self.holding.may_handle

    @property
    def steady_since(self) -> float | None:
        """Since when it is handled here over one connection without a break; None when it is not."""
        if self.live_since is None or not self.is_live or self.life.state is not ShardState.LIVE:
            return None
        return max(self.live_since, self.life.since)

    # ---- from its steward

    def start(self) -> None:
        """Open its connection: RESUME what is stored, else IDENTIFY in turn."""
        session = self._runner.session if self._runner is not None else None
        if session is None and self.row.session_id and not self._ignores_session:
            seq = self.intake.point().seq if self.holding is not None else self.row.seq
            session = Session(self.row.session_id, self.row.resume_url, seq)
        if session is not None:
            logs.protect(session.session_id)
        self.spawn(self._run(session), "connection")

    def _spawn_once(self, work: Callable[[], Coroutine[object, object, None]], what: str) -> None:
        """Run something that must not run twice at a time."""
        if not any(task.get_name() == f"{what} of shard {self.key[1]}" for task in self._tasks):
            self.spawn(work(), what)

    def spawn(self, work: Coroutine[object, object, None], what: str) -> asyncio.Task[None]:
        """Run something that ends with this shard."""
        task = asyncio.create_task(work, name=f"{what} of shard {self.key[1]}")
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def give_up_want(self) -> None:
        """Want it no longer. Who has said so already may have got it in this moment: then it is held."""
        has_never_said_so = self._wanting.give_up()
        self.is_gone = has_never_said_so and self.holding is None

    def see(self, row: ShardRow | None, asked_at: float) -> None:
        """Take a reading of its row."""
        if self.holding is not None:
            self.holding.see(row, asked_at)
            if row is not None and row.token == self.holding.token:
                self.row = row

    async def look(self) -> None:
        """Read its row."""
        asked_at = self.parts.clock.now()
        try:
            self.see(await self.parts.store.shard(*self.key), asked_at)
        except UnavailableError as error:
            _LOG.debug("shard %d: %s", self.key[1], error)
            await self.parts.clock.sleep(AGAIN_AFTER)

    async def write(self, make: MakeStep) -> Outcome:
        """Write a step that is made when its turn comes: the holding may change while others are written.

        What belongs beside it is collected in `make` too: an event that ends later must find its row.
        """
        holding = self.holding
        if holding is None:
            return Outcome.FAILED
        async with self._writing:
            step = make(holding)
            outcome = await self.parts.store.execute(step.operation)
            holding.settled(step, outcome, self.parts.clock.now())
        return outcome

    async def retake(self) -> None:
        """Take the row anew after a doubt, and connect again: from where this process is, or from the row."""
        await self.leave_connection()
        self.intake.shut()
        if await self.write(lambda holding: holding.retake(self.parts.new_token())) is not Outcome.DONE:
            return
        await self.look()
        if self.holding is None or self.holding.state is not Hold.CLAIMED:
            return
        self.may_be_passed = False
        _LOG.info("shard %d is taken back", self.key[1])
        if self.row.session_id != self.intake.progress.session_id:
            self._runner = None
            self._begin_at(resume_point(self.row, None))
        self.start()

    def has_to_flush(self) -> bool:
        """Put aside what has run for long; tell whether what has to be stored has changed since."""
        if not (self.is_live or self.state is Hold.WARM) or not self.intake.progress.session_id:
            return False
        now = self.parts.clock.now()
        for running in self.intake.overdue(now):
            self.set_aside(running)
        if self._journaling_to_say is not None or self._is_newly_steady(now):
            return True
        return self.intake.point() != self._stored or bool(self.beside().rows)

    async def flush(self) -> bool:
        """Store how far it is, if that has changed. False when the database did not take it."""
        if not self.has_to_flush():
            return True
        journaling, steady = self._journaling_to_say, self._is_newly_steady(self.parts.clock.now())
        point, beside = self.intake.point(), self.beside()

        def flush(holding: Holding) -> Step:
            nonlocal point, beside
            point, beside = self.intake.point(), self.beside()
            return holding.flush(point, beside, journaled=journaling, steady=steady)

        outcome = await self.write(flush)
        if outcome is Outcome.DONE:
            self._has_said_journaling = self._has_said_journaling or journaling is not None
            self._has_said_steady = self._has_said_steady or steady
            self.stored(point, beside)
        elif outcome is Outcome.REFUSED:
            await self.look()
        return outcome is Outcome.DONE

    @property
    def _journaling_to_say(self) -> int | None:
        return None if self._has_said_journaling or self._journaling is None else self._journaling.n

    def _is_newly_steady(self, now: float) -> bool:
        return not self._has_said_steady and self.live_since is not None and now - self.live_since >= STEADY_AFTER

    @property
    def has_ended_aside(self) -> bool:
        """Whether rows of events are to be deleted, because their handlers have ended."""
        return self._aside.has_ended

    async def forget_ended(self) -> bool:
        """Delete the rows of events whose handlers have ended. False when the database did not take it."""
        return await self._aside.forget_ended(self._execute)

    async def _execute(self, operation: Operation) -> Outcome:
        async with self._writing:  # Not before a write that may still insert the row.
            return await self.parts.store.execute(operation)

    def rows_may_be_forgotten(self) -> None:
        """Store the rows of running events again: a failover may have forgotten them."""
        self._aside.store_again()

    # ---- what has to be stored

    def set_aside(self, running: Running) -> None:
        """Let the watermark pass an event that runs on; its row is stored beside the watermark."""
        self.intake.pass_over(running)
        self._aside.add(running)

    def keep_row(self, running: Running, row: InflightRow) -> None:
        """Delete the row of an event when its handlers have ended."""
        self._aside.keep(running, row)

    def beside(self) -> Beside:
        """Return what has to be stored with the watermark."""
        journal = () if self._journaling is None else self._journaling.unstored
        return Beside(aside=self._aside.unstored, journal=journal)

    def last_beside(self) -> Beside:
        """Return what has to be stored when it is drained."""
        journal = () if self._journaling is None else self._journaling.last(self.parts.clock.now())
        return Beside(aside=self._aside.unstored, journal=journal)

    def journal_for(self, n: int) -> None:
        """Journal what is finished from now on for generation `n`; 0: stop."""
        if n == (0 if self._journaling is None else self._journaling.n):
            return
        self._journaling = Journaling(n, self.key, self.parts.member.id) if n else None
        self._has_said_journaling = False
        self.intake.on_passed = self._journaling.passed if self._journaling is not None else None

    def keep_until_cut(self, kept: KeptEvents) -> None:
        """Handle nothing of it until the old shards of its guilds are drained."""
        self.kept = self.intake.mute = kept
        # Nobody knows which guilds a session still lacks whose READY another process had.
        self._ignores_session = kept.missing is None

    def unmute(self, events: Sequence[Received], handled: Sequence[Received]) -> None:
        """Handle events that were kept; those `handled` elsewhere are finished."""
        self._aside.wait(event for event in events if self.intake.is_late(event))
        self.intake.unmute(events, handled)

    def cut(self) -> None:
        """Begin to handle, guild by guild: the generation is being cut in."""
        if self.state is Hold.WARM or (self.state is Hold.CLAIMED and self._is_connected):
            self._spawn_once(self._go_live, "going live")

    def stored(self, point: Point, beside: Beside) -> None:
        """Note that this much is in the database."""
        self._stored = point
        if self._journaling is not None:
            self._journaling.stored(beside.journal)
        self._aside.stored(beside.aside)
        if self._track is not None:
            self._track.flushed(point)

    # ---- its end

    async def leave_connection(self) -> None:
        """Close the connection so that the session can be resumed."""
        if self._runner is not None:
            await self._runner.leave()

    async def drop(self, *, keep_local: bool = False) -> None:
        """Let go of everything at once: it is somebody else's, or this life is over. Handlers are cancelled.

        `keep_local`: what has finished is of use to whoever claims it next on this machine.
        """
        self.is_gone = True
        if not keep_local:
            self.forget_local()
        await self.end_tasks()
        await self.leave_connection()
        await self.intake.close()

    def forget_local(self) -> None:
        """Note in the local file that the shard is somebody else's."""
        if self._track is not None:
            self._track.let_go()
            self._track = None

    async def end_tasks(self) -> None:
        """End what was spawned."""
        tasks = self._tasks - {asyncio.current_task()}
        await end_tasks(*tasks)

    def pause(self) -> None:
        """Take no further event from the connection."""
        if self._runner is not None:
            self._runner.pause()

    # ---- ShardLease: from its connection

    @property
    def is_recovery(self) -> bool:
        """Whether the shard had a session in this generation before."""
        return self._had_session

    async def until_connectable(self) -> None:
        """Return when a connection may be opened."""
        while True:
            await self.parts.member.until_valid()
            await self.parts.breaker.until_closed()
            if self.holding is None or self.holding.may_connect:
                return
            await self.parts.clock.sleep(AGAIN_AFTER)

    async def session(self, current: Session) -> Session | None:
        """Return what to RESUME; a taker waits until the shard is its own."""
        if self.holding is None:
            mine = await self._wanting.until_mine()
            if mine is None:
                self.is_gone = True
                return None
            self._own(*mine)
            point = self.intake.point()
            current = Session(self.row.session_id, self.row.resume_url, point.seq)
        await self.parts.member.until_valid()
        if self.kept is not None:
            self.kept.replays()
        return current if self.holding is not None and self.holding.may_connect else None

    async def began(self, session: Session) -> None:
        """Store a session that READY has begun, with what still runs, or waits, of the one before."""
        for running in self.intake.unfinished():
            self.set_aside(running)
        self._aside.wait(self.intake.waiting)
        while self._aside.unstored_count > ROWS_AT_ONCE:
            await self._store_some_aside()
        beside = Beside()

        def start(holding: Holding) -> Step:
            nonlocal beside
            beside = self.beside()
            return holding.start_session(session.session_id, session.resume_url, session.seq, beside)

        await self._until_done(start)
        self.row = replace(self.row, session_id=session.session_id, resume_url=session.resume_url, seq=session.seq)
        self._had_session = True
        self.intake.begin_session(session.session_id, session.seq, ready=True)
        self.stored(self.intake.point(), beside)
        self._note_local()
        self._connected()

    def may_connect(self) -> bool:
        """Whether the life is valid and the shard held."""
        return self.parts.member.is_valid() and self.holding is not None and self.holding.may_connect

    def resumed(self) -> None:
        """Handle what comes, once the row says that this process does."""
        self._connected()

    def stored_seq(self, session_id: str | None) -> int | None:
        """Return the stored watermark of a session."""
        stored = self._stored
        return stored.seq if stored is not None and stored.session_id == session_id else None

    # ---- inside

    def _begun(self, event: Received, running: Running | None) -> None:
        if self._aside.began(event, running) and running is not None:
            self.intake.pass_over(running)

    async def _store_some_aside(self) -> None:
        some = Beside()

        def keep(holding: Holding) -> Step:
            nonlocal some
            some = Beside(aside=self._aside.first_unstored(ROWS_AT_ONCE))
            return holding.keep_beside(some)

        await self._until_done(keep)
        self._aside.stored(some.aside)

    async def _until_done(self, make: MakeStep) -> None:
        while (outcome := await self.write(make)) is not Outcome.DONE:
            await (self.look() if outcome is Outcome.REFUSED else self.parts.clock.sleep(AGAIN_AFTER))
            await self.parts.member.until_valid()

    def _begin_at(self, point: Point | None) -> None:
        self._stored = None
        if point is not None:
            self.intake.begin_session(point.session_id, point.seq, point.done)
            self._stored = Point(point.session_id, self.row.seq, frozenset())

    def _own(self, row: ShardRow, since: float) -> None:
        """Begin to hold what was passed to this process."""
        self.row, self.holding = row, Holding(row, since)
        self._begin_at(resume_point(row, None))

    def _connected(self) -> None:
        self._is_connected = True
        if self.state is Hold.CLAIMED:
            if self.kept is None:
                self._spawn_once(self._go_live, "going live")
            else:
                self._spawn_once(self._warm_up, "warming")

    async def _warm_up(self) -> None:
        """Say that all guilds have come, when they have."""
        while self.state is Hold.CLAIMED and self.kept is not None:
            if self.kept.missing == 0:
                if await self.write(Holding.warm) is Outcome.REFUSED:
                    await self.look()
            else:
                await self.parts.clock.sleep(AGAIN_AFTER)

    async def _go_live(self) -> None:
        """Say in the row that this process handles the shard; then do."""
        while self.holding is not None and not self.holding.may_handle:
            if self.holding.state in {Hold.CLAIMED, Hold.WARM}:
                outcome = await self.write(Holding.go_live)
                if outcome in {Outcome.DONE, Outcome.REFUSED}:
                    continue
            elif self.holding.state in {Hold.LOST, Hold.TO_RETAKE, Hold.PASSING}:
                return
            else:
                await self.look()
                continue
            await self.parts.clock.sleep(AGAIN_AFTER)
        self.live_since = self.parts.clock.now()
        self._has_said_steady = False
        self._note_local()
        self.intake.open(self._caution())

    def _caution(self) -> OneByOne | None:
        suspicion = Suspicion(self.row)
        if not suspicion.is_on:
            return None
        return OneByOne(self.key, suspicion, self.parts, self.write, self.intake.point)

    def _note_local(self) -> None:
        holding, progress = self.holding, self.intake.progress
        if self.parts.local is not None and holding is not None and progress.session_id:
            self._track = self.parts.local.hold(self.key, holding.token, self.intake.point())

    def _finished(self, seq: int) -> None:
        if self._track is not None:
            self._track.finished(seq)

    async def _run(self, session: Session | None) -> None:
        """Keep a connection until the shard is left. A refused token ends it until there is a good one."""
        while True:
            self._runner = runner = ShardRunner(self.life, self.parts.shared(self.key[0]), self, session)
            try:
                await runner.run()
            except CredentialsError as error:
                await self.parts.breaker.refused(str(error))
            except MigagaError as error:
                self.parts.fail(error)
                return
            else:
                return
            session = runner.session

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("%s ended by an error", task.get_name(), exc_info=error)
