"""The deciding core of turns and budget beyond the cases of the protocol."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.continuity.modeldb import ModelDb
from tests.unit.fleet_identify.town import APPLICATION, Town

from migaga.continuity.budget import ASK_EACH, ASK_EVERY, FRESH_FOR, SETTLED_AFTER, Answer, Budget
from migaga.continuity.slots import ARRIVES_WITHIN, BLOCKED, BLOCKED_AFTER_SENT, Slot, Slots
from migaga.fleet.line import Line, Obstacle
from migaga.gateway.lease import IdentifyTurns
from migaga.storage.leases_operations import Outcome
from migaga.storage.leases_rows import BucketRow, DayRow

DAY = 1_800_086_400


def taken(slots: Slots, bucket: int, now: float, token: str = "mine") -> Slot:
    slot = slots.ask(bucket, now, token)
    assert slot is not None
    slots.won(slot, now)
    return slot


def answer(remaining: int, *, asked_at: float = 0.0, total: int = 1_000, concurrency: int = 1) -> Answer:
    return Answer(total, remaining, DAY, asked_at, 3_600.0, concurrency)


def test_the_ledger_is_what_connections_ask() -> None:
    turns: IdentifyTurns = Town().one.ledger
    assert turns is not None


# ---- slots


def test_a_slot_that_is_given_back_frees_its_bucket_for_everybody() -> None:
    db, mine, other = ModelDb(), Slots(1, 1), Slots(1, 1)
    assert db.execute(mine.create()) is Outcome.DONE
    mine.read(BucketRow(1, 0), 0.0)
    slot = taken(mine, 0, 0.0)
    assert db.execute(slot.operation) is Outcome.DONE
    other.read(BucketRow(1, 0, "mine"), 0.1)
    assert other.ask(0, 1.0, "b") is None
    assert db.execute(mine.give_back(slot)) is Outcome.DONE
    assert mine.free_at(0) is None, "the row has to be read again"
    other.read(BucketRow(**db.tables["identify_bucket"][1, 0]), 0.2)  # type: ignore[arg-type]
    assert other.ask(0, 0.2, "b") is not None
    assert not mine.may_send(slot, 0.3)


def test_a_reading_that_was_asked_for_before_our_own_slot_changes_nothing() -> None:
    slots = Slots(1, 1)
    slots.read(BucketRow(1, 0, "before", True), 0.0)
    slot = taken(slots, 0, 6.0)
    slots.read(BucketRow(1, 0, "before", True), 6.2, 5.9)
    assert slots.may_send(slot, 6.5)
    slots.read(BucketRow(1, 0, "another"), 6.6, 6.3)
    assert not slots.may_send(slot, 6.7), "a later reading tells of another owner"


def test_another_number_of_buckets_blocks_all_of_them_once() -> None:
    slots = Slots(1, 1)
    slots.read(BucketRow(1, 0), 0.0)
    assert not slots.resize(1, 10.0)
    assert slots.resize(4, 10.0)
    slots.read(BucketRow(1, 3), 10.0)
    assert (slots.bucket_of(7), slots.free_at(3)) == (3, 10.0 + BLOCKED)


def test_rows_of_processes_that_do_not_know_the_smaller_number_of_buckets_block_too() -> None:
    slots = Slots(1, 2)
    for bucket in range(4):
        slots.read(BucketRow(1, bucket), 0.0)
    slots.read(BucketRow(1, 3, "theirs", True), 1.0)
    assert (slots.free_at(0), slots.free_at(1)) == (0.0, 1.0 + BLOCKED_AFTER_SENT)


def test_what_may_be_in_flight_is_what_was_taken_or_sent_just_now() -> None:
    slots = Slots(1, 3)
    for bucket in range(3):
        slots.read(BucketRow(1, bucket), 0.0)
    slots.sent(taken(slots, 0, 0.0), 0.5)
    taken(slots, 1, 0.0)
    slots.read(BucketRow(1, 2, "theirs"), 0.3)
    assert [slots.in_flight(at) for at in (0.5, 2.9, 3.4, 3.7, 3.9)] == [3, 3, 2, 1, 0]
    assert 0.5 + ARRIVES_WITHIN == 3.0


def test_a_slot_of_others_is_read_again_until_they_say_that_they_have_sent() -> None:
    slots = Slots(1, 2)
    slots.read(BucketRow(1, 0, "theirs"), 0.0)
    assert slots.may_be_freed(0, 1.4)
    assert not slots.may_be_freed(0, 1.6), "it will not be said any more"
    slots.read(BucketRow(1, 0, "theirs", True), 0.5)
    assert not slots.may_be_freed(0, 0.6)
    slots.read(BucketRow(1, 1), 0.0)
    taken(slots, 1, 0.0)
    assert not slots.may_be_freed(1, 0.1), "our own"
    assert not slots.may_be_freed(5, 0.1)


# ---- budget


def test_what_is_in_flight_is_kept_back_until_discord_must_know_of_it() -> None:
    budget = Budget(1, 0)
    budget.asked(DayRow(1, 1, DAY, 1_000, 998), answer(3, asked_at=10.0), in_flight=1)
    assert budget.left(recovery=True) == 2
    budget.asked(DayRow(1, 1, DAY, 1_000, 999), answer(1, asked_at=20.0), in_flight=1)
    assert (budget.left(recovery=True), budget.is_waited_for(recovery=True)) == (0, True)
    assert budget.ask_at(recovery=True) == 20.0 + SETTLED_AFTER


def test_discord_is_asked_the_more_often_the_less_is_left() -> None:
    budget = Budget(1, 0)
    for remaining, bound in ((500, FRESH_FOR), (20, ASK_EVERY), (1, ASK_EACH)):
        budget.asked(DayRow(1, 1, DAY, 1_000, 0), answer(remaining))
        assert not budget.must_ask(bound, recovery=True)
        assert budget.must_ask(bound + 0.1, recovery=True)
        assert budget.ask_at(recovery=True) == ASK_EVERY
    budget.asked(DayRow(1, 1, DAY, 1_000, 1_000), answer(0))
    assert not budget.must_ask(30.0, recovery=True), "it is waited for"
    assert budget.must_ask(FRESH_FOR, recovery=True)


@pytest.mark.parametrize(("reserve", "total", "kept"), [(100, 1_000, 100), (100, 20, 2), (3, 4, 3), (4, 4, 0)])
def test_a_reserve_that_would_leave_nothing_is_a_tenth(reserve: int, total: int, kept: int) -> None:
    budget = Budget(1, reserve)
    budget.asked(DayRow(1, 1, DAY, total, 0), answer(total, total=total))
    assert (budget.kept, budget.left(recovery=False), budget.left(recovery=True)) == (kept, total - kept, total)


def test_a_period_that_another_process_opens_first_is_used_if_discord_has_spoken_of_it() -> None:
    db, budgets = ModelDb(), [Budget(1, 0), Budget(1, 0)]
    openings = [budget.asked(None, answer(5)) for budget in budgets]
    assert [db.execute(one) for one in openings if one is not None] == [Outcome.DONE, Outcome.REFUSED]
    row = DayRow(**db.tables["identify_day"][1,])  # type: ignore[arg-type]
    for budget in budgets:
        assert budget.ask_at(recovery=True) is None
        budget.opened(row)
        assert budget.left(recovery=True) == 5
        budget.opened(DayRow(1, 1, DAY + 86_400, 1_000, 0))
        assert budget.must_ask(0.0, recovery=True)
        assert budget.left(recovery=True) == 0


@given(
    st.integers(0, 12),
    st.integers(0, 12),
    st.integers(0, 14),
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), st.sampled_from([None, Outcome.UNKNOWN])), max_size=30),
)
def test_processes_together_never_count_more_than_discord_has_left(
    spent: int, remaining: int, reserve: int, tries: list[tuple[int, bool, Outcome | None]]
) -> None:
    db, row = ModelDb(), DayRow(1, 1, DAY, 24, spent)
    db.tables["identify_day"][1,] = asdict(row)
    budgets = [Budget(1, reserve) for _ in range(3)]
    for budget in budgets:
        budget.asked(row, answer(remaining, total=24))
    sent, counted_without_reserve = 0, 0
    for number, recovery, doubt in tries:
        count = budgets[number].spend(0.5, recovery=recovery)
        if count is not None and db.execute(count) is Outcome.DONE:
            budgets[number].counted()
            sent += doubt is None
            if not recovery:
                counted_without_reserve = int(str(db.tables["identify_day"][1,]["spent"])) - spent
    assert sent <= remaining
    assert counted_without_reserve <= max(0, remaining - reserve)


# ---- the line


def test_one_of_each_bucket_is_first_and_who_connects_is_not_overtaken() -> None:
    line = Line(lambda shard_id: shard_id % 2)
    a, b, c = (line.join(shard, recovery=False) for shard in (2, 1, 4))
    assert [place.first.is_set() for place in (a, b, c)] == [True, True, False]
    d = line.join(6, recovery=True)
    assert [place.first.is_set() for place in (a, d)] == [False, True]
    line.leave(d)
    a.has_turn = True
    e = line.join(8, recovery=True)
    assert [place.first.is_set() for place in (a, c, e)] == [True, False, False]
    assert line.waiting == 3
    line.leave(a)
    line.leave(a)
    assert [place.first.is_set() for place in (c, e)] == [False, True]


def test_the_obstacle_of_the_first_one_is_shown() -> None:
    line = Line(lambda _: 0)
    first, second = (line.join(shard, recovery=False) for shard in range(2))
    second.obstacle = Obstacle("second", 1.0)
    assert line.obstacle == second.obstacle
    first.obstacle = Obstacle("first", 1.0)
    assert line.obstacle == first.obstacle


async def test_a_row_that_somebody_deletes_is_made_again() -> None:
    town = Town()

    async def work() -> None:
        await town.one.identify(0)
        await asyncio.sleep(0)
        town.db.tables["identify_bucket"].clear()
        town.db.tables["identify_day"].clear()
        await town.one.identify(1)

    await town.run(work())
    assert (APPLICATION, 0) in town.db.tables["identify_bucket"]
    assert town.spent == 1
    town.discord.assert_content()
