"""Tasks that run once for the whole fleet: who runs one now, and when it is due. The framework's scheduler calls it.

Every step is one compare-and-swap by primary key, so processes can ask at the same time.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.storage.database import Database
from migaga.storage.portable import execute_count, insert_ignore, retrying
from migaga.storage.tables import task_run


class TaskStore:
    """Due times and claims of a fleet's tasks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(self, name: str, owner: str, now: datetime, *, stale_after: timedelta) -> bool:
        """Take a task that is due; a new one is due at once. True: run it now, then call `finish`.

        Args:
            name: `module.handler`.
            owner: This process, at most 64 characters, unique for each start.
            now: The time.
            stale_after: A claim that was not renewed for this long belongs to a dead process, and may be taken.
        """

        async def work(session: AsyncSession) -> bool:
            row = {"name": name, "due_at": now, "owner": None, "claimed_at": None}
            await insert_ignore(session, task_run, row)
            free = sa.and_(task_run.c.owner.is_(None), task_run.c.due_at <= now)
            abandoned = task_run.c.claimed_at <= now - stale_after
            take = sa.update(task_run).where(task_run.c.name == name, sa.or_(free, abandoned))
            return await execute_count(session, take.values(owner=owner, claimed_at=now)) == 1

        return await retrying(self._database, work)

    async def renew(self, name: str, owner: str, now: datetime) -> bool:
        """Say that the task still runs. False: another process has taken it."""
        return await self._update(name, owner, {"claimed_at": now})

    async def finish(self, name: str, owner: str, next_due: datetime) -> bool:
        """Give the task back until it is due again. False: another process has taken it meanwhile."""
        return await self._update(name, owner, {"owner": None, "claimed_at": None, "due_at": next_due})

    async def next_due(self, name: str) -> datetime | None:
        """Return when a task is due; None when it never ran."""
        async with self._database.read() as session:
            due: datetime | None = await session.scalar(sa.select(task_run.c.due_at).where(task_run.c.name == name))
        return due

    async def _update(self, name: str, owner: str, values: dict[str, object]) -> bool:
        mine = sa.update(task_run).where(task_run.c.name == name, task_run.c.owner == owner).values(values)
        return await retrying(self._database, lambda session: execute_count(session, mine)) == 1
