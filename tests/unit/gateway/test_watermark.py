"""The watermark never passes an unfinished event, whatever the order in which events finish."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from migaga.gateway.watermark import Watermark

sequences = st.lists(st.integers(min_value=1, max_value=500), unique=True, max_size=60).map(sorted)


@given(sequences, st.randoms(use_true_random=False), st.integers(min_value=0, max_value=60))
def test_it_is_the_last_number_before_the_first_unfinished_one(
    seqs: list[int], random: Random, unfinished: int
) -> None:
    watermark = Watermark(0)
    for seq in seqs:
        assert watermark.received(seq)
    order = list(seqs)
    random.shuffle(order)
    done: set[int] = set()
    for seq in order[: max(0, len(order) - unfinished)]:
        watermark.finished(seq)
        done.add(seq)
        finished_prefix = 0
        for one in seqs:
            if one not in done:
                break
            finished_prefix = one
        assert watermark.value == finished_prefix
    assert watermark.lag == len([one for one in seqs if one > (watermark.value or 0)])


@given(sequences)
def test_all_finished_means_the_last_received(seqs: list[int]) -> None:
    watermark = Watermark()
    for seq in seqs:
        watermark.received(seq)
        watermark.finished(seq)
    assert watermark.value == (seqs[-1] if seqs else None)
    assert watermark.lag == 0


@given(sequences, sequences)
def test_a_replay_brings_only_what_is_new(first: list[int], replay: list[int]) -> None:
    watermark = Watermark()
    for seq in first:
        watermark.received(seq)
    last = first[-1] if first else 0
    assert [seq for seq in replay if watermark.received(seq)] == [seq for seq in replay if seq > last]


def test_gaps_do_not_hold_it() -> None:
    watermark = Watermark(10)
    for seq in (12, 17, 90):
        watermark.received(seq)
    watermark.finished(12)
    watermark.finished(17)
    assert watermark.value == 17


def test_it_stays_at_the_start_until_the_first_event_is_finished() -> None:
    watermark = Watermark(41)
    watermark.received(42)
    watermark.received(43)
    watermark.finished(43)
    assert watermark.value == 41


def test_finishing_what_is_not_open_changes_nothing() -> None:
    watermark = Watermark(5)
    watermark.finished(3)
    watermark.received(6)
    watermark.finished(5)
    watermark.finished(6)
    watermark.finished(6)
    assert watermark.value == 6


def test_numbers_at_or_below_the_start_were_handled_before() -> None:
    watermark = Watermark(5)
    assert not watermark.received(4)
    assert not watermark.received(5)
    assert watermark.received(6)


@given(sequences, st.randoms(use_true_random=False))
def test_what_nobody_wants_holds_nothing_and_overtakes_nothing(seqs: list[int], random: Random) -> None:
    watermark, wanted = Watermark(0), list[int]()
    for seq in seqs:
        if random.random() < 0.5:
            watermark.passed(seq)
        else:
            watermark.received(seq)
            wanted.append(seq)
        assert watermark.has_had(seq)
        assert (watermark.value or 0) == (max([s for s in seqs if s < wanted[0]], default=0) if wanted else seq)
    for seq in wanted:
        watermark.finished(seq)
    assert watermark.value == (seqs[-1] if seqs else 0)
    assert watermark.lag == 0
