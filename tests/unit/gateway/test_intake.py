"""The intake runs handlers in order, keeps the watermark, and never drops an event."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from migaga.gateway.intake import Handlers as Job
from migaga.gateway.intake import Intake, PutAside
from migaga.gateway.observer import Unobserved
from migaga.gateway.received import Received


class Handlers:
    """A router: `wanted` says what is taken, `gates` what has to wait."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.gates: dict[int, asyncio.Event] = {}
        self.failing: set[int] = set()
        self.asking: set[int] = set()
        self.unwanted: set[int] = set()

    def route(self, event: Received) -> Job | None:
        if event.seq in self.unwanted:
            return None

        async def run(put_aside: PutAside) -> None:
            self.started.append(event.seq)
            if event.seq in self.asking:
                put_aside()
            if event.seq in self.gates:
                await self.gates[event.seq].wait()
            if event.seq in self.failing:
                raise ValueError("a fault of the framework")

        return run


def event(seq: int, session: str = "s") -> Received:
    return Received("TYPING_START", 0, session, seq, {})


def make(limit: int = 100) -> tuple[Intake, Handlers]:
    handlers = Handlers()
    return Intake(0, handlers, Unobserved(), limit=limit), handlers


async def test_handlers_start_in_the_order_of_receipt() -> None:
    intake, handlers = make()
    for seq in range(1, 50):
        intake.receive(event(seq))
    assert await intake.drain(timedelta(seconds=5)) == 0
    assert handlers.started == list(range(1, 50))
    assert intake.watermark.value == 49


async def test_what_nobody_wants_is_finished_at_once() -> None:
    intake, handlers = make()
    handlers.unwanted = {1, 2}
    intake.receive(event(1))
    intake.receive(event(2))
    assert intake.watermark.value == 2
    assert intake.in_flight == 0


async def test_an_error_of_a_handler_does_not_hold_the_watermark(caplog: pytest.LogCaptureFixture) -> None:
    intake, handlers = make()
    handlers.failing = {1}
    intake.receive(event(1))
    intake.receive(event(2))
    await intake.drain(timedelta(seconds=5))
    assert intake.watermark.value == 2
    assert "handling TYPING_START on shard 0 failed" in caplog.text


async def test_a_slow_handler_holds_the_watermark_but_not_later_handlers() -> None:
    intake, handlers = make()
    handlers.gates[2] = asyncio.Event()
    for seq in (1, 2, 3):
        intake.receive(event(seq))
    await asyncio.sleep(0.01)
    assert handlers.started == [1, 2, 3]
    assert intake.watermark.value == 1
    handlers.gates[2].set()
    await intake.drain(timedelta(seconds=5))
    assert intake.watermark.value == 3


async def test_it_has_no_room_beyond_its_limit_and_room_again_when_one_ends() -> None:
    intake, handlers = make(limit=2)
    handlers.gates = {1: asyncio.Event(), 2: asyncio.Event()}
    intake.receive(event(1))
    free = intake.has_room
    assert free
    intake.receive(event(2))
    full = intake.has_room
    assert not full
    handlers.gates[1].set()
    async with asyncio.timeout(1):
        await intake.room()
    handlers.gates[2].set()
    await intake.drain(timedelta(seconds=1))


async def test_what_is_not_finished_when_the_grace_ends_is_cancelled_and_stays_unfinished() -> None:
    intake, handlers = make()
    handlers.gates[2] = asyncio.Event()
    for seq in (1, 2, 3):
        intake.receive(event(seq))
    assert await intake.drain(timedelta(seconds=0.05)) == 1
    assert intake.watermark.value == 1


async def test_a_late_handler_of_an_old_session_does_not_move_the_new_watermark() -> None:
    intake, handlers = make()
    intake.begin_session(start=None, first=1)
    handlers.gates[2] = asyncio.Event()
    intake.receive(event(1))
    intake.receive(event(2))
    intake.begin_session(start=None, first=1)
    intake.receive(event(1, "new"))
    handlers.gates[2].set()
    await intake.drain(timedelta(seconds=1))
    assert intake.watermark.value == 1
    assert intake.resume_seq == 1


async def test_a_repeated_number_is_not_handled_again() -> None:
    intake, handlers = make()
    intake.begin_session(start=7, first=7)
    for seq in (6, 7, 8, 8, 9):
        intake.receive(event(seq))
    await intake.drain(timedelta(seconds=1))
    assert handlers.started == [8, 9]


async def test_an_event_that_is_put_aside_holds_neither_the_watermark_nor_a_place() -> None:
    intake, handlers = make(limit=2)
    handlers.asking, handlers.gates = {2}, {2: asyncio.Event(), 3: asyncio.Event()}
    for seq in (1, 2, 3, 4):
        intake.receive(event(seq))
    await asyncio.sleep(0.01)
    assert intake.watermark.value == 2
    assert (intake.in_flight, intake.put_aside) == (1, 1)
    async with asyncio.timeout(1):
        await intake.room()
    handlers.gates[3].set()
    await asyncio.sleep(0.01)
    assert intake.watermark.value == 4
    handlers.gates[2].set()
    assert await intake.drain(timedelta(seconds=1)) == 0
    assert (intake.in_flight, intake.put_aside) == (0, 0)
    assert intake.watermark.value == 4


async def test_an_event_put_aside_before_an_earlier_one_has_ended_waits_for_it() -> None:
    intake, handlers = make()
    handlers.asking, handlers.gates = {2}, {1: asyncio.Event(), 2: asyncio.Event()}
    intake.receive(event(1))
    intake.receive(event(2))
    await asyncio.sleep(0.01)
    before = intake.watermark.value
    assert before is None
    handlers.gates[1].set()
    await asyncio.sleep(0.01)
    after = intake.watermark.value
    assert after == 2
    handlers.gates[2].set()
    await intake.drain(timedelta(seconds=1))


async def test_a_stop_waits_for_what_is_put_aside_and_does_not_count_it_as_unfinished() -> None:
    intake, handlers = make()
    handlers.asking, handlers.gates = {1}, {1: asyncio.Event()}
    intake.receive(event(1))
    await asyncio.sleep(0.01)
    assert await intake.drain(timedelta(seconds=0.05)) == 0
    assert intake.put_aside == 0
    assert intake.watermark.value == 1


async def test_abandoning_also_cancels_what_is_put_aside() -> None:
    intake, handlers = make()
    handlers.asking, handlers.gates = {1}, {1: asyncio.Event()}
    intake.receive(event(1))
    await asyncio.sleep(0.01)
    intake.abandon()
    assert await intake.drain(timedelta(seconds=5)) == 0


async def test_what_is_put_aside_is_bounded_beyond_it_an_event_keeps_its_place() -> None:
    handlers = Handlers()
    intake = Intake(0, handlers, Unobserved(), limit=10, aside_limit=1)
    handlers.asking, handlers.gates = {1, 2}, {1: asyncio.Event(), 2: asyncio.Event()}
    intake.receive(event(1))
    intake.receive(event(2))
    await asyncio.sleep(0.01)
    assert (intake.put_aside, intake.in_flight, intake.watermark.value) == (1, 1, 2)
    for gate in handlers.gates.values():
        gate.set()
    await intake.drain(timedelta(seconds=1))
