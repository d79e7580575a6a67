"""What the next process is told: exactly what was finished, and of a damaged file never more."""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import stat
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migaga.common.errors import MigagaError
from migaga.continuity.finished import encode, mark
from migaga.continuity.local import LocalState, resume_point
from migaga.continuity.progress import Point
from migaga.fleet.statefile import Predecessor, StateFile, open_state
from migaga.fleet.statelog import HALF, SNAPSHOT_AFTER, Track
from migaga.fleet.staterecords import MAGIC, Header, Told, Writing, read
from migaga.storage.leases_rows import ShardRow

KEYS = [("2:1:v10", 0), ("2:1:v10", 1), ("4:513:v10", 0)]


def told_by(state: StateFile, folder: Path) -> Predecessor:
    """Return what a process would be told that finds this file after its writer was killed now."""
    copy = folder / f"copy-{len(list(folder.glob('copy-*')))}"
    copy.mkdir()
    shutil.copy(state.path, copy)
    with open_state(copy, "reader") as reader:
        assert reader.ignored == []
        (predecessor,) = reader.predecessors
        return predecessor


class Scribe:
    """Does at random what a process does with its file, and knows what is true."""

    def __init__(self, state: StateFile, seed: int) -> None:
        self.state = state
        self.random = Random(seed)
        self.tracks: dict[tuple[str, int], Track] = {}
        self.now: dict[tuple[str, int], LocalState] = {}
        self.session: dict[tuple[str, int], str] = {}
        self.ever: dict[tuple[str, str], set[int]] = defaultdict(set)
        """Token and session, by their marks -> all that has finished."""
        self.id, self.count = "p0", 0

    def act(self) -> None:
        key = self.random.choice(KEYS)
        acts = [self.finish] * 20 + [self.flush] * 4 + [self.hold] * 2 + [self.let_go, self.rename]
        act = self.random.choice(acts)
        if act in {self.hold, self.rename} or key in self.tracks:
            act(key)

    def hold(self, key: tuple[str, int]) -> None:
        self.count += 1
        token, session, seq = f"t{self.count}", f"s{self.random.randrange(3)}", self.random.randrange(50)
        done = frozenset(self.random.sample(range(seq + 1, seq + 30), self.random.randrange(4)))
        self.tracks[key] = self.state.hold(key, token, Point(session, seq, done))
        self.session[key] = session
        self.now[key] = LocalState(mark(token), mark(session), seq, done)
        self.ever[mark(token), mark(session)] |= {*range(seq + 1), *done}

    def finish(self, key: tuple[str, int]) -> None:
        seq = self.now[key].seq + self.random.randrange(1, 40)
        self.tracks[key].finished(seq)
        self._is(key, self.now[key].seq, self.now[key].done | {seq})

    def flush(self, key: tuple[str, int]) -> None:
        seq = self.now[key].seq + self.random.randrange(5)
        self.tracks[key].flushed(Point(self.session[key], seq, frozenset()))
        self._is(key, seq, frozenset(one for one in self.now[key].done if one > seq))

    def let_go(self, key: tuple[str, int]) -> None:
        self.tracks.pop(key).let_go()
        del self.now[key]

    def rename(self, _key: tuple[str, int]) -> None:
        self.id = f"{self.id}'"
        self.state.rename(self.id)
        self.tracks.clear()
        self.now.clear()

    def _is(self, key: tuple[str, int], seq: int, done: frozenset[int]) -> None:
        was = self.now[key]
        self.now[key] = LocalState(was.token, was.session, seq, done)
        self.ever[was.token, was.session] |= {*range(seq + 1), *done}


def damaged(random: Random, data: bytes) -> bytes:
    """Return what was cut, changed, wiped or overwritten somewhere."""
    at = random.randrange(len(data) + 1)
    size = random.choice([1, 1, 2, 19, 64, 4096])
    piece = random.choice([b"", b"\0" * size, random.randbytes(size), data[: random.randrange(200)]])
    return random.choice([data[:at], data[:at] + piece + data[at + len(piece) :], data[:at] + data[at + size :]])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 120))
