"""The budget, its buckets and counts in a window, against plain models of what Discord says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migaga_emulator.gateway.limits import IdentifyBudget, Verdict, WindowCounter

STEPS = st.lists(st.floats(0, 30, allow_nan=False), max_size=60)


@given(STEPS, st.integers(1, 5), st.integers(1, 60))
def test_a_window_never_lets_more_than_its_limit_through(steps: list[float], limit: int, period: int) -> None:
    counter, now, begun, used = WindowCounter(limit, period), 0.0, None, 0
    for step in steps:
        now += step
        if begun is None or now >= begun + period:
            begun, used = now, 0
        used += 1
        assert counter.take(now) is (used <= limit)
        assert counter.remaining(now) == max(0, limit - used)
        assert 0 < counter.reset_after(now) <= period


@given(st.lists(st.tuples(st.floats(0, 8), st.integers(0, 15)), max_size=80), st.sampled_from([1, 2, 16]))
def test_accepted_identifies_of_a_bucket_are_five_seconds_apart(
    calls: list[tuple[float, int]], max_concurrency: int
) -> None:
    budget = IdentifyBudget(total=1_000, window_s=86_400, max_concurrency=max_concurrency, interval_s=5)
    accepted: dict[int, float] = {}
    now = 0.0
    for step, shard_id in calls:
        now += step
        bucket = shard_id % max_concurrency
        early = bucket in accepted and now - accepted[bucket] < 5
        assert budget.identify(shard_id, now) is (Verdict.EARLY if early else Verdict.ACCEPTED)
        if not early:
            accepted[bucket] = now
    assert budget.remaining(now) == 1_000 - len(calls)


@given(st.integers(0, 20), st.integers(1, 40))
def test_every_identify_counts_and_the_one_over_the_budget_is_told(total: int, calls: int) -> None:
    budget = IdentifyBudget(total=total, window_s=86_400, max_concurrency=1, interval_s=5)
    verdicts = [budget.identify(0, 0.0) for _ in range(calls)]
    assert [verdict is Verdict.EXHAUSTED for verdict in verdicts] == [n >= total for n in range(calls)]


def test_a_refused_identify_counts_but_does_not_use_the_bucket() -> None:
    budget = IdentifyBudget(total=2, window_s=60, max_concurrency=1, interval_s=5)
    assert budget.count(0) is Verdict.ACCEPTED
    assert budget.identify(0, 0) is Verdict.ACCEPTED
    assert budget.count(1) is Verdict.EXHAUSTED
    assert budget.remaining(1) == 0
    assert budget.reset_after(1) == 59
    assert budget.remaining(60) == 2
