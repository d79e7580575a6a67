"""How a taker says that it wants an offered shard, and when a giver believes it (P5).

A want is a name and a number in the shard's row. The number grows while the taker waits with its connection open, so
the giver needs no clock but its own to tell a living want from that of a corpse.
"""

from __future__ import annotations

from dataclasses import dataclass

from migaga.continuity.claims import shard_key
from migaga.storage.leases_operations import Add, Update
from migaga.storage.leases_rows import ShardPhase, ShardRow

FRESH_FOR = 1.0
"""Seconds for which a want is good."""
RENEW_EVERY = 0.5
"""Seconds after which a waiting taker says it again."""


@dataclass(frozen=True, slots=True)
class Want:
    """A want as the giver knows it."""

    taker: str
    beat: int
    since: float
    """When the reading before was asked for: the want is not older."""


class WantWatch:
    """What the giver of one shard knows about wants."""

    def __init__(self, offered_at: float) -> None:
        """Begin with the offer, which removed every want. `offered_at` is the moment before it was sent."""
        self._known: tuple[str | None, int] | None = None
        self._at = offered_at
        self._fresh: Want | None = None

    def read(self, row: ShardRow, asked_at: float) -> None:
        """Take a reading of the own row. A want counts from the last reading that did not show it."""
        shown = (row.want, row.want_beat)
        if shown != self._known:
            # It appeared after the reading before: that is all that is known of its age.
            self._fresh = None if row.want is None else Want(row.want, row.want_beat, self._at)
        self._known = shown
        self._at = asked_at

    def fresh(self, now: float) -> Want | None:
        """Return the want that is good at `now`."""
        return self._fresh if self._fresh is not None and now - self._fresh.since <= FRESH_FOR else None


class TakerWatch:
    """What a taker knows about other wants for the shards that it would like."""

    def __init__(self, process_id: str) -> None:
        self._me = process_id
        self._seen: dict[tuple[str, int], tuple[str | None, int, float]] = {}

    def want(self, row: ShardRow, now: float) -> Update | None:
        """Say that this process wants an offered shard; None while another's want may be alive, or the own is new.

        Call it with each reading of the row, while the connection is open up to HELLO.
        """
        if row.state != ShardPhase.OFFERED:
            self._seen.pop(row.key, None)
            return None
        seen = self._seen.get(row.key)
        if seen is None or seen[:2] != (row.want, row.want_beat):
            seen = self._seen[row.key] = (row.want, row.want_beat, now)
        wait = {None: 0.0, self._me: RENEW_EVERY}.get(row.want, FRESH_FOR)
        if now - seen[2] < wait:
            return None
        expect = {"token": row.token, "state": ShardPhase.OFFERED, "want": row.want, "want_beat": row.want_beat}
        return Update("shard", shard_key(row), expect, {"want": self._me, "want_beat": Add(1)})
