"""Shards of ours whose session brings nothing, or not everything, on a real gateway: they RESUME and lose nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from tests.integration.emulator_gateway.conftest import Stage
from tests.integration.silence.shards import SECOND, fleet

from migaga_emulator.rules import Rules

pytestmark = pytest.mark.parametrize("rules", [Rules(max_concurrency=4, rest_global_per_s=10_000)], indirect=True)


@asynccontextmanager
async def people_typing(stage: Stage, shards: int) -> AsyncIterator[None]:
    """In each second of the watch somebody types on every shard, and every other second somebody writes."""

    async def go_on() -> None:
        number = 0
        while True:
            number += 1
            for shard in range(shards):
                person = stage.control.person(stage.person)
                await person.type_in(stage.channel(shard, shards))
                if number % 2:
                    await person.post(stage.channel(shard, shards), f"message {number}")
            await asyncio.sleep(SECOND)

    task = asyncio.create_task(go_on(), name="people")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_shard_that_gets_nothing_resumes_and_a_quiet_one_that_answers_stays(stage: Stage) -> None:
    known = {shard: [stage.guild(shard)] for shard in range(2)}
    async with fleet(stage, 2, known) as ours:
        silent, quiet = ours.shards
        await ours.clock.go(3)
        assert await stage.control.faults.withhold(shard_id=0) == 1
        await stage.post("withheld")
        await ours.clock.go(85)
        await stage.post("afterwards")
        await ours.settle(stage)
        report = await stage.control.ledger()
        assert (report.identifies, report.resumes, report.resumes_failed) == (2, 1, 0)
        assert (report.lost, report.repeated) == (0, 0)
        assert silent.reasons == ["silent"]
        assert quiet.reasons == []
        assert report.per_session_handled.get("GUILD_MEMBERS_CHUNK", 0) >= 1


async def test_a_busy_shard_that_gets_nothing_any_more_resumes_within_seconds(stage: Stage) -> None:
    async with fleet(stage, 2, {}) as ours, people_typing(stage, 2):
        await ours.clock.go(150)
        assert await stage.control.faults.withhold(shard_id=1) == 1
        await ours.clock.go(40)
        assert [len(shard.reasons) for shard in ours.shards] == [0, 1]


async def test_a_shard_that_lacks_one_kind_of_event_resumes_and_gets_it(stage: Stage) -> None:
    async with fleet(stage, 2, {}) as ours:
        async with people_typing(stage, 2):
            await ours.clock.go(150)
            assert await stage.control.faults.withhold("MESSAGE_CREATE", shard_id=0) == 1
            await ours.clock.go(90)
        assert ours.shards[0].reasons == ["kind missing"]
        assert ours.shards[1].reasons == []
        await ours.settle(stage)
        report = await stage.control.ledger()
        assert (report.lost, report.repeated, report.identifies) == (0, 0, 2)


async def test_a_guild_that_is_unavailable_is_not_taken_for_a_silent_shard(stage: Stage) -> None:
    known = {shard: [stage.guild(shard)] for shard in range(2)}
    async with fleet(stage, 2, known) as ours:
        await stage.control.faults.outage([guild.id for guild in stage.crowd.guilds])
        await ours.clock.go(100)
        assert [shard.reasons for shard in ours.shards] == [[], []]
