"""Which process runs a fleet task now: a row for each task, claimed each time it is due. The framework uses it.

A claim is kept alive while the task runs. One whose process has died is taken over after `LEASE` seconds.
"""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.storage.database import Database
from migaga.storage.portable import execute_count, insert_ignore, retrying
from migaga.storage.tables import task_run

LEASE = 15.0
"""Seconds after which a claim that was not kept alive is free again."""


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

    def __init__(self, database: Database, owner: str | None = None) -> None:
        self._database = database
        self._owner = owner or secrets.token_hex(8)

    async def claim(self, name: str, every: timedelta, now: datetime) -> Turn:
        """Claim a task when it is due and nobody has it. A task that never ran is due at once."""

        async def work(session: AsyncSession) -> Turn:
            fresh = {"name": name, "due_at": now, "owner": None, "claimed_at": None}
            await insert_ignore(session, task_run, fresh)
            row = (await session.execute(sa.select(task_run).where(task_run.c.name == name))).mappings().one()
            due: datetime = row["due_at"]
            if due > now:
                # Somebody who makes it more frequent need not wait for the old time.
                return Turn(due, False, min((due - now).total_seconds(), every.total_seconds()))
            free = sa.or_(task_run.c.owner.is_(None), task_run.c.claimed_at < now - timedelta(seconds=LEASE))
            taken = await execute_count(
                session,
                sa.update(task_run)
                .where(task_run.c.name == name, task_run.c.due_at == due, free)
                .values(owner=self._owner, claimed_at=now),
            )
            return Turn(due, taken == 1, min(LEASE, every.total_seconds()))

        return await retrying(self._database, work)

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
