"""Run modules' tasks when they are due: per process, per shard, or once in the fleet. `runtime.py` starts them.

A run of a fleet's or a shard's task is claimed in the database. Its process may rely on the claim for some seconds;
whatever the run does through its context waits when they are over, and it is cancelled when another process has taken
it. So a run that dies half-way is done again by another process, and two never do it at once: also while a shard moves.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from migaga.common.alive import Alive
from migaga.common.ending import end_tasks, end_those_of_modules
from migaga.common.errors import MigagaError
from migaga.framework.context import TaskContext
from migaga.framework.inject import call, injected
from migaga.framework.living import AnyLife
from migaga.framework.reports import explain, log_error
from migaga.framework.running import PATIENCE, Runner, again_after_conflicts
from migaga.framework.scope import Environment, LoadedModule
from migaga.framework.spec import TaskSpec
from migaga.storage.failures import Blame, blame
from migaga.storage.task_runs import KEEP_EVERY, KEPT_FOR, LEASE, FleetClaims, next_due, utc_now

_log = logging.getLogger(__name__)
GRACE = 5.0
"""Seconds that running tasks have to end when their module stops, or their shard leaves."""
LOOK_AT_SHARDS_EVERY = 1.0
"""Seconds after which a shard that has come or gone is noticed."""
_PAUSE = 0.25
"""Seconds until a claim that may no longer be relied upon is kept again."""
_AGAIN_AFTER = 2.0
"""Seconds until a run that the database has stopped begins again."""
_RELEASE_WITHIN = 2.0
_Loops = list[asyncio.Task[None]]


@dataclass(frozen=True, slots=True)
class _Job:
    """What runs again and again in one loop."""

    module: LoadedModule
    spec: TaskSpec
    shard_id: int | None = None

    @property
    def name(self) -> str:
        """Its name in the database and in the log; that of a shard's task does not depend on the shard count."""
        name = f"{self.module.spec.name}.{self.spec.handler}"
        return name if self.shard_id is None else f"{name}:{self.shard_id}"


@dataclass(slots=True, eq=False)
class _Claim(AnyLife):
    """A claimed run: valid while the process is, and while the claim can be relied upon."""

    until: float = 0.0
    """Until when, by the own clock."""

    def is_valid(self) -> bool:
        """Whether the run may act now."""
        return time.monotonic() < self.until and self.process.is_valid()


@dataclass(slots=True)
class _Running:
    """The loops of one module."""

    loops: _Loops = field(default_factory=list)
    by_shard: dict[int, _Loops] = field(default_factory=dict)
    watcher: asyncio.Task[None] | None = None

    def all(self) -> _Loops:
        """Return every loop but the watcher."""
        return [*self.loops, *(loop for loops in self.by_shard.values() for loop in loops)]


