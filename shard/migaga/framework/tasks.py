"""Run modules' tasks when they are due: per process, per shard, or once in the fleet. `runtime.py` starts them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from migaga.common.errors import MigagaError
from migaga.framework.context import TaskContext
from migaga.framework.inject import call, injected
from migaga.framework.reports import explain, log_error
from migaga.framework.running import Runner
from migaga.framework.scope import Environment, LoadedModule
from migaga.framework.spec import TaskSpec
from migaga.storage.task_runs import LEASE, FleetClaims, next_due, utc_now

_log = logging.getLogger(__name__)
GRACE = 5.0
"""Seconds that running tasks have to end when their module stops."""


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
        self._runner = runner
        self._claims = FleetClaims(environment.database)
        self._shard_ids = shard_ids
        self._now = now
        self._loops: dict[LoadedModule, list[asyncio.Task[None]]] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._stopping: set[LoadedModule] = set()

    def start(self, module: LoadedModule) -> None:
        """Start a module's tasks."""
        loops = self._loops.setdefault(module, [])
        for spec in module.spec.tasks:
            name = f"{module.spec.name}.{spec.handler}"
            if spec.once_per == "fleet":
                loops.append(asyncio.create_task(self._fleet(module, spec, name), name=f"task {name}"))
            elif spec.once_per == "process":
                loops.append(asyncio.create_task(self._local(module, spec, None), name=f"task {name}"))
            else:
                for shard in self._shard_ids():
                    loop = self._local(module, spec, shard)
                    loops.append(asyncio.create_task(loop, name=f"task {name} of shard {shard}"))

    async def stop(self, module: LoadedModule) -> None:
        """End a module's tasks. What runs has `GRACE` to end; then it is cancelled, and free for the next process."""
        loops = self._loops.pop(module, [])
        self._stopping.add(module)
        busy = [loop for loop in loops if loop in self._busy]
        for loop in loops:
            if loop not in self._busy:
                loop.cancel()
        if busy:
            await asyncio.wait(busy, timeout=GRACE)
        for loop in busy:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        self._stopping.discard(module)

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

    async def _local(self, module: LoadedModule, spec: TaskSpec, shard_id: int | None) -> None:
        due = next_due(self._now(), spec.every, self._now())
        while module not in self._stopping:
            await asyncio.sleep(max(0.0, (due - self._now()).total_seconds()))
            with self._working():
                await self._run(module, spec, due, shard_id)
            due = next_due(due, spec.every, self._now())

    async def _fleet(self, module: LoadedModule, spec: TaskSpec, name: str) -> None:
        while module not in self._stopping:
            try:
                turn = await self._claims.claim(name, spec.every, self._now())
                if turn.mine:
                    with self._working():
                        await self._run_claimed(module, spec, name, turn.due)
                    continue
                wait = turn.wait
            except MigagaError as error:
                _log.warning("task %s waits: %s", name, error)
                wait = min(LEASE, spec.every.total_seconds())
            await asyncio.sleep(wait)

    async def _run_claimed(self, module: LoadedModule, spec: TaskSpec, name: str, due: datetime) -> None:
        keeper = asyncio.create_task(self._keep(name), name=f"claim of {name}")
        try:
            await self._run(module, spec, due, None)
        except asyncio.CancelledError:
            await self._claims.release(name)
            raise
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
        await self._claims.finish(name, due, spec.every, self._now())

    async def _keep(self, name: str) -> None:
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                if not await self._claims.keep(name, self._now()):
                    _log.warning("task %s was taken over by another process while it ran here", name)
                    return
            except MigagaError as error:
                _log.warning("the claim of task %s could not be kept: %s", name, error)

    async def run_now(self, module: LoadedModule, spec: TaskSpec) -> None:
        """Run a task once, now. What it raises is raised."""
        shards = self._shard_ids() if spec.once_per == "shard" else ()
        await self._call(module, spec, self._now(), shards[0] if shards else None)

    async def _call(self, module: LoadedModule, spec: TaskSpec, due: datetime, shard_id: int | None) -> None:
        name = spec.handler
        key = f"task:{module.spec.name}.{name}:{due.isoformat()}:{'' if shard_id is None else shard_id}"
        async with self._runner.scope(module, name, key, None, None) as scope:
            context = TaskContext(scope, due, shard_id)
            await call(getattr(module.instance, name), (), await injected(scope, context))

    async def _run(self, module: LoadedModule, spec: TaskSpec, due: datetime, shard_id: int | None) -> None:
        """Run a task once. An error is reported; the task runs again when it is due next."""
        started = time.monotonic()
        outcome, name = "ok", spec.handler
        try:
            await self._call(module, spec, due, shard_id)
        except Exception as error:
            found = explain(error, None)
            outcome = found.outcome
            log_error(error, found, module=module.spec.name, handler=name)
        self._environment.metrics.handler(module.spec.name, name, outcome, time.monotonic() - started)
