"""Which process runs a task now: a row for each task, claimed each time it is due. The framework's `tasks.py` uses it.

A claim is kept alive while the task runs. One that has not changed for `LEASE` seconds of the looker's own clock is
free: its process has died. No clock of another machine decides that; times of day only say when a task is due.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from migaga.storage.database import Database
from migaga.storage.portable import execute_count, insert_ignore, retrying
from migaga.storage.tables import task_run

LEASE = 15.0
"""Seconds after which a claim that was not kept alive is free again."""
KEPT_FOR = 12.0
"""Seconds from the moment before a claim was last written for which its holder may rely on it."""
KEEP_EVERY = 4.0
LOOK_EVERY = 3.0
"""Seconds between two looks at a claim of somebody else."""
_LOOKS_APART = 2 * LOOK_EVERY
"""Seconds between two looks beyond which they tell nothing: the looker slept, or the database was away."""


@dataclass(slots=True)
class _Held:
    """A claim of somebody else, as it was seen."""

    owner: str
    claimed_at: datetime | None
    since: float
    last: float


@dataclass(frozen=True, slots=True)
class Turn:
    """What a process may do about a task."""

    due: datetime
    mine: bool
    """Whether this process has claimed it and runs it now."""
    wait: float
    """Else: seconds until it is worth to ask again."""


def next_due(due: datetime, every: timedelta, now: datetime) -> datetime:
    """Return the first time after `now` in steps from `due`: no drift, and nothing is caught up twice."""
    steps = max(1, math.floor((now - due) / every) + 1)
    return due + steps * every


class FleetClaims:
    """Claims of this process."""

    def __init__(
        self, database: Database, owner: str | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Claim as `owner`; `clock` is the own one, seconds."""
        self._database = database
        self._owner = owner or secrets.token_hex(8)
        self._clock = clock
        self._held: dict[str, _Held] = {}

    async def claim(self, name: str, every: timedelta, now: datetime, *, first: datetime | None = None) -> Turn:
        """Claim a task when it is due and nobody has it.

        Args:
            name: Which.
            every: Its period.
            now: The time of day.
            first: When a task that never ran is due; now when left out.
        """
        async with self._database.read() as session:
            row = (await session.execute(sa.select(task_run).where(task_run.c.name == name))).mappings().first()
        if row is not None and row["due_at"] > now:
            self._held.pop(name, None)
            # Somebody who makes it more frequent need not wait for the old time.
            return Turn(row["due_at"], False, min((row["due_at"] - now).total_seconds(), every.total_seconds()))
        if row is None:
            fresh = {"name": name, "due_at": first or now, "owner": None, "claimed_at": None}
            await retrying(self._database, lambda session: insert_ignore(session, task_run, fresh))
            return await self.claim(name, every, now, first=first)
        due: datetime = row["due_at"]
        if row["owner"] is not None and not self._is_dead(name, row["owner"], row["claimed_at"]):
            return Turn(due, False, min(LOOK_EVERY, every.total_seconds()))
        unchanged = sa.and_(
            task_run.c.name == name,
            task_run.c.due_at == due,
            task_run.c.owner.is_not_distinct_from(row["owner"]),
            task_run.c.claimed_at.is_not_distinct_from(row["claimed_at"]),
        )
        taking = sa.update(task_run).where(unchanged).values(owner=self._owner, claimed_at=now)
        taken = await retrying(self._database, lambda session: execute_count(session, taking))
        self._held.pop(name, None)
        return Turn(due, taken == 1, min(LOOK_EVERY, every.total_seconds()))

    def _is_dead(self, name: str, owner: str, claimed_at: datetime | None) -> bool:
        """Whether a claim has stood still for `LEASE` seconds, in looks that were never far apart."""
        now, seen = self._clock(), self._held.get(name)
        if seen is None or (seen.owner, seen.claimed_at) != (owner, claimed_at) or now - seen.last > _LOOKS_APART:
            self._held[name] = _Held(owner, claimed_at, now, now)
            return False
        seen.last = now
        return now - seen.since >= LEASE

    async def keep(self, name: str, now: datetime) -> bool:
        """Keep a claim alive; False when another process has taken it over."""
        mine = sa.and_(task_run.c.name == name, task_run.c.owner == self._owner)
        statement = sa.update(task_run).where(mine).values(claimed_at=now)
        return await retrying(self._database, lambda session: execute_count(session, statement)) == 1

    async def finish(self, name: str, due: datetime, every: timedelta, now: datetime) -> None:
        """Give the task back, due next in a step of `every`."""
        mine = sa.and_(task_run.c.name == name, task_run.c.owner == self._owner, task_run.c.due_at == due)
        values = {"due_at": next_due(due, every, now), "owner": None, "claimed_at": None}
        statement = sa.update(task_run).where(mine).values(values)
        await retrying(self._database, lambda session: execute_count(session, statement))

    async def release(self, name: str) -> None:
        """Give a task back that was not finished: the next process runs it at once."""
        mine = sa.and_(task_run.c.name == name, task_run.c.owner == self._owner)
        statement = sa.update(task_run).where(mine).values(owner=None, claimed_at=None)
        await retrying(self._database, lambda session: execute_count(session, statement))


def utc_now() -> datetime:
    """Return the time now, aware, UTC."""
    return datetime.now(UTC)
