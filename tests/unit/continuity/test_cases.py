"""The cases that broke simpler rules, one by one, as far as the deciding core is concerned.

`docs/architecture.md` has the whole table; `test_cases_halves.py` has those whose other half is the runtime's.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.continuity.fleets import G, deciding, ops, process, shard, tokens, view
from tests.unit.continuity.modeldb import ModelDb

from migaga.continuity.backoff import BackOff
from migaga.continuity.breaker import PROBE_EVERY, Breaker
from migaga.continuity.budget import Answer, Budget
from migaga.continuity.claims import Claims, claim
from migaga.continuity.deaths import DeathWatch, declare_dead, declare_predecessor
from migaga.continuity.finished import decode, encode, mark
from migaga.continuity.generations import ARMED_FOR, Generations, Wish, abort
from migaga.continuity.handed import Handed
from migaga.continuity.holding import Hold, Holding
from migaga.continuity.inflight import MOST_RUNS, quarantine, take_over
from migaga.continuity.journal import Journal, Kept, digest, unhandled
from migaga.continuity.life import Life, LifeState
from migaga.continuity.local import LocalState, resume_point
from migaga.continuity.offers import Offers, Pace, Takes
from migaga.continuity.poison import Suspicion, Verdict
from migaga.continuity.progress import LONGEST_LAG, Point, Progress
from migaga.continuity.readiness import Facts, Readiness
from migaga.continuity.shares import HARD_CAP
from migaga.continuity.slots import Slots
from migaga.continuity.wants import TakerWatch, Want, WantWatch
from migaga.storage.leases_operations import Add, Insert, Outcome, Update
from migaga.storage.leases_rows import (
    BreakerRow,
    BucketRow,
    DayRow,
    GenerationRow,
    InflightRow,
    JournalRow,
    ProcessRow,
    ShardPhase,
    ShardRow,
)

ALL_THERE = Facts(database=True, modules=True, token=True, hello=True)


def journal_of(*finished: tuple[bytes, float], drained_at: float) -> list[JournalRow]:
    writer = Journal(G, 0, "giver")
    inserts = [writer.finished(7, event, at) for event, at in finished] + [writer.drained(drained_at)]
    return [JournalRow(**insert.row) for insert in inserts]  # type: ignore[arg-type]


def kept(name: str, event: bytes, seq: int, at: float) -> Kept:
    return Kept(name, 7, event, seq, at)


def test_case_1_a_reaction_that_comes_goes_and_comes_again_is_handled_as_often_as_it_came() -> None:
    add, remove = digest("MESSAGE_REACTION_ADD", b"{}"), digest("MESSAGE_REACTION_REMOVE", b"{}")
    edit = digest("MESSAGE_UPDATE", b'{"id":"of yesterday"}')
    journal = journal_of((add, 50.0), (remove, 51.0), drained_at=52.0)
    # The same events by another process's clock; the last two came after the old shard had stopped.
    events = [
        kept("MESSAGE_REACTION_ADD", add, 11, 1050.1),
        kept("MESSAGE_REACTION_REMOVE", remove, 12, 1051.1),
        kept("MESSAGE_REACTION_ADD", add, 13, 1052.2),
        kept("MESSAGE_UPDATE", edit, 14, 1052.3),
    ]
    assert [event.seq for event in unhandled(events, journal, 1052.0, 1052.5)] == [13, 14]


def test_case_1_an_equal_event_of_long_ago_does_not_hide_a_new_one() -> None:
    add = digest("MESSAGE_REACTION_ADD", b"{}")
    journal = journal_of((add, 10.0), drained_at=52.0)
    assert len(unhandled([kept("MESSAGE_REACTION_ADD", add, 13, 1050.0)], journal, 1052.0, 1052.5)) == 1


def test_case_1_in_doubt_about_when_the_drain_was_what_can_repeat_is_handled_and_messages_are_not() -> None:
    add, said, later = (
        digest("MESSAGE_REACTION_ADD", b"{}"),
        digest("MESSAGE_CREATE", b"1"),
        digest("MESSAGE_CREATE", b"2"),
    )
    journal = journal_of((add, 50.0), (said, 50.0), (later, 50.0), drained_at=51.0)
    events = [kept("MESSAGE_REACTION_ADD", add, 1, 1050.0), kept("MESSAGE_CREATE", said, 2, 1030.0)]
    assert [event.seq for event in unhandled(events, journal, 1050.0, 1052.0)] == []
    late = [*events, kept("MESSAGE_CREATE", later, 3, 1050.0)]
    assert [event.seq for event in unhandled(late, journal, 1049.0, 1053.0)] == [1], "messages that tell two times"
    assert [event.seq for event in unhandled(events[:1], journal, 1049.0, 1053.0)] == [1], "no message to tell it"


def test_case_1_a_message_that_both_had_tells_when_the_drain_was() -> None:
    add, said = digest("MESSAGE_REACTION_ADD", b"{}"), digest("MESSAGE_CREATE", b"{}")
    journal = journal_of((add, 30.0), (said, 50.0), drained_at=51.0)
    events = [
        kept("MESSAGE_REACTION_ADD", add, 1, 1030.0),
        kept("MESSAGE_CREATE", said, 2, 1050.0),
        kept("MESSAGE_REACTION_ADD", add, 3, 1052.0),
    ]
    assert [event.seq for event in unhandled(events, journal, 1020.0, 1090.0)] == [3]


def arming(journaled: tuple[int, int] = (2, 2)) -> list[ShardRow]:
    old = [shard(n, "a", ShardPhase.LIVE, journaled=journaled[n]) for n in range(2)]
    return [*old, *(replace(shard(n, "b", ShardPhase.WARM), generation="next") for n in range(2))]


def generations(state: str) -> list[GenerationRow]:
    return [GenerationRow(1, G, 2, 1, 10, "LIVE"), GenerationRow(2, "next", 2, 3, 10, state)]


def test_case_2_nothing_is_cut_before_every_owner_has_said_for_a_minute_that_it_journals() -> None:
    machine = Generations(Wish(2, 3, 10))
    seen = view("a", [process("a"), process("b")], arming((2, 0)), generations("ARMED"))
    told = view("a", [process("a"), process("b")], arming(), generations("ARMED"))
    assert deciding(machine, seen, 0.0) is None
    assert deciding(machine, seen, 500.0) is None, "one that is cut off has not said so"
    assert deciding(machine, told, 501.0) is None
    assert deciding(machine, told, 501.0 + ARMED_FOR - 1) is None
    cut = deciding(machine, told, 501.0 + ARMED_FOR)
    assert isinstance(cut, Update)
    assert cut.change == {"state": "CUTTING"}


def test_case_2_a_new_owner_in_between_begins_the_minute_again() -> None:
    machine = Generations(Wish(2, 3, 10))
    told = view("a", [process("a"), process("b")], arming(), generations("ARMED"))
    deciding(machine, told, 0.0)
    other = [replace(row, token="other") if row.id == 0 else row for row in arming()]
    assert deciding(machine, view("a", [process("a"), process("b")], other, generations("ARMED")), ARMED_FOR) is None


def test_case_3_a_partitioned_owner_neither_connects_nor_handles_after_its_life() -> None:
    life = Life("a", 0.0)
    beat = life.beat(2.0)
    life.answered(beat, Outcome.UNKNOWN)
    assert life.is_valid(6.9)
    assert not life.is_valid(7.0), "counted from before the last success"
    assert DeathWatch("b").read([process("a")], 0.0, 0.0) == []


def test_case_4_after_an_outage_of_half_a_minute_nobody_is_dead() -> None:
    watch = DeathWatch("b")
    rows = [process("a")]
    watch.read(rows, 0.0, 0.0)
    for _ in range(30):
        watch.failed()
    assert watch.read(rows, 30.0, 30.0) == []
    assert not any(watch.read(rows, 30.0 + step, 30.0 + step) for step in range(1, 9))
    assert watch.read(rows, 39.0, 39.0), "it really is"


def test_case_4_a_process_that_finds_another_session_in_its_row_begins_again_from_there() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "a", session_id="forgotten"))))
    holding = Holding(db.shard((G, 0)), 0.0)
    step = holding.go_live()
    holding.settled(step, db.execute(step.operation), 1.0)
    db.tables["shard"][G, 0]["session_id"] = "older"
    holding.see(db.shard((G, 0)), 2.0)
    assert not holding.may_handle
    assert holding.session_id == "older"
    retaken = holding.retake("anew")
    holding.settled(retaken, db.execute(retaken.operation), 3.0)
    assert holding.may_connect


def test_case_4_an_abandoned_process_never_beats_again_even_if_its_death_was_forgotten() -> None:
    life = Life("a", 0.0)
    assert life.due_at() == 2.0
    life.answered(life.beat(2.0), Outcome.REFUSED)
    assert life.due_at() == float("inf")


def test_case_4_a_single_failed_reading_begins_every_count_again() -> None:
    watch = DeathWatch("b")
    for second in range(9):
        assert watch.read([process("a")], float(second), float(second)) == []
    watch.failed()
    assert watch.read([process("a")], 9.5, 9.5) == []
    assert watch.read([process("a")], 11.0, 11.0) == []


def test_case_4_a_process_that_beats_at_the_last_moment_is_not_declared_dead() -> None:
    db = ModelDb()
    db.execute(Insert("process", ops(process("a"))))
    declared = declare_dead(process("a"))
    assert db.execute(Life("a", 0.0).beat(2.0).operation) is Outcome.DONE
    assert db.execute(declared) is Outcome.REFUSED
    assert db.execute(declare_predecessor("a")) is Outcome.DONE, "who has its locked file needs no waiting"
    assert db.execute(declare_predecessor("a")) is Outcome.REFUSED


def test_case_4_a_watcher_that_slept_does_not_judge_when_it_wakes() -> None:
    watch = DeathWatch("b")
    watch.read([process("a")], 0.0, 0.0)
    assert watch.read([process("a")], 60.0, 60.0) == []


def test_case_4_a_process_whose_claim_a_failover_has_forgotten_lets_go_and_cannot_write() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "dead", ShardPhase.LIVE, session_id="s"))))
    seen = view("b", [process("b")], db.shards())
    before = db.snapshot()
    update = claim(seen.shards[0], seen, "mine")
    assert db.execute(update) is Outcome.DONE
    holding = Holding(db.shard((G, 0)), 0.0)
    db.tables = before
    life = Life("b", 0.0)
    life.answered(life.beat(2.0), Outcome.UNKNOWN)
    life.answered(life.beat(4.0), Outcome.DONE)
    assert life.state is LifeState.UNSURE, "a beat does not count before the rows were read again"
    assert not life.is_valid(7.5)
    assert db.execute(holding.flush(Point("s", 9, frozenset())).operation) is Outcome.REFUSED
    holding.see(db.shard((G, 0)), 5.0)
    assert holding.state is Hold.LOST


def test_case_6_a_handler_of_ten_minutes_does_not_hold_the_watermark() -> None:
    progress = Progress("s", 1)
    progress.received(2, 0.0)
    progress.received(3, 0.0)
    progress.finished(3)
    assert progress.to_put_aside(5.0) == []
    assert progress.to_put_aside(5.1) == [2]
    progress.finished(2)  # It is a row now.
    assert progress.point() == Point("s", 3, frozenset())


def test_case_6_a_thousand_events_behind_one_handler_put_it_aside_at_once() -> None:
    progress = Progress("s", 0)
    for seq in range(1, LONGEST_LAG + 3):
        progress.received(seq, 0.0)
    assert progress.to_put_aside(0.0) == [1, 2]


def test_case_6_the_next_owner_runs_what_a_dead_one_has_put_aside_and_leaves_what_a_living_one_runs() -> None:
    row = InflightRow(G, 0, "s", 5, "dead", "X", "{}")
    seen = view("b", [process("b"), process("giver")], [])
    taken = take_over(row, seen)
    assert taken is not None
    assert taken.change == {"owner": "b", "attempts": Add(1)}
    assert take_over(replace(row, owner="giver"), seen) is None


def test_case_7_an_event_that_kills_its_processes_is_quarantined_after_five() -> None:
    """The watermark is 10, the event is 11."""
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "p0", ShardPhase.LIVE, session_id="s", seq=10))))
    for number in range(1, 6):
        seen = view(f"p{number}", [process(f"p{number}")], db.shards())
        db.execute(claim(seen.shards[0], seen, f"t{number}"))
        holding = Holding(db.shard((G, 0)), 0.0)
        suspicion = Suspicion(db.shard((G, 0)))
        verdict = suspicion.judge(11)
        if verdict is Verdict.SUSPECT:
            step = holding.suspect(*suspicion.suspected(11))
            holding.settled(step, db.execute(step.operation), 1.0)
        step = holding.go_live()
        holding.settled(step, db.execute(step.operation), 1.0)
        expected = [Verdict.RUN, Verdict.RUN, Verdict.SUSPECT, Verdict.SUSPECT, Verdict.QUARANTINE]
        assert verdict is expected[number - 1]
    assert suspicion.judge(12) is Verdict.SUSPECT, "only that event"
    suspicion.replayed()
    assert suspicion.judge(13) is Verdict.RUN


def test_case_7_who_lived_with_its_shard_for_a_while_is_no_witness_against_an_event() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "p0", ShardPhase.LIVE, session_id="s", seq=10))))
    for number in range(1, 9):
        seen = view(f"p{number}", [process(f"p{number}")], db.shards())
        db.execute(claim(seen.shards[0], seen, f"t{number}"))
        holding = Holding(db.shard((G, 0)), 0.0)
        assert not Suspicion(db.shard((G, 0))).is_on
        for step in (holding.go_live(), holding.flush(Point("s", 10, frozenset()), steady=True)):
            holding.settled(step, db.execute(step.operation), 1.0)


def test_case_7_an_event_that_was_put_aside_does_not_kill_for_ever_either() -> None:
    row = InflightRow(G, 0, "s", 5, "dead", "X", "{}", attempts=MOST_RUNS)
    seen = view("b", [process("b")], [])
    assert take_over(row, seen) is None
    assert quarantine(row, seen) is not None
    assert quarantine(replace(row, attempts=1), seen) is None


def test_case_8_an_image_that_cannot_reach_discord_never_is_ready_and_holds_one_shard_at_most() -> None:
    old = [process("o1"), process("o2")]
    new = process("new", revision=2, ready=False)
    held = [shard(n, "o1" if n < 8 else "o2", ShardPhase.LIVE) for n in range(16)]
    seen = view("new", [*old, new], held)
    readiness = Readiness()
    for second in range(60):
        assert readiness.judge(replace(ALL_THERE, hello=False), seen, float(second), None) is not None
    free = view("new", [*old, new], [replace(row, owner=None) for row in held[:6]] + held[6:])
    claims = Claims()
    assert len(claims.decide(free, 0.0, tokens())) == 1
    assert len(claims.decide(free, 20.0, tokens())) == 1, "also later"


def test_case_8_a_good_image_is_ready_when_it_has_held_a_shard_for_five_seconds() -> None:
    old = [process("o1"), process("o2")]
    new = process("new", revision=2, ready=False)
    held = [shard(n, "o1", ShardPhase.LIVE) for n in range(8)] + [shard(8, "new", ShardPhase.LIVE)]
    seen = view("new", [*old, new], held)
    readiness = Readiness()
    assert readiness.judge(ALL_THERE, seen, 0.0, 0.0) is not None
    assert readiness.judge(ALL_THERE, seen, 4.9, 0.0) is not None
    assert readiness.judge(ALL_THERE, seen, 5.0, 0.0) is None


def test_case_8_a_process_that_nobody_gives_a_shard_is_ready_after_a_while() -> None:
    new = process("new", revision=2, ready=False)
    seen = view("new", [process("o1"), new], [shard(0, "o1", ShardPhase.LIVE)])
    readiness = Readiness()
    assert readiness.judge(ALL_THERE, seen, 0.0, None) is not None
    assert readiness.judge(ALL_THERE, seen, 20.0, None) is None


def test_case_8_nobody_waits_for_a_shard_that_nobody_has_to_give_once_others_have_proved_the_image() -> None:
    new, peer = process("new", revision=2, ready=False), process("peer", revision=2)
    leaving = [shard(0, "gone", ShardPhase.OFFERED), shard(1, "peer", ShardPhase.LIVE)]
    everyone = [process("idle"), process("gone", leaving=60), peer, new]
    assert Readiness().judge(ALL_THERE, view("new", everyone, leaving), 0.0, None) is None
    unproved = [*everyone[:2], replace(peer, ready=False), new]
    assert Readiness().judge(ALL_THERE, view("new", unproved, leaving), 0.0, None) is not None
    giver = [replace(leaving[0], owner="idle"), leaving[1]]
    assert Readiness().judge(ALL_THERE, view("new", everyone, giver), 0.0, None) is not None


def test_case_8_one_staying_process_gives_the_newcomer_one_shard() -> None:
    everyone = [process("o1"), process("o2"), process("new", revision=2, ready=False)]
    held = [shard(n, "o1" if n < 3 else "o2", ShardPhase.LIVE) for n in range(7)]
    given = [Offers().decide(view(me, everyone, held), 0.0) for me in ("o1", "o2", "new")]
    assert [len(one) for one in given] == [0, 1, 0]
    offered = [replace(row, state=ShardPhase.OFFERED) if row.key in given[1] else row for row in held]
    assert len(Offers().decide(view("o2", everyone, offered), 0.0)) == 0, "not another one"
    assert len(Takes().decide(view("new", everyone, offered), 0.0)) == 1
    assert Takes().decide(view("o1", everyone, offered), 0.0) == []


def test_case_9_a_late_flush_of_the_old_session_is_refused() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "a", session_id="old", seq=90))))
    holding = Holding(db.shard((G, 0)), 0.0)
    late = holding.flush(Point("old", 95, frozenset()))
    new = holding.start_session("new", "wss://x", 1)
    assert db.execute(new.operation) is Outcome.DONE
    assert db.execute(late.operation) is Outcome.REFUSED
    assert db.execute(new.operation) is Outcome.REFUSED, "nor does a delayed beginning undo what followed it"
    assert (db.shard((G, 0)).session_id, db.shard((G, 0)).seq) == ("new", 1)


def test_case_9_a_flush_that_was_delayed_does_not_go_back() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "a", session_id="s", seq=1))))
    holding = Holding(db.shard((G, 0)), 0.0)
    delayed, later = (holding.flush(Point("s", seq, frozenset())) for seq in (5, 9))
    assert [db.execute(step.operation) for step in (later, delayed)] == [Outcome.DONE, Outcome.REFUSED]


@pytest.mark.parametrize(
    ("token", "session", "expected"), [("t", "s", 9), ("other", "s", 5), ("t", "another", 5), ("", "s", 5)]
)
def test_case_9_a_local_file_counts_only_for_the_claim_and_session_that_wrote_it(
    token: str, session: str, expected: int
) -> None:
    row = shard(0, "a", session_id="s", seq=5, token="t")
    point = resume_point(row, LocalState(mark(token), mark(session), 9, frozenset({11})))
    assert point is not None
    assert (point.seq, 11 in point.done) == (expected, expected == 9)


def test_case_9_a_finished_set_beside_another_session_means_nothing() -> None:
    text = encode("old", 5, {7, 8, 9})
    assert decode(text, "old", 5) == {7, 8, 9}
    assert decode(text, "old", 8) == {9}
    assert decode(text, "new", 5) == frozenset()


def test_case_10_an_overslept_slot_is_not_used_and_blocks_until_it_cannot_have_been() -> None:
    mine, other = Slots(1, 1), Slots(1, 1)
    for slots in (mine, other):
        slots.read(BucketRow(1, 0), 0.0)
    slot = mine.ask(0, 0.0, "a")
    assert slot is not None
    mine.won(slot)
    assert mine.may_send(slot, 0.9)
    assert not mine.may_send(slot, 1.0)
    other.read(BucketRow(1, 0, "a"), 0.5)
    assert other.ask(0, 6.7, "b") is None
    assert other.ask(0, 6.75, "b") is not None


def test_case_10_of_two_that_ask_for_one_slot_one_gets_it_and_what_was_sent_frees_it_sooner() -> None:
    db = ModelDb()
    db.execute(Insert("identify_bucket", ops(BucketRow(1, 0))))
    both = [Slots(1, 1), Slots(1, 1)]
    slots = []
    for number, one in enumerate(both):
        one.read(BucketRow(1, 0), 0.0)
        slots.append(one.ask(0, 0.0, f"slot{number}"))
    first, second = slots
    assert first is not None
    assert second is not None
    assert [db.execute(slot.operation) for slot in (first, second)] == [Outcome.DONE, Outcome.REFUSED]
    both[0].won(first)
    assert db.execute(both[0].sent(first, 0.5)) is Outcome.DONE
    both[1].read(BucketRow(1, 0, "slot0", True), 0.7)
    assert [one.free_at(0) for one in both] == [5.75, 5.95]
    assert both[0].bucket_of(7) == 0


def test_case_10_a_count_of_unknown_result_is_spent_and_nobody_overspends() -> None:
    row = DayRow(1, 1, 1_000, 10, 7)
    budgets = [Budget(1, 2) for _ in range(3)]
    db = ModelDb()
    db.execute(Insert("identify_day", ops(row)))
    for budget in budgets:
        assert budget.asked(row, Answer(10, 10, 1_000, 0.0)) is None
    counts = [budget.spend(1.0, recovery=False) for budget in budgets]
    outcomes = [db.execute(count) for count in counts if count is not None]
    assert outcomes == [Outcome.DONE, Outcome.REFUSED, Outcome.REFUSED], "the reserve stays"
    assert budgets[0].spend(61.0, recovery=True) is None, "Discord's answer is not fresh"


def test_case_11_a_session_is_stored_before_any_event_of_it_and_then_resumed() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "a", session_id="old", seq=7, done_set=encode("old", 7, {9})))))
    holding = Holding(db.shard((G, 0)), 0.0)
    step = holding.start_session("new", "wss://x", 1)
    assert not holding.may_handle
    holding.settled(step, db.execute(step.operation), 1.0)
    assert resume_point(db.shard((G, 0)), None) == Point("new", 1, frozenset())


def test_case_12_other_intents_are_another_generation_begun_when_the_roll_is_over() -> None:
    live = [shard(n, "a", ShardPhase.LIVE) for n in range(2)]
    row = GenerationRow(1, G, 2, 1, 10, "LIVE")
    rolling = view("a", [process("a", revision=2), process("old")], live, [row])
    done = view("a", [process("a", revision=2)], live, [row])
    machine = Generations(Wish(2, 513, 10))
    assert deciding(machine, rolling, 0.0) is None
    assert machine.decide(done, 1.0, unfinished=0, obstacle="no budget") is None
    begun = deciding(machine, done, 2.0)
    assert isinstance(begun, Insert)
    assert (begun.row["n"], begun.row["name"], begun.row["state"]) == (2, "2:513:v10", "WARMING")


def test_case_13_nothing_is_armed_before_every_shard_is_warm_and_too_late_is_aborted() -> None:
    machine = Generations(Wish(2, 3, 10))
    rows = arming()
    cold = [replace(row, state=ShardPhase.CLAIMED) if row.key == ("next", 1) else row for row in rows]
    everyone = [process("a"), process("b")]
    assert deciding(machine, view("a", everyone, cold, generations("WARMING")), 0.0) is None
    armed = deciding(machine, view("a", everyone, rows, generations("WARMING")), 1.0)
    assert isinstance(armed, Update)
    assert armed.change == {"state": "ARMED"}
    late = deciding(machine, view("a", everyone, cold, generations("WARMING")), 600.0)
    assert isinstance(late, Update)
    assert late.change["state"] == "ABORTED"
    assert "1 of 2 shards" in str(late.change["reason"])
    assert abort(generations("CUTTING")[1], "any") is None


def test_case_14_one_false_4004_is_asked_about_by_one_process_every_five_minutes() -> None:
    db = ModelDb()
    db.execute(Insert("breaker", ops(BreakerRow(1))))
    breakers = [Breaker(1, "token") for _ in range(3)]
    assert db.execute(breakers[0].refused("4004")) is Outcome.DONE
    row = BreakerRow(**db.tables["breaker"][1,])  # type: ignore[arg-type]
    for one in breakers:
        one.read(row, 10.0)
    assert [one.is_closed for one in breakers] == [False] * 3
    assert breakers[0].probe(10.0 + PROBE_EVERY - 1) is None
    probes = [one.probe(10.0 + PROBE_EVERY) for one in breakers]
    assert [db.execute(probe) for probe in probes if probe] == [Outcome.DONE, Outcome.REFUSED, Outcome.REFUSED]
    breakers[0].read(BreakerRow(**db.tables["breaker"][1,]), 311.0)  # type: ignore[arg-type]
    closing = breakers[0].accepted()
    assert closing is not None
    assert db.execute(closing) is Outcome.DONE
    breakers[1].new_token("another")
    assert breakers[1].is_closed, "a new token closes it too"


def test_case_16_in_a_roll_offers_go_to_the_newest_and_its_share_is_kept_for_the_next() -> None:
    new = process("new", revision=2)
    leaving = process("o1", leaving=60)
    olds = [process(f"o{n}") for n in range(2, 5)]
    held = [shard(n, "o1", ShardPhase.OFFERED) for n in range(4)]
    held += [shard(n, f"o{1 + n // 4}", ShardPhase.LIVE) for n in range(4, 16)]
    held[4] = replace(held[4], owner="new")
    everyone = [new, leaving, *olds]
    for old in olds:
        takes = Takes()
        assert takes.decide(view(old.id, everyone, held), 0.0) == []
        assert takes.decide(view(old.id, everyone, held), 50.0) == [], "also when they wait"
    takes = Takes()
    assert len(takes.decide(view("new", everyone, held), 0.0)) == 3, "it holds one; four are its share of sixteen"
    assert len(takes.decide(view("new", everyone, held), 39.0)) == 3
    assert len(takes.decide(view("new", everyone, held), 40.0)) == 4, "two thirds of the grace are over"


def test_case_17_when_all_are_at_capacity_a_dead_ones_shards_go_to_the_least_loaded() -> None:
    everyone = [process("a", capacity=4), process("b", capacity=4)]
    held = [shard(n, "a", ShardPhase.LIVE) for n in range(4)] + [shard(n, "b", ShardPhase.LIVE) for n in range(4, 7)]
    free = [shard(n, "dead", ShardPhase.LIVE) for n in range(7, 12)]
    claims = {me: Claims() for me in "ab"}
    early = {me: claims[me].decide(view(me, everyone, held + free), 0.0, tokens()) for me in "ab"}
    assert [len(early[me]) for me in "ab"] == [0, 1]
    late = {me: claims[me].decide(view(me, everyone, held + free), 3.0, tokens()) for me in "ab"}
    claimed = [update.key["id"] for me in "ab" for update in late[me]]
    assert sorted(claimed) == [7, 8, 9, 10, 11], "every one of them by somebody, at the same time"  # type: ignore[type-var]


def test_case_17_nobody_takes_more_than_the_hard_cap() -> None:
    rows = [shard(n, None) for n in range(40)]
    claims = Claims()
    claims.decide(view("a", [process("a", capacity=2)], rows), 0.0, tokens())
    assert len(claims.decide(view("a", [process("a", capacity=2)], rows), 60.0, tokens())) == 2 * HARD_CAP


def test_case_19_a_want_that_was_there_before_is_not_believed_and_one_that_appears_is() -> None:
    row = shard(0, "giver", ShardPhase.OFFERED, want="corpse", want_beat=4)
    watch = WantWatch(0.0)
    watch.read(row, 5.0)
    assert watch.fresh(5.0) is None
    watch.read(replace(row, want="taker", want_beat=5), 5.25)
    assert watch.fresh(5.3) == Want("taker", 5, 5.0)
    watch.read(replace(row, want="taker", want_beat=5), 6.0)
    assert watch.fresh(6.1) is None, "it is over a second old"


def test_case_19_a_taker_waits_for_a_want_that_may_live_and_replaces_one_that_does_not() -> None:
    row = shard(0, "giver", ShardPhase.OFFERED, want="other", want_beat=4)
    watch = TakerWatch("me")
    assert watch.want(row, 0.0) is None
    assert watch.want(replace(row, want_beat=5), 0.9) is None
    assert watch.want(replace(row, want_beat=5), 1.5) is None
    assert watch.want(replace(row, want_beat=5), 2.0) is not None
    mine = replace(row, want="me", want_beat=6)
    assert watch.want(mine, 2.1) is None
    assert watch.want(mine, 2.7) is not None, "it says so again while it waits"


@pytest.mark.parametrize("committed", [True, False])
def test_case_19_a_hand_over_of_unknown_result_is_held_by_nobody_until_it_was_written_anew(committed: bool) -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "giver", want="taker", want_beat=1, session_id="s", seq=5))))
    giver = Holding(db.shard((G, 0)), 0.0)
    giver.stop()
    step = giver.pass_to(Want("taker", 1, 0.0), "passed", Point("s", 9, frozenset()))
    if committed:
        assert db.execute(step.operation) is Outcome.DONE
    giver.settled(step, Outcome.UNKNOWN, 1.0)
    assert not giver.may_connect
    assert not giver.may_handle
    giver.see(db.shard((G, 0)), 2.0)
    assert not giver.may_connect, "a look does not settle it"
    retaken = giver.retake("anew")
    giver.settled(retaken, db.execute(retaken.operation), 3.0)
    assert db.execute(step.operation) is Outcome.REFUSED, "the delayed commit can never succeed any more"
    assert giver.state is (Hold.LOST if committed else Hold.CLAIMED)
    assert db.shard((G, 0)).owner == ("taker" if committed else "giver")


def test_case_19_a_late_word_of_being_live_does_not_end_an_offer_and_an_old_reading_does_not_end_a_hold() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "giver"))))
    before = db.shard((G, 0))
    holding = Holding(before, 0.0)
    live, retaken = holding.go_live(), holding.retake("anew")
    holding.settled(live, db.execute(live.operation), 1.0)
    offer = holding.offer()
    holding.settled(offer, db.execute(offer.operation), 2.0)
    assert db.execute(live.operation) is Outcome.REFUSED
    holding.settled(retaken, db.execute(retaken.operation), 3.0)
    states = []
    for asked_at in (2.5, 3.5):
        holding.see(before, asked_at)
        states.append(holding.state)
    assert states == [Hold.CLAIMED, Hold.LOST]


def test_case_19_a_release_that_is_executed_late_finds_another_token() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "giver"))))
    giver = Holding(db.shard((G, 0)), 0.0)
    giver.stop()
    step = giver.release("free", None)
    giver.settled(step, Outcome.UNKNOWN, 1.0)
    retaken = giver.retake("anew")
    giver.settled(retaken, db.execute(retaken.operation), 2.0)
    assert giver.may_connect
    assert db.execute(step.operation) is Outcome.REFUSED
    assert db.shard((G, 0)).owner == "giver"


def test_case_19_an_offer_begins_without_any_want() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "giver", ShardPhase.LIVE, want="corpse", want_beat=2))))
    giver = Holding(replace(db.shard((G, 0)), state=ShardPhase.CLAIMED), 0.0)
    assert db.execute(giver.offer().operation) is Outcome.DONE
    assert db.shard((G, 0)).want is None


def test_case_19_nobody_gets_a_shard_that_it_does_not_want_any_more() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "giver", ShardPhase.OFFERED, want="other", want_beat=2))))
    giver = Holding(replace(db.shard((G, 0)), state=ShardPhase.CLAIMED), 0.0)
    assert db.execute(giver.pass_to(Want("taker", 2, 0.0), "passed", None).operation) is Outcome.REFUSED
    assert db.execute(giver.withdraw().operation) is Outcome.REFUSED, "nor is an offer withdrawn that somebody wants"
    again = giver.pass_to(Want("other", 1, 0.0), "passed", None)
    assert db.execute(again.operation) is Outcome.DONE, "who has said it again meanwhile wants it still"


def test_case_19_a_shard_that_was_handed_to_a_corpse_is_taken_back_unless_it_is_live() -> None:
    db = ModelDb()
    db.execute(Insert("shard", ops(shard(0, "taker", token="passed"))))
    handed = Handed("giver", "passed", 0.0)
    row = db.shard((G, 0))
    assert handed.swap_back(row, 1.9, "back") is None
    back = handed.swap_back(row, 2.0, "back")
    live = Holding(row, 0.0).go_live().operation
    assert back is not None
    assert [db.execute(one) for one in (live, back)] == [Outcome.DONE, Outcome.REFUSED]
    assert handed.swap_back(db.shard((G, 0)), 3.0, "back") is None
    db.tables["shard"][G, 0].update(state="CLAIMED")
    assert [db.execute(one) for one in (back, live)] == [Outcome.DONE, Outcome.REFUSED], "the row decides"


def test_case_20_gaps_do_not_hold_the_watermark_and_after_a_stop_nothing_is_handled_inline() -> None:
    progress = Progress("s", 1)
    for seq in (4, 9):
        progress.received(seq, 0.0)
        progress.finished(seq)
    assert progress.seq == 9
    life = Life("a", 0.0)
    assert not life.is_valid(20.0), "asked at the moment of handling, no timer takes part"


def test_case_22_six_six_four_is_balanced_once_and_then_rests() -> None:
    everyone = [process(name) for name in "abc"]
    owners = ["a"] * 6 + ["b"] * 6 + ["c"] * 3 + ["c"]
    rows = [shard(n, owner, ShardPhase.LIVE) for n, owner in enumerate(owners)]
    machines = {me: Offers(Pace(settled=10, round_every=100)) for me in "abc"}
    for me in "abc":
        assert machines[me].decide(view(me, everyone, rows), 0.0) == frozenset()
    offered = [machines[me].decide(view(me, everyone, rows), 10.0) for me in "abc"]
    assert sorted(len(one) for one in offered) == [0, 0, 1]
    assert all(machines[me].decide(view(me, everyone, rows), 50.0) == frozenset() for me in "abc"), "one round"
    even = [replace(row, owner="c") if any(row.key in one for one in offered) else row for row in rows]
    assert all(machines[me].decide(view(me, everyone, even), 500.0) == frozenset() for me in "abc")


def test_case_22_a_flapping_fleet_moves_nothing_and_a_stuck_roll_is_balanced_in_the_end() -> None:
    rows = [shard(n, "a", ShardPhase.LIVE) for n in range(8)]
    machine = Offers(Pace(settled=10, stuck=100))
    for second in range(0, 400, 5):
        everyone: list[ProcessRow] = [process("a"), process(f"b{second // 5}")]
        assert machine.decide(view("a", everyone, rows), float(second)) == frozenset()
    stuck = [process("a"), process("b", revision=2)]
    machine.decide(view("a", stuck, rows), 1_000.0)
    assert machine.decide(view("a", stuck, rows), 1_050.0) == frozenset()
    assert len(machine.decide(view("a", stuck, rows), 1_100.0)) == 4


def test_case_26_a_storm_of_op_9_is_slowed_down_shard_by_shard() -> None:
    now, sent, back_off = 0.0, 0, BackOff()
    while (now := back_off.ready_at(now)) < 86_400.0:
        back_off.sent(now)
        sent += 1
        now += 0.1
    assert sent < 160, "in a day"
    back_off.lived(599.0)
    assert back_off.ready_at(now - 1) == now
    back_off.lived(600.0)
    assert back_off.ready_at(now - 1) == now - 1, "forgotten after ten minutes of life"


def test_shards_of_a_process_that_joined_between_two_readings_are_not_robbed() -> None:
    """The shards are read first, so the reading of processes knows everyone who owned one."""
    rows = [shard(0, "joined", ShardPhase.CLAIMED)]
    assert Claims().decide(view("a", [process("a"), process("joined")], rows), 0.0, tokens()) == []
    assert len(Claims().decide(view("a", [process("a")], rows), 0.0, tokens())) == 1
