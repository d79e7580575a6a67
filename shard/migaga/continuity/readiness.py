"""Whether a process is Ready (P10). A broken image then stops its rollout, instead of the fleet."""

from __future__ import annotations

from dataclasses import dataclass

from migaga.continuity.trials import Trials
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
        self._asked = False
        self._proved = False
        self._trials = Trials()

    def judge(self, facts: Facts, view: View, now: float, live_since: float | None) -> str | None:
        """Return why the process is not Ready at `now`, or None.

        Args:
            facts: What it knows about itself.
            view: The fleet.
            now: Own clock.
            live_since: Since when one of its shards has been live without a break.
        """
        self._trials.read(view, now)
        missing = facts.missing
        if missing is not None:
            self._warm_since = None
            return missing
        if self._warm_since is None:
            self._warm_since = now
        mine = view.mine
        if mine is None:
            return "this process is not known to the fleet"
        self._asked = self._asked or view.has_to_prove(mine)
        self._proved = self._proved or self._has_proved(view, mine, now, live_since)
        return None if self._proved else self._why_not(view, now)

    def _has_proved(self, view: View, mine: ProcessRow, now: float, live_since: float | None) -> bool:
        if not self._asked or not _is_watched(view, mine):
            return True
        if live_since is not None:
            return now - live_since >= PROVED_AFTER
        given_none = not any(row.owner == view.me for row in view.shards) and not self._trials.has_failed(view.me)
        if self._warm_since is None or not given_none:
            return False
        return now - self._warm_since >= GIVEN_WITHIN or _is_proved_by_others(view, mine)

    def _why_not(self, view: View, now: float) -> str:
        if not self._trials.has_failed(view.me):
            return "it proves itself on one shard of the processes before it"
        return (
            "it was given a shard to prove itself and did not keep it: the process before it has taken it back. "
            f"It is given another one in about {self._trials.pause(view.me, now):.0f} s; see the log for what failed"
        )


def _is_watched(view: View, mine: ProcessRow) -> bool:
    """Whether a proved process of another revision lives, which can take the shard back.

    It may hold none at this moment: the only one of a small bot is the one that it has given.
    """
    return view.has_to_prove(mine) or any(row.ready and row.revision != mine.revision for row in view.staying)


def _is_proved_by_others(view: View, mine: ProcessRow) -> bool:
    """Whether others of this revision are Ready, and nobody who stays has a shard of a revision before to give.

    In a small bot the last processes of the old revision hold nothing.
    """
    before = {row.id for row in view.staying if row.revision != mine.revision}
    has_peers = any(row.ready and row.revision == mine.revision and row.id != mine.id for row in view.staying)
    return has_peers and not any(row.owner in before for row in view.shards)


def say_ready(row: ProcessRow, *, ready: bool) -> Update:
    """Write into the own row whether this process is Ready."""
    return Update("process", {"id": row.id}, {"dead": False}, {"ready": ready})


def say_leaving(row: ProcessRow, grace: float) -> Update:
    """Write into the own row that this process leaves, with so many seconds of grace."""
    return Update("process", {"id": row.id}, {"dead": False}, {"leaving": max(1, int(grace))})