class Tasks:
    """The running tasks of this process."""

    def __init__(
        self,
        environment: Environment,
        runner: Runner,
        *,
        shard_ids: Callable[[], Sequence[int]] = lambda: (),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._environment = environment
        self._process = AnyLife(environment.alive)
        self._runner = runner
        self._claims = FleetClaims(environment.database)
        self._shard_ids = shard_ids
        self._now = now
        self._running: dict[LoadedModule, _Running] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._stopping: set[asyncio.Task[None]] = set()

    def start(self, module: LoadedModule) -> None:
        """Start a module's tasks."""
        running = self._running[module] = _Running()
        by_shard = [spec for spec in module.spec.tasks if spec.once_per == "shard"]
        for job in (_Job(module, spec) for spec in module.spec.tasks if spec.once_per != "shard"):
            loop = self._claimed(job) if job.spec.once_per == "fleet" else self._local(job)
            running.loops.append(_loop(loop, job.name))
        if by_shard:
            watching = self._watch_shards(module, by_shard, running)
            running.watcher = _loop(watching, f"of shards of {module.spec.name}")

    async def stop(self, module: LoadedModule) -> None:
        """End a module's tasks. What runs has `GRACE` to end; then it is cancelled, and free for the next process."""
        running = self._running.pop(module, None)
        if running is None:
            return
        if running.watcher is not None:
            await end_tasks(running.watcher)
        await self._end(running.all())

    async def _end(self, loops: _Loops) -> None:
        self._stopping.update(loops)
        busy = [loop for loop in loops if loop in self._busy]
        await end_those_of_modules(*(loop for loop in loops if loop not in busy))
        if busy:
            await asyncio.wait(busy, timeout=GRACE)
        await end_those_of_modules(*busy)
        self._stopping.difference_update(loops)

    async def _watch_shards(self, module: LoadedModule, specs: Sequence[TaskSpec], running: _Running) -> None:
        """Have a loop for each shard that this process has, as they come and go."""
        ending: _Loops = []
        try:
            while True:
                ids = set(self._shard_ids())
                for shard_id in running.by_shard.keys() - ids:
                    ending.append(_loop(self._end(running.by_shard.pop(shard_id)), f"end of shard {shard_id}"))
                for shard_id in ids - running.by_shard.keys():
                    jobs = [_Job(module, spec, shard_id) for spec in specs]
                    running.by_shard[shard_id] = [_loop(self._claimed(job), job.name) for job in jobs]
                ending = [one for one in ending if not one.done()]
                await asyncio.sleep(LOOK_AT_SHARDS_EVERY)
        finally:
            await asyncio.gather(*ending, return_exceptions=True)

    @contextmanager
    def _working(self) -> Iterator[None]:
        """Mark the current loop as one whose task runs."""
        loop: asyncio.Task[None] | None = asyncio.current_task()
        if loop is None:
            raise RuntimeError("tasks run in an event loop")
        self._busy.add(loop)
        try:
            yield
        finally:
            self._busy.discard(loop)

    def _goes_on(self) -> bool:
        return asyncio.current_task() not in self._stopping

    async def _until_may_start(self) -> None:
        """Wait while the bot is paused, and while this process may not act."""
        await self._environment.pause.until_over()
        await self._process.until_valid()

    async def _local(self, job: _Job) -> None:
        due = next_due(self._now(), job.spec.every, self._now())
        while self._goes_on():
            await asyncio.sleep(max(0.0, (due - self._now()).total_seconds()))
            await self._until_may_start()
            with self._working():
                await self._run(job, due, self._process)
            due = next_due(due, job.spec.every, self._now())

    async def _claimed(self, job: _Job) -> None:
        """Run a task whenever it is due and this process gets the claim. A shard's first run is one period away."""
        every = job.spec.every
        first = None if job.shard_id is None else self._now() + every
        while self._goes_on():
            await self._until_may_start()
            claim = _Claim(self._environment.alive, time.monotonic() + KEPT_FOR)
            try:
                turn = await self._claims.claim(job.name, every, self._now(), first=first)
                if turn.mine:
                    with self._working():
                        await self._run_claimed(job, turn.due, claim)
                    continue
                wait = turn.wait
            except (MigagaError, SQLAlchemyError) as error:
                _log.warning("task %s waits: %s", job.name, error)
                wait = min(LEASE, every.total_seconds())
            await asyncio.sleep(wait)

    async def _run_claimed(self, job: _Job, due: datetime, claim: _Claim) -> None:
        run = _loop(self._run(job, due, claim), f"run of {job.name}")
        keeper = _loop(self._keep(job, claim, run), f"claim of {job.name}")
        try:
            await asyncio.wait({run})
            if not run.cancelled():
                run.result()
                await self._finish(job, due)
        except asyncio.CancelledError:
            await end_those_of_modules(run)
            with suppress(TimeoutError, MigagaError, SQLAlchemyError):  # Else it is free after `LEASE` seconds.
                async with asyncio.timeout(_RELEASE_WITHIN):
                    await self._claims.release(job.name)
            raise
        finally:
            await end_tasks(keeper)

    async def _finish(self, job: _Job, due: datetime) -> None:
        """Store that the run is done, however long the database is away: else another process would do it again."""
        while True:
            try:
                return await self._claims.finish(job.name, due, job.spec.every, self._now())
            except (MigagaError, SQLAlchemyError) as error:
                _log.warning("that task %s is done cannot be stored yet: %s", job.name, error)
            await asyncio.sleep(_AGAIN_AFTER)

    async def _keep(self, job: _Job, claim: _Claim, run: asyncio.Task[None]) -> None:
        """Keep a claim alive; cancel its run when another process has taken it."""
        while True:
            await asyncio.sleep(KEEP_EVERY if claim.is_valid() else _PAUSE)
            asked_at = time.monotonic()
            try:
                if not await self._claims.keep(job.name, self._now()):
                    _log.warning("task %s was taken over by another process: it ends here", job.name)
                    run.cancel()
                    return
                claim.until = asked_at + KEPT_FOR
            except (MigagaError, SQLAlchemyError) as error:
                _log.warning("the claim of task %s could not be kept: %s", job.name, error)

    async def run_now(self, module: LoadedModule, spec: TaskSpec) -> None:
        """Run a task once, now. What it raises is raised."""
        shards = self._shard_ids() if spec.once_per == "shard" else ()
        await self._call(_Job(module, spec, shards[0] if shards else None), self._now(), self._process)

    async def _call(self, job: _Job, due: datetime, alive: Alive) -> None:
        name, shard = job.spec.handler, "" if job.shard_id is None else job.shard_id
        key = f"task:{job.module.spec.name}.{name}:{due.isoformat()}:{shard}"
        async with self._runner.scope(job.module, name, key, None, None, alive=alive) as scope:
            context = TaskContext(scope, due, job.shard_id)
            await call(getattr(job.module.instance, name), (), await injected(scope, context))

    async def _run(self, job: _Job, due: datetime, alive: Alive) -> None:
        """Run a task until it has ended: what the database stops runs again. Other errors are reported."""
        module, name = job.module.spec.name, job.spec.handler
        while True:
            started = time.monotonic()
            outcome, again = "ok", False
            try:
                await again_after_conflicts(partial(self._call, job, due, alive), PATIENCE, lambda: True)
            except Exception as error:
                found = explain(error, None)
                again = blame(error) is Blame.AWAY
                outcome = "again" if again else found.outcome
                log_error(error, found, module=module, handler=name)
            self._environment.metrics.handler(module, name, outcome, time.monotonic() - started)
            if not again:
                return
            await asyncio.sleep(_AGAIN_AFTER)


def _loop(work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=f"task {name}")
