"""Every reason for which a scenario fails, one at a time, on ledgers written by hand."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from migaga_emulator.ledger.connections import Begun, Ended, Interruption
from migaga_emulator.ledger.events import EventBook
from migaga_emulator.ledger.figures import Latency
from migaga_emulator.scenarios.catalogue import SCENARIOS, cold_start_within
from migaga_emulator.scenarios.effects import Effects, parse
from migaga_emulator.scenarios.facts import (
    Absence,
    absences_of,
    by_shard,
    compare_effects,
    count_unanswered,
    failed_tries,
    ready_after,
    recoveries,
    samples_of,
    steps_of,
    tries_of,
)
from migaga_emulator.scenarios.handovers import Move, holdings, moves_of
from migaga_emulator.scenarios.judge import Bounds, Facts, Step, Tries, judge
from migaga_emulator.scenarios.plan import Wish
from migaga_emulator.scenarios.scene import Crash, Injected, Roll, is_even

GOOD = Facts(
    sent=1_000,
    handled=1_000,
    lost=0,
    repeated=0,
    unexpected=0,
    undeliverable=0,
    effects_lost=0,
    effects_repeated=0,
    identifies=16,
    identifies_rejected=0,
    resumes=0,
    logins_refused=0,
    shards=16,
    sessions_ended=0,
    unrecovered=0,
    interactions_sent=30,
    interactions_answered=30,
    expired=0,
    interactions_undeliverable=0,
    in_flight=0,
    gap=Latency(16, 0.1, 0.4, 0.4),
    faults={"drop": 1},
)


def test_a_run_in_which_all_is_well_passes() -> None:
    assert judge(GOOD, Bounds(), least_events=1_000) == []


@pytest.mark.parametrize(
    ("changed", "bounds", "complaint"),
    [
        ({"sent": 10}, Bounds(), "only 10 events were sent"),
        ({"lost": 3}, Bounds(), "3 events were lost"),
        ({"unexpected": 1}, Bounds(), "1 events were told as handled that were never sent"),
        ({"repeated": 1}, Bounds(), "1 events were handled again; allowed are 0"),
        ({"repeated": 6, "in_flight": 5}, Bounds(repeated="in flight"), "6 events were handled again; allowed are 5"),
        ({"undeliverable": 2}, Bounds(), "2 events could reach nobody, though no fault destroyed a session"),
        ({"effects_lost": 1}, Bounds(), "1 effects are missing"),
        ({"effects_repeated": 1}, Bounds(), "1 effects are in the database more than once"),
        ({"faults": {}}, Bounds(faults=True), "no fault hit anything"),
        ({"identifies": 17}, Bounds(), "17 IDENTIFYs were accepted; 16 were needed"),
        ({"identifies": 15}, Bounds(), "15 IDENTIFYs were accepted"),
        ({"sessions_ended": 2, "identifies": 19}, Bounds(identifies="first and ended"), "19 IDENTIFYs .*; 18 were"),
        ({"identifies_rejected": 1}, Bounds(), "1 IDENTIFYs were refused"),
        ({"logins_refused": 2}, Bounds(), "2 IDENTIFYs or RESUMEs were tried with a token that Discord refuses"),
        ({"resumes": 1}, Bounds(resumes="none"), "1 RESUMEs, though nothing was interrupted"),
        ({"resumes": 15}, Bounds(resumes="one each"), "15 RESUMEs; 16 were needed"),
        ({"resumes": 16, "resumes_before": 2}, Bounds(resumes="one each"), "14 RESUMEs; 16 were needed"),
        (
            {"steps": [Step("the roll to revision 2", 16, 3, full=True)]},
            Bounds(moves="once a step"),
            "the roll to revision 2 moved 16 shards, and some of them 3 times more",
        ),
        (
            {"steps": [Step("the roll to revision 2", 15, 0, full=True)]},
            Bounds(moves="once a step"),
            "the roll to revision 2 moved 15 of 16 shards",
        ),
        ({"tries": [Tries(2, 1)]}, Bounds(moves="bad images"), "a bad image tried 2 shards in 1 processes"),
        ({"strayed": 2}, Bounds(moves="bad images"), "2 shards moved between good processes because of a bad image"),
        (
            {"recoveries": [9.0, 13.2]},
            Bounds(again_within=13.0),
            "a shard's next event was handled 13.2 s after its process was hit; 13 are allowed",
        ),
        ({"unrecovered": 1}, Bounds(), "1 shards were not connected at the end"),
        ({"interactions_answered": 29}, Bounds(), "1 interactions were not answered within 3 s"),
        ({"wrong_answers": ["slash: no"]}, Bounds(), "1 answers were wrong: slash: no"),
        ({"gap": Latency(64, 0.1, 0.6, 0.9)}, Bounds(gap_p99=0.5, gap_max=1.0), "99th of 100 gaps was 600 ms; 500"),
        ({"gap": Latency(64, 0.1, 0.4, 1.1)}, Bounds(gap_p99=0.5, gap_max=1.0), "longest gap was 1100 ms; 1000"),
        (
            {"ready_after": 20.0},
            Bounds(ready_within=19.5),
            "ready 20.0 s after the first warm process; 19.5 s are allowed",
        ),
        ({"complaints": ["process 0 left"]}, Bounds(), "process 0 left"),
    ],
)
def test_what_does_not_hold_is_the_only_thing_said(changed: dict[str, object], bounds: Bounds, complaint: str) -> None:
    (why,) = judge(replace(GOOD, **changed), bounds, least_events=500)  # type: ignore[arg-type]
    assert re.search(complaint, why), why


@pytest.mark.parametrize(
    ("changed", "bounds"),
    [
        ({"repeated": 5, "in_flight": 5}, Bounds(repeated="in flight")),
        ({"repeated": 99}, Bounds(repeated="any")),
        ({"undeliverable": 2}, Bounds(undeliverable=True)),
        ({"sessions_ended": 2, "identifies": 18}, Bounds(identifies="first and ended")),
        ({"unrecovered": 1}, Bounds(unrecovered=True)),
        ({"interactions_answered": 25, "expired": 3, "interactions_undeliverable": 2}, Bounds()),
        ({"resumes": 16}, Bounds(resumes="one each")),
        ({"resumes": 2, "resumes_before": 2}, Bounds(resumes="none")),
        # So few moves say nothing about the 99th of 100 of them.
        ({"gap": Latency(63, 0.1, 0.6, 0.9)}, Bounds(gap_p99=0.5, gap_max=1.0)),
        ({"steps": [Step("half a roll", 7, 0), Step("a roll", 16, 0, full=True)]}, Bounds(moves="once a step")),
        ({"tries": [Tries(1, 1), Tries(2, 3), Tries(0, 1)]}, Bounds(moves="bad images")),
        ({"recoveries": [9.0, 12.9]}, Bounds(again_within=13.0)),
        ({"recoveries": [60.0], "strayed": 9, "steps": [Step("x", 1, 9)]}, Bounds()),
    ],
)
def test_what_a_scenario_allows_is_no_complaint(changed: dict[str, object], bounds: Bounds) -> None:
    assert judge(replace(GOOD, **changed), bounds, least_events=500) == []  # type: ignore[arg-type]


def test_every_scenario_forbids_losing_events() -> None:
    for scenario in SCENARIOS.values():
        bounds = scenario.bounds(Wish(1, 60, 16, 4))
        assert "3 events were lost" in judge(replace(GOOD, lost=3), bounds, least_events=1)


def test_a_cold_start_has_what_discord_needs_and_a_little() -> None:
    assert cold_start_within(64, 16) == pytest.approx(19.5)
    assert cold_start_within(16, 16) == pytest.approx(3.0)


def guild(shard: int, shards: int = 4) -> int:
    return (shards * 1_000 + shard) << 22


def test_effects_are_missing_or_too_many_by_their_events() -> None:
    book = EventBook()
    for key in ("MESSAGE_CREATE:1", "MESSAGE_CREATE:2", "MESSAGE_CREATE:3", "MESSAGE_CREATE:4"):
        book.published("MESSAGE_CREATE", key, 0)
    for key in ("MESSAGE_CREATE:1", "MESSAGE_CREATE:2"):
        book.handled("MESSAGE_CREATE", key, 1, effect=True)
    book.handled("MESSAGE_CREATE", "MESSAGE_CREATE:3", 1)
    right = Effects({"MESSAGE_CREATE:1": 1, "MESSAGE_CREATE:2": 1})
    assert compare_effects(book.entries(), right) == (0, 0)
    assert compare_effects(book.entries(), Effects({"MESSAGE_CREATE:1": 1})) == (1, 0)
    assert compare_effects(book.entries(), Effects({**right.rows, "MESSAGE_CREATE:2": 3})) == (0, 2)
    # An effect whose report never came is none too many; READY is nobody's.
    assert compare_effects(book.entries(), Effects({**right.rows, "MESSAGE_CREATE:4": 1, "READY:-": 9})) == (0, 0)


def test_the_same_event_twice_may_leave_two_effects() -> None:
    book = EventBook()
    for at in (0, 1):
        book.published("X", "X:1", at)
        book.handled("X", "X:1", at + 0.5, effect=True)
    assert compare_effects(book.entries(), Effects({"X:1": 2})) == (0, 0)
    assert compare_effects(book.entries(), Effects({"X:1": 1})) == (1, 0)
    assert compare_effects(book.entries(), Effects({"X:1": 3})) == (0, 1)


def test_lines_of_the_reader_become_natural_keys() -> None:
    lines = ['["MESSAGE_CREATE", {"id": "1"}, 1]', '["MESSAGE_REACTION_ADD", {"message_id": "1", "user_id": "2", '
             '"emoji": {"id": null, "name": "🎉"}}, 2]']  # fmt: skip
    assert parse(lines) == {"MESSAGE_CREATE:1": 1, "MESSAGE_REACTION_ADD:1:2:🎉": 2}


def test_unanswered_interactions_are_expired_only_when_their_shard_was_gone() -> None:
    book = EventBook()
    for number, (shard, at) in enumerate([(0, 8.0), (0, 14.0), (1, 12.0), (0, 6.0), (0, 16.5)]):
        book.published("INTERACTION_CREATE", f"INTERACTION_CREATE:{number}", at, guild(shard))
    destroyed = book.published("INTERACTION_CREATE", "INTERACTION_CREATE:9", 12.0, guild(2))
    destroyed.unsent = True
    counted = count_unanswered(book.entries(), [0, 1, 2, 3, 4, 9], [Absence((0, 4), 10.0, 15.0)])
    # 0 was pending, 1 came meanwhile; 2 is of another shard, 3 was over before, 4 came after; 9 reached nobody.
    assert (counted.expired, counted.undeliverable) == (2, 1)


def test_a_shard_is_away_until_it_is_connected_and_handles_something() -> None:
    crash = Crash([(0, 4), (1, 4)], at=10.0, back=15.0)
    found = absences_of([crash], [{(0, 4): 3.0, (1, 4): 9.0}])
    assert found == [Absence((0, 4), 10.0, 15.0), Absence((1, 4), 10.0, 19.0)]


def interruption(shard: int = 0, ended: float = 11.0, **values: object) -> Interruption:
    given: dict[str, object] = {"why": "client 3000", "how": "resume", "peer_before": 1, "peer": 2, "replayed": 5}
    return Interruption((shard, 4), 10.0, ended, **{**given, **values})  # type: ignore[arg-type]


def test_a_move_is_a_resume_by_another_process_in_order_or_not() -> None:
    owners = {1: 100, 2: 200, 3: 100}
    found = moves_of([interruption(), interruption(why="replaced"), interruption(why="dropped")], owners, 0.0)
    assert found[0] == Move(11.0, (0, 4), 100, 200, in_order=True)
    assert [move.in_order for move in found] == [True, True, False]
    assert moves_of([interruption()], owners, since=12.0) == []
    others = [interruption(peer=3), interruption(how="identify"), interruption(peer_before=7)]
    assert moves_of(others, owners, 0.0) == []


def test_a_process_has_the_shards_that_it_is_connected_for() -> None:
    log: list[Begun | Ended] = [
        Begun(1.0, (0, 2), "identify", 11),
        Begun(1.0, (1, 2), "identify", 12),
        Ended(2.0, (0, 2), "client 3000"),
        Begun(3.0, (0, 2), "resume", 13),
        Ended(4.0, (1, 2), "dropped"),
    ]
    assert holdings(log, {11: 100, 12: 100, 13: 200}) == {200: [(0, 2)]}
    assert holdings(log[:2], {11: 100}) == {100: [(0, 2)], 0: [(1, 2)]}


def test_shares_are_even_when_all_are_there_and_they_differ_by_one() -> None:
    assert is_even([4, 4, 4, 4], 16)
    assert is_even([6, 5, 5], 16)
    assert not is_even([6, 6, 4], 16)
    assert not is_even([4, 4, 4, 3], 16)


def move(shard: int, at: float, giver: int, taker: int) -> Move:
    return Move(at, (shard, 4), giver, taker, in_order=True)


def test_the_moves_of_a_roll_are_those_to_its_processes_whenever_they_come() -> None:
    revisions = {1: 1, 2: 2, 3: 3}
    moves = [move(0, 1.0, 1, 2), move(1, 2.0, 1, 2), move(0, 3.0, 2, 3), move(1, 4.0, 2, 3), move(1, 5.0, 3, 3)]
    injected = Injected(rolls=[Roll(2, full=False), Roll(3)])
    assert steps_of(moves, injected, revisions) == [
        Step("the roll to revision 2", 2, 0),
        Step("the roll to revision 3", 2, 1, full=True),
    ]


def test_the_moves_of_a_change_of_size_are_those_until_the_next_one() -> None:
    moves = [move(0, 1.0, 1, 2), move(1, 6.0, 1, 2), move(0, 12.0, 2, 1), move(0, 13.0, 1, 2)]
    assert steps_of(moves, Injected(steps=[5.0, 10.0]), {}) == [
        Step("change 1 of the size", 1, 0),
        Step("change 2 of the size", 1, 1),
    ]


def test_a_bad_image_tries_the_shards_that_its_processes_took() -> None:
    moves = [move(0, 1.0, 1, 50), move(0, 2.0, 50, 1), move(0, 3.0, 1, 51), move(2, 4.0, 1, 51), move(3, 5.0, 1, 2)]
    assert tries_of(moves, [{50, 51}, {60}]) == [Tries(2, 2), Tries(0, 1)]


def test_while_a_bad_image_has_a_shard_nobody_answers_for_it() -> None:
    owners = {1: 100, 2: 200, 3: 100}
    taken, given = interruption(0, 11.0, peer=2), interruption(0, 20.0, peer_before=2, peer=3)
    assert failed_tries([taken, given], owners, {200}) == [Absence((0, 4), 11.0, 20.0)]
    (endless,) = failed_tries([taken], owners, {200})
    assert endless.ended == math.inf
    assert failed_tries([taken, given], owners, set()) == []


def test_a_shard_is_back_when_something_published_after_the_crash_is_handled() -> None:
    book = EventBook()
    for key, at in (("X:1", 9.0), ("X:2", 10.5), ("X:3", 11.0), ("X:4", 30.0)):
        book.published("X", key, at, guild(1))
    book.handled("X", "X:1", 12.0)
    book.handled("X", "X:2", 25.0, took=5.0)
    book.handled("X", "X:3", 19.6, took=0.4)
    events = by_shard(book.entries(), {(1, 4), (2, 4)})
    assert [one.at for one in events[1, 4]] == [9.0, 10.5, 11.0, 30.0]
    assert recoveries(events, [Crash([(1, 4), (2, 4)], 10.0, 19.0)]) == [{(1, 4): pytest.approx(9.2)}]
    # Its next owner was hit too, before it had handled anything.
    twice = [Crash([(1, 4)], 10.0, 12.0), Crash([(1, 4)], 10.8, 19.0)]
    assert recoveries(events, twice) == [{}, {(1, 4): pytest.approx(8.4)}]
    # Nobody said anything for long: what counts is from a second before the next event.
    book.handled("X", "X:4", 30.2)
    assert recoveries(events, [Crash([(1, 4)], 12.0, 19.0)]) == [{(1, 4): pytest.approx(1.2)}]


def test_samples_leave_out_what_a_handler_took_on_purpose() -> None:
    book = EventBook()
    book.published("X", "X:1", 1.0, guild(3))
    book.handled("X", "X:1", 1.7, took=0.5)
    book.published("X", "X:2", 2.0)
    book.handled("X", "X:2", 2.3)
    book.published("X", "X:3", 3.0)
    found = samples_of(by_shard(book.entries(), {(3, 4), (0, 4)}))
    assert [round(sample.delay, 6) for sample in (*found[3, 4], *found[0, 4])] == [0.2, 0.3]
    assert [sample.told for sample in (*found[3, 4], *found[0, 4])] == [True, False]


def test_ready_is_counted_from_the_first_warm_process_or_identify_to_the_last_shard() -> None:
    begun = [Begun(10.0 + shard, (shard, 3), "identify", 0) for shard in range(3)]
    again = Begun(99.0, (0, 3), "identify", 0)
    assert ready_after([*begun, again], 3) == 2.0
    assert ready_after(begun[:2], 3) == 0.0
    assert ready_after(begun, 3, warm_at=8.5) == 3.5
    assert ready_after(begun, 3, warm_at=12.0) == 2.0
