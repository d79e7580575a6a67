"""What may not be handled yet waits in the intake: in order, bounded, with an apology for people who wait."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.unit.gateway.desk import event, make, turns

from migaga.gateway.apologies import AWAY
from migaga.gateway.intake import AGAIN_AFTER, BACKLOG_AT_ONCE, HELD_LIMIT
from migaga.gateway.received import Received

SECOND = timedelta(seconds=1)


class Suspects:
    """Looks at events one by one, and keeps what it is told to keep."""

    def __init__(self, *quarantined: int) -> None:
        self.quarantined = set(quarantined)
        self.looked_at: list[int] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def allows(self, one: Received) -> bool:
        await self.gate.wait()
        self.looked_at.append(one.seq)
        return one.session_id != "s" or one.seq not in self.quarantined


async def test_before_it_is_open_events_wait_and_hold_the_watermark() -> None:
    office = make(is_open=False)
    office.desk.unwanted = {2}
    office.receive(1, 2, 3)
    await turns()
    assert (office.desk.started, office.seq, office.intake.in_flight) == ([], 0, 3)
    assert office.intake.overdue(office.clock.now() + 60) == [], "nothing of it runs that could become a row"
    office.intake.open()
    await turns()
    assert (office.desk.started, office.seq, office.intake.in_flight) == ([1, 3], 3, 0)


async def test_what_comes_while_others_still_wait_is_handled_after_them() -> None:
    office = make(is_open=False)
    office.receive(*range(1, 130))
    office.intake.open()
    await turns(2)
    assert 0 < len(office.desk.started) < 129
    office.receive(130, 131)
    await turns(200)
    assert office.desk.started == list(range(1, 132))


async def test_a_person_who_waits_for_an_answer_does_not_wait_behind_a_backlog() -> None:
    office = make(is_open=False)
    office.receive(*range(1, 130))
    office.receive(130, name="INTERACTION_CREATE")
    office.intake.open()
    await turns(2)
    assert office.desk.started[:2] == [130, 1]
    office.receive(131, name="INTERACTION_CREATE")
    await turns(1)
    assert 131 in office.desk.started
    assert len(office.desk.started) < 131
    await turns(200)
    assert sorted(office.desk.started) == list(range(1, 132))
    assert [seq for seq in office.desk.started if seq < 130] == list(range(1, 130))
    assert office.seq == 131


async def test_nobody_overtakes_an_event_that_may_have_ended_its_process() -> None:
    office = make(is_open=False)
    office.receive(1, 2)
    office.receive(3, name="INTERACTION_CREATE")
    suspects = Suspects()
    suspects.gate.clear()
    office.intake.open(suspects)
    office.receive(4, name="INTERACTION_CREATE")
    await turns()
    assert office.desk.started == []
    suspects.gate.set()
    await until(lambda: len(office.desk.started) == 4)
    assert office.desk.started == [1, 2, 3, 4]


async def test_other_tasks_get_turns_while_a_long_replay_is_begun() -> None:
    office = make(limit=5_000, is_open=False)
    office.receive(*range(1, 2_001))
    office.intake.open()
    begun: list[int] = []
    while office.intake.in_flight:
        begun.append(len(office.desk.started))
        await asyncio.sleep(0)
    assert max(later - earlier for earlier, later in itertools.pairwise(begun)) <= 100


async def test_when_it_is_shut_what_runs_goes_on_and_nothing_more_begins() -> None:
    office = make()
    office.desk.block(1)
    office.receive(1)
    await turns()
    office.intake.shut()
    office.receive(2)
    office.desk.free(1)
    await turns()
    assert (office.desk.started, office.desk.ended, office.seq) == ([1], [1], 1)
    office.intake.open()
    await turns()
    assert office.seq == 2


async def test_while_the_life_is_not_valid_events_wait() -> None:
    office = make()
    office.life.end()
    office.receive(1, 2)
    await turns()
    assert (office.desk.started, office.seq) == ([], 0)
    office.life.begin()
    await turns()
    assert (office.desk.started, office.seq) == ([1, 2], 2)


async def test_what_waits_for_a_valid_life_begins_not_when_it_is_shut_meanwhile() -> None:
    office = make()
    office.life.end()
    office.receive(1, 2)
    await turns()
    office.intake.shut()
    office.life.begin()
    await turns()
    assert office.desk.started == []
    office.intake.open()
    await turns()
    assert office.desk.started == [1, 2]


async def test_what_waits_when_its_session_ends_is_handled_before_what_the_new_one_brings(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Discord has it no more: nobody else would ever handle it."""
    office = make()
    office.life.end()
    office.receive(1, 2, 3)
    await turns()
    assert [one.seq for one in office.intake.waiting] == [1, 2, 3]
    office.intake.begin_session("new", 1, ready=True)
    office.receive(1, 2, session="new")
    office.desk.unwanted = {3}
    office.life.begin()
    await turns()
    assert office.desk.started == [1, 2, 1, 2]
    assert (office.intake.point().session_id, office.seq, office.finished) == ("new", 2, [1, 2])
    assert [(event.session_id, event.seq, running is not None) for event, running in office.begun] == [
        ("s", 1, True),
        ("s", 2, True),
        ("s", 3, False),
        ("new", 1, True),
        ("new", 2, True),
    ]
    assert caplog.records == []


