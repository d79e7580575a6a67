"""The ledger when something breaks: outages, doubt, stalls, crashes, storms. Nothing is sent that Discord forbids."""

from __future__ import annotations

import asyncio
import os
from random import Random

import pytest
from tests.unit.fleet_identify.town import Fate, Member, Town

from migaga.continuity.backoff import BackOff
from migaga.storage.leases_operations import Operation, Outcome, Update
from migaga_emulator.gateway.limits import Verdict

DEEP = bool(os.environ.get("MIGAGA_DEEP"))


def is_count(operation: Operation) -> bool:
    return isinstance(operation, Update) and operation.table == "identify_day" and "resets_at" not in operation.change


def is_slot(operation: Operation) -> bool:
    return (
        isinstance(operation, Update) and operation.table == "identify_bucket" and bool(operation.change.get("token"))
    )


def once(outcome: Outcome, *, of: type[object] | None = None, count: bool = False) -> Fate:
    """The first slot, or the first count, ends so."""
    left = [outcome]

    def fate(operation: Operation) -> Outcome | None:
        return left.pop() if left and (is_count(operation) if count else is_slot(operation)) else None

    return fate


async def test_an_outage_of_the_database_is_waited_for_and_shown() -> None:
    town = Town()

    async def work() -> None:
        town.one.rows.is_down = True
        waiting = asyncio.create_task(town.one.identify(0))
        await town.time.sleep(60)
        assert "the fleet could not be read" in (town.one.ledger.status().reason or "")
        assert town.one.rows.statements < 20, "it does not hammer"
        town.one.rows.is_down = False
        back = town.time.now
        await waiting
        assert town.time.now - back < 31

    await town.run(work())
    assert len(town.discord.verdicts) == town.spent == 1


async def test_an_outage_between_connecting_and_the_slot_gives_the_connection_up() -> None:
    town = Town()

    async def work() -> None:
        async with town.one.ledger.turn(0, recovery=False) as turn:
            town.one.rows.is_down = True
            began = town.time.now
            assert not await turn.take()
            assert town.time.now - began <= 31
        town.one.rows.is_down = False
        await town.one.identify(0)

    await town.run(work())
    town.discord.assert_content()


async def test_an_outage_of_discords_rest_is_survived_by_the_last_answer_for_a_minute_only() -> None:
    town = Town()

    async def work() -> None:
        await town.one.identify(0)
        town.discord.is_down = True
        await town.time.sleep(30)
        await town.one.identify(1)
        await town.time.sleep(30)
        third = asyncio.create_task(town.one.identify(2))
        asked = town.discord.asked
        await town.time.sleep(120)
        assert "Discord answered 500" in (town.one.ledger.status().reason or "")
        assert town.discord.asked - asked <= 10
        assert not third.done()
        town.discord.is_down = False
        await third

    await town.run(work())
    town.discord.assert_content()


@pytest.mark.parametrize("count", [False, True])
async def test_what_certainly_failed_is_tried_again_and_costs_nothing(count: bool) -> None:
    town = Town()
    town.one.rows.fate = once(Outcome.FAILED, count=count)
    await town.run(town.one.identify(0))
    assert (len(town.discord.verdicts), town.spent, town.one.gave_up) == (1, 1, 0)


async def test_a_slot_of_unknown_result_is_not_used_and_blocks() -> None:
    town = Town(processes=2)
    town.one.rows.fate = once(Outcome.UNKNOWN)
    began = town.time.now
    await town.run(town.one.identify(0))
    town.discord.assert_content()
    assert town.discord.times[0] - began > 6
    assert town.spent == 1


async def test_a_count_of_unknown_result_is_spent_and_nothing_is_sent() -> None:
    town = Town(total=3)
    town.one.rows.fate = once(Outcome.UNKNOWN, count=True)

    async def work() -> None:
        await town.one.identify(0)
        assert town.spent == 2
        await town.one.identify(1)
        third = asyncio.create_task(town.one.identify(2))
        await town.time.sleep(300)
        assert not third.done()
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)

    await town.run(work())
    town.discord.assert_content()
    assert (len(town.discord.verdicts), town.spent) == (2, 3)


async def test_a_slot_that_a_stalled_process_has_overslept_is_not_used() -> None:
    town = Town(processes=2)

    def stall(operation: Operation) -> None:
        if is_slot(operation):
            town.one.clock.freeze(8.0)  # It was stopped while the database answered.
            town.one.rows.fate = lambda _: None

    town.one.rows.fate = stall

    await town.run(town.shared_out(2))
    town.discord.assert_content()
    assert town.spent == 2, "it had not been counted yet"


async def test_a_count_that_came_too_late_is_lost_and_the_next_try_waits() -> None:
    town = Town()
    slow = iter([8.0])

    def stall(operation: Operation) -> None:
        if is_count(operation):
            town.one.clock.freeze(next(slow, 0.0))

    town.one.rows.fate = stall
    began = town.time.now
    await town.run(town.one.identify(0))
    assert (len(town.discord.verdicts), town.spent) == (1, 2)
    assert town.discord.times[0] - began >= 5


