"""How late events are around an interruption, whatever their handlers do on purpose."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga_emulator.scenarios.gap import Sample, Window, gaps

SHARDS = ((0, 2), (1, 2))


def lengths(samples: Mapping[tuple[int, int], Sequence[Sample]], windows: Sequence[Window]) -> list[float]:
    """The gaps in seconds."""
    return [gap.seconds for gap in gaps(samples, windows)]


def stall(begun: float, ended: float, *, usual: float = 0.05, every: float = 0.1) -> list[Sample]:
    """A shard with an event every `every` seconds for a minute; those of the stall are handled when it ends."""
    times = [number * every for number in range(int(60 / every))]
    return [Sample(at, (ended - at if begun <= at < ended else 0.0) + usual) for at in times]


def test_the_gap_is_what_the_latest_event_was_later_than_usual() -> None:
    found = lengths({SHARDS[0]: stall(20, 23)}, [Window(SHARDS[0], 20, 23)])
    assert found == [pytest.approx(3.0)]


def test_a_gap_tells_its_latest_event() -> None:
    (found,) = gaps({SHARDS[0]: stall(20, 23)}, [Window(SHARDS[0], 20, 23)])
    assert found.window.shard == SHARDS[0]
    assert found.at == pytest.approx(20.0)


def test_a_shard_that_went_on_as_usual_has_a_gap_of_nothing() -> None:
    assert lengths({SHARDS[0]: stall(0, 0)}, [Window(SHARDS[0], 20, 20)]) == [pytest.approx(0.0)]


def test_each_interruption_of_each_shard_has_its_own() -> None:
    samples = {SHARDS[0]: stall(20, 21), SHARDS[1]: stall(40, 42)}
    windows = [Window(SHARDS[0], 20, 21), Window(SHARDS[1], 40, 42), Window(SHARDS[1], 10, 10)]
    assert lengths(samples, windows) == [pytest.approx(1.0), pytest.approx(2.0), pytest.approx(0.0)]


def test_an_interruption_in_which_nobody_said_anything_has_none() -> None:
    assert lengths({SHARDS[0]: [Sample(1.0, 0.1)]}, [Window(SHARDS[0], 20, 21)]) == []
    assert lengths({}, [Window(SHARDS[0], 20, 21)]) == []


def test_what_is_slow_elsewhere_is_not_late_here() -> None:
    slow = [Sample(sample.at, 9.0) if sample.at < 5 else sample for sample in stall(0, 0)]
    assert lengths({SHARDS[0]: slow}, [Window(SHARDS[0], 20, 20)]) == [pytest.approx(0.0)]


@given(seed=st.integers(0, 1_000), length=st.floats(2, 8))
def test_handlers_that_do_not_tell_how_long_they_take_hide_and_feign_little(seed: int, length: float) -> None:
    chance = random.Random(seed)

    def untold(samples: list[Sample]) -> list[Sample]:
        extra = [20.0 if chance.random() < 0.002 else chance.uniform(0, 0.5) for _ in samples]
        return [Sample(one.at, one.delay + more, told=False) for one, more in zip(samples, extra, strict=True)]

    (stalled,) = lengths({SHARDS[0]: untold(stall(20, 20 + length))}, [Window(SHARDS[0], 20, 20 + length)])
    assert length - 0.6 < stalled < length + 0.5
    (quiet,) = lengths({SHARDS[0]: untold(stall(0, 0))}, [Window(SHARDS[0], 20, 20)])
    assert quiet < 0.5
