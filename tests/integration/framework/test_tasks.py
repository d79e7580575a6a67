"""Tasks: when they run, and that the fleet runs one once."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from migaga.api import BaseModule, TaskContext, task
from migaga.framework.declare import read_module
from migaga.framework.loader import LoadedModule, LoadResult
from migaga.framework.runtime import FrameworkRuntime, FrameworkSettings
from migaga.framework.sources import Source
from migaga.framework.tasks import _Claim
from migaga.storage.database import open_database
from migaga.storage.tables import task_run
from migaga.storage.task_runs import KEEP_EVERY, LEASE, LOOK_EVERY, FleetClaims
from migaga.testing.bot import TestBot

EVERY = timedelta(minutes=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Worker(BaseModule):
    """Works."""

    async def start(self) -> None:
        self.ran: list[str] = []
        self.contexts: list[TaskContext] = []
        self.go_on = asyncio.Event()
        self.cancelled = asyncio.Event()

    @task(every=timedelta(seconds=0.05), once_per="process")
    async def tick(self) -> None:
        """Run often."""
        self.ran.append("tick")

    @task(every=timedelta(hours=1))
    async def hourly(self, ctx: TaskContext) -> None:
        """Run once in the fleet."""
        self.contexts.append(ctx)
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise

    @task(every=timedelta(seconds=0.05), once_per="process")
    async def fails(self) -> None:
        """Fail again and again."""
        self.ran.append("fails")
        raise RuntimeError("broken task")


async def test_tasks_run_again_and_again_though_they_fail(bot: TestBot, caplog: pytest.LogCaptureFixture) -> None:
    await bot.load(Worker)
    worker = bot.module(Worker)
    await bot.wait_for(lambda: worker.ran.count("tick") > 2 and worker.ran.count("fails") > 2)
    assert "worker.fails failed, reference" in caplog.text


async def test_a_new_fleet_task_runs_at_once_and_is_free_when_the_process_stops(bot: TestBot) -> None:
    await bot.load(Worker)
    worker = bot.module(Worker)
    await bot.wait_for(lambda: worker.contexts)
    assert abs(worker.contexts[0].due - datetime.now(UTC)) < timedelta(seconds=5)
    other = FleetClaims(bot.database, "other")
    assert not (await other.claim("worker.hourly", timedelta(hours=1), datetime.now(UTC))).mine
    await bot.runtime.modules.stop()
    assert (await other.claim("worker.hourly", timedelta(hours=1), datetime.now(UTC))).mine


async def test_a_fleet_task_is_claimed_by_one_of_many(migaga_database_url: str) -> None:
    async with open_database(migaga_database_url) as database:
        claims = [FleetClaims(database, f"process {number}") for number in range(4)]
        turns = await asyncio.gather(*(one.claim("m.t", EVERY, NOW) for one in claims))
        assert [turn.mine for turn in turns].count(True) == 1
        winner = claims[[turn.mine for turn in turns].index(True)]
        await winner.finish("m.t", NOW, EVERY, NOW + timedelta(seconds=10))
        turns = [await one.claim("m.t", EVERY, NOW + timedelta(seconds=10)) for one in claims]
        assert [(turn.mine, turn.wait) for turn in turns] == [(False, 50.0)] * 4
        assert (await claims[0].claim("m.t", EVERY, NOW + EVERY)).due == NOW + EVERY


class Clock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


async def look(claims: FleetClaims, clock: Clock, now: datetime, seconds: float) -> list[bool]:
    """Look at the task for so many seconds, as often as a process does; return what each look has brought."""
    found = []
    for _ in range(int(seconds / LOOK_EVERY)):
        clock.seconds += LOOK_EVERY
        found.append((await claims.claim("m.t", EVERY, now)).mine)
    return found


async def test_the_task_of_a_dead_process_is_taken_over_and_it_cannot_come_back(migaga_database_url: str) -> None:
    clock = Clock()
    async with open_database(migaga_database_url) as database:
        dead, heir = FleetClaims(database, "dead"), FleetClaims(database, "heir", clock=clock)
        assert (await dead.claim("m.t", EVERY, NOW)).mine
        assert not any(await look(heir, clock, NOW, LEASE - LOOK_EVERY))
        assert await dead.keep("m.t", NOW + timedelta(seconds=9))
        found = await look(heir, clock, NOW, 2 * LEASE)
        assert found.index(True) == 1 + LEASE / LOOK_EVERY - 1
        later = NOW + timedelta(seconds=30)
        assert not await dead.keep("m.t", later)
        await dead.finish("m.t", NOW, EVERY, later)
        assert await heir.keep("m.t", later)


@pytest.mark.parametrize("skew", [timedelta(hours=-9), timedelta(hours=9)])
async def test_no_clock_of_another_machine_makes_a_claim_look_dead(migaga_database_url: str, skew: timedelta) -> None:
    clock = Clock()
    async with open_database(migaga_database_url) as database:
        holder, other = FleetClaims(database, "holder"), FleetClaims(database, "other", clock=clock)
        assert (await holder.claim("m.t", EVERY, NOW)).mine
        for second in range(0, 60, 4):
            assert await holder.keep("m.t", NOW + skew + timedelta(seconds=second))
            assert not any(await look(other, clock, NOW + timedelta(hours=2), 2 * LOOK_EVERY))


async def test_who_has_not_looked_for_long_judges_nobody(migaga_database_url: str) -> None:
    clock = Clock()
    async with open_database(migaga_database_url) as database:
        holder, sleeper = FleetClaims(database, "holder"), FleetClaims(database, "sleeper", clock=clock)
        assert (await holder.claim("m.t", EVERY, NOW)).mine
        for _ in range(5):
            assert not (await sleeper.claim("m.t", EVERY, NOW)).mine
            clock.seconds += 3 * LEASE


async def test_a_claim_that_may_no_longer_be_relied_upon_holds_its_run(bot: TestBot) -> None:
    await bot.load(Worker)
    worker = bot.module(Worker)
    await bot.wait_for(lambda: worker.contexts)
    claim = worker.contexts[0]._scope.alive
    assert claim.is_valid()
    assert isinstance(claim, _Claim)
    claim.until = 0.0
    once = asyncio.create_task(worker.contexts[0].once())
    await asyncio.sleep(0.05)
    assert not once.done()
    assert not claim.is_valid()
    claim.until = float("inf")
    assert await once
    worker.go_on.set()


async def test_a_run_that_another_process_has_taken_is_cancelled(bot: TestBot) -> None:
    await bot.load(Worker)
    worker = bot.module(Worker)
    await bot.wait_for(lambda: worker.contexts)
    async with bot.database.transaction() as session:
        await session.execute(sa.update(task_run).values(owner="another"))
    claim = worker.contexts[0]._scope.alive
    assert isinstance(claim, _Claim)
    await asyncio.wait_for(worker.cancelled.wait(), KEEP_EVERY + 2)
    async with bot.database.read() as session:
        assert await session.scalar(sa.select(task_run.c.owner)) == "another"


class Sharded(BaseModule):
    """Works for each shard."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[int | None] = []

    @task(every=timedelta(seconds=0.3), once_per="shard")
    async def visit(self, ctx: TaskContext) -> None:
        """Note the shard."""
        self.ran.append(ctx.shard_id)


