"""Events that an owner had put aside when it died: the shard's next owner runs them (P5, P6). Used by `steward.py`.

A shard that is drained has no next owner: what a dead process has left of it is run where the next generation has the
event's guild. Else nobody would run it, and the old generation would never be over (P9).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from migaga.common.errors import UnavailableError
from migaga.continuity.inflight import finished, keep, quarantine, take_over
from migaga.continuity.view import View
from migaga.fleet.held import HeldShard
from migaga.fleet.parts import event_of
from migaga.storage.leases_operations import Operation, Outcome
from migaga.storage.leases_rows import InflightRow

_LOG = logging.getLogger(__name__)


_RowKey = tuple[str, int, str, int]


class Leftovers:
    """Runs what dead owners have left of the shards that are live here, and of those that these follow."""

    def __init__(self) -> None:
        self._alive: frozenset[str] = frozenset()
        self._due: set[tuple[str, int]] = set()
        self._known: set[tuple[str, int]] = set()
        self._doubtful: set[_RowKey] = set()
        """Rows that this process may have made its own without knowing: nobody else would run them while it lives."""

    async def look(self, view: View, live: list[HeldShard]) -> None:
        """Look where something may have been left: at shards that are new here, and at all when a process has died."""
        keys = {held.key for held in live}
        alive = frozenset(row.id for row in view.alive)
        self._due = (self._due | (keys - self._known)) & keys
        if self._alive - alive:
            self._due |= keys
        self._known, self._alive = keys, alive
        for held in live:
            if held.key in self._due and await self._run_of(held, view):
                self._due.discard(held.key)

    async def look_at_drained(self, view: View, rows: Sequence[InflightRow], live: Sequence[HeldShard]) -> None:
        """Run what is left of a generation that is drained, where this process has the guild in the next one.

        `rows`: what still runs of it, by whomever.
        """
        upcoming = view.upcoming_generation
        if upcoming is None:
            return
        here = {held.key: held for held in live}
        for row in rows:
            follower = here.get((upcoming.name, ((row.guild_id or 0) >> 22) % upcoming.shard_count))
            if follower is not None:
                await self._run(follower, row, view)

    async def _run_of(self, held: HeldShard, view: View) -> bool:
        """Run what is left of one shard. False when the database did not answer: look again."""
        try:
            rows = await held.parts.store.inflight(*held.key)
        except UnavailableError:
            return False
        return all([await self._run(held, row, view) for row in rows])

    async def _run(self, held: HeldShard, row: InflightRow, view: View) -> bool:
        """Run one event, if that is up to this process. False when the database did not answer: look again."""
        key = (row.generation, row.shard, row.session_id, row.seq)
        if row.owner == view.me and key in self._doubtful:
            mine = row
        else:
            outcome, mine = await self._take(held, row, view), replace(row, owner=view.me, attempts=row.attempts + 1)
            if outcome is Outcome.UNKNOWN:
                self._doubtful.add(key)
            if outcome is not Outcome.DONE:
                return outcome is Outcome.REFUSED and key not in self._doubtful
        end = self._begin(held, mine)
        if end is not None and await held.parts.store.execute(end) not in {Outcome.DONE, Outcome.REFUSED}:
            self._doubtful.add(key)
            return False
        self._doubtful.discard(key)
        return True

    async def _take(self, held: HeldShard, row: InflightRow, view: View) -> Outcome:
        """Make a row this process's own. REFUSED: it is not to be run here."""
        store = held.parts.store
        poisoned = quarantine(row, view)
        if poisoned is not None:
            outcome = await store.execute(poisoned)
            if outcome is not Outcome.DONE:
                return outcome
            held.parts.observer.event_quarantined(row.name)
            _LOG.error("shard %d: a %s has ended %d processes, it is quarantined", row.shard, row.name, row.attempts)
        taken = take_over(row, view)
        return Outcome.REFUSED if taken is None else await store.execute(taken)

    def _begin(self, held: HeldShard, row: InflightRow) -> Operation | None:
        """Begin to run one event; return what becomes of its row when there is nothing to run."""
        try:
            # hikari's events name the shard that they came from by its connection: one that this process has.
            event = replace(event_of(row), shard_id=held.key[1])
        except ValueError as error:
            held.parts.observer.event_quarantined(row.name)
            _LOG.error("%s: it is kept in table inflight for inspection and never run", error)
            return keep(row)
        _LOG.info("shard %d: a %s that another process had begun is run again", row.shard, row.name)
        running = held.intake.run_left(event)
        if running is None:
            return finished(row)
        held.keep_row(running, row)
        return None
