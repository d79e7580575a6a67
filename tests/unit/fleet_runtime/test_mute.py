"""What a warm shard keeps, forgets, and gives out when old shards are drained."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.continuity.journal import Journal
from migaga.fleet.mute import KeptEvents, digest_of
from migaga.gateway.received import Received
from migaga.storage.leases_rows import JournalRow

GUILDS = (0 << 22, 1 << 22)
"""One of each of two old shards."""


def event(seq: int, guild: int, name: str = "MESSAGE_CREATE") -> Received:
    payload = {"id": str(guild)} if name.startswith("GUILD_") else {"id": str(seq), "guild_id": str(guild)}
    return Received(name, 0, "s", seq, payload)


def ready(seq: int, *guilds: int) -> Received:
    return Received("READY", 0, "s", seq, {"guilds": [{"id": str(guild)} for guild in guilds]})


def keeping(count: int) -> KeptEvents:
    """Keep events of both old shards in turn, one in ten seconds."""
    kept = KeptEvents(2, 30.0, complete=True)
    for seq in range(count):
        assert kept.keeps(event(seq, GUILDS[seq % 2]), 10.0 * seq)
    return kept


def journaled(*events: Received) -> list[JournalRow]:
    """The journal of old shard 1, drained at 95."""
    journal = Journal("before", 1, "giver")
    rows = [journal.finished(GUILDS[1], digest_of(one), 10.0 * one.seq) for one in events]
    return [JournalRow(**row.row) for row in (*rows, journal.drained(95.0))]  # type: ignore[arg-type]


def test_what_is_old_is_dropped_only_as_far_as_a_reading_tells_that_the_cut_has_not_begun() -> None:
    kept = keeping(10)
    assert kept.not_cutting(10.0) == []
    assert [one.seq for one in kept.not_cutting(80.0)] == [0, 1, 2, 3, 4]
    assert kept.has_of(0)
    assert kept.has_of(1)
    assert [one.seq for one in kept.give(1, [], 94.0, 96.0).to_handle] == [5, 7, 9]


def test_guilds_of_a_drained_shard_get_what_it_had_not_handled_and_are_not_kept_from_then_on() -> None:
    kept = keeping(10)
    given = kept.give(1, journaled(event(5, GUILDS[1]), event(7, GUILDS[1])), 94.0, 96.0)
    assert ([one.seq for one in given.to_handle], [one.seq for one in given.handled]) == ([1, 3, 9], [5, 7])
    assert kept.opened == {1}
    assert (kept.has_of(0), kept.has_of(1)) == (True, False)
    assert not kept.keeps(event(10, GUILDS[1]), 100.0)
    assert kept.keeps(event(11, GUILDS[0]), 110.0)
    assert [one.seq for one in kept.give(0, [], 94.0, 96.0).to_handle] == [0, 2, 4, 6, 8, 11]


@pytest.mark.parametrize("how", ["GUILD_CREATE", "GUILD_DELETE"])
def test_guilds_of_ready_belong_to_the_handshake_when_they_come_and_are_told_of_else(how: str) -> None:
    kept = KeptEvents(2, 30.0)
    assert (kept.missing, kept.keeps(ready(1, *GUILDS), 0.0)) == (None, True)
    assert kept.missing == 2
    assert kept.keeps(event(2, GUILDS[1], how), 1.0)
    assert kept.missing == (1 if how == "GUILD_CREATE" else 2)
    given = kept.give(1, [], 1.0, 2.0)
    assert ([one.name for one in given.to_handle], [one.seq for one in given.handled]) == (
        ([], [1, 2]) if how == "GUILD_CREATE" else ([how], [1])
    )


def flipped(seq: int) -> Received:
    """One of many equal reactions."""
    return Received("MESSAGE_REACTION_ADD", 0, "s", seq, {"guild_id": str(GUILDS[1]), "emoji": "x"})


def interrupted(kept: KeptEvents, heard_at: float, resumed_at: float) -> None:
    """Let a reaction come in an interruption, of which only the session's last event tells when it began."""
    assert kept.keeps(event(3, GUILDS[0]), heard_at)
    kept.replays()
    assert kept.keeps(event(4, GUILDS[0]), resumed_at - 0.5)
    kept.replays()  # The first try broke off.
    assert kept.keeps(flipped(5), resumed_at)
    assert kept.keeps(Received("RESUMED", 0, "s", 6, {}), resumed_at)


