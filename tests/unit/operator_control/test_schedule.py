"""When bots are looked at."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migaga_operator.control.schedule import GAP, LONGEST, Schedule


def schedule(jitter: float = 1.0) -> Schedule[str]:
    return Schedule(lambda: jitter)


def test_wakes_that_come_together_are_one_look() -> None:
    looks = schedule()
    for _ in range(5):
        looks.wake("a", 10.0)
    assert looks.take(10.0) == "a"
    assert looks.take(10.0) is None


def test_a_wake_during_a_look_is_another_look_soon_after() -> None:
    looks = schedule()
    looks.wake("a", 10.0)
    assert looks.take(10.0) == "a"
    looks.wake("a", 10.1)
    assert looks.take(10.1) is None
    looks.done("a", 10.5, 45.0)
    assert looks.next_at() == 10.5 + GAP
    assert looks.take(10.5 + GAP) == "a"


def test_a_bot_at_rest_is_looked_at_when_its_time_has_come() -> None:
    looks = schedule()
    looks.wake("a", 0.0)
    looks.take(0.0)
    looks.done("a", 1.0, 45.0)
    assert looks.take(45.9) is None
    assert looks.take(46.0) == "a"


def test_a_wake_comes_before_the_time_of_rest() -> None:
    looks = schedule()
    looks.wake("a", 0.0)
    looks.take(0.0)
    looks.done("a", 1.0, 45.0)
    looks.wake("a", 20.0)
    assert looks.take(20.0) == "a"


def test_who_waits_longest_is_first() -> None:
    looks = schedule()
    looks.wake("b", 2.0)
    looks.wake("a", 1.0)
    assert [looks.take(5.0), looks.take(5.0)] == ["a", "b"]


def test_what_was_woken_goes_before_what_only_its_time_brings() -> None:
    looks = schedule()
    for key in ("a", "b"):
        looks.wake(key, 0.0)
        looks.take(0.0)
        looks.done(key, 0.0, 10.0)
    looks.wake("b", 60.0)
    assert [looks.take(60.0), looks.take(60.0)] == ["b", "a"]


def test_failures_make_looks_rarer_and_a_success_forgives() -> None:
    looks, now, pauses = schedule(), 0.0, []
    for _ in range(9):
        looks.wake("a", now)
        now = max(now, looks.next_at() or 0.0)
        assert looks.take(now) == "a"
        pauses.append(looks.failed("a", now))
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST, LONGEST, LONGEST]
    now = looks.next_at() or 0.0
    looks.take(now)
    looks.done("a", now, 45.0)
    looks.wake("a", now + 1.0)
    looks.take(now + 1.0)
    assert looks.failed("a", now + 1.0) == 1.0


def test_wakes_after_a_failure_are_held_back() -> None:
    looks = schedule()
    for now in (0.0, 10.0, 20.0, 30.0):
        looks.wake("a", now)
        assert looks.take(now) == "a"
        looks.failed("a", now)
    looks.wake("a", 30.1)
    assert looks.take(31.9) is None
    assert looks.take(32.0) == "a"


def test_who_says_when_to_come_again_is_obeyed() -> None:
    looks = schedule()
    looks.wake("a", 0.0)
    looks.take(0.0)
    assert looks.failed("a", 0.0, 30.0) == 30.0
    looks.wake("a", 1.0)
    assert looks.take(29.0) is None
    assert looks.take(30.0) == "a"


def test_what_is_gone_is_forgotten_unless_it_came_back_meanwhile() -> None:
    looks = schedule()
    for is_back in (False, True):
        looks.wake("a", 0.0)
        looks.take(1.0)
        if is_back:
            looks.wake("a", 1.0)
        looks.done("a", 1.0, None)
        assert len(looks) == is_back
        assert looks.take(1.0 + GAP) == ("a" if is_back else None)


@given(st.lists(st.sampled_from(["wake a", "wake b", "take", "done", "failed", "gone", "wait"]), max_size=60))
def test_nothing_that_was_woken_is_ever_lost(steps: list[str]) -> None:
    looks, now, running, owed = schedule(0.5), 0.0, [], set[str]()
    for step in steps:
        word, _, name = step.partition(" ")
        if word == "wake":
            looks.wake(name, now)
            owed.add(name)
        elif word == "take":
            key = looks.take(now)
            if key is not None:
                assert key not in running
                running.append(key)
                owed.discard(key)
        elif word == "wait":
            now += 1.0
        elif running:
            key = running.pop()
            if word == "failed":
                looks.failed(key, now)
            else:
                looks.done(key, now, 45.0 if word == "done" else None)
    for key in running:
        looks.done(key, now, 45.0)
    while owed:
        at = looks.next_at()
        assert at is not None
        key = looks.take(max(at, now))
        assert key is not None
        owed.discard(key)
        looks.done(key, max(at, now), None)
        now = max(at, now)
