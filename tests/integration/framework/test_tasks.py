"""Tasks: when they run, and that the fleet runs one once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from migaga.api import BaseModule, TaskContext, task
from migaga.storage.database import open_database
from migaga.storage.task_runs import LEASE, FleetClaims
from migaga.testing.bot import TestBot

EVERY = timedelta(minutes=1)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Worker(BaseModule):
    """Works."""

    async def start(self) -> None:
        self.ran: list[str] = []
        self.contexts: list[TaskContext] = []
        self.go_on = asyncio.Event()

    @task(every=timedelta(seconds=0.05), once_per="process")
    async def tick(self) -> None:
        """Run often."""
        self.ran.append("tick")

    @task(every=timedelta(hours=1))
    async def hourly(self, ctx: TaskContext) -> None:
        """Run once in the fleet."""
        self.contexts.append(ctx)
        await self.go_on.wait()

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


async def test_the_task_of_a_dead_process_is_taken_over_and_it_cannot_come_back(migaga_database_url: str) -> None:
    async with open_database(migaga_database_url) as database:
        dead, heir = FleetClaims(database, "dead"), FleetClaims(database, "heir")
        assert (await dead.claim("m.t", EVERY, NOW)).mine
        assert await dead.keep("m.t", NOW + timedelta(seconds=LEASE))
        later = NOW + timedelta(seconds=2 * LEASE - 1)
        assert not (await heir.claim("m.t", EVERY, later)).mine
        later = NOW + timedelta(seconds=2 * LEASE + 1)
        taken = await heir.claim("m.t", EVERY, later)
        assert (taken.mine, taken.due) == (True, NOW)
        assert not await dead.keep("m.t", later)
        await dead.finish("m.t", NOW, EVERY, later)
        assert await heir.keep("m.t", later)
