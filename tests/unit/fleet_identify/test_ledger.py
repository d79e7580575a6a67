"""The ledger in virtual time: turns, buckets, budget and reserve over several processes, judged by Discord's rules."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from tests.unit.fleet_identify.town import Town

from migaga.continuity.slots import BLOCKED, BLOCKED_AFTER_SENT
from migaga.fleet.identify import READ_EVERY
from migaga.gateway.identify import ARRIVES_SOON


async def test_one_process_starts_64_shards_as_fast_as_discord_allows() -> None:
    town = Town(concurrency=16)
    began = town.time.now
    await town.run(town.one.identify_all(range(64)))
    town.discord.assert_content()
    assert max(town.discord.times) - began <= 15 * 1.1
    assert (town.one.observer.identifies, town.spent, town.one.gave_up) == (64, 64, 0)


@pytest.mark.parametrize("processes", [2, 4, 8])
async def test_many_processes_start_64_shards_nearly_as_fast_as_one(processes: int) -> None:
    town = Town(concurrency=16, processes=processes)
    began = town.time.now
    await town.run(town.shared_out(64))
    town.discord.assert_content()
    assert max(town.discord.times) - began <= 15 * 1.1 + 1.5
    assert sum(one.gave_up for one in town.members) <= 16


async def test_shards_of_one_bucket_go_in_the_order_of_asking_and_buckets_beside_each_other() -> None:
    town = Town(concurrency=2)
    await town.run(town.one.identify_all([4, 1, 2, 3]))
    assert [shard for shard in town.discord.shards if shard % 2 == 0] == [4, 2]
    assert [shard for shard in town.discord.shards if shard % 2 == 1] == [1, 3]
    assert town.discord.times[1] - town.discord.times[0] < 1


async def test_a_shard_that_lost_its_session_goes_before_those_that_never_had_one() -> None:
    town = Town()

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(town.one.identify_all(range(4)))
            await town.time.sleep(1)
            group.create_task(town.one.identify(9, recovery=True))

    await town.run(both())
    assert town.discord.shards == [0, 9, 1, 2, 3], "0 has its turn already"


async def test_the_pause_is_counted_from_the_sending_not_from_the_turn() -> None:
    town = Town()

    async def slowly() -> None:
        async with town.one.ledger.turn(0, recovery=False) as turn:
            await town.time.sleep(30)
            assert await turn.take()
            await town.time.sleep(0.9)
            turn.sent()
            turn.answered()
            town.discord.identify(0)
        await town.one.identify(1)

    await town.run(slowly())
    town.discord.assert_content()
    assert 5.25 <= town.discord.times[1] - town.discord.times[0] <= 5.6


async def test_what_is_long_on_its_way_is_counted_from_its_arrival_by_all_processes() -> None:
    """A machine that has too much to do sends late: the next IDENTIFY would come too early for Discord."""
    town = Town(processes=4, seed=5)
    for one in town.members:
        one.on_the_way = 0.45
    await town.run(town.shared_out(40))
    town.discord.assert_content()
    lasted = town.discord.times[-1] - town.discord.times[0]
    assert len(town.discord.times) == 40
    assert lasted <= 39 * BLOCKED


async def test_an_answer_that_does_not_come_holds_the_next_one_up_for_a_moment_only() -> None:
    town = Town()

    async def work() -> float:
        async with town.one.ledger.turn(0, recovery=False) as turn:
            assert await turn.take()
            turn.sent()
        began = town.time.now
        await town.one.identify(1)
        return town.time.now - began

    assert await town.run(work()) <= BLOCKED_AFTER_SENT + ARRIVES_SOON + 0.5


async def test_a_turn_that_was_not_used_costs_nothing_and_the_next_one_goes_on() -> None:
    town = Town(total=1)

    async def work() -> float:
        with pytest.raises(OSError, match="no connection"):
            async with town.one.ledger.turn(0, recovery=False):
                raise OSError("no connection")
        began = town.time.now
        await town.one.identify(1)
        return town.time.now - began

    assert await town.run(work()) < 1
    assert town.spent == 1


async def test_a_slot_that_was_taken_and_not_used_blocks_its_bucket_because_nobody_knows_whether_it_was_used() -> None:
    town = Town(processes=2)

    async def work() -> float:
        async with town.one.ledger.turn(0, recovery=False) as turn:
            assert await turn.take()  # The connection breaks while it is sent.
        began = town.time.now
        await asyncio.gather(*(one.identify(number) for number, one in enumerate(town.members)))
        return min(town.discord.times) - began

    assert BLOCKED - 0.2 <= await town.run(work()) <= BLOCKED + 0.5
    town.discord.assert_content()
    assert town.spent == 3, "an IDENTIFY that may have been sent has cost one"


async def test_the_reserve_is_left_to_shards_that_had_a_session() -> None:
    town = Town(total=6, concurrency=16, reserve=3)

    async def work() -> None:
        fresh = asyncio.create_task(town.one.identify_all(range(5)))
        await town.time.sleep(30)
        assert len(town.discord.verdicts) == 3
        status = town.one.ledger.status()
        assert (status.remaining, status.waiting) == (3, 2)
        assert status.blocked_until is not None
        assert "3 IDENTIFYs of the 6 of this day are left, and 3 are kept" in (status.reason or "")
        await town.one.identify_all(range(8, 11), recovery=True)
        assert len(town.discord.verdicts) == 6
        await town.time.sleep(70)
        assert "the budget of 6 IDENTIFYs a day is used up" in (town.one.ledger.status().reason or "")
        fresh.cancel()
        await asyncio.gather(fresh, return_exceptions=True)

    await town.run(work())
    town.discord.assert_content()
    assert town.one.ledger.status().reason is None, "nobody waits"


async def test_a_used_up_budget_is_waited_for_and_says_so() -> None:
    town = Town(total=2, concurrency=2)
    began = town.time.now

    async def work() -> None:
        rest = asyncio.create_task(town.one.identify_all(range(3)))
        await town.time.sleep(3_600)
        status = town.one.ledger.status()
        assert (status.total, status.remaining, status.max_concurrency, status.waiting) == (2, 0, 2, 1)
        assert status.blocked_until is not None
        assert (status.reason or "").startswith(
            "the budget of 2 IDENTIFYs a day is used up; shards without a session wait until "
        )
        asked = town.discord.asked
        await town.time.sleep(600)
        assert town.discord.asked - asked <= 11, "once a minute"
        await rest

    await town.run(work())
    town.discord.assert_content()
    assert 86_400 <= town.discord.times[2] - began <= 86_400 + 70
    assert town.spent == 1, "a new period"


@pytest.mark.parametrize("left", [0, 2])
async def test_what_others_spend_elsewhere_is_obeyed(left: int) -> None:
    town = Town(total=500)

    async def work() -> None:
        await town.one.identify(0)
        town.discord.rules.spend(499 - left, town.time.now)
        rest = asyncio.create_task(town.one.identify_all(range(1, 5)))
        await town.time.sleep(300)
        assert len(town.discord.verdicts) == 1 + left
        assert town.one.ledger.status().remaining == 0
        rest.cancel()
        await asyncio.gather(rest, return_exceptions=True)

    await town.run(work())
    town.discord.assert_content()


async def test_processes_at_the_end_of_the_budget_never_spend_one_too_many() -> None:
    for seed in range(5):
        town = Town(total=23, concurrency=8, processes=4, seed=seed)

        async def work(town: Town = town) -> None:
            everybody = asyncio.create_task(town.shared_out(40))
            await town.time.sleep(600)
            everybody.cancel()
            await asyncio.gather(everybody, return_exceptions=True)

        await town.run(work())
        town.discord.assert_content()
        assert len(town.discord.verdicts) == 23


async def test_identifies_whose_ready_never_came_have_cost_one_each() -> None:
    town = Town(total=10, reserve=2)

    async def work() -> None:
        for _ in range(4):
            await town.one.identify(0)  # Nothing comes back; the shard connects anew.

    await town.run(work())
    assert town.spent == 4
    assert town.one.ledger.status().remaining == 6


async def test_who_has_never_identified_knows_that_a_bucket_is_free_when_its_shard_loses_its_session() -> None:
    town = Town(concurrency=2, processes=2)
    other = town.members[1]

    async def work() -> tuple[float, int]:
        reading = asyncio.create_task(other.ledger.keep_reading())
        await town.one.identify_all([0, 1, 2, 3])
        before = other.rows.statements
        await town.time.sleep(30)
        # The shard has moved; its session is destroyed in the other process.
        begun, read = town.time.now, other.rows.statements - before
        await other.identify(2, recovery=True)
        reading.cancel()
        return town.time.now - begun, read

    took, read = await town.run(work())
    assert took < 2
    assert read <= 30 / READ_EVERY + 1
    town.discord.assert_content()


async def test_at_rest_the_ledger_asks_nobody_anything() -> None:
    town = Town(concurrency=2, processes=2)

    async def work() -> tuple[int, int]:
        await town.shared_out(4)
        await town.time.sleep(1)
        before = sum(one.rows.statements for one in town.members), town.discord.asked
        await town.time.sleep(3_600)
        after = sum(one.rows.statements for one in town.members), town.discord.asked
        return after[0] - before[0], after[1] - before[1]

    assert await town.run(work()) == (0, 0)


async def test_two_fleets_of_one_application_share_buckets_and_budget() -> None:
    town = Town(total=6, processes=2)

    async def work() -> None:
        everybody = asyncio.create_task(town.shared_out(8))
        await town.time.sleep(300)
        everybody.cancel()
        await asyncio.gather(everybody, return_exceptions=True)

    await town.run(work())
    town.discord.assert_content()
    assert len(town.discord.verdicts) == 6
    gaps = [later - at for at, later in itertools.pairwise(town.discord.times)]
    assert all(BLOCKED_AFTER_SENT - 0.25 <= gap <= BLOCKED for gap in gaps)


async def test_another_number_of_buckets_is_taken_from_the_next_answer() -> None:
    for before, after in ((1, 16), (16, 1), (4, 16)):
        town = Town(concurrency=before, processes=2, total=100)

        async def work(town: Town = town, after: int = after) -> None:
            await town.shared_out(4)
            await town.time.sleep(61)
            town.discord.rules.max_concurrency = after
            await town.time.sleep(10)
            await town.shared_out(6)

        await town.run(work())
        town.discord.assert_content()
        assert {one.ledger.status().max_concurrency for one in town.members} == {after}
