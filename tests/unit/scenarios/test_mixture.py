"""The plans of outages, partitions, generations and chaos: the same for a seed, and never what nobody could survive."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from migaga_emulator.scenarios.chaos import LONG_OUTAGE, OUTAGE, chaos
from migaga_emulator.scenarios.generations import counts, intents, reshard, reshard_abort
from migaga_emulator.scenarios.outage import PARTITION, database_outage, partition
from migaga_emulator.scenarios.plan import ENDING, MILD, Planned, Wish

wishes = st.builds(
    Wish, seed=st.integers(), seconds=st.floats(3, 900), shards=st.integers(1, 64), processes=st.integers(1, 8)
)
PROCESSES = {"kill", "restart", "freeze", "roll", "size", "partition", "reshard"}
DATABASE = {"outage", "outage_silent", "partition"}


def kinds(phase: Planned) -> set[str]:
    return {part.kind for part in phase.parts} - {"rest"}


@given(wish=wishes)
def test_a_part_hits_a_shard_that_there_is_and_a_process_of_the_fleet(wish: Wish) -> None:
    for part in (part for phase in chaos(wish) for part in phase.parts):
        assert part.at >= 0
        assert part.shard is None or 0 <= part.shard < wish.shards
        assert part.process is None or part.process >= 0
        assert part.kind in PROCESSES | DATABASE | set(MILD) | set(ENDING) | {"rest"}


@given(wish=wishes)
def test_no_session_is_destroyed_while_nobody_could_identify(wish: Wish) -> None:
    for phase in chaos(wish):
        if kinds(phase) & set(ENDING):
            assert kinds(phase) <= set(ENDING)


@given(wish=wishes)
def test_in_a_long_outage_no_connection_is_dropped(wish: Wish) -> None:
    for phase in chaos(wish):
        if any(part.kind.startswith("outage") and part.value >= LONG_OUTAGE for part in phase.parts):
            assert not kinds(phase) & set(MILD)


@given(wish=wishes)
def test_two_processes_that_are_hit_in_one_phase_are_different_ones(wish: Wish) -> None:
    for phase in chaos(wish):
        hit = [part.process for part in phase.parts if part.process is not None]
        if wish.processes > 1:
            assert len({process % wish.processes for process in hit}) == len(hit)


def test_ten_minutes_hold_every_kind_of_trouble() -> None:
    for seed in range(20):
        found = Counter(kind for phase in chaos(Wish(seed, 600, 16, 4)) for kind in kinds(phase))
        assert set(found) >= PROCESSES
        assert found["reshard"] == 1
        assert set(found) & {"outage", "outage_silent"}
        assert set(found) & set(ENDING)
        assert len(set(found) & set(MILD)) == len(MILD)
    assert len({tuple(chaos(Wish(seed, 600, 16, 4))) for seed in range(20)}) == 20


def test_no_phase_begins_before_the_faults_of_the_one_before_have_passed() -> None:
    for phase in chaos(Wish(1, 600, 16, 4)):
        rest = max(part.value for part in phase.parts if part.kind == "rest")
        assert rest >= max(part.at for part in phase.parts) + (5 if kinds(phase) & set(ENDING) else 0)


def test_a_short_run_has_one_phase_at_least() -> None:
    assert len(chaos(Wish(1, 5, 4, 2))) == 1


def test_an_outage_lasts_half_a_minute_however_short_the_rest_is() -> None:
    for seconds in (3, 60, 600):
        outage, rest = database_outage(Wish(1, seconds, 16, 4))
        assert (outage.kind, outage.value, rest.kind) == ("outage", 30.0, "rest")
    assert OUTAGE[1] <= 30


def test_a_partition_outlasts_the_life_of_one_process() -> None:
    hit = set()
    for seed in range(50):
        cut, _ = partition(Wish(seed, 60, 16, 4))
        assert PARTITION[0] > 9 + 2
        assert PARTITION[0] <= cut.value <= PARTITION[1]
        hit.add(cut.process)
    assert hit == {0, 1, 2, 3}


def test_shards_become_twice_as_many_and_then_half_as_many_more_than_at_first() -> None:
    assert counts(8) == (16, 12)
    assert counts(1) == (2, 2)
    assert [(one.kind, one.value) for one in reshard(Wish(1, 60, 8, 4))] == [("reshard", 16), ("reshard", 12)]
    assert [one.kind for one in reshard_abort(Wish(1, 60, 8, 4))] == ["reshard_unready", "reshard_refused"]
    assert [one.value for one in intents(Wish(1, 60, 8, 4))] == [0, 1]
