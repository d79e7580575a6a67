"""How benchmarks sum up what they counted."""

from __future__ import annotations

from math import inf

from tests.bench.figures import reconciles, spread


def test_quantiles_are_values_that_were_seen() -> None:
    hundred = [number / 100 for number in range(100, 0, -1)]
    assert spread(hundred) == {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    assert spread([3.0]) == {"p50": 3.0, "p90": 3.0, "p99": 3.0, "max": 3.0}
    assert spread([]) == {}


def test_quantiles_of_a_histogram_lie_between_the_limits_of_their_bucket() -> None:
    before = {0.1: 5.0, 1.0: 5.0, inf: 5.0}
    after = {0.1: 55.0, 1.0: 105.0, inf: 105.0}
    assert reconciles(before, after, 50.0) == {"per_second": 2.0, "p50": 0.1, "p99": 0.982}


def test_what_is_beyond_the_last_limit_is_told_as_that_limit() -> None:
    assert reconciles({1.0: 0.0, inf: 0.0}, {1.0: 0.0, inf: 4.0}, 1.0)["p50"] == 1.0
    assert reconciles({1.0: 0.0, inf: 0.0}, {1.0: 0.0, inf: 0.0}, 1.0)["p50"] is None
