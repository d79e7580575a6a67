"""A generation from its wish to its end, and the events that are kept meanwhile."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.continuity.fleets import G, process, tokens, view
from tests.unit.continuity.modeldb import ModelDb

from migaga.continuity.claims import Claims
from migaga.continuity.generations import AGAIN_AFTER, ARMED_FOR, Generations, Wish, abort, missing_shards
from migaga.continuity.holding import Holding
from migaga.continuity.journal import Journal, Kept, digest, unhandled
from migaga.continuity.view import View
from migaga.storage.leases_operations import Insert, Outcome
from migaga.storage.leases_rows import JournalRow, ShardPhase


class Reshard:
    """Two processes, both deciding about generations after every step."""

    def __init__(self, wish: Wish) -> None:
        self.db, self.now, self.token = ModelDb(), 0.0, tokens()
        self.machines = {name: Generations(wish) for name in "ab"}
        for name in "ab":
            self.db.execute(Insert("process", asdict(process(name))))

    def view(self, name: str = "a") -> View:
        return View(name, self.db.observe())

    def decide(self, *, unfinished: int = 0) -> list[Outcome]:
        """Let both decide from the same rows, so that they race."""
        steps = [
            self.machines[name].decide(self.view(name), self.now, unfinished=unfinished, obstacle=None) for name in "ab"
        ]
        outcomes = [self.db.execute(step) for step in steps if step is not None]
        for insert in missing_shards(self.view()):
            self.db.execute(insert)
        return outcomes

    def states(self) -> dict[int, str]:
        return {row.n: str(row.state) for row in self.db.generations()}

    def set(self, name: str, **values: object) -> None:
        for key, row in self.db.tables["shard"].items():
            if key[0] == name:
                row.update(values)

    def drain(self, name: str) -> None:
        for key, row in list(self.db.tables["shard"].items()):
            if key[0] == name:
                row["state"] = "CLAIMED"
                held = Holding(self.db.shard((name, int(str(key[1])))), 0.0)
                held.stop()
                assert self.db.execute(held.drain(self.token(), None).operation) is Outcome.DONE


def test_a_reshard_goes_from_wish_to_end_and_each_step_is_done_once() -> None:
    fleet = Reshard(Wish(2, 1, 10))
    assert fleet.decide() == [Outcome.DONE, Outcome.REFUSED], "the first generation is live at once"
    assert fleet.states() == {1: "LIVE"}
    fleet.set(G, owner="a", state=ShardPhase.LIVE)
    assert fleet.decide() == []
    for machine in fleet.machines.values():
        machine.wish = Wish(3, 1, 10)
    assert fleet.decide() == [Outcome.DONE, Outcome.REFUSED]
    assert len(fleet.view().of("3:1:v10")) == 3
    assert fleet.decide() == []
    fleet.set("3:1:v10", owner="b", state=ShardPhase.WARM)
    assert fleet.decide() == [Outcome.DONE, Outcome.REFUSED]
    assert fleet.states() == {1: "LIVE", 2: "ARMED"}
    assert [machine.journals_for(fleet.view()) for machine in fleet.machines.values()] == [2, 2]
    assert fleet.machines["a"].to_drain(fleet.view()) is None
    fleet.set(G, journaled=2)
    assert fleet.decide() == []
    fleet.now += ARMED_FOR
    assert fleet.decide() == [Outcome.DONE, Outcome.REFUSED]
    assert fleet.machines["a"].to_drain(fleet.view()) == G
    fleet.now += 10_000
    assert fleet.decide() == [], "nothing aborts any more"
    fleet.drain(G)
    assert fleet.decide(unfinished=1) == []
    assert fleet.decide() == [Outcome.DONE, Outcome.REFUSED]
    assert fleet.states() == {1: "GONE", 2: "LIVE"}
    assert Claims().decide(fleet.view(), 0.0, fleet.token) == [], "I5: what is drained is claimed by nobody"


def test_an_aborted_wish_is_tried_again_after_a_while_under_another_name() -> None:
    fleet = Reshard(Wish(2, 1, 10))
    fleet.decide()
    fleet.set(G, owner="a", state=ShardPhase.LIVE)
    for machine in fleet.machines.values():
        machine.wish = Wish(3, 1, 10)
    fleet.decide()
    fleet.decide()
    aborted = abort(fleet.db.generations()[1], "no budget")
    assert aborted is not None
    assert fleet.db.execute(aborted) is Outcome.DONE
    assert fleet.db.execute(aborted) is Outcome.REFUSED
    assert fleet.decide() == []
    fleet.now += AGAIN_AFTER
    assert fleet.decide() == [Outcome.DONE, Outcome.REFUSED]
    assert [row.name for row in fleet.db.generations()] == [G, "3:1:v10", "3:1:v10:3"]


def test_nothing_is_begun_while_a_shard_is_not_live() -> None:
    fleet = Reshard(Wish(2, 1, 10))
    fleet.decide()
    for machine in fleet.machines.values():
        machine.wish = Wish(3, 1, 10)
    assert fleet.decide() == []
    fleet.set(G, owner="dead", state=ShardPhase.LIVE)
    assert fleet.decide() == []


def streamed(stream: list[tuple[str, float]], cut: int) -> tuple[list[Kept], list[JournalRow], float]:
    """One stream to both sessions; the old one stopped after `cut` events.

    Returns the events, each received when it was sent; what was journaled; when that ended. What is `said` is one of
    its kind, other events of one kind are all equal.
    """
    journal, events, rows, now, drained_at = Journal(G, 0, "giver"), [], [], 100.0, 100.0
    for seq, (kind, pause) in enumerate(stream):
        now += pause
        name = "MESSAGE_CREATE" if kind == "said" else "MESSAGE_REACTION_ADD"
        event = digest(name, f"{seq}".encode() if kind == "said" else kind.encode())
        events.append(Kept(name, 7, event, seq, now))
        if seq < cut:
            rows.append(journal.finished(7, event, now))
            drained_at = now + 0.01
    rows.append(journal.drained(drained_at))
    return events, [JournalRow(**row.row) for row in rows], drained_at  # type: ignore[arg-type]


def by_another_clock(events: list[Kept], skew: float) -> list[Kept]:
    return [replace(event, received_at=5_000.0 + event.received_at + skew) for event in events]


@given(
    stream=st.lists(st.tuples(st.sampled_from(["add", "remove", "other"]), st.floats(0.05, 4.0)), max_size=40),
    cut=st.integers(0, 40),
    skew=st.floats(-0.02, 0.02),
)
def test_what_the_old_one_has_not_handled_is_handled_as_often_as_it_came(
    stream: list[tuple[str, float]], cut: int, skew: float
) -> None:
    """Events of one kind are all equal."""
    cut = min(cut, len(stream))
    events, entries, drained_at = streamed(stream, cut)
    kept = by_another_clock(events, skew)
    left = unhandled(kept, entries, 5_000.0 + drained_at - 0.1, 5_000.0 + drained_at + 0.1)
    expected = sorted(event.digest for event in kept[cut:])
    assert sorted(event.digest for event in left) == expected
    assert [event.seq for event in left] == sorted(event.seq for event in left)


@given(
    stream=st.lists(st.tuples(st.sampled_from(["add", "remove", "said", "said"]), st.floats(0.05, 2.0)), max_size=40),
    begin=st.integers(0, 40),
    cut=st.integers(0, 40),
    late=st.floats(0, 60),
)
def test_what_a_replay_brings_again_is_told_by_its_neighbours_and_nothing_is_lost(
    stream: list[tuple[str, float]], begin: int, cut: int, late: float
) -> None:
    """The next owner of a warm shard gets everything from `begin` on at one moment; the old shard stopped at `cut`."""
    cut, begin = min(cut, len(stream)), min(begin, len(stream))
    events, entries, _ = streamed(stream, cut)
    kept = [replace(event, received_at=9_000.0 + late, is_replayed=True) for event in events[begin:]]
    left = Counter(event.digest for event in unhandled(kept, entries, 8_000.0, 9_000.0))
    assert all(
        left[one] >= count for one, count in Counter(event.digest for event in kept[max(0, cut - begin) :]).items()
    )
    anchors = [event.seq for event in kept if event.name == "MESSAGE_CREATE" and event.seq < cut]
    if anchors:
        # From the first to the last message that the old shard had, everything is known.
        certain = {event.seq for event in kept if anchors[0] <= event.seq <= anchors[-1]}
        assert not certain & {event.seq for event in unhandled(kept, entries, 8_000.0, 9_000.0)}


@given(
    stream=st.lists(st.tuples(st.sampled_from(["add", "remove"]), st.floats(0.05, 0.7)), min_size=3, max_size=30),
    cut=st.integers(0, 30),
    began=st.integers(1, 30),
    lasted=st.integers(1, 10),
    skew=st.floats(-0.02, 0.02),
)
def test_what_came_in_an_interruption_is_told_by_when_that_began(
    stream: list[tuple[str, float]], cut: int, began: int, lasted: int, skew: float
) -> None:
    """The new session lost its connection; some equal events came together when it was back, the rest as they were."""
    cut, began = min(cut, len(stream)), min(began, len(stream) - 1)
    events, entries, drained_at = streamed(stream, cut)
    kept = by_another_clock(events, skew)
    replayed = kept[began : began + lasted]
    back = replayed[-1].received_at
    kept[began : began + lasted] = [
        replace(event, received_at=back, is_replayed=True, not_before=kept[began - 1].received_at) for event in replayed
    ]
    left = unhandled(kept, entries, 5_000.0 + drained_at - 0.1, 5_000.0 + drained_at + 0.1)
    assert sorted(event.digest for event in left) == sorted(event.digest for event in kept[cut:])


@given(
    stream=st.lists(st.tuples(st.sampled_from(["add", "remove", "said"]), st.floats(0.05, 2.0)), max_size=40),
    cut=st.integers(1, 40),
    skew=st.floats(-3.0, 3.0),
)
def test_one_message_that_both_sessions_had_tells_the_drain_however_late_it_was_seen(
    stream: list[tuple[str, float]], cut: int, skew: float
) -> None:
    """A process that could not read for a minute knows by it which of the equal events before it were handled."""
    stream = [("said", 0.1), *stream]
    events, entries, _ = streamed(stream, cut)
    kept = by_another_clock(events, skew)
    left = unhandled(kept, entries, 5_000.0, 9_000.0)
    assert sorted(event.digest for event in left) == sorted(event.digest for event in kept[cut:])


@pytest.mark.parametrize("name", ["MESSAGE_CREATE", "MESSAGE_DELETE", "CHANNEL_DELETE", "GUILD_ROLE_CREATE"])
def test_what_happens_only_once_is_known_whenever_it_comes(name: str) -> None:
    event, other = digest(name, b"1"), digest(name, b"2")
    journal = Journal(G, 0, "giver")
    rows = [journal.finished(7, event, 100.0), journal.drained(101.0)]
    entries = [JournalRow(**row.row) for row in rows]  # type: ignore[arg-type]
    kept = [Kept(name, 7, event, 1, 5_000.0), Kept(name, 7, other, 2, 5_000.0)]
    assert [one.seq for one in unhandled(kept, entries, 0.0, 9_000.0)] == [2]


def test_a_claim_begins_without_a_journal_so_the_minute_begins_again() -> None:
    fleet = Reshard(Wish(2, 1, 10))
    fleet.decide()
    fleet.set(G, owner="dead", state=ShardPhase.LIVE, journaled=2)
    for claim in Claims().decide(fleet.view(), 0.0, fleet.token):
        assert fleet.db.execute(claim) is Outcome.DONE
    assert {row.journaled for row in fleet.db.shards() if row.owner != "dead"} == {0}


def test_shards_of_a_generation_that_is_over_are_claimed_by_nobody() -> None:
    fleet = Reshard(Wish(2, 1, 10))
    fleet.decide()
    over = [replace(row, state="ABORTED") for row in fleet.db.generations()]
    assert Claims().decide(view("a", [process("a")], fleet.db.shards(), over), 0.0, fleet.token) == []