def reactions(*ats: float) -> list[JournalRow]:
    """The journal of old shard 1, drained at 95."""
    journal = Journal("before", 1, "giver")
    rows = [journal.finished(GUILDS[1], digest_of(flipped(0)), at) for at in ats]
    return [JournalRow(**row.row) for row in (*rows, journal.drained(95.0))]  # type: ignore[arg-type]


@pytest.mark.parametrize("known_since", [0.0, 72.0])
def test_an_event_of_an_interruption_is_told_by_when_that_began_as_far_back_as_events_are_known(
    known_since: float,
) -> None:
    """Before that an equal one may have been, whose entry would be taken for this one's."""
    kept = KeptEvents(2, 30.0, complete=True)
    assert kept.keeps(event(1, GUILDS[0]), known_since)
    interrupted(kept, 75.0, 84.5)
    assert len(kept.give(1, reactions(75.5), 94.0, 96.0).to_handle) == (1 if known_since else 0)


@pytest.mark.parametrize("came_before", [True, False])
def test_an_interruption_long_before_the_cut_is_told_and_its_event_is_not_taken_for_an_equal_one_before(
    came_before: bool,
) -> None:
    """An event that came while both connections were closed, as long before the cut as events are kept, was handled by
    both (chaos, seed 1)."""
    kept = KeptEvents(2, 30.0, complete=True)
    assert kept.keeps(event(1, GUILDS[0]), 0.0)
    if came_before:
        assert kept.keeps(flipped(2), 63.0)
    interrupted(kept, 64.0, 65.0)
    assert len(kept.not_cutting(94.5)) == (4 if came_before else 3)
    # The journal has one: of the event before, if there was one, which is not given out any more.
    given = kept.give(1, reactions(63.0 if came_before else 64.8), 94.0, 96.0)
    assert [one.seq for one in given.to_handle] == ([5] if came_before else [])


def test_the_journal_of_an_old_shard_is_not_needed_when_all_that_was_kept_of_it_is_old() -> None:
    kept = keeping(4)
    assert [one.seq for one in kept.not_cutting(65.0)] == [0, 1, 2, 3]
    assert not kept.has_of(1)
    given = kept.give(1, (), 64.0, 66.0)
    assert not given.to_handle
    assert not given.handled
    assert kept.opened == {1}
    assert not kept.keeps(event(5, GUILDS[1]), 66.0)


def test_what_was_known_is_forgotten_when_it_is_old_and_leaves_doubt() -> None:
    kept = KeptEvents(2, 30.0, complete=True)
    for seq in range(8):
        assert kept.keeps(event(seq, GUILDS[0]), 20.0 * seq)
        kept.not_cutting(20.0 * seq)
    assert len(kept._witnesses) <= 5
    interrupted(kept, 160.0, 164.0)
    journal = Journal("before", 1, "giver")
    rows = [journal.finished(GUILDS[1], digest_of(flipped(0)), 161.0), journal.drained(170.0)]
    entries = [JournalRow(**row.row) for row in rows]  # type: ignore[arg-type]
    assert kept.give(1, entries, 169.5, 170.5).to_handle == []


