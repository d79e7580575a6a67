"""The rows of the IDENTIFY buckets, read for all shards of this process together. `identify.py` keeps one.

Read often while somebody waits, and now and then while nobody does: what is seen for the first time blocks its bucket.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Protocol

from migaga.common.clock import Clock
from migaga.common.errors import UnavailableError
from migaga.continuity.slots import Slots
from migaga.storage.leases_operations import Operation, Outcome
from migaga.storage.leases_rows import BucketRow, DayRow

POLL = 0.2
"""Seconds between two readings while another process is about to say that it has sent."""


class IdentifyRows(Protocol):
    """What of `storage.leases.LeaseStore` the ledger uses."""

    async def execute(self, operation: Operation) -> Outcome:
        """Execute a write; its outcome is told, never raised."""
        ...

    async def buckets(self, application_id: int) -> Sequence[BucketRow]:
        """Read the buckets of an application. Raises UnavailableError."""
        ...

    async def day(self, application_id: int) -> DayRow | None:
        """Read what an application has spent. Raises UnavailableError."""
        ...


class Buckets:
    """The buckets of one application."""

    def __init__(self, rows: IdentifyRows, application_id: int, max_concurrency: int, clock: Clock) -> None:
        self.slots = Slots(application_id, max_concurrency)
        self._rows = rows
        self._application = application_id
        self._clock = clock
        self._reading = asyncio.Lock()
        self._asked_at = -math.inf

    async def look(self, shard_id: int, max_age: float) -> None:
        """Know the bucket of a shard by a reading of at most this age, in seconds; make the rows that are missing.

        Raises UnavailableError.
        """
        async with self._reading:
            bucket, now = self.slots.bucket_of(shard_id), self._clock.now()
            if self.slots.may_be_freed(bucket, now):
                max_age = min(max_age, POLL / 2)
            if now - self._asked_at > max_age:
                await self._read()
            if self.slots.free_at(bucket) is None:
                await self._rows.execute(self.slots.create())
                await self._read()
            if self.slots.free_at(bucket) is None:
                raise UnavailableError(f"the database does not keep the row of IDENTIFY bucket {bucket}")

    async def read(self) -> None:
        """Read all rows now. Raises UnavailableError."""
        async with self._reading:
            await self._read()

    def distrust(self) -> None:
        """Read again before the next use: a row is not as it was."""
        self._asked_at = -math.inf

    def wait(self, shard_id: int, ahead: float) -> float:
        """Return seconds until `ahead` seconds before the bucket of a shard is free, or until it is worth a look."""
        bucket, now = self.slots.bucket_of(shard_id), self._clock.now()
        free_at = self.slots.free_at(bucket)
        if free_at is None:
            return POLL
        wait = free_at - ahead - now
        return min(wait, POLL) if self.slots.may_be_freed(bucket, now) else wait

    async def _read(self) -> None:
        asked_at = self._clock.now()
        rows = await self._rows.buckets(self._application)
        received_at = self._clock.now()
        for row in rows:
            self.slots.read(row, received_at, asked_at)
        for creation in self.slots.missing({row.bucket for row in rows}):
            await self._rows.execute(creation)
        self._asked_at = asked_at
