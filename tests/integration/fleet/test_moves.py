"""Processes come and go in order, and hand their shards to each other: nothing is lost, repeated or identified anew."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.fleet.town import PATIENCE, RULES, SHARDS, Town, ended, has_all, live, open_town, sqlite_only


async def test_a_process_that_is_stopped_hands_its_shards_over_and_finishes_what_it_has_begun(town: Town) -> None:
    one, two = await town.share("one", "two")
    said = await town.say_everywhere(5)
    slow = await town.say(one.shards[0], "slow")
    await town.until_begun(slow)
    one.bot.process.send_signal(signal.SIGTERM)
    for _ in range(10):
        said += await town.say_everywhere()
    await has_all(two.bot)
    said += await town.say_everywhere(3)
    await town.until_ended(*said)
    assert one.bot.process.returncode is None, "its long handler goes on"
    [row] = await town.until_stored(1)
    assert row.name == "MESSAGE_CREATE"
    town.let_slow_end()
    assert await ended(one.bot) == 0
    assert town.by(slow) == [one.name]
    assert town.times("begun") == dict.fromkeys([*said, slow], 1)
    assert (town.ledger.identifies, town.ledger.resumes) == (SHARDS, len(one.shards))
    assert await town.rows() == []
    assert "Traceback" not in one.bot.errors() + two.bot.errors()
    assert await two.bot.stop() == 0


@sqlite_only
async def test_a_process_that_is_told_to_go_looks_first_whether_somebody_has_just_come(town: Town) -> None:
    one = (await town.share("one"))[0]
    slow = await town.say(one.shards[0], "slow")
    await town.until_begun(slow)
    two = await town.start("two")
    async with asyncio.timeout(PATIENCE):
        while len(await town.processes_there()) < 2:
            await asyncio.sleep(0.01)
    one.bot.process.send_signal(signal.SIGTERM)
    await has_all(two)
    assert one.bot.process.returncode is None, "its long handler goes on"
    town.let_slow_end()
    assert await ended(one.bot) == 0
    assert town.by(slow, "begun") == [one.name]
    assert (town.ledger.identifies, town.ledger.resumes) == (SHARDS, SHARDS)
    assert await two.stop() == 0


@sqlite_only
async def test_a_newer_process_proves_itself_on_one_shard_before_it_is_ready(town: Town) -> None:
    old = (await town.share("old"))[0].bot
    new = await town.start("new", "[Fleet]\nRevision = 1\n")
    proving = await new.until(lambda status: len(live(status)) == 1)
    assert not proving["ready"]
    assert any("proves itself" in reason for reason in proving["reasons"])
    said = await town.say_everywhere(2)
    await new.ready()
    assert len(live((await old.get("/status"))[1])) == SHARDS - 1
    old.process.send_signal(signal.SIGTERM)
    said += await town.say_everywhere(2)
    await has_all(new)
    said += await town.say_everywhere(2)
    await town.until_ended(*said)
    assert await ended(old) == 0
    assert town.times("begun") == dict.fromkeys(said, 1)
    assert (town.ledger.identifies, town.ledger.resumes) == (SHARDS, SHARDS)


@sqlite_only
@pytest.mark.parametrize("by", ["a second signal", "the end of the grace"])
async def test_a_process_that_nobody_takes_from_serves_until_it_must_go_and_stores_everything(
    town: Town, by: str
) -> None:
    waits = "[Fleet]\nWaitForTaker = 600\n[Shards]\nStopGrace = {}\n"
    settings = waits.format(600 if by == "a second signal" else 6)
    bot = (await town.share("one", settings=settings))[0].bot
    slow = await town.say(0, "slow")
    await town.until_begun(slow)
    bot.process.send_signal(signal.SIGTERM)
    await bot.until(lambda status: status["phase"] == "stopping")
    said = await town.say_everywhere(2)
    await town.until_ended(*said)
    if by == "a second signal":
        bot.process.send_signal(signal.SIGTERM)
    assert await ended(bot) == 0
    missed = await town.say_everywhere()
    town.let_slow_end()
    bot = (await town.share("one"))[0].bot
    await town.until_ended(*missed, slow)
    assert town.times("begun") == {**dict.fromkeys([*said, *missed], 1), slow: 2}
    assert (town.ledger.identifies, town.ledger.resumes) == (SHARDS, SHARDS)
    assert await bot.stop() == 0


@sqlite_only
async def test_what_ends_within_the_grace_does_not_come_again(town: Town) -> None:
    bot = (await town.share("one"))[0].bot
    slow = await town.say(0, "slow")
    await town.until_stored(1)
    bot.process.send_signal(signal.SIGTERM)
    await bot.until(lambda status: any(shard["lease"] == "passing" for shard in status["shards"]))
    town.let_slow_end()
    assert await ended(bot) == 0
    assert await town.rows() == []
    assert town.by(slow) == ["one"]


async def test_a_process_that_is_stopped_while_shards_wait_to_identify_leaves_the_rest_to_the_next(
    tmp_path: Path, sqlite_url: str
) -> None:
    async with open_town(tmp_path, sqlite_url, replace(RULES, max_concurrency=2)) as town:
        bot = await town.start("one")
        await bot.until(lambda status: len(live(status)) == 2)
        assert await bot.stop() == 0
        assert "Traceback" not in bot.errors()
        assert town.ledger.identifies == 2
        bot = (await town.share("one"))[0].bot
        assert (town.ledger.identifies, town.ledger.resumes) == (SHARDS, 2)
        assert await bot.stop() == 0


async def test_a_process_that_waits_for_a_gateway_that_does_not_answer_joins_nothing_and_can_be_stopped(
    tmp_path: Path, sqlite_url: str
) -> None:
    async with open_town(tmp_path, sqlite_url) as town:
        await town.stage.control.faults.refuse(1_000)
        bot = await town.start("one")
        await town.until(lambda: "cannot be reached" in bot.errors())
        status = (await bot.get("/status"))[1]
        assert (status["ready"], status["shards"], await town.processes_there()) == (False, [], [])
        assert await bot.stop() == 0
        assert "Traceback" not in bot.errors()
