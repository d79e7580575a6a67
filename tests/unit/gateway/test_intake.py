"""The intake runs handlers in order, knows how far the session is, and never drops an event."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from tests.unit.gateway.desk import event, make, turns

from migaga.gateway.received import Received

SECOND = timedelta(seconds=1)


async def test_handlers_start_in_the_order_of_receipt() -> None:
    office = make()
    office.receive(*range(1, 50))
    assert await office.intake.drain(SECOND) == 0
    assert office.desk.started == list(range(1, 50))
    assert office.seq == 49
    assert sorted(office.finished) == list(range(1, 50))


async def test_what_nobody_wants_is_finished_at_once() -> None:
    office = make()
    office.desk.unwanted = {1, 2}
    office.receive(1, 2)
    assert office.seq == 2
    assert office.intake.in_flight == 0


async def test_an_error_of_a_handler_does_not_hold_the_watermark(caplog: pytest.LogCaptureFixture) -> None:
    office = make()
    office.desk.failing = {1}
    office.receive(1, 2)
    await office.intake.drain(SECOND)
    assert office.seq == 2
    assert office.finished == [2], "a restart in place must not take the first for handled"
    assert "handling TYPING_START on shard 0 failed" in caplog.text


async def test_a_slow_handler_holds_the_watermark_but_not_later_handlers() -> None:
    office = make()
    office.desk.block(2)
    office.desk.unwanted = {4}
    office.receive(1, 2, 3, 4)
    await turns()
    assert office.desk.started == [1, 2, 3]
    point = office.intake.point()
    assert (point.seq, set(point.done)) == (1, {3, 4})
    office.desk.free(2)
    await office.intake.drain(SECOND)
    assert office.intake.point().seq == 4
    assert office.intake.point().done == frozenset()


async def test_it_has_no_room_beyond_its_limit_and_room_again_when_one_ends() -> None:
    office = make(limit=2)
    office.desk.block(1, 2)
    office.receive(1)
    assert office.intake.has_room
    office.receive(2)
    full = not office.intake.has_room
    assert full
    office.desk.free(1)
    async with asyncio.timeout(1):
        await office.intake.room()
    assert office.intake.has_room
    office.desk.free(2)
    await office.intake.drain(SECOND)


async def test_what_is_not_finished_when_the_grace_ends_is_cancelled_and_stays_unfinished() -> None:
    office = make()
    office.desk.block(2)
    office.receive(1, 2, 3)
    assert await office.intake.drain(timedelta(seconds=0.01)) == 1
    assert (office.seq, set(office.intake.point().done)) == (1, {3})
    assert office.finished == [1, 3]


async def test_settling_waits_and_cancels_nothing() -> None:
    office = make()
    office.desk.block(1)
    office.receive(1, 2)
    await office.intake.settle(0.01)
    assert [running.event.seq for running in office.intake.unfinished()] == [1]
    office.desk.free(1)
    await office.intake.settle(1)
    assert office.intake.unfinished() == []
    assert office.seq == 2


async def test_a_late_handler_of_an_old_session_does_not_move_the_new_one() -> None:
    office = make()
    office.desk.block(2)
    office.receive(1, 2)
    await turns()
    office.intake.begin_session("new", 1, ready=True)
    office.receive(1, session="new")
    await turns()
    assert office.desk.started == [1, 2, 1]
    assert (office.intake.point().session_id, office.seq) == ("new", 1)
    assert office.intake.in_flight == 1
    office.desk.free(2)
    await turns()
    assert office.intake.point().done == frozenset()
    assert office.finished == [1, 1], "the old session's event is no event of the new one"


async def test_what_runs_of_an_old_session_is_unfinished_only_before_the_new_one_begins() -> None:
    office = make()
    office.desk.block(1)
    office.receive(1)
    await turns()
    assert [running.event.seq for running in office.intake.unfinished()] == [1]
    office.intake.begin_session("new", 1, ready=True)
    assert office.intake.unfinished() == []
    office.intake.abandon()
    await office.intake.close()


async def test_an_intake_is_closed_although_a_handler_does_not_hear_its_first_cancellation() -> None:
    """A life that was over began no new one: it waited for a handler for ever."""
    office = make()
    office.desk.deaf = {1}
    office.desk.block(1)
    office.receive(1, 2)
    await turns()
    async with asyncio.timeout(10):
        await office.intake.close()
    assert (office.desk.ended, office.finished, office.intake.put_aside) == ([2], [2], 0)


async def test_a_repeated_number_is_not_handled_again() -> None:
    office = make()
    office.intake.begin_session("s", 7)
    office.receive(6, 7, 8, 8, 9)
    await office.intake.drain(SECOND)
    assert office.desk.started == [8, 9]


async def test_a_replay_leaves_out_what_was_done_above_the_watermark() -> None:
    office = make(is_open=False)
    office.intake.begin_session("s", 7, {9, 10, 12})
    office.receive(8, 9, 10)
    office.intake.open()
    await turns()
    office.receive(11, 12, 13)
    await turns()
    assert office.desk.started == [8, 11, 13]
    assert office.seq == 13


async def test_a_skipped_event_is_left_out_also_when_nothing_else_runs() -> None:
    office = make()
    office.intake.begin_session("s", 7, {8})
    office.receive(8)
    assert (office.desk.started, office.seq) == ([], 8)


async def test_no_resume_names_a_number_below_the_one_of_ready() -> None:
    office = make()
    office.desk.block(3)
    office.intake.begin_session("s", 3, ready=True)
    office.receive(3)
    assert office.seq == 3, "READY is still being handled, yet cannot come again"
    office.receive(4)
    await turns()
    assert (office.seq, set(office.intake.point().done)) == (3, {4})
    office.desk.free(3)
    await office.intake.drain(SECOND)
    assert office.seq == 4


async def test_an_event_that_waits_for_people_holds_neither_the_watermark_nor_a_place() -> None:
    office = make(limit=2)
    office.desk.asking = {2}
    office.desk.block(2, 3)
    office.receive(1, 2, 3, 4)
    await turns()
    assert office.seq == 2
    assert (office.intake.in_flight, office.intake.put_aside) == (1, 1)
    async with asyncio.timeout(1):
        await office.intake.room()
    office.desk.free(3)
    await turns()
    assert office.seq == 4
    office.desk.free(2)
    assert await office.intake.drain(SECOND) == 0
    assert (office.intake.in_flight, office.intake.put_aside) == (0, 0)


async def test_an_event_put_aside_before_an_earlier_one_has_ended_waits_for_it() -> None:
    office = make()
    office.desk.asking = {2}
    office.desk.block(1, 2)
    office.receive(1, 2)
    await turns()
    assert (office.seq, set(office.intake.point().done)) == (0, {2})
    office.desk.free(1)
    await turns()
    assert office.intake.point().seq == 2
    office.desk.free(2)
    await office.intake.drain(SECOND)


async def test_a_stop_waits_for_what_waits_for_people_and_does_not_count_it_as_unfinished() -> None:
    office = make()
    office.desk.asking = {1}
    office.desk.block(1)
    office.receive(1)
    await turns()
    assert await office.intake.drain(timedelta(seconds=0.01)) == 0
    assert (office.intake.put_aside, office.seq) == (0, 1)


async def test_abandoning_also_cancels_what_waits_for_people() -> None:
    office = make()
    office.desk.asking = {1}
    office.desk.block(1)
    office.receive(1)
    await turns()
    office.intake.abandon()
    assert await office.intake.drain(SECOND) == 0
    assert office.desk.ended == []


async def test_what_waits_for_people_is_bounded_beyond_it_an_event_keeps_its_place() -> None:
    office = make(limit=10, aside_limit=1)
    office.desk.asking = {1, 2}
    office.desk.block(1, 2)
    office.receive(1, 2)
    await turns()
    assert (office.intake.put_aside, office.intake.in_flight, office.seq) == (1, 1, 2)
    office.desk.free(1, 2)
    await office.intake.drain(SECOND)


async def test_a_handler_that_runs_for_long_is_overdue_and_can_be_passed_over() -> None:
    office = make()
    office.desk.block(1, 3)
    office.receive(1, 2)
    await turns()
    assert office.intake.overdue(office.clock.now() + 4.9) == []
    office.clock.time += 5.1
    office.receive(3)
    [running] = office.intake.overdue(office.clock.now())
    assert running.event.seq == 1
    office.intake.pass_over(running)
    assert office.seq == 2
    assert [one.event.seq for one in office.intake.unfinished()] == [3]
    assert office.intake.in_flight == 2, "it goes on running"
    office.desk.free(1, 3)
    await office.intake.drain(SECOND)
    assert sorted(office.desk.ended) == [1, 2, 3]
    assert office.seq == 3


async def test_the_oldest_is_overdue_when_a_thousand_events_wait_for_it() -> None:
    office = make(limit=5_000)
    office.desk.block(1)
    office.receive(*range(1, 1_001))
    await turns()
    assert office.intake.overdue(office.clock.now()) == []
    office.receive(1_001)
    assert [running.event.seq for running in office.intake.overdue(office.clock.now())] == [1]
    office.desk.free(1)
    await office.intake.drain(SECOND)


async def test_what_a_dead_owner_left_runs_and_moves_no_watermark() -> None:
    office = make()
    office.intake.begin_session("s", 7)
    old = office.intake
    running = old.run_left(office_event := _left(3))
    assert running is not None
    await running.task
    assert office.desk.ended == [office_event.seq]
    assert (office.seq, office.finished) == (7, [])
    office.desk.unwanted = {4}
    assert old.run_left(_left(4)) is None
    await old.close()


def _left(seq: int) -> Received:
    return event(seq, "an earlier session")


async def test_closing_cancels_everything_and_begins_nothing_more() -> None:
    office = make()
    office.desk.block(1)
    office.receive(1)
    office.intake.shut()
    office.receive(2)
    await turns()
    await office.intake.close()
    office.intake.open()
    await turns()
    assert office.desk.started == [1]
    assert office.seq == 0