async def test_a_database_that_is_too_slow_for_any_slot_eats_no_budget() -> None:
    town = Town()
    town.one.rows.latency = 0.4

    async def work() -> None:
        waiting = asyncio.create_task(town.one.identify(0))
        await town.time.sleep(600)
        assert town.spent == 0
        town.one.rows.latency = 0.001
        await waiting

    await town.run(work())
    town.discord.assert_content()
    assert town.spent == 1


async def test_a_process_that_crashes_between_counting_and_sending_has_spent_one_and_others_wait_for_its_slot() -> None:
    town = Town(total=3, processes=2)
    crashed, other = town.members

    async def work() -> None:
        turn = crashed.ledger.turn(0, recovery=False)
        assert await (await turn.__aenter__()).take()
        began = town.time.now  # It says nothing any more.
        await other.identify(0)
        assert town.time.now - began > 6
        await other.identify(1)
        third = asyncio.create_task(other.identify(2))
        await town.time.sleep(300)
        assert not third.done()
        third.cancel()
        await asyncio.gather(third, return_exceptions=True)
        await turn.__aexit__(None, None, None)

    await town.run(work())
    town.discord.assert_content()
    assert (town.spent, len(town.discord.verdicts)) == (3, 2)


async def test_a_shard_that_is_stopped_while_it_waits_or_takes_leaves_the_line() -> None:
    town = Town()

    async def work() -> None:
        await town.one.identify(0)
        for pause in (0.001, 0.1, 4.0, 5.1):
            stopped = asyncio.create_task(town.one.identify(1))
            await town.time.sleep(pause)
            stopped.cancel()
            await asyncio.gather(stopped, return_exceptions=True)
        assert town.one.ledger.status().waiting == 0
        await town.one.identify(2)

    await town.run(work())
    town.discord.assert_content()


async def test_a_note_that_could_not_be_written_only_frees_the_bucket_later() -> None:
    town = Town(processes=2)
    town.one.rows.fate = lambda operation: (
        Outcome.FAILED if isinstance(operation, Update) and operation.change == {"sent": True} else None
    )
    await town.run(town.shared_out(4))
    town.discord.assert_content()
    gaps = [later - at for at, later in zip(town.discord.times, town.discord.times[1:], strict=False)]
    assert max(gaps) <= 7.5, gaps


async def test_a_storm_of_op_9_over_200_shards_never_goes_below_the_reserve_nor_over_the_budget() -> None:
    """Each session that begins is ended within seconds, for hours."""
    town = Town(total=400, concurrency=16, processes=4, reserve=50)

    async def shard(member: Member, shard_id: int) -> None:
        back_off, recovery = BackOff(), False
        while True:
            await town.time.sleep(back_off.ready_at(town.time.now) - town.time.now)
            if await member.attempt(shard_id, recovery=recovery and shard_id < 4):
                back_off.sent(town.time.now)
                await town.time.sleep(town.dice.uniform(1, 20))  # op 9
                recovery = True

    async def work() -> None:
        shards = [asyncio.create_task(shard(town.members[number % 4], number)) for number in range(200)]
        await town.time.sleep(3_600)
        rest = town.discord.rules.remaining(town.time.now)
        assert 20 <= rest < 50, "only what recovers has used the reserve"
        for task in shards:
            task.cancel()
        await asyncio.gather(*shards, return_exceptions=True)

    await town.run(work())
    town.discord.assert_content()


@pytest.mark.parametrize("seed", range(12 if not DEEP else 300))
async def test_whatever_happens_nothing_is_sent_too_early_or_over_the_budget(seed: int) -> None:
    """Random outcomes, outages, stalls, clocks and concurrency. A stall may waste counts, never the bot's token."""
    dice = Random(seed)
    town = Town(
        total=dice.choice([15, 40, 1_000]),
        concurrency=dice.choice([1, 4, 16]),
        processes=dice.choice([2, 3, 5]),
        reserve=dice.choice([0, 5]),
        seed=seed,
    )

    def fated(member: Member) -> Fate:
        def fate(operation: Operation) -> Outcome | None:
            if dice.random() < 0.02:
                member.clock.freeze(dice.choice([0.3, 0.7, 3.0, 20.0]))
            return dice.choices([None, Outcome.FAILED, Outcome.UNKNOWN], [90, 5, 5])[0]

        return fate

    async def trouble(member: Member) -> None:
        while True:
            await town.time.sleep(dice.uniform(5, 60))
            member.rows.latency = dice.choice([0.001, 0.02, 0.1])
            member.rows.is_down = dice.random() < 0.3
            town.discord.is_down = dice.random() < 0.1
            if dice.random() < 0.2 and town.discord.rules.remaining(town.time.now) > 20:
                town.discord.rules.spend(1, town.time.now)

    async def work() -> None:
        tasks = [asyncio.create_task(trouble(member)) for member in town.members]
        tasks += [
            asyncio.create_task(town.members[number % len(town.members)].identify(number, recovery=number % 5 == 0))
            for number in range(40)
        ]
        await town.time.sleep(900)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    for member in town.members:
        member.rows.fate = fated(member)
    await town.run(work())
    wrong = [one for one in town.discord.verdicts if one[2] is not Verdict.ACCEPTED]
    assert not wrong, wrong
    assert len(town.discord.verdicts) >= min(10, town.discord.rules.total // 2)