def test_the_next_process_is_told_exactly_what_has_finished_and_a_damaged_file_never_tells_more(
    seed: int, acts: int
) -> None:
    with tempfile.TemporaryDirectory() as name, open_state(Path(name, "state"), "p0") as state:
        scribe = Scribe(state, seed)
        for _ in range(acts):
            scribe.act()
        predecessor = told_by(state, Path(name))
        assert (predecessor.process_id, predecessor.shards) == (scribe.id, scribe.now)
        data = state.path.read_bytes()
        halves = [data[:HALF].rstrip(b"\0"), data[HALF:]]
        for _ in range(20):
            told = read([damaged(scribe.random, half) for half in halves])
            for one in told.shards.values() if isinstance(told, Told) else ():
                assert one.done <= scribe.ever[one.token, one.session]
                assert one.seq in scribe.ever[one.token, one.session]


@given(st.binary(max_size=300), st.booleans(), st.booleans())
def test_garbage_of_any_kind_is_a_reason_and_no_error(garbage: bytes, begins_well: bool, sealed: bool) -> None:
    writing = Writing()
    head = MAGIC + writing.header(Header(1, "boot", "p"))
    if sealed:
        garbage = writing.record(garbage[0] % 9 if garbage else 0, garbage.decode("latin-1"))
    told = read([head + garbage if begins_well else garbage])
    assert isinstance(told, str) or told.shards == {}


def test_after_many_events_the_file_is_small_and_a_reader_knows_every_one_that_was_not_flushed(tmp_path: Path) -> None:
    with open_state(tmp_path / "state", "p") as state:
        track = state.hold(KEYS[0], "t", Point("s", 1, frozenset()))
        for seq in range(2, 60_000):
            track.finished(seq)
            if seq % 1_000 == 0:
                track.flushed(Point("s", seq - 10, frozenset({seq})))
        assert state.broken is None
        assert told_by(state, tmp_path).shards[KEYS[0]] == LocalState(
            mark("t"), mark("s"), 58_990, frozenset(range(58_991, 60_000))
        )
        assert state.path.stat().st_blocks * 512 < 4 * SNAPSHOT_AFTER


def test_what_ends_after_a_new_session_or_a_new_claim_is_not_taken_for_an_event_of_it(tmp_path: Path) -> None:
    with open_state(tmp_path / "state", "p") as state:
        old = state.hold(KEYS[0], "t", Point("old", 1, frozenset()))
        new = state.hold(KEYS[0], "t", Point("new", 1, frozenset()))
        old.finished(7)
        old.flushed(Point("old", 90, frozenset()))
        new.flushed(Point("old", 90, frozenset()))
        old.let_go()
        new.finished(3)
        assert told_by(state, tmp_path).shards == {KEYS[0]: LocalState(mark("t"), mark("new"), 1, frozenset({3}))}
        new.let_go()
        new.finished(4)
        assert told_by(state, tmp_path).shards == {}


def test_a_restarted_process_skips_what_was_finished_unless_somebody_owned_the_shard_in_between(tmp_path: Path) -> None:
    with open_state(tmp_path, "first") as state:
        track = state.hold(KEYS[0], "mine", Point("s", 5, frozenset({8})))
        for seq in (6, 9, 11):
            track.finished(seq)
    row = ShardRow(*KEYS[0], token="mine", session_id="s", seq=6, done_set=encode("s", 6, {8}))
    with open_state(tmp_path, "second") as state:
        assert resume_point(row, state.local(row)) == Point("s", 6, frozenset({8, 9, 11}))
        for other in (
            ShardRow(*KEYS[0], token="other", session_id="s"),
            ShardRow(*KEYS[0], token="mine", session_id="new"),
            ShardRow(*KEYS[0]),
            ShardRow(*KEYS[1], token="mine", session_id="s"),
        ):
            assert state.local(other) is None


def test_a_process_that_was_declared_dead_knows_what_it_had_finished_when_nobody_else_has_claimed(
    tmp_path: Path,
) -> None:
    with open_state(tmp_path / "state", "first") as state:
        track = state.hold(KEYS[0], "mine", Point("s", 5, frozenset()))
        track.finished(9)
        state.rename("second")
        track.finished(10)
        row = ShardRow(*KEYS[0], token="mine", session_id="s", seq=5)
        assert resume_point(row, state.local(row)) == Point("s", 5, frozenset({9}))
        assert [one.process_id for one in state.predecessors] == [None], "it is not declared dead once more"
        assert told_by(state, tmp_path) == Predecessor("second", {})


