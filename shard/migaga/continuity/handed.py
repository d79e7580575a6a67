"""A shard that this process has passed on, and may have to take back (P5)."""

from __future__ import annotations

from dataclasses import dataclass, field

from migaga.continuity.claims import shard_key
from migaga.storage.leases_operations import Add, Update, Value
from migaga.storage.leases_rows import ShardPhase, ShardRow

RESUMED_WITHIN = 2.0
"""Seconds that a taker has until its row says LIVE."""


@dataclass(frozen=True, slots=True)
class Handed:
    """A hand-over that is committed."""

    giver: str
    token: str = field(repr=False)
    """The token that the row got."""
    at: float

    def swap_back(self, row: ShardRow, now: float, token: str) -> Update | None:
        """Take the shard back when its taker has not gone live in time; None while, or when, that is not so.

        The row decides between both: the taker's way to LIVE and this expect the same state under the same token.
        """
        if now - self.at < RESUMED_WITHIN or row.token != self.token or row.state != ShardPhase.CLAIMED:
            return None
        change: dict[str, Value | Add] = {
            "owner": self.giver,
            "token": token,
            "epoch": Add(1),
            "state": ShardPhase.CLAIMED,
            "want": None,
        }
        return Update("shard", shard_key(row), {"token": self.token, "state": ShardPhase.CLAIMED}, change)
