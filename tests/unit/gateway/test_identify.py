"""The gate: one IDENTIFY per bucket per 5 s, never more than the budget, buckets beside each other."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

import pytest
from tests.unit.gateway.desk import StepClock

from migaga.common.errors import UnavailableError
from migaga.gateway.identify import ARRIVES_SOON, BUCKET_INTERVAL, Budget, IdentifyGate
from migaga.gateway.observer import Unobserved


class Sent(list[tuple[int, float]]):
    """Who identified when."""


class Asked:
    """What `/gateway/bot` answers, one answer after the other; then that there is plenty."""

    def __init__(self, *answers: Budget | Exception) -> None:
        self.answers = list(answers)

    async def __call__(self) -> Budget:
        answer = self.answers.pop(0) if self.answers else budget(concurrency=4)
        if isinstance(answer, Exception):
            raise answer
        return answer


def budget(remaining: int = 1_000, concurrency: int = 1, reset: float = 60) -> Budget:
    return Budget(1_000, remaining, timedelta(seconds=reset), concurrency)


async def identify(gate: IdentifyGate, shard_id: int, clock: StepClock, sent: Sent) -> None:
    async with gate.slot(shard_id) as slot:
        slot.sent()
        sent.append((shard_id, clock.now()))


async def test_shards_of_one_bucket_go_in_order_and_apart() -> None:
    clock, sent = StepClock(), Sent()
    gate = IdentifyGate(budget(), Asked(), clock, Unobserved())
    await asyncio.gather(*(identify(gate, shard, clock, sent) for shard in range(4)))
    assert [shard for shard, _ in sent] == [0, 1, 2, 3]
    times = [at for _, at in sent]
    assert all(later - earlier >= 5.0 for earlier, later in itertools.pairwise(times))


async def test_buckets_do_not_wait_for_each_other() -> None:
    clock, sent = StepClock(), Sent()
    gate = IdentifyGate(budget(concurrency=4), Asked(), clock, Unobserved())
    await asyncio.gather(*(identify(gate, shard, clock, sent) for shard in range(4)))
    assert clock.waits == []


async def test_the_pause_is_counted_from_the_sending_not_from_the_turn() -> None:
    clock = StepClock()
    gate = IdentifyGate(budget(), Asked(), clock, Unobserved())
    async with gate.slot(0) as slot:
        clock.time += 30  # Connecting took long.
        slot.sent()
    async with gate.slot(1):
        assert clock.waits == [BUCKET_INTERVAL]


@pytest.mark.parametrize(("answered_after", "later"), [(0.1, 0.0), (3.0, ARRIVES_SOON)])
async def test_the_pause_begins_a_moment_after_the_sending_when_discord_does_not_answer_soon(
    answered_after: float, later: float
) -> None:
    clock = StepClock()
    gate = IdentifyGate(budget(), Asked(), clock, Unobserved())
    async with gate.slot(0) as slot:
        slot.sent()
    began = clock.now()
    clock.time += answered_after
    slot.answered()
    async with gate.slot(1):
        assert clock.now() == pytest.approx(began + BUCKET_INTERVAL + later)


async def test_a_turn_that_was_not_used_costs_nothing() -> None:
    clock = StepClock()
    gate = IdentifyGate(budget(remaining=1), Asked(), clock, Unobserved())
    with pytest.raises(OSError, match="no connection"):
        async with gate.slot(0):
            raise OSError("no connection")
    async with gate.slot(1) as slot:
        slot.sent()
    assert clock.waits == []
    assert gate.status().remaining == 0


async def test_a_used_up_budget_is_waited_for_and_says_so() -> None:
    clock = StepClock()
    blocked: list[str | None] = []

    async def renewed() -> Budget:
        blocked.append(gate.status().reason)
        return budget(remaining=7)

    gate = IdentifyGate(budget(remaining=0, reset=500), renewed, clock, Unobserved())
    await identify(gate, 0, clock, Sent())
    assert clock.waits == [500]
    assert blocked[0] is not None
    assert "used up" in blocked[0]
    assert gate.status().reason is None
    assert gate.status().remaining == 6


async def test_the_same_last_identify_is_not_given_to_two_buckets() -> None:
    clock, sent = StepClock(), Sent()
    gate = IdentifyGate(budget(remaining=1, concurrency=2, reset=90), Asked(budget(concurrency=2)), clock, Unobserved())
    first, second = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with gate.slot(0) as slot:
            first.set()
            await second.wait()
            slot.sent()

    async with asyncio.TaskGroup() as group:
        group.create_task(hold())
        await first.wait()
        group.create_task(identify(gate, 1, clock, sent))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        second.set()
    assert 90 in clock.waits


async def test_an_old_budget_is_asked_for_again_and_survives_an_outage() -> None:
    clock = StepClock()
    asked = Asked(UnavailableError("away"), budget(remaining=3))
    gate = IdentifyGate(budget(remaining=900), asked, clock, Unobserved())
    clock.time += 61
    await identify(gate, 0, clock, Sent())
    assert gate.status().remaining == 899
    clock.time += 61
    await identify(gate, 0, clock, Sent())
    assert gate.status().remaining == 2


async def test_what_others_have_spent_meanwhile_is_noticed_before_the_next_identify() -> None:
    clock, sent = StepClock(), Sent()
    gate = IdentifyGate(budget(remaining=900), Asked(budget(remaining=0, reset=300)), clock, Unobserved())
    await identify(gate, 0, clock, sent)
    await identify(gate, 1, clock, sent)
    assert sent[1][1] - sent[0][1] >= 300
