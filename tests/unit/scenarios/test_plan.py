"""What goes wrong is decided by the seed alone, and hits what it should."""

from __future__ import annotations

from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_emulator.scenarios import plan
from migaga_emulator.scenarios.asks import KINDS, asks
from migaga_emulator.scenarios.catalogue import SCENARIOS, Scenario
from migaga_emulator.scenarios.members import share
from migaga_emulator.scenarios.plan import ENDING, MILD, Wish
from migaga_emulator.scenarios.traffic import Shape, Traffic

wishes = st.builds(
    Wish, seed=st.integers(), seconds=st.floats(3, 900), shards=st.integers(1, 64), processes=st.integers(1, 8)
)


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=lambda scenario: scenario.name)
@given(wish=wishes)
def test_the_same_seed_gives_the_same_plan_in_order_within_the_run(scenario: Scenario, wish: Wish) -> None:
    planned = scenario.plan(wish)
    assert planned == scenario.plan(wish)
    times = [one.at for one in planned]
    assert times == sorted(times)
    for one in planned:
        assert 0 <= one.at <= wish.seconds + 20
        assert one.shard is None or 0 <= one.shard < wish.shards
        assert one.process is None or 0 <= one.process < wish.processes


def test_another_seed_gives_another_plan() -> None:
    plans = {tuple(plan.gateway_faults(Wish(seed, 60, 16, 4))) for seed in range(20)}
    assert len(plans) == 20


def test_five_minutes_of_gateway_faults_hold_every_kind_and_spare_shards_that_lost_a_session() -> None:
    planned = plan.gateway_faults(Wish(1, 300, 16, 4))
    kinds = Counter(one.kind for one in planned)
    assert set(kinds) == {*MILD, *ENDING}
    ended = Counter(one.shard for one in planned if one.kind in ENDING)
    assert max(ended.values()) <= 2
    assert sum(ended.values()) >= 20
    assert all(0.05 <= one.value <= 0.4 for one in planned if one.kind == "latency")


def test_each_quarter_minute_has_a_restart_and_a_short_run_one() -> None:
    assert len(plan.restarts(Wish(1, 60, 16, 4))) == 4
    assert len(plan.restarts(Wish(1, 5, 16, 4))) == 1


def test_shares_of_processes_are_all_shards_once_and_differ_by_one() -> None:
    for shards in range(1, 40):
        for processes in range(1, shards + 1):
            shares = [share(shards, processes, number) for number in range(processes)]
            assert [shard for one in shares for shard in one] == list(range(shards))
            assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_people_ask_everything_that_can_be_asked_and_the_same_with_the_same_seed() -> None:
    first = list(islice(asks(10, 5, 3), 100))
    assert first == list(islice(asks(10, 5, 3), 100))
    assert first != list(islice(asks(10, 5, 4), 100))
    assert Counter(ask.kind for ask in first[: len(KINDS) * 3]) == dict.fromkeys(KINDS, 3)


def test_traffic_changes_messages_of_yesterday_repeats_texts_and_flips_reactions() -> None:
    actions = list(islice(Traffic(Shape(20, 6, 2, old=4), 1), 5_000))
    assert actions == list(islice(Traffic(Shape(20, 6, 2, old=4), 1), 5_000))
    kinds = Counter((action.kind, action.old) for action in actions)
    assert kinds["edit", True] > 50
    assert kinds["react", True] > 50
    assert kinds["unreact", False] > 200
    said = Counter(action.content for action in actions if action.kind == "post")
    assert said["ok"] > 20
    hot = sum(action.guild < 2 for action in actions) / len(actions)
    assert 0.25 < hot < 0.5


def test_without_old_messages_there_are_none_in_the_plan() -> None:
    assert not any(action.old for action in islice(Traffic(Shape(20, 6, 2), 1), 2_000))
