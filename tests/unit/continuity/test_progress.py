"""The watermark, what is finished above it, and its compact form."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from migaga.continuity.finished import MAX_BYTES, decode, encode
from migaga.continuity.progress import Progress

numbers = st.sets(st.integers(1, 5_000), max_size=200)


@given(numbers, st.integers(0, 5_000))
def test_what_is_written_is_read_again(done: set[int], seq: int) -> None:
    assert decode(encode("s", seq, done), "s", seq) == {number for number in done if number > seq}


@given(numbers, st.integers(0, 2_000), st.integers(0, 2_000))
def test_a_watermark_that_somebody_else_has_moved_on_changes_no_meaning(done: set[int], seq: int, more: int) -> None:
    assert decode(encode("s", seq, done), "s", seq + more) == {number for number in done if number > seq + more}


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text: str) -> None:
    mark = (encode("s", 0, {2}) or "").split(":")[0]
    assert decode(text, "s", 0) == frozenset()
    assert isinstance(decode(f"{mark}:0:{text}", "s", 0), frozenset)


def test_a_set_that_is_too_long_is_cut_at_its_upper_end() -> None:
    done = set(range(2, 20_000, 2))
    text = encode("s", 0, done)
    assert text is not None
    assert len(text) <= MAX_BYTES * 1.3
    found = decode(text, "s", 0)
    assert len(found) > 1_000
    assert found == {number for number in done if number <= max(found)}
    assert encode("s", 30_000, done) is None


def test_a_thousand_in_a_row_are_a_few_bytes_and_the_session_is_not_told() -> None:
    text = encode("secret", 7, range(9, 1_009))
    assert text is not None
    assert len(text) < 30
    assert "secret" not in text


@given(st.data())
def test_the_watermark_passes_only_what_is_finished_and_a_replay_brings_only_the_rest(data: st.DataObject) -> None:
    seqs = sorted(data.draw(st.sets(st.integers(2, 300), min_size=1, max_size=60)))
    finished = data.draw(st.sets(st.sampled_from(seqs)))
    progress = Progress("s", 1)
    assert all(progress.received(seq, 0.0) for seq in seqs)
    for seq in data.draw(st.permutations(sorted(finished))):
        progress.finished(seq)
    point = progress.point()
    assert all(seq in finished for seq in seqs if seq <= point.seq)
    assert set(progress.running) == set(seqs) - finished
    after = Progress("s", point.seq, decode(encode("s", point.seq, point.done), "s", point.seq))
    again = [seq for seq in seqs if seq > point.seq and after.received(seq, 1.0)]
    assert again == [seq for seq in seqs if seq not in finished]
    for seq in again:
        after.finished(seq)
    assert (after.seq, after.lag) == (max(seqs), 0)


def test_repetitions_and_numbers_that_are_not_open_change_nothing() -> None:
    progress = Progress("s", 5)
    assert not progress.received(5, 0.0)
    assert progress.received(6, 0.0)
    assert not progress.received(6, 0.0)
    progress.finished(99)
    progress.finished(6)
    progress.finished(6)
    assert (progress.seq, progress.lag) == (6, 0)