def test_two_sessions_of_one_warm_shard_number_their_events_alike_and_neither_is_lost() -> None:
    kept = KeptEvents(2, 30.0)
    before = [
        Received("MESSAGE_CREATE", 0, "old", seq, {"id": f"1{seq}", "guild_id": str(GUILDS[1])}) for seq in (2, 3)
    ]
    after = [event(seq, GUILDS[1]) for seq in (2, 3)]
    for one in (Received("READY", 0, "old", 1, {}), *before, ready(1), *after):
        assert kept.keeps(one, 90.0)
    rows = [Journal("before", 1, "giver").finished(GUILDS[1], digest_of(one), 90.0) for one in (before[0], after[1])]
    entries = [JournalRow(**row.row) for row in rows]  # type: ignore[arg-type]
    given = kept.give(1, entries, 94.0, 96.0)
    assert given.to_handle == [before[1], after[0]]
    assert {(one.session_id, one.seq) for one in given.handled} == {("old", 1), ("old", 2), ("s", 1), ("s", 3)}


def test_a_late_equal_event_after_a_replay_is_told_by_its_neighbours() -> None:
    """What a RESUME brings comes at one moment: that says nothing about when it was sent."""
    kept = KeptEvents(2, 30.0, complete=True)
    said = [event(seq, GUILDS[1]) for seq in (1, 3)]
    flipped = Received("MESSAGE_REACTION_ADD", 0, "s", 2, {"guild_id": str(GUILDS[1]), "emoji": "x"})
    kept.replays()
    for one in (said[0], flipped, said[1]):
        assert kept.keeps(one, 90.0)
    journal = Journal("before", 1, "giver")
    rows = [journal.finished(GUILDS[1], digest_of(one), 60.0 + one.seq) for one in (said[0], flipped, said[1])]
    entries = [JournalRow(**row.row) for row in (*rows, journal.drained(95.0))]  # type: ignore[arg-type]
    assert kept.give(1, entries, 94.0, 96.0).to_handle == []


@given(
    pauses=st.lists(st.floats(0.1, 6.0), min_size=3, max_size=40),
    flips=st.integers(0, 2**40),
    cut=st.integers(0, 40),
    began=st.integers(1, 40),
    lasted=st.integers(0, 8),
    read_before=st.floats(0.1, 15.0),
)
def test_equal_events_are_told_apart_whatever_was_interrupted_and_forgotten_before_the_cut(
    pauses: list[float], flips: int, cut: int, began: int, lasted: int, read_before: float
) -> None:
    """Reactions are flipped; the old shard has those before `cut`.

    The new one gets some together after a RESUME, and has let go of what was old at the last reading before the drain.
    """
    times = [100.0 + at for at in accumulate(pauses)]
    events = [flipped(seq) for seq in range(len(times))]
    for one, seq in zip(events, range(len(times)), strict=True):
        one.payload["emoji"] = "xy"[flips >> seq & 1]
    cut, began = min(cut, len(times)), min(began, len(times) - 1)
    end = min(began + lasted, len(times))
    drained_at = times[cut - 1] + 0.05 if cut else 100.0
    kept = KeptEvents(2, 30.0, complete=True)
    assert kept.keeps(event(900, GUILDS[0]), 90.0)
    for at, one in zip(times[:began], events, strict=False):
        assert kept.keeps(one, at)
    if end > began:
        kept.replays()
        for one in events[began:end]:
            assert kept.keeps(one, times[end - 1] + 0.01)
        assert kept.keeps(Received("RESUMED", 0, "s", 1_000, {}), times[end - 1] + 0.01)
    for at, one in zip(times[end:], events[end:], strict=True):
        assert kept.keeps(one, at)
    dropped = len([one for one in kept.not_cutting(drained_at - read_before) if one.name.startswith("MESSAGE_R")])
    assert dropped <= cut
    journal = Journal("before", 1, "giver")
    rows = [journal.finished(GUILDS[1], digest_of(one), at) for one, at in zip(events[:cut], times, strict=False)]
    entries = [JournalRow(**row.row) for row in (*rows, journal.drained(drained_at))]  # type: ignore[arg-type]
    given = kept.give(1, entries, drained_at - 0.1, drained_at + 0.1)
    assert Counter(map(digest_of, given.to_handle)) == Counter(map(digest_of, events[cut:]))