async def test_what_was_done_before_is_not_handled_again_when_its_session_ends_in_a_replay() -> None:
    office = make(is_open=False)
    office.intake.begin_session("s", 0, {1, 3})
    office.receive(1, 2, 3, 4)
    office.intake.begin_session("new", 1, ready=True)
    office.intake.open()
    await turns()
    assert office.desk.started == [2, 4]


async def test_what_people_wait_for_of_what_was_kept_does_not_wait_behind_the_rest() -> None:
    office = make()
    kept = [event(seq) for seq in range(1, 3 * BACKLOG_AT_ONCE)]
    asked = event(3 * BACKLOG_AT_ONCE, name="INTERACTION_CREATE")
    office.desk.block(*range(1, 3 * BACKLOG_AT_ONCE))
    office.intake.unmute([*kept, asked], ())
    await turns()
    assert office.desk.started == [asked.seq, *range(1, BACKLOG_AT_ONCE + 1)]
    await office.intake.close()


async def test_what_waits_when_its_session_is_begun_again_comes_again() -> None:
    office = make()
    office.life.end()
    office.receive(1, 2)
    office.intake.begin_session("s", 0)
    office.receive(1, 2)
    office.life.begin()
    await turns()
    assert (office.desk.started, office.seq) == ([1, 2], 2)


async def test_what_waits_of_an_older_session_begins_at_once_when_the_shard_is_left() -> None:
    office = make()
    office.life.end()
    office.receive(1, 2)
    office.intake.begin_session("new", 1, ready=True)
    office.receive(1, session="new")
    office.intake.begin_late()
    assert office.desk.started == [], "not without a valid life"
    office.life.begin()
    office.intake.begin_late()
    office.intake.shut()
    await turns()
    assert (office.desk.started, [one.session_id for one in office.intake.waiting]) == ([1, 2], ["new"])


async def test_an_interaction_that_would_have_to_wait_for_too_long_is_refused_with_the_reason() -> None:
    office = make()
    office.life.end()
    office.receive(1)
    office.receive(2, name="INTERACTION_CREATE")
    await turns()
    assert office.desk.refused == [], "the life may still be valid in time"
    await until(lambda: office.desk.refused == [2])
    assert office.desk.reasons == {AWAY}
    assert office.desk.started == []
    office.life.begin()
    await turns()
    assert (office.desk.refused, office.desk.started, office.seq) == ([2], [1, 2], 2)


async def test_an_interaction_that_can_be_handled_in_time_is_not_refused() -> None:
    office = make()
    office.life.end()
    office.receive(1, name="INTERACTION_CREATE")
    await turns()
    office.life.begin()
    await turns()
    assert (office.desk.refused, office.desk.started, office.seq) == ([], [1], 1)


async def test_an_interaction_that_was_done_before_is_not_refused() -> None:
    office = make()
    office.intake.begin_session("s", 0, {1})
    office.life.end()
    office.receive(1, name="INTERACTION_CREATE")
    await turns()
    assert office.desk.refused == []
    office.life.begin()
    await turns()
    assert (office.desk.started, office.seq) == ([], 1)


async def test_before_it_is_open_an_interaction_is_not_refused_it_may_still_be_in_time() -> None:
    office = make(is_open=False)
    office.receive(1, name="INTERACTION_CREATE")
    await turns()
    office.intake.open()
    await turns()
    assert (office.desk.refused, office.desk.started) == ([], [1])


async def test_handlers_that_missed_the_database_run_again_and_only_then_is_the_event_finished() -> None:
    office = make()
    office.desk.away = Counter({1: 5})
    office.receive(1, 2)
    await office.intake.drain(SECOND)
    assert office.desk.started == [1, 2, 1, 1, 1, 1, 1]
    assert office.clock.waits == [0.25, 0.5, 1.0, 2.0, 2.0]
    assert (office.clock.waits[0], max(office.clock.waits)) == AGAIN_AFTER
    assert office.finished == [2, 1]
    assert office.seq == 2


