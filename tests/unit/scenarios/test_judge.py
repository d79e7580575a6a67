"""Every reason for which a scenario fails, one at a time, on ledgers written by hand."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from migaga_emulator.ledger.connections import Begun, Interruption
from migaga_emulator.ledger.events import EventBook
from migaga_emulator.ledger.figures import Latency
from migaga_emulator.scenarios.catalogue import SCENARIOS, cold_start_within
from migaga_emulator.scenarios.effects import Effects, parse
from migaga_emulator.scenarios.facts import compare_effects, count_unanswered, ready_after, replayed_after, samples_of
from migaga_emulator.scenarios.handovers import count_handovers
from migaga_emulator.scenarios.inject import Crash
from migaga_emulator.scenarios.judge import Bounds, Facts, judge
from migaga_emulator.scenarios.plan import Wish

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
    replayed=0,
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
        ({"repeated": 9, "replayed": 8}, Bounds(repeated="replayed"), "9 events were handled again; allowed are 8"),
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
        ({"unrecovered": 1}, Bounds(), "1 shards were not connected at the end"),
        ({"interactions_answered": 29}, Bounds(), "1 interactions were not answered within 3 s"),
        ({"wrong_answers": ["slash: no"]}, Bounds(), "1 answers were wrong: slash: no"),
        ({"gap": Latency(64, 0.1, 0.6, 0.9)}, Bounds(gap_p99=0.5, gap_max=1.0), "99th of 100 gaps was 600 ms; 500"),
        ({"gap": Latency(64, 0.1, 0.4, 1.1)}, Bounds(gap_p99=0.5, gap_max=1.0), "longest gap was 1100 ms; 1000"),
        ({"ready_after": 20.0}, Bounds(ready_within=19.5), "ready 20.0 s after the first IDENTIFY; 19.5 s are allowed"),
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
        ({"repeated": 8, "replayed": 8}, Bounds(repeated="replayed")),
        ({"repeated": 99}, Bounds(repeated="any")),
        ({"undeliverable": 2}, Bounds(undeliverable=True)),
        ({"sessions_ended": 2, "identifies": 18}, Bounds(identifies="first and ended")),
        ({"unrecovered": 1}, Bounds(unrecovered=True)),
        ({"interactions_answered": 25, "expired": 3, "interactions_undeliverable": 2}, Bounds()),
        ({"resumes": 16}, Bounds(resumes="one each")),
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
    crash = Crash((0,), at=10.0, back=15.0, in_flight=2)
    counted = count_unanswered(book.entries(), [0, 1, 2, 3, 4, 9], [crash], 4)
    # 0 was pending, 1 came meanwhile; 2 is of another shard, 3 was over before, 4 came after; 9 reached nobody.
    assert (counted.expired, counted.undeliverable) == (2, 1)


def interruption(shard: int = 0, ended: float = 11.0, **values: object) -> Interruption:
    given: dict[str, object] = {"why": "client 3000", "how": "resume", "peer_before": 1, "peer": 2, "replayed": 5}
    return Interruption((shard, 4), 10.0, ended, **{**given, **values})  # type: ignore[arg-type]


def test_a_handover_is_a_resume_by_another_process_after_an_orderly_end() -> None:
    owners = {1: 100, 2: 200, 3: 100}
    assert count_handovers([interruption(), interruption(why="replaced")], owners) == 2
    others = [
        interruption(peer=3),
        interruption(why="dropped"),
        interruption(why="server 4000"),
        interruption(how="identify"),
        interruption(peer_before=7),
    ]
    assert count_handovers(others, owners) == 0


def test_only_what_a_resume_after_a_crash_brought_counts_as_replayed() -> None:
    crash = Crash((0, 1), at=9.0, back=12.0, in_flight=0)
    all_of_them = [interruption(), interruption(2), interruption(1, 20.0), interruption(1, 12.0, replayed=7)]
    assert replayed_after(all_of_them, [crash]) == 12


def test_samples_leave_out_what_a_handler_took_on_purpose() -> None:
    book = EventBook()
    book.published("X", "X:1", 1.0, guild(3))
    book.handled("X", "X:1", 1.7, took=0.5)
    book.published("X", "X:2", 2.0)
    book.handled("X", "X:2", 2.3)
    book.published("X", "X:3", 3.0)
    found = samples_of(book.entries(), 4)
    assert [round(sample.delay, 6) for sample in (*found[3], *found[0])] == [0.2, 0.3]
    assert [sample.told for sample in (*found[3], *found[0])] == [True, False]


def test_ready_is_counted_from_the_first_identify_to_the_last_shard() -> None:
    begun = [Begun(10.0 + shard, (shard, 3), "identify", 0) for shard in range(3)]
    again = Begun(99.0, (0, 3), "identify", 0)
    assert ready_after([*begun, again], 3) == 2.0
    assert ready_after(begun[:2], 3) == 0.0