async def sharded() -> LoadResult:
    spec = await asyncio.to_thread(read_module, Sharded)
    return LoadResult((LoadedModule(spec, Sharded, Source("sharded", "directory", "here")),), ())


async def test_tasks_of_shards_follow_the_shards_as_they_come_and_go(bot: TestBot) -> None:
    ids = {0, 3}
    runtime = FrameworkRuntime(
        FrameworkSettings(), bot._discord, bot.database, bot._manager, shard_ids=lambda: sorted(ids)
    )
    async with runtime:
        await runtime.load(await sharded())
        module = next(one.instance for one in runtime.modules.loaded if isinstance(one.instance, Sharded))
        await bot.wait_for(lambda: set(module.ran) == {0, 3})
        ids.discard(3)
        ids.add(7)
        await bot.wait_for(lambda: 7 in module.ran)
        module.ran.clear()
        await bot.wait_for(lambda: {0, 7} <= set(module.ran))
        assert 3 not in module.ran
    async with bot.database.read() as session:
        names = set(await session.scalars(sa.select(task_run.c.name)))
    assert {"sharded.visit:0", "sharded.visit:3", "sharded.visit:7"} <= names


async def test_two_processes_that_both_have_a_shard_run_its_task_once_a_period(bot: TestBot) -> None:
    async with AsyncExitStack() as stack:
        modules = []
        for _ in range(2):
            runtime = FrameworkRuntime(
                FrameworkSettings(), bot._discord, bot.database, bot._manager, shard_ids=lambda: (5,)
            )
            await stack.enter_async_context(runtime)
            await runtime.load(await sharded())
            modules += [one.instance for one in runtime.modules.loaded if isinstance(one.instance, Sharded)]
        for module in modules:
            module.ran.clear()  # The first one has run while the second was loaded.
        started = time.monotonic()
        await bot.wait_for(lambda: sum(len(module.ran) for module in modules) >= 5)
        assert time.monotonic() - started > 4 * 0.3
