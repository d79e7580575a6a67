"""The IDENTIFY gate: one IDENTIFY per bucket per 5 s, and never more than Discord's budget allows.

Every shard of a process passes it before it opens a connection without a session. RESUME never waits here.
Source: Discord's documentation, events/gateway, "Rate Limiting" and "Session Start Limit Object".
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from migaga.common.clock import Clock
from migaga.common.errors import UnavailableError
from migaga.gateway.observer import Observer

_LOG = logging.getLogger(__name__)

BUCKET_INTERVAL = 5.25
"""Seconds between two IDENTIFYs of a bucket: Discord's 5 s and some for the way there."""
ARRIVES_SOON = 0.25
"""Seconds in which an IDENTIFY usually is answered. One that is not may have been on its way for so long: a busy
machine is late with sending, and Discord's 5 s begin when it arrives."""
BUDGET_AGE = 1.0
"""Seconds after which the budget is asked for again before it is used: others spend of it too, and one IDENTIFY more
than there are costs the token."""
RETRY_AFTER = 30.0
"""Seconds until the next question when Discord did not answer."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What `GET /gateway/bot` says about starting sessions."""

    total: int
    remaining: int
    reset_after: timedelta
    max_concurrency: int


@dataclass(frozen=True, slots=True)
class GateStatus:
    """The budget as the status page shows it."""

    total: int
    remaining: int
    max_concurrency: int
    waiting: int
    """Shards that wait for their turn."""
    blocked_until: datetime | None
    """When the used-up budget is renewed; None while there is some left."""
    reason: str | None


class Slot:
    """The right of one shard to send IDENTIFY."""

    def __init__(self, on_sent: Callable[[], None], on_answered: Callable[[], None]) -> None:
        self._on_sent = on_sent
        self._on_answered = on_answered

    async def take(self) -> bool:
        """Return True: the bucket is this process's own."""
        return True

    def sent(self) -> None:
        """Note that IDENTIFY has gone out just now."""
        self._on_sent()

    def answered(self) -> None:
        """Note that Discord has answered it: it has arrived, some time after it was sent."""
        self._on_answered()


class IdentifyGate:
    """Lets shards IDENTIFY in turn. Buckets (`shard_id % max_concurrency`) run beside each other, each in order."""

    def __init__(
        self, budget: Budget, fetch: Callable[[], Awaitable[Budget]], clock: Clock, observer: Observer
    ) -> None:
        """Begin with a `budget` just fetched. `fetch` asks Discord again, or raises UnavailableError."""
        self._budget = budget
        self._fetched_at = clock.now()
        self._fetch = fetch
        self._clock = clock
        self._observer = observer
        self._locks: dict[int, asyncio.Lock] = {}
        self._sent_at: dict[int, float] = {}
        self._refreshing = asyncio.Lock()
        self._reserved = 0
        self._waiting = 0
        self._blocked_until: datetime | None = None

    @asynccontextmanager
    async def slot(self, shard_id: int) -> AsyncIterator[Slot]:
        """Wait for the shard's turn and for budget. Leave the block when IDENTIFY is sent or will not be sent."""
        bucket = shard_id % max(1, self._budget.max_concurrency)
        self._waiting += 1
        try:
            lock = self._locks.setdefault(bucket, asyncio.Lock())
            await lock.acquire()
        finally:
            self._waiting -= 1
        try:
            await self._wait_for_bucket(bucket)
            await self._reserve()
            try:
                yield Slot(lambda: self._note_sent(bucket), lambda: self._note_answered(bucket))
            finally:
                self._reserved -= 1
        finally:
            lock.release()

    @asynccontextmanager
    async def turn(self, shard_id: int, *, recovery: bool) -> AsyncIterator[Slot]:
        """Wait as `slot` does: one process alone has nothing to lose between HELLO and IDENTIFY."""
        async with self.slot(shard_id) as slot:
            yield slot

    def status(self) -> GateStatus:
        """Return the budget as it is known now."""
        reason = None
        if self._blocked_until is not None:
            reason = (
                f"the budget of {self._budget.total} IDENTIFYs a day is used up; "
                f"shards without a session wait until {self._blocked_until:%Y-%m-%d %H:%M:%S} UTC"
            )
        return GateStatus(
            self._budget.total,
            self._budget.remaining,
            self._budget.max_concurrency,
            self._waiting,
            self._blocked_until,
            reason,
        )

    async def _wait_for_bucket(self, bucket: int) -> None:
        waited_for: float | None = None
        while (sent_at := self._sent_at.get(bucket)) is not None and sent_at != waited_for:
            if (left := sent_at + BUCKET_INTERVAL - self._clock.now()) > 0:
                await self._clock.sleep(left)  # Meanwhile an answer that is late may move it.
            waited_for = sent_at

    async def _reserve(self) -> None:
        """Take one of the budget, or wait until it is renewed."""
        async with self._refreshing:
            if self._clock.now() - self._fetched_at > BUDGET_AGE:
                await self._refresh()
            while self._budget.remaining - self._reserved <= 0:
                await self._wait_for_renewal()
            self._reserved += 1

    async def _wait_for_renewal(self) -> None:
        wait = max(self._budget.reset_after.total_seconds(), 1.0)
        self._blocked_until = datetime.now(UTC) + timedelta(seconds=wait)
        _LOG.error("IDENTIFY refused: %s", self.status().reason)
        try:
            await self._clock.sleep(wait)
            await self._refresh()
        finally:
            self._blocked_until = None

    async def _refresh(self) -> None:
        """Ask Discord again. When it does not answer, what is known and counted holds for a little longer."""
        try:
            self._budget = await self._fetch()
        except UnavailableError as error:
            _LOG.warning("the IDENTIFY budget could not be asked for: %s", error)
            self._budget = replace(self._budget, reset_after=timedelta(seconds=RETRY_AFTER))
        self._fetched_at = self._clock.now()

    def _note_sent(self, bucket: int) -> None:
        self._sent_at[bucket] = self._clock.now()
        self._budget = replace(self._budget, remaining=max(0, self._budget.remaining - 1))
        self._observer.identify_sent()

    def _note_answered(self, bucket: int) -> None:
        if self._clock.now() - self._sent_at[bucket] > ARRIVES_SOON:
            self._sent_at[bucket] += ARRIVES_SOON