def test_no_secret_is_written_and_nobody_else_may_read_the_file(tmp_path: Path) -> None:
    with open_state(tmp_path / "state", "p") as state:
        track = state.hold(KEYS[0], "secret-token", Point("secret-session", 5, frozenset()))
        track.flushed(Point("secret-session", 6, frozenset()))
        assert b"secret" not in state.path.read_bytes()
        assert stat.S_IMODE(state.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(state.path.parent.stat().st_mode) == 0o700


async def test_what_is_told_in_the_event_loop_does_not_block_it(tmp_path: Path) -> None:
    state = await asyncio.to_thread(open_state, tmp_path, "p")
    track = state.hold(KEYS[0], "t", Point("s", 1, frozenset()))
    for seq in range(2, 40_000):
        track.finished(seq)
    track.flushed(Point("s", 30_000, frozenset()))
    state.rename("q")
    assert state.broken is None
    await asyncio.to_thread(state.close)


@pytest.fixture
def _a_full_disk() -> Iterator[None]:
    """Let no file of this process grow beyond what a test asks for."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full_from(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


@pytest.mark.usefixtures("_a_full_disk")
@pytest.mark.parametrize("room", [0, 7, 19, 100])
def test_a_full_disk_is_no_error_and_what_is_told_then_is_old_but_true_until_there_is_room_again(
    tmp_path: Path, room: int
) -> None:
    with open_state(tmp_path / "state", "p") as state:
        track = state.hold(KEYS[0], "t", Point("s", 1, frozenset()))
        track.finished(3)
        full_from(state.path.stat().st_size + room)
        for seq in range(4, 60):
            track.finished(seq)
        assert state.broken
        fitting = room // 19
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        expected = frozenset(range(3, 4 + fitting))
        assert told_by(state, tmp_path).shards[KEYS[0]].done == expected
        track.finished(60)
        assert told_by(state, tmp_path).shards[KEYS[0]].done == expected, "after a gap nothing is believed"
        track.flushed(Point("s", 2, frozenset()))
        assert told_by(state, tmp_path).shards[KEYS[0]].done == frozenset(range(3, 61)), "nothing was forgotten"


@pytest.mark.usefixtures("_a_full_disk")
def test_a_disk_that_is_full_from_the_start_leaves_a_process_that_works(tmp_path: Path) -> None:
    full_from(10)
    with open_state(tmp_path / "state", "p") as state:
        assert state.broken
        track = state.hold(KEYS[0], "t", Point("s", 1, frozenset()))
        track.finished(3)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        state.hold(KEYS[1], "t", Point("s", 1, frozenset()))
        assert told_by(state, tmp_path).shards[KEYS[0]].done == {3}


def test_a_half_that_is_full_is_left_for_the_other_with_the_next_flush(tmp_path: Path) -> None:
    with open_state(tmp_path / "state", "p") as state:
        track = state.hold(KEYS[0], "t", Point("s", 1, frozenset()))
        for seq in range(2, HALF // 19 + 100):
            track.finished(seq)
        assert "full" in str(state.broken)
        track.flushed(Point("s", HALF // 19, frozenset()))
        assert state.broken is None
        assert told_by(state, tmp_path).shards[KEYS[0]].done == set(range(HALF // 19 + 1, HALF // 19 + 100))


def test_a_number_that_is_none_breaks_the_record_and_not_the_handler(tmp_path: Path) -> None:
    with open_state(tmp_path / "state", "p") as state:
        state.hold(KEYS[0], "t", Point("s", 1, frozenset())).finished(-1)
        assert state.broken
        state.hold(KEYS[0], "t", Point("s", 1, frozenset())).finished(2)
        assert told_by(state, tmp_path).shards[KEYS[0]].done == {2}


def test_a_folder_that_cannot_be_used_is_named_with_the_reason_and_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "below"):
        with pytest.raises(MigagaError, match=r"file.*cannot be used: .*StateDirectory"):
            open_state(folder, "p")
    assert os.listdir(tmp_path) == ["file"]
