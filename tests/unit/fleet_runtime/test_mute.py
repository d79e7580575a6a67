"""What a warm shard keeps, forgets, and gives out when old shards are drained."""

from __future__ import annotations

import pytest

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
    assert kept.not_cutting(80.0) == [0, 1, 2, 3, 4]
    assert [one.seq for one in kept.give(1, [], 94.0, 96.0).to_handle] == [5, 7, 9]


def test_guilds_of_a_drained_shard_get_what_it_had_not_handled_and_are_not_kept_from_then_on() -> None:
    kept = keeping(10)
    given = kept.give(1, journaled(event(5, GUILDS[1]), event(7, GUILDS[1])), 94.0, 96.0)
    assert ([one.seq for one in given.to_handle], given.handled) == ([1, 3, 9], [5, 7])
    assert kept.opened == {1}
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
    assert ([one.name for one in given.to_handle], given.handled) == (
        ([], [1, 2]) if how == "GUILD_CREATE" else ([how], [1])
    )


@pytest.mark.parametrize("heard_at", [75.0, 60.0])
def test_an_event_of_an_interruption_is_told_by_when_that_began_as_far_back_as_events_are_kept(heard_at: float) -> None:
    """Before that an equal one may have been dropped here, whose entry would be taken for this one's."""
    kept = KeptEvents(2, 30.0, complete=True)
    flipped = Received("MESSAGE_REACTION_ADD", 0, "s", 2, {"guild_id": str(GUILDS[1]), "emoji": "x"})
    assert kept.keeps(event(1, GUILDS[0]), heard_at)
    kept.replays()
    assert kept.keeps(event(4, GUILDS[0]), 84.0)
    kept.replays()  # The first try broke off.
    assert kept.keeps(flipped, 84.5)
    assert kept.keeps(Received("RESUMED", 0, "s", 3, {}), 84.5)
    journal = Journal("before", 1, "giver")
    rows = [journal.finished(GUILDS[1], digest_of(flipped), 75.5), journal.drained(95.0)]
    entries = [JournalRow(**row.row) for row in rows]  # type: ignore[arg-type]
    assert len(kept.give(1, entries, 94.0, 96.0).to_handle) == (0 if heard_at == 75.0 else 1)


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
