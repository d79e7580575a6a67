"""Processes are killed and frozen: others go on where they were, and only what was running comes again."""

from __future__ import annotations

import asyncio
import signal

from tests.integration.fleet.town import PATIENCE, SHARDS, Status, Town, ended, has_all, live, mariadb_only, sqlite_only
from tests.integration.runtime.bots import Bot
from tests.support.mariadb import MariaDbServer

MANY = 600
"""Messages that wait. With each second that the first of them has waited 16 more are begun at once."""


@sqlite_only
async def test_a_process_that_is_killed_and_started_again_repeats_only_what_was_running(town: Town) -> None:
    bot = (await town.share("one"))[0].bot
    slow = await town.say(1, "slow")
    await town.until_begun(slow)
    said = await town.say_everywhere(10)
    await town.until_ended(*said)
    await bot.stop(signal.SIGKILL)
    missed = await town.say_everywhere(2)
    town.let_slow_end()
    bot = (await town.share("one"))[0].bot
    await town.until_ended(*missed, slow)
    assert town.times("begun") == {**dict.fromkeys([*said, *missed], 1), slow: 2}
    assert (town.ledger.identifies, town.ledger.resumes) == (SHARDS, SHARDS)
    assert await bot.stop() == 0


async def test_another_process_takes_over_from_one_that_was_killed_and_runs_what_that_had_put_aside(town: Town) -> None:
    one, two = await town.share("one", "two")
    said = await town.say_everywhere(3)
    slow = await town.say(one.shards[0], "slow")
    await town.until_ended(*said)
    await town.until_stored(1)
    await town.until_flushed()
    await one.bot.stop(signal.SIGKILL)
    missed = await town.say_everywhere(3)
    town.let_slow_end()
    await has_all(two.bot)
    await town.until_ended(*missed, slow)
    assert town.by(slow) == [two.name]
    assert town.times("begun") == {**dict.fromkeys([*said, *missed], 1), slow: 2}
    assert (town.ledger.identifies, town.ledger.resumes) == (SHARDS, len(one.shards))
    await town.until_stored(0)
    assert await two.bot.stop() == 0


@sqlite_only
async def test_what_a_giver_had_not_finished_when_it_was_killed_is_run_by_the_taker(town: Town) -> None:
    one, two = await town.share("one", "two")
    slow = await town.say(one.shards[0], "slow")
    await town.until_begun(slow)
    one.bot.process.send_signal(signal.SIGTERM)
    await has_all(two.bot)
    await town.until_stored(1)
    assert one.bot.process.returncode is None
    await one.bot.stop(signal.SIGKILL)
    town.let_slow_end()
    await town.until_ended(slow)
    await town.until_stored(0)
    assert (town.by(slow, "begun"), town.by(slow)) == ([one.name, two.name], [two.name])
    said = await town.say_everywhere()
    await town.until_ended(*said)
    assert town.ledger.identifies == SHARDS
    assert await two.bot.stop() == 0


@mariadb_only
async def test_a_process_that_was_frozen_for_long_begins_again_and_holds_nothing_that_others_have(town: Town) -> None:
    one, two = await town.share("one", "two")
    before = (await one.bot.get("/status"))[1]
    said = await town.say_everywhere(2)
    await town.until_flushed()
    one.bot.process.send_signal(signal.SIGSTOP)
    said += await town.say_everywhere(2)
    await has_all(two.bot)
    said += await town.say_everywhere(2)
    await town.until_ended(*said)
    one.bot.process.send_signal(signal.SIGCONT)
    after = await one.bot.until(lambda status: status["process"]["id"] != before["process"]["id"] and status["ready"])
    assert live(after) == []
    said += await town.say_everywhere(2)
    await town.until_ended(*said)
    assert town.times("begun") == dict.fromkeys(said, 1)
    assert town.by(said[-1]) == [two.name]
    assert town.ledger.identifies == SHARDS
    assert await one.bot.stop() == 0
    assert await two.bot.stop() == 0


@mariadb_only
async def test_a_process_that_is_stopped_while_its_database_is_away_ends_and_the_next_one_repeats_nothing(
    town: Town, mariadb_server: MariaDbServer
) -> None:
    bot = (await town.share("one", settings="[Shards]\nStopGrace = 10\n"))[0].bot
    said = await town.say_everywhere(2)
    await town.until_flushed()
    await asyncio.to_thread(mariadb_server.stop)
    try:
        said += await town.say_everywhere(2)
        await town.until_ended(*said)
        assert await bot.stop() == 0
        assert "Traceback" not in bot.errors()
    finally:
        await asyncio.to_thread(mariadb_server.restart)
    missed = await town.say_everywhere()
    bot = (await town.share("one"))[0].bot
    await town.until_ended(*missed)
    assert town.times("begun") == dict.fromkeys([*said, *missed], 1)
    assert town.ledger.identifies == SHARDS
    assert await bot.stop() == 0


