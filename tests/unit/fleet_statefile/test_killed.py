"""SIGKILL at any moment: what the next process takes as finished was finished, and nothing that was told is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from tests.unit.fleet_statefile.killed import Child, Said

from migaga.continuity.finished import mark
from migaga.continuity.progress import Point
from migaga.fleet.statefile import Predecessor, open_state

Say = Callable[[str, int, int], None]
G = "2:1:v10"
NUMBERS = {mark(f"{which}"): which for which in range(64)}
"""The mark of a token -> which claim it was."""


def start(which: int) -> Point:
    """Where claim number `which` begins."""
    return Point(f"s{which}", 10 * which, frozenset({10 * which + 2}))


def a_short_life(folder: Path) -> Callable[[Say], None]:
    """Do everything that a process may do with its file once. `+` is said before an event is told, `!` after."""

    def work(say: Say) -> None:
        with open_state(folder, "short") as state:
            say("p", 0, len(state.predecessors))
            tracks = []
            for which in range(1, 4):
                say("h", which, 0)
                tracks.append(state.hold((G, which % 2), str(which), start(which)))
                say("H", which, 0)
                for seq in (10 * which + 5, 10 * which + 3):
                    say("+", which, seq)
                    tracks[-1].finished(seq)
                    say("!", which, seq)
            say("f", 3, 34)
            tracks[2].flushed(Point("s3", 34, frozenset({35})))
            say("t", 0, 0)
            state.taken_over()
            say("T", 0, 0)
            state.rename("renamed")
            say("R", 0, 0)
            state.hold((G, 0), "4", start(4)).let_go()
        say("E", 0, 0)

    return work


def check(said: Said, told: Predecessor) -> None:
    """Never more than was told, and everything of the last claim of each shard that was told."""
    for key, state in told.shards.items():
        which = NUMBERS[state.token]
        begin = start(which)
        assert which % 2 == key[1]
        assert state.session == mark(begin.session_id)
        known = {*begin.done, *said.of("+", which)}
        assert state.done <= known
        assert state.seq in {begin.seq, *said.of("f", which)}
        assert {one for one in said.of("!", which) if one > state.seq} <= state.done


def test_killed_before_any_of_its_system_calls_a_process_leaves_what_it_had_told_and_what_it_had_found(
    tmp_path: Path,
) -> None:
    with open_state(tmp_path / "before", "old") as state:
        state.hold((G, 7), "7", start(7))
    for number in range(1, 500):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "before", folder)
        said, code = Child(a_short_life(folder), kill_at=number).ended()
        with open_state(folder, "reader") as reader:
            assert reader.ignored == []
            told = {one.process_id: one for one in reader.predecessors}
        assert ("old" in told) or said.of("t"), "what it had found is there until it has taken it over"
        assert ("old" not in told) or not said.of("T")
        if said.of("h") and not said.of("R"):
            check(said, told["renamed" if "renamed" in told else "short"])
            begun, held = ({which for one, which, _ in said.words if one == word} for word in "hH")
            claims = {NUMBERS[state.token] for one in told.values() for state in one.shards.values()}
            assert "renamed" in told or {which for which in held if which + 2 not in begun} <= claims
        if code == 0:
            assert told == {}, "a process that ends well and holds nothing leaves nothing"
            assert number > 50
            return
    pytest.fail("it never ended well")


def a_busy_life(folder: Path, seed: int) -> Callable[[Say], None]:
    """Finish as many events as possible, in three shards, with flushes now and then."""

    def work(say: Say) -> None:
        random = Random(seed)
        state = open_state(folder, f"busy{seed}")
        tracks = {which: state.hold((G, which % 2), str(which), start(which)) for which in (1, 2)}
        last = {which: start(which).seq for which in tracks}
        while True:
            which = random.choice([1, 2])
            last[which] += random.choice([1, 1, 2])
            say("+", which, last[which])
            tracks[which].finished(last[which])
            say("!", which, last[which])
            if random.random() < 0.002:
                point = last[which] - random.randrange(5)
                say("f", which, max(point, start(which).seq))
                tracks[which].flushed(Point(f"s{which}", max(point, start(which).seq), frozenset()))

    return work


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_random_while_it_is_busy_a_process_leaves_exactly_what_it_has_finished(
    tmp_path: Path, seed: int
) -> None:
    child = Child(a_busy_life(tmp_path, seed))
    child.kill_after(Random(seed).choice([0, 3, 500, 20_000]) + Random(seed).randrange(200))
    said, _ = child.ended()
    with open_state(tmp_path, "reader") as reader:
        assert reader.ignored == []
        for one in reader.predecessors:
            check(said, one)
        if said.words:
            assert [(one.process_id, len(one.shards)) for one in reader.predecessors] == [(f"busy{seed}", 2)]


def a_life_among_others(folder: Path, name: str) -> Callable[[Say], None]:
    """Start, tell whom it takes for dead, take over, and be busy until it is killed."""

    def work(say: Say) -> None:
        state = open_state(folder, name)
        for one in state.predecessors:
            say("d", int(str(one.process_id)), len(one.shards))
        track = state.hold((G, int(name)), "1", start(1))
        say("H", int(name), 0)
        state.taken_over()
        for seq in range(11, 2**60):
            say("+", 1, seq)
            track.finished(seq)
            say("!", 1, seq)

    return work


@pytest.mark.parametrize("seed", range(3))
def test_of_many_processes_in_one_folder_only_dead_ones_are_taken_for_dead_and_none_is_forgotten(
    tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    living: dict[int, Child] = {}
    held: set[int] = set()
    """Dead processes that held something."""
    announced: dict[int, set[int]] = {}
    dead: set[int] = set()

    def bury(name: int) -> None:
        said, _ = living.pop(name).ended()
        announced[name] = {which for word, which, _ in said.words if word == "d"}
        assert announced[name] <= dead, "nobody that lives, and not itself"
        dead.add(name)
        held.update({name} if said.of("H") else ())

    for name in range(30):
        living[name] = Child(a_life_among_others(tmp_path, str(name)))
        if random.random() < 0.6:
            living[name].kill_after(random.choice([0, 0, 1, 2, random.randrange(2_000)]))
            bury(name)
    for name in list(living):
        living[name].kill_after(10)
        bury(name)
    with open_state(tmp_path, "last") as last:
        announced[99] = {int(str(one.process_id)) for one in last.predecessors}
        assert last.ignored == []
        assert announced[99] <= dead
    assert held <= {name for names in announced.values() for name in names}, "each was told to somebody"
