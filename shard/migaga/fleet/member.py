"""This process as a member of the fleet: its row, its beats, and whether it may act (P1).

`fleet.py` owns one `Member`. The gateway and the framework ask it as `common.alive.Alive`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict

from migaga.common.clock import Clock
from migaga.continuity.life import BEAT_EVERY, Life, LifeState
from migaga.continuity.readiness import say_leaving, say_ready
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_operations import Insert, Outcome, Update
from migaga.storage.leases_rows import ProcessRow

_LOG = logging.getLogger(__name__)

AGAIN_AFTER = 0.5
"""Seconds after which a beat without an answer is followed by another one, and a join by another try."""


class Member:
    """A life after the other: an id, beats, validity. A new id begins after others have declared this one dead."""

    def __init__(
        self,
        store: LeaseStore,
        clock: Clock,
        *,
        revision: int,
        capacity: int,
        address: str,
        new_id: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._revision = revision
        self._capacity = capacity
        self._address = address
        self._new_id = new_id
        self._news = asyncio.Event()
        self.row = ProcessRow("", 0)
        self.life = Life("", clock.now())
        self.life.abandon()
        self.leaving = 0

    @property
    def id(self) -> str:
        """The id of the present life."""
        return self.row.id

    @property
    def is_abandoned(self) -> bool:
        """Whether others have declared this life dead."""
        return self.life.state is LifeState.ABANDONED

    @property
    def trouble(self) -> str | None:
        """Why this process may not act, or soon may not; None when all is well."""
        if self.is_abandoned:
            return "this process was declared dead and begins again"
        return "the database does not answer its beats" if self.life.state is LifeState.UNSURE else None

    def is_valid(self) -> bool:
        """Whether handlers may start and Discord may be called now."""
        return self.life.is_valid(self._clock.now())

    async def until_valid(self) -> None:
        """Return when this life is valid. One that is over never is again: who waits is cancelled by its owner."""
        life = self.life
        while not life.is_valid(self._clock.now()):
            await self._news.wait()

    async def until_abandoned(self) -> None:
        """Return when others have declared this life dead."""
        while not self.is_abandoned:
            await self._news.wait()

    async def join(self) -> None:
        """Insert a row under a new id, however long that takes."""
        while True:
            row = ProcessRow(
                self._new_id(),
                0,
                revision=self._revision,
                capacity=self._capacity,
                leaving=self.leaving,
                address=self._address,
            )
            joined_at = self._clock.now()
            outcome = await self._store.execute(Insert("process", asdict(row)))
            if outcome is Outcome.DONE:
                self.row, self.life = row, Life(row.id, joined_at)
                self._tell()
                return
            _LOG.warning("this process could not join its fleet, it tries again: the database does not take its row")
            await self._clock.sleep(AGAIN_AFTER)

    async def beat(self) -> None:
        """Beat until this life is abandoned."""
        life = self.life
        while life.state is not LifeState.ABANDONED:
            await self._clock.sleep(self._pause(life))
            beat = life.beat(self._clock.now())
            outcome = await self._store.execute(beat.operation)
            was = life.state
            life.answered(beat, outcome)
            if life.state is not was:
                self._say(life.state)
            self._tell()

    def rows_read(self, asked_at: float) -> None:
        """Note that everything this process holds was read and judged."""
        was = self.life.state
        self.life.rows_read(asked_at)
        if self.life.state is not was:
            self._say(self.life.state)
            self._tell()

    def abandon(self) -> None:
        """Give the present life up: its row is gone or says that it is dead."""
        if not self.is_abandoned:
            self.life.abandon()
            self._say(LifeState.ABANDONED)
            self._tell()

    async def say_ready(self, *, ready: bool) -> bool:
        """Write whether this process is Ready."""
        return await self._say_in_row(say_ready(self.row, ready=ready))

    async def say_leaving(self, grace: float) -> bool:
        """Write that this process leaves within so many seconds."""
        self.leaving = max(1, int(grace))
        return await self._say_in_row(say_leaving(self.row, grace))

    async def leave(self) -> None:
        """Say that this life is over: nothing of it runs any more, so others need not wait until it looks dead."""
        operation = Update("process", {"id": self.id}, {"dead": False}, {"dead": True})
        self.life.abandon()
        await self._store.execute(operation)

    async def _say_in_row(self, operation: Update) -> bool:
        return await self._store.execute(operation) is Outcome.DONE

    def _pause(self, life: Life) -> float:
        wait = life.due_at() - self._clock.now()
        return min(wait, wait - BEAT_EVERY + AGAIN_AFTER) if life.state is LifeState.UNSURE else wait

    def _say(self, state: LifeState) -> None:
        if state is LifeState.ABANDONED:
            _LOG.warning("others have declared this process dead: it lets go of its shards and begins again")
        elif state is LifeState.UNSURE:
            _LOG.warning("the database does not answer: connections stay, events wait")
        else:
            _LOG.info("the database answers again")

    def _tell(self) -> None:
        """Wake who waits for news of this life."""
        news, self._news = self._news, asyncio.Event()
        news.set()