@sqlite_only
async def test_a_message_that_ends_every_process_is_quarantined_after_a_few_and_its_shard_works_on(town: Town) -> None:
    bot = (await town.share("one"))[0].bot
    poison = await town.say(2, "poison")
    said = await town.say_everywhere()
    deaths = 0
    while await died_before(town, bot, said):
        deaths += 1
        assert deaths <= 6
        bot = await town.start("one")
    assert (town.by(poison, "begun"), town.by(poison)) == (["one"] * deaths, [])
    [row] = await town.rows()
    assert (row.name, row.quarantined, f'"{poison}"' in row.payload) == ("MESSAGE_CREATE", True, True)
    later = await town.say_everywhere()
    await town.until_ended(*later)
    assert town.ledger.identifies == SHARDS
    assert await bot.stop() == 0


async def died_before(town: Town, bot: Bot, said: list[int]) -> bool:
    """Wait until a process has handled all of these messages, or has died before; tell whether it has."""
    await town.until(lambda: bot.process.returncode is not None or set(said) <= set(town.times("ended")))
    if bot.process.returncode is None:
        return False
    assert await ended(bot) == 9, bot.errors()
    return True


@sqlite_only
async def test_who_is_started_again_while_a_change_is_armed_handles_nothing_of_the_generation_to_come(
    town: Town,
) -> None:
    wish = "[Shards]\nCount = 8\n[Fleet]\nRevision = 2\n"
    one = (await town.share("one"))[0].bot
    two = await town.start("two", f"{wish}ArmedFor = 600\n")
    await two.until(lambda status: status["ready"], PATIENCE)
    one.process.send_signal(signal.SIGTERM)
    assert await ended(one) == 0
    await two.until(lambda status: "armed" in states(status), PATIENCE)
    said = await town.say_everywhere(2)
    await town.until_ended(*said)
    await two.stop(signal.SIGKILL)
    two = await town.start("two", f"{wish}ArmedFor = 10\n")
    said += await town.say_everywhere(2)
    await two.until(lambda status: status["ready"] and "armed" in states(status), PATIENCE)
    said += await town.say_everywhere(2)
    await two.until(lambda status: states(status) == {"live"} and status["shard_count"] == 2 * SHARDS, PATIENCE)
    said += await town.say_everywhere(2)
    await town.until_ended(*said)
    assert town.times("begun") == dict.fromkeys(said, 1)
    assert town.ledger.identifies == 3 * SHARDS
    assert await two.stop() == 0


@sqlite_only
async def test_what_runs_of_the_old_shards_when_its_process_is_killed_after_a_cut_is_run_by_the_new_ones(
    town: Town,
) -> None:
    wish = "[Shards]\nCount = 8\n[Fleet]\nRevision = 2\nArmedFor = 10\n"
    one = (await town.share("one"))[0].bot
    bots = {name: await town.start(name, wish) for name in ("two", "three")}
    for bot in bots.values():
        await bot.until(lambda status: status["ready"], PATIENCE)
    one.process.send_signal(signal.SIGTERM)
    assert await ended(one) == 0
    await bots["two"].until(lambda status: "armed" in states(status), PATIENCE)
    slow = [await town.say(shard, "slow") for shard in range(SHARDS)]
    for message in slow:
        await town.until_begun(message)
    status = await bots["two"].until(lambda status: status["change"], PATIENCE)
    assert "handlers of their events still run: MESSAGE_CREATE of shard" in status["change"]
    [killed] = town.by(slow[0], "begun")
    await bots.pop(killed).stop(signal.SIGKILL)
    [left] = bots
    lost = {message for message in slow if town.by(message, "begun") == [killed]}
    for message in lost:
        await town.until_begun(message, 2)
    town.let_slow_end()
    await bots[left].until(lambda status: states(status) == {"live"} and status["shard_count"] == 2 * SHARDS, PATIENCE)
    assert town.times("ended") == dict.fromkeys(slow, 1)
    assert town.times("begun") == {message: 2 if message in lost else 1 for message in slow}
    said = await town.say_everywhere(2)
    await town.until_ended(*said)
    assert await town.rows() == []
    assert await bots[left].stop() == 0


def states(status: Status) -> set[str]:
    """Return the states of the generations that are not over."""
    return {str(one["state"]).lower() for one in status["generations"]} - {"gone"}


@mariadb_only
async def test_what_waits_for_the_database_when_discord_ends_its_session_is_handled_all_the_same(
    town: Town, mariadb_server: MariaDbServer
) -> None:
    """Nobody could ask Discord for it again. More waits than is begun at once when the database is back."""
    bot = (await town.share("one"))[0].bot
    await asyncio.to_thread(mariadb_server.stop)
    try:
        said = [await town.say(0, "slow")]
        while await begins(town, said[-1]):
            said.append(await town.say(0, "slow"))
        said += [await town.say(0, "slow") for _ in range(MANY)]
        assert await town.stage.control.faults.invalidate(resumable=False, shard_id=0) == 1
    finally:
        await asyncio.to_thread(mariadb_server.restart)
    await town.until(lambda: town.ledger.identifies == SHARDS + 1)
    await has_all(bot)
    later = await town.say_everywhere()
    town.let_slow_end()
    await town.until_ended(*said, *later)
    assert town.times("begun") == dict.fromkeys([*said, *later], 1)
    await town.until_stored(0)
    assert await bot.stop() == 0


async def begins(town: Town, message: int) -> bool:
    """Tell whether a message is begun soon. It is not when the process does not know any more whether it lives."""
    try:
        await town.until(lambda: message in town.times("begun"), 1.0)
    except TimeoutError:
        return False
    return True
