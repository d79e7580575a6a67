"""The loop that looks at bots."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.unit.operator_control.town import HandClock

from migaga_operator.cluster import AwayError, RefusedError
from migaga_operator.control.leadership import LostLeaseError
from migaga_operator.control.metrics import OperatorMetrics
from migaga_operator.control.reconciler import Reconciler
from migaga_operator.control.seen import BotKey

A, B = BotKey("bots", "a"), BotKey("bots", "b")
Look = Callable[[BotKey], Awaitable[float | None]]


@asynccontextmanager
async def loop_of(
    look: Look, clock: HandClock, at_once: int = 4
) -> AsyncIterator[tuple[Reconciler, OperatorMetrics, asyncio.Task[None]]]:
    metrics = OperatorMetrics()
    reconciler = Reconciler(look, clock, metrics, at_once)
    task = asyncio.create_task(reconciler.run())
    try:
        yield reconciler, metrics, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def turn() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_one_bot_is_looked_at_once_at_a_time_and_several_side_by_side() -> None:
    clock, begun, go_on = HandClock(), list[BotKey](), asyncio.Event()

    async def look(bot: BotKey) -> float:
        begun.append(bot)
        await go_on.wait()
        return 45.0

    async with loop_of(look, clock) as (reconciler, _, _):
        for _ in range(3):
            reconciler.wake(A)
            reconciler.wake(B)
            await turn()
        assert begun == [A, B]
        assert reconciler.running == 2
        go_on.set()
        await turn()
        clock.move(1.0)
        await turn()
        assert sorted(begun) == [A, A, B, B]
        clock.move(44.0)
        await turn()
        assert len(begun) == 4
        clock.move(2.0)
        await turn()
        assert len(begun) == 6


async def test_no_more_bots_at_once_than_allowed() -> None:
    clock, go_on, most, now = HandClock(), asyncio.Semaphore(0), 0, 0

    async def look(bot: BotKey) -> float:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await go_on.acquire()
        now -= 1
        return 45.0

    async with loop_of(look, clock, 3) as (reconciler, metrics, _):
        for number in range(10):
            reconciler.wake(BotKey("bots", str(number)))
        await turn()
        assert most == 3
        assert reconciler.due == 7
        for _ in range(10):
            go_on.release()
            await turn()
        assert most == 3
        assert b'migaga_operator_reconciles_total{result="ok"} 10.0' in metrics.exposition()


@pytest.mark.parametrize(
    ("error", "result"),
    [(AwayError("away"), "away"), (RefusedError("no"), "refused"), (ZeroDivisionError("ours"), "fault")],
)
async def test_what_happens_to_one_bot_does_not_disturb_the_other(
    error: Exception, result: str, caplog: pytest.LogCaptureFixture
) -> None:
    clock, seen = HandClock(), list[BotKey]()

    async def look(bot: BotKey) -> float:
        seen.append(bot)
        if bot == A:
            raise error
        return 10.0

    async with loop_of(look, clock) as (reconciler, metrics, task):
        reconciler.wake(A)
        reconciler.wake(B)
        for _ in range(40):
            await turn()
            clock.move(0.5)
        assert seen.count(B) == 2
        # After 0.5 to 1 s, then up to 2, 4 and 8: about four times in 20 s.
        assert 3 <= seen.count(A) <= 6
        assert f'result="{result}"'.encode() in metrics.exposition()
        assert not task.done()
    records = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert bool(records) == (result == "fault")
    assert all(record.exc_info for record in records)


async def test_stopping_finishes_what_is_under_way_and_begins_nothing() -> None:
    clock, go_on, seen = HandClock(), asyncio.Event(), list[BotKey]()

    async def look(bot: BotKey) -> float:
        seen.append(bot)
        await go_on.wait()
        return 0.0

    async with loop_of(look, clock, 1) as (reconciler, _, task):
        reconciler.wake(A)
        reconciler.wake(B)
        await turn()
        reconciler.stop()
        await turn()
        assert not task.done()
        go_on.set()
        await task
        assert seen == [A]


async def test_a_lost_lease_ends_the_loop() -> None:
    async def look(bot: BotKey) -> float:
        raise LostLeaseError("lost")

    async with loop_of(look, HandClock()) as (reconciler, _, task):
        reconciler.wake(A)
        with pytest.raises(ExceptionGroup) as caught:
            await task
        assert caught.group_contains(LostLeaseError)
