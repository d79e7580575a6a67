"""Whether a process is Ready (P10). A broken image then stops its rollout, instead of the fleet."""

from __future__ import annotations

from dataclasses import dataclass

from migaga.continuity.view import View
from migaga.storage.leases_operations import Update
from migaga.storage.leases_rows import ProcessRow

PROVED_AFTER = 5.0
"""Seconds for which a shard must have been live here."""
GIVEN_WITHIN = 20.0
"""Seconds after which a process that was given no shard has nothing to prove."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a process knows about itself."""

    database: bool
    modules: bool
    token: bool
    hello: bool
    """Discord's gateway has answered a connection, of whatever shard."""

    @property
    def missing(self) -> str | None:
        """Return what is missing first, in words."""
        if not self.database:
            return "the database does not answer"
        if not self.modules:
            return "the modules are not loaded"
        if not self.token:
            return "Discord has not accepted the token"
        return None if self.hello else "Discord's gateway has not answered"


class Readiness:
    """The way of one process to Ready. Once proved it stays so; what is missing now still makes it not Ready."""

    def __init__(self) -> None:
        self._warm_since: float | None = None
        self._proved = False

    def judge(self, facts: Facts, view: View, now: float, live_since: float | None) -> str | None:
        """Return why the process is not Ready at `now`, or None.

        Args:
            facts: What it knows about itself.
            view: The fleet.
            now: Own clock.
            live_since: Since when one of its shards has been live without a break.
        """
        missing = facts.missing
        if missing is not None:
            self._warm_since = None
            return missing
        if self._warm_since is None:
            self._warm_since = now
        mine = view.mine
        if self._proved or mine is None or not view.has_to_prove(mine):
            self._proved = self._proved or mine is not None
            return None if mine is not None else "this process is not known to the fleet"
        holds = any(row.owner == view.me for row in view.shards)
        held_long = live_since is not None and now - live_since >= PROVED_AFTER
        given_none = not holds and now - self._warm_since >= GIVEN_WITHIN
        self._proved = held_long or given_none
        return None if self._proved else "it proves itself on one shard of the processes before it"


def say_ready(row: ProcessRow, *, ready: bool) -> Update:
    """Write into the own row whether this process is Ready."""
    return Update("process", {"id": row.id}, {"dead": False}, {"ready": ready})


def say_leaving(row: ProcessRow, grace: float) -> Update:
    """Write into the own row that this process leaves, with so many seconds of grace."""
    return Update("process", {"id": row.id}, {"dead": False}, {"leaving": max(1, int(grace))})
