"""What is judged of generations and of partitions, and what all sessions of a generation are."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.unit.scenarios.test_judge import GOOD

from migaga.common import values
from migaga.common.sections import DEFAULT_INTENTS
from migaga_emulator.control.shapes import SessionInfo
from migaga_emulator.ledger.connections import Begun, Ended
from migaga_emulator.scenarios.facts import identifies_in_vain, most_resumes
from migaga_emulator.scenarios.generations import FEWER, Bound, bound_by
from migaga_emulator.scenarios.judge import Bounds, judge
from migaga_emulator.scenarios.processes import BotConfig
from migaga_emulator.scenarios.scene import Crash

CONFIG = BotConfig(1, "t", "http://127.0.0.1", "sqlite://", (), "12", 0)


def session(shard: int, count: int = 2, *, intents: int = 1, connected: bool = True) -> SessionInfo:
    return SessionInfo(1, shard, count, intents, 5, 0, connected, {})


@pytest.mark.parametrize(
    ("sessions", "serves"),
    [
        ([session(1), session(0)], True),
        ([session(0)], False),
        ([session(0), session(1, connected=False)], False),
        ([session(0), session(1, intents=3)], False),
        ([session(0), session(1), session(0, 3)], False),
        ([session(0), session(1), session(0, 3, connected=False)], True),
        ([session(0), session(1), session(1)], False),
    ],
)
def test_a_generation_serves_with_all_its_sessions_and_no_other(sessions: list[SessionInfo], serves: bool) -> None:
    assert Bound(2, 1).serves(sessions) is serves


def test_a_configuration_tells_what_sessions_are_bound_to() -> None:
    usual = values.intents(DEFAULT_INTENTS)
    assert bound_by(CONFIG) == Bound(12, usual)
    fewer = " ".join(name for name in DEFAULT_INTENTS.split() if name != FEWER)
    assert bound_by(replace(CONFIG, intents=fewer)) == Bound(12, usual & ~values.intents(FEWER))


def test_generations_cost_their_identifies_and_no_more() -> None:
    facts = replace(GOOD, identifies=16 + 32, identifies_due=32)
    assert judge(facts, Bounds(), least_events=0) == []
    assert "49 IDENTIFYs were accepted; 48 were needed" in judge(
        replace(facts, identifies=49), Bounds(), least_events=0
    )


def test_one_in_a_thousand_may_come_twice_at_the_edge_of_generations() -> None:
    bounds = Bounds(repeated="share")
    assert judge(replace(GOOD, sent=3_999, repeated=3), bounds, least_events=0) == []
    assert judge(replace(GOOD, sent=3_999, repeated=4), bounds, least_events=0) == [
        "4 events were handled again; allowed are 3"
    ]


def test_two_processes_that_take_a_shard_from_each_other_are_noticed() -> None:
    bounds = Bounds(most_resumes=2)
    assert judge(replace(GOOD, most_resumes=2), bounds, least_events=0) == []
    assert judge(replace(GOOD, most_resumes=3), bounds, least_events=0) == [
        "a shard was resumed 3 times; 2 are allowed"
    ]


def test_resumes_are_counted_for_each_shard_and_generation_from_a_moment_on() -> None:
    log: list[Begun | Ended] = [
        Begun(1, (0, 2), "identify", 1),
        Begun(2, (0, 2), "resume", 1),
        Ended(3, (0, 2), "dropped"),
        *(Begun(at, (0, 2), "resume", 1) for at in (4, 5)),
        *(Begun(at, (0, 3), "resume", 1) for at in (4, 5, 6)),
    ]
    assert most_resumes(log, 3) == 3
    assert most_resumes(log[:5], 3) == 2
    assert most_resumes(log, 7) == 0


def test_a_process_that_dies_right_after_it_has_identified_leaves_another_one_to_do_so() -> None:
    log = [Begun(10.0, (0, 2), "identify", 1), Begun(10.0, (1, 2), "identify", 2), Begun(10.5, (1, 2), "resume", 2)]
    assert identifies_in_vain(log, [Crash([(0, 2)], 10.9, 20.0)]) == 1
    assert identifies_in_vain(log, [Crash([(0, 2)], 11.1, 20.0), Crash([(1, 2)], 9.9, 20.0)]) == 0
    facts = replace(GOOD, identifies=17)
    assert judge(replace(facts, identifies_in_vain=1), Bounds(), least_events=0) == []
    assert judge(facts, Bounds(), least_events=0) == ["17 IDENTIFYs were accepted; 16 were needed"]
