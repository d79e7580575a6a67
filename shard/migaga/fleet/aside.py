"""Events of one shard that the watermark passes while their handlers run on: their rows in the database.

`held.py` makes one for each shard. A row is stored beside the watermark that passes the event, and deleted when its
handlers have ended.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from migaga.continuity.inflight import finished, keep, put_aside
from migaga.fleet.parts import Parts, ShardKey, row_of
from migaga.gateway.handling import Running
from migaga.gateway.received import Received
from migaga.storage.leases_operations import Insert, Operation, Outcome
from migaga.storage.leases_rows import InflightRow

_LOG = logging.getLogger(__name__)

MOST_FAULTS = 100
"""Events of one shard, since it was claimed, that are kept because they could not be run: a fault that hits every event
must not fill the database."""

Write = Callable[[Operation], Awaitable[Outcome]]
"""Executes an operation, not beside another write of the shard."""


class Aside:
    """The events of one shard that are put aside."""

    def __init__(self, key: ShardKey, parts: Parts) -> None:
        self._key = key
        self._parts = parts
        self._rows: dict[Received, InflightRow] = {}
        self._unstored: dict[tuple[str, int], InflightRow] = {}
        self._ended: list[Operation] = []
        """What becomes of rows whose handlers have ended."""
        self._faults = 0
        self._forgetting = asyncio.Lock()

    @property
    def has_ended(self) -> bool:
        """Whether rows are to be deleted, or to be kept for inspection."""
        return bool(self._ended)

    @property
    def unstored(self) -> tuple[Insert, ...]:
        """What has to be stored beside the watermark."""
        return self.first_unstored(len(self._unstored))

    @property
    def unstored_count(self) -> int:
        """How much that is."""
        return len(self._unstored)

    def first_unstored(self, count: int) -> tuple[Insert, ...]:
        """Return so much of it."""
        return tuple(put_aside(row) for row in islice(self._unstored.values(), count))

    def add(self, running: Running) -> None:
        """Take an event that the watermark passes from now on. One that waits for people alone needs no row."""
        event = running.event
        if event in self._rows or running.let_go:
            return
        row = row_of(self._key, event, self._parts.member.id)
        self.keep(running, row)
        self._unstored[event.session_id, event.seq] = row

    def keep(self, running: Running, row: InflightRow) -> None:
        """Delete the row of an event when its handlers have ended."""
        self._rows[running.event] = row
        running.task.add_done_callback(lambda task: self._over(running.event, task))

    def wait(self, events: Iterable[Received]) -> None:
        """Take events of a session that is over which have not begun: nothing else would bring them back."""
        for event in events:
            if event not in self._rows:
                row = row_of(self._key, event, self._parts.member.id)
                self._rows[event] = self._unstored[event.session_id, event.seq] = row

    def began(self, event: Received, running: Running | None) -> bool:
        """Delete the row of an event that has waited when its handlers have ended; at once when nobody wants it.

        False when it has none.
        """
        if event not in self._rows:
            return False
        if running is None:
            self._forget(event)
        else:
            running.task.add_done_callback(lambda task: self._over(event, task))
        return True

    def quarantine(self, running: Running) -> None:
        """Keep an event for inspection whose handlers could not be run: its row stays."""
        event, self._faults = running.event, self._faults + 1
        if self._faults > MOST_FAULTS:
            _LOG.error("shard %d: so many events could not be run that %s is not kept", self._key[1], event.name)
            return
        row = self._rows.pop(event, None)
        if row is not None:
            self._ended.append(keep(row))  # It is there, or is just being stored.
        if row is None or (row.session_id, row.seq) in self._unstored:
            row = row or row_of(self._key, event, self._parts.member.id)
            self._unstored[row.session_id, row.seq] = replace(row, quarantined=True)
        self._parts.observer.event_quarantined(event.name)
        _LOG.error("shard %d: %s is kept in table inflight for inspection and never run", self._key[1], event.name)

    def stored(self, inserts: Sequence[Insert]) -> None:
        """Note that these are in the database."""
        for insert in inserts:
            self._unstored.pop((str(insert.row["session_id"]), int(str(insert.row["seq"]))), None)

    def store_again(self) -> None:
        """Store all rows of running events again: a failover may have forgotten them."""
        self._unstored |= {(row.session_id, row.seq): row for row in self._rows.values()}

    async def forget_ended(self, write: Write) -> bool:
        """Delete or keep the rows of events whose handlers have ended. False when the database did not take it.

        Whoever comes while another one is at it waits for it: at the end of a process the last one counts.
        """
        async with self._forgetting:
            while self._ended:
                if await write(self._ended[0]) not in {Outcome.DONE, Outcome.REFUSED}:
                    return False
                self._ended.pop(0)
        return True

    def _over(self, event: Received, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            self._rows.pop(event, None)
        else:
            self._forget(event)

    def _forget(self, event: Received) -> None:
        row = self._rows.pop(event, None)
        if row is not None:
            self._unstored.pop((row.session_id, row.seq), None)
            self._ended.append(finished(row))
