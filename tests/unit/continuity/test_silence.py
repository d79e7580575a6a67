"""Shards that hear nothing, or lack a kind of event, are found; those that are well are left alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.continuity.conftest import PROFILE
from tests.unit.continuity.listening import BUSY, Line, Process

from migaga.continuity.silence import AT_ONCE, INTERVAL, NO_ANSWER, PATIENCE, WAY_BACK, Ask, Reading, Silence

FOUND_WITHIN = PATIENCE[1] + NO_ANSWER + 5
FEW = settings(PROFILE, max_examples=PROFILE.max_examples // 4)
seeds = st.integers(0, 2**32)
mixes = st.dictionaries(
    st.sampled_from(["MESSAGE_CREATE", "TYPING_START", "MESSAGE_REACTION_ADD", "INTERACTION_CREATE"]),
    st.sampled_from([0.001, 0.01, 0.1, 1.0, 4.0]),
)
scales = st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.5, 1.0]), min_size=1, max_size=5)


def shards(mix: dict[str, float], scales: list[float]) -> list[Line]:
    """Shards whose people do the same things, more or less of them."""
    return [Line({name: rate * scale for name, rate in mix.items()}) for scale in scales]


def busy(count: int) -> list[Line]:
    """Shards alike."""
    return [Line(BUSY) for _ in range(count)]


@FEW
@given(seeds, mixes, scales)
def test_a_healthy_shard_that_answers_is_never_reconnected_however_quiet(
    seed: int, mix: dict[str, float], scale: list[float]
) -> None:
    process = Process(seed, shards(mix, scale))
    process.seconds(900)
    assert process.resumed == []


@FEW
@given(seeds, mixes, scales, st.integers(1, 600))
def test_a_silent_shard_is_reconnected_within_a_bounded_time(
    seed: int, mix: dict[str, float], scale: list[float], after: int
) -> None:
    process = Process(seed, shards(mix, scale))
    process.seconds(after)
    process.lines["1", 0].silent = True
    process.seconds(int(FOUND_WITHIN))
    assert [(action.key, action.kinds) for _, action in process.resumed] == [(("1", 0), ())]
    process.seconds(120)
    assert len(process.resumed) == 1


@FEW
@given(
    seeds,
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["silent", "well", "without", "leave", "back", "stall"]),
            st.booleans(),
            st.integers(1, 300),
        ),
        max_size=25,
    ),
)
def test_whatever_happens_a_shard_is_reconnected_once_per_interval_and_few_at_once(
    seed: int, happenings: list[tuple[int, str, bool, int]]
) -> None:
    process = Process(seed, busy(4))
    process.seconds(200)
    for number, what, mended, lasting in happenings:
        line = process.lines["1", number]
        line.mended_by_resume = mended
        line.silent = what == "silent"
        line.without = {"MESSAGE_CREATE"} if what == "without" else set()
        line.live = what != "leave"
        if what == "stall":
            process.stall(lasting)
        process.seconds(lasting)
    for number in range(4):
        assert all(later - earlier >= INTERVAL[0] for earlier, later in pairwise(process.resumed_of(number)))
    times = [when for when, _ in process.resumed]
    for when in times:
        assert sum(when <= other < when + 1 for other in times) <= AT_ONCE


def test_a_busy_shard_is_found_soon_and_a_quiet_one_after_a_minute() -> None:
    process = Process(1, [Line(BUSY), Line({"MESSAGE_CREATE": 0.01})])
    process.seconds(600)
    process.resumed.clear()
    fell_silent = process.now
    for line in process.lines.values():
        line.silent = True
    process.seconds(90)
    (busy_one, quiet_one) = (when - fell_silent for when, _ in process.resumed)
    assert busy_one < 35
    assert quiet_one < FOUND_WITHIN


def test_the_first_question_is_about_one_guild_and_the_second_about_another() -> None:
    process = Process(1, [Line({}, silent=True)])
    process.seconds(80)
    (first, one), (second, two) = process.asked
    assert (one.attempt, two.attempt) == (1, 2)
    assert 5 <= second - first <= 7
    assert one.nonce != two.nonce


def test_quiet_shards_are_asked_at_most_once_a_minute() -> None:
    process = Process(1, [Line({})])
    process.seconds(1_200)
    assert len(process.asked) <= 20


def test_a_shard_that_fell_quiet_is_not_asked_every_ten_seconds_for_long() -> None:
    process = Process(1, [Line(BUSY)])
    process.seconds(700)
    process.lines["1", 0].rates = {}
    process.seconds(600)
    assert len(process.asked) <= 20
    assert process.resumed == []


def test_when_every_shard_is_silent_they_go_two_by_two_until_one_comes_back() -> None:
    process = Process(1, busy(8))
    process.seconds(300)
    for line in process.lines.values():
        line.silent, line.mended_by_resume = True, False
    process.seconds(200)
    assert len(process.resumed) == 8
    assert len({action.key for _, action in process.resumed}) == 8
    assert process.resumed[-1][0] - process.resumed[0][0] < WAY_BACK


def test_those_that_do_not_come_back_hold_the_others_up() -> None:
    process = Process(1, busy(6))
    process.seconds(300)
    for line in process.lines.values():
        line.silent, line.lost = True, True
    process.seconds(130)
    when = sorted(when for when, _ in process.resumed)
    assert len(when) == 6
    assert all(later - earlier >= WAY_BACK for earlier, later in zip(when, when[AT_ONCE:], strict=False))


def test_a_resume_that_does_not_help_is_tried_again_after_twice_the_time() -> None:
    process = Process(1, [Line(BUSY)])
    process.seconds(300)
    process.lines["1", 0].silent = True
    process.lines["1", 0].mended_by_resume = False
    process.seconds(4_000)
    gaps = [later - earlier for earlier, later in pairwise(process.resumed_of(0))]
    assert len(gaps) == 2
    assert INTERVAL[0] <= gaps[0] < INTERVAL[0] + FOUND_WITHIN
    assert 2 * INTERVAL[0] <= gaps[1] < 2 * INTERVAL[0] + FOUND_WITHIN


@pytest.mark.parametrize("shards", [1, 2, 5])
@pytest.mark.parametrize("kind", sorted(BUSY))
def test_a_kind_that_a_shard_used_to_get_is_missed_while_it_hears_other_things(shards: int, kind: str) -> None:
    process = Process(1, busy(shards))
    process.seconds(400)
    process.lines["1", 0].without = {kind}
    process.seconds(150)
    ((_, action),) = process.resumed
    assert (action.key, action.kinds) == (("1", 0), [kind])
    assert kind in action.reason
    process.seconds(1_500)
    assert len(process.resumed) == 1


def test_the_only_kind_of_a_bot_is_missed_when_other_shards_go_on_getting_it() -> None:
    process = Process(1, [Line({"MESSAGE_CREATE": 2.0}) for _ in range(5)])
    process.seconds(400)
    process.lines["1", 0].without = {"MESSAGE_CREATE"}
    process.seconds(240)
    assert [action.kinds for _, action in process.resumed] == [["MESSAGE_CREATE"]]


def test_a_kind_that_never_came_is_missed_when_comparable_shards_get_it() -> None:
    process = Process(1, busy(5))
    process.lines["1", 0].without = {"MESSAGE_REACTION_ADD"}
    process.seconds(240)
    assert [(action.key, action.kinds) for _, action in process.resumed] == [(("1", 0), ["MESSAGE_REACTION_ADD"])]


def test_a_rare_kind_is_missed_too() -> None:
    process = Process(1, [Line({"MESSAGE_CREATE": 0.5, "INTERACTION_CREATE": 1 / 60}) for _ in range(4)])
    process.seconds(5_400)
    process.lines["1", 0].without = {"INTERACTION_CREATE"}
    process.lines["1", 0].mended_by_resume = False
    process.seconds(4_500)
    assert {(action.key, *action.kinds) for _, action in process.resumed} == {(("1", 0), "INTERACTION_CREATE")}
    assert all(later - earlier > 1_200 for earlier, later in pairwise(process.resumed_of(0)))


def test_a_kind_of_which_only_some_shards_are_fond_is_not_missed_elsewhere() -> None:
    process = Process(1, [Line(BUSY), Line(BUSY), *(Line({"MESSAGE_CREATE": 3.0}) for _ in range(4))])
    process.seconds(2_000)
    assert process.resumed == []


def test_a_shard_that_is_unlike_the_others_or_hears_little_is_not_compared() -> None:
    process = Process(1, [Line({"TYPING_START": 2.0}), Line(dict.fromkeys(BUSY, 0.01)), *busy(4)])
    process.lines["1", 1].without = {"MESSAGE_REACTION_ADD"}
    process.seconds(1_500)
    assert process.resumed == []


def test_a_shard_whose_guilds_go_to_bed_early_is_given_more_time() -> None:
    process = Process(1, busy(5))
    process.seconds(700)
    process.lines["1", 0].rates = {}
    process.seconds(170)
    assert process.resumed == []


def test_after_a_resume_for_one_cause_the_other_waits_for_the_interval_too() -> None:
    process = Process(1, busy(1))
    line = process.lines["1", 0]
    process.seconds(300)
    line.silent = True
    process.seconds(460)
    line.without = {"MESSAGE_CREATE"}
    process.seconds(250)
    first, second = process.resumed_of(0)
    assert INTERVAL[0] <= second - first < INTERVAL[0] + 5
    line.silent = True
    process.seconds(700)
    assert process.resumed_of(0)[2] - second >= INTERVAL[0]


def test_a_kind_that_comes_while_its_resume_has_to_wait_is_missed_no_longer() -> None:
    process = Process(1, busy(1))
    line = process.lines["1", 0]
    process.seconds(300)
    line.silent = True
    process.seconds(60)
    (first,) = process.resumed_of(0)
    process.seconds(int(first + INTERVAL[0] - 121 - process.now))
    line.without = {"MESSAGE_CREATE"}
    process.seconds(119)
    line.without = set()
    process.seconds(30)
    assert process.resumed_of(0) == [first]


@pytest.mark.parametrize("lasting", [10, 40, 150])
def test_a_raid_that_ends_is_not_missed(lasting: int) -> None:
    process = Process(1, busy(2))
    process.seconds(400)
    process.lines["1", 0].rates = {**BUSY, "GUILD_MEMBER_ADD": 5.0}
    process.seconds(lasting)
    process.lines["1", 0].rates = BUSY
    process.seconds(1_200)
    assert process.resumed == []


def test_when_everybody_goes_to_bed_nothing_is_missed() -> None:
    process = Process(1, busy(6))
    process.seconds(900)
    for line in process.lines.values():
        line.rates = {"TYPING_START": 0.02}
    process.seconds(1_800)
    assert process.resumed == []


def test_a_kind_that_nobody_gets_any_more_is_not_missed() -> None:
    process = Process(1, busy(6))
    process.seconds(900)
    for line in process.lines.values():
        line.without = {"TYPING_START"}
    process.seconds(1_800)
    assert process.resumed == []


def test_a_process_that_was_frozen_blames_no_shard() -> None:
    process = Process(1, busy(3))
    process.seconds(400)
    for _ in range(20):
        process.stall(70.0)
        process.seconds(5)
    assert process.resumed == []
    assert process.asked == []


def test_a_shard_that_does_not_read_is_not_silent() -> None:
    process = Process(1, busy(3))
    process.seconds(400)
    process.lines["1", 0].live = False
    process.seconds(400)
    assert [action for _, action in process.asked if action.key[1] == 0] == []
    assert process.resumed == []


def test_a_question_that_cannot_be_sent_proves_nothing() -> None:
    silence = Silence()
    asks: list[int] = []
    for second in range(400):
        for action in silence.step(float(second), {("1", 0): Reading(True, {})}):
            assert isinstance(action, Ask)
            silence.unsent(action, float(second))
            asks.append(second)
    assert len(asks) == 6


def test_an_answer_to_an_old_question_is_no_news_of_a_new_one() -> None:
    silence = Silence()
    quiet = {("1", 0): Reading(True, {})}
    asks = [action for second in range(70) for action in silence.step(float(second), quiet)]
    (late,) = asks
    assert isinstance(late, Ask)
    silence.step(70.0, {("1", 0): Reading(True, {"TYPING_START": 1})})
    (_fresh,) = [action for second in range(71, 140) for action in silence.step(float(second), quiet)]
    silence.sent(late, 141.0)
    assert [action for second in range(142, 160) for action in silence.step(float(second), quiet)] == []


def test_shards_of_another_generation_are_not_compared() -> None:
    process = Process(1, busy(4))
    alone = ("2", 0)
    process.lines[alone] = Line({"MESSAGE_CREATE": 2.0, "TYPING_START": 1.0})
    process.seconds(1_000)
    assert process.resumed == []
