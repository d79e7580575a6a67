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


def test_ten_kills_in_a_minute_or_more_and_fewer_in_less() -> None:
    for seconds, count in ((180, 10), (60, 10), (30, 2), (5, 1)):
        planned = plan.kills(Wish(3, seconds, 16, 4))
        assert len(planned) == count
        assert all(one.kind == "kill" and 0 <= one.value <= 3 for one in planned)


def test_freezes_are_short_and_long_by_turns_and_last_five_to_twenty_seconds() -> None:
    values = [one.value for one in plan.freezes(Wish(3, 180, 16, 4))]
    assert len(values) == 6
    assert all(5 <= value <= 9 for value in values[::2])
    assert all(9 <= value <= 20 for value in values[1::2])


def test_a_roll_that_goes_back_is_broken_off_half_way() -> None:
    (once,) = plan.rolls(Wish(1, 60, 16, 4))
    assert (once.kind, once.value) == ("roll", 0)
    first, half, back = plan.rolls(Wish(1, 60, 16, 4, rolls=2, back=True))
    assert [one.kind for one in (first, half, back)] == ["roll", "roll", "roll_back"]
    assert (first.value, half.value) == (0, 2)


def test_bad_images_come_in_another_order_with_another_seed_and_as_many_as_fit() -> None:
    orders = {tuple(one.kind for one in plan.bad_images(Wish(seed, 120, 16, 4))) for seed in range(40)}
    assert len(orders) > 10
    assert all(len(set(order)) == 4 for order in orders)
    assert len(plan.bad_images(Wish(1, 20, 16, 4))) == 1


def test_a_fleet_of_two_becomes_six_and_then_three() -> None:
    assert [one.value for one in plan.scaled(Wish(1, 90, 16, 2))] == [6, 3]


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