async def test_handlers_that_missed_the_database_wait_for_a_valid_life() -> None:
    office = make()
    office.desk.away = Counter({1: 1})
    office.desk.block(1)
    office.receive(1)
    await turns()
    office.life.end()
    office.desk.free(1)
    await turns()
    assert (office.desk.started, office.seq) == ([1], 0)
    office.life.begin()
    await turns()
    assert (office.desk.started, office.desk.ended, office.seq) == ([1, 1], [1], 1)


async def test_after_an_outage_more_events_than_may_run_at_once_are_all_handled() -> None:
    office = make(limit=10)
    office.life.end()
    office.receive(*range(1, 41))
    office.desk.block(*range(1, 41))
    office.life.begin()
    for seq in range(1, 41):
        await turns()
        assert office.desk.started[-1] == min(seq + 9, 40), "as soon as one has ended the next begins"
        office.desk.free(seq)
    await turns()
    assert office.seq == 40
    assert await office.intake.drain(SECOND) == 0


async def test_while_the_life_is_not_valid_there_is_room_up_to_the_bound_of_what_is_kept() -> None:
    office = make()
    office.life.end()
    office.receive(*range(1, HELD_LIMIT))
    assert office.intake.has_room
    office.receive(HELD_LIMIT)
    full = not office.intake.has_room
    assert full
    waiting = asyncio.create_task(office.intake.room())
    await turns()
    assert not waiting.done()
    office.life.begin()
    async with asyncio.timeout(10):
        await waiting
    await office.intake.drain(timedelta(seconds=10))
    assert office.seq == HELD_LIMIT


async def test_before_it_is_open_there_is_always_room_because_resumed_comes_last() -> None:
    office = make(limit=5, is_open=False)
    office.receive(*range(1, 50))
    assert office.intake.has_room
    await office.intake.close()


async def test_under_caution_the_next_event_begins_when_the_one_before_has_ended() -> None:
    office, suspects = make(is_open=False), Suspects()
    office.desk.block(1)
    office.receive(1, 2, 3)
    office.intake.open(suspects)
    await turns()
    assert (office.desk.started, suspects.looked_at) == ([1], [1])
    office.desk.free(1)
    await until(lambda: office.seq == 3)
    assert (office.desk.started, suspects.looked_at) == ([1, 2, 3], [1, 2, 3])


async def test_under_caution_a_row_of_its_own_lets_the_next_event_begin() -> None:
    office, suspects = make(is_open=False), Suspects()
    office.desk.block(1)
    office.receive(1, 2)
    office.intake.open(suspects)
    await turns()
    [running] = office.intake.unfinished()
    office.intake.pass_over(running)
    await until(lambda: office.seq == 2)
    assert office.desk.started == [1, 2]
    office.desk.free(1)
    await office.intake.drain(SECOND)


async def test_what_is_quarantined_is_passed_and_never_handled() -> None:
    office, suspects = make(is_open=False), Suspects(2)
    office.receive(1, 2, 3)
    office.intake.open(suspects)
    await until(lambda: office.seq == 3)
    assert office.desk.started == [1, 3]
    assert office.finished == [1, 3]


async def test_caution_ends_with_what_waited() -> None:
    office, suspects = make(is_open=False), Suspects()
    office.receive(1)
    office.intake.open(suspects)
    await until(lambda: office.seq == 1)
    await turns()
    office.desk.block(2)
    office.receive(2, 3)
    await turns()
    assert office.desk.started == [1, 2, 3]
    assert suspects.looked_at == [1]
    office.desk.free(2)
    await office.intake.drain(SECOND)


async def test_caution_that_met_nothing_that_waits_is_over() -> None:
    office, suspects = make(is_open=False), Suspects()
    office.intake.open(suspects)
    office.life.end()
    office.receive(1, 2)
    office.life.begin()
    await turns()
    assert (office.desk.started, suspects.looked_at) == ([1, 2], [])


async def test_an_event_that_is_looked_at_while_it_is_shut_does_not_begin() -> None:
    office, suspects = make(is_open=False), Suspects()
    suspects.gate.clear()
    office.receive(1, 2)
    office.intake.open(suspects)
    await turns()
    office.intake.shut()
    suspects.gate.set()
    await turns()
    assert (office.desk.started, office.seq) == ([], 0)
    office.intake.open(suspects)
    await until(lambda: office.seq == 2)
    assert office.desk.started == [1, 2]


async def test_a_new_session_while_an_event_is_looked_at_loses_none_and_ends_the_suspicion() -> None:
    office, suspects = make(is_open=False), Suspects(1)
    suspects.gate.clear()
    office.receive(1, 2)
    office.intake.open(suspects)
    await turns()
    office.intake.begin_session("new", 1, ready=True)
    office.receive(1, 2, 3, session="new")
    suspects.gate.set()
    await until(lambda: office.seq == 3)
    assert office.desk.started == [1, 2, 1, 2, 3]


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0)
