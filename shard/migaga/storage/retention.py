"""What is kept for how long: guilds that the bot has left, people who ask, effects that are long done.

Works on every table of the core and of modules by its columns (`ownership.py`), also of modules that are not loaded.
Called by the gateway's guild events, by a daily task and by `/privacy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.storage.database import Database
from migaga.storage.ownership import owned_tables
from migaga.storage.portable import delete_batch, insert_ignore, retrying, upsert
from migaga.storage.schema import CORE_SCHEMA, ModuleSchema
from migaga.storage.tables import effect, guild
from migaga.storage.types import Snowflake

BATCH = 500
"""Rows deleted in one transaction: nobody waits long for its locks."""

Rows = Sequence[Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge deleted."""

    guilds: tuple[int, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    """Table -> rows."""


class Retention:
    """Deletes and exports data of one fleet."""

    def __init__(self, database: Database, schemas: Sequence[ModuleSchema] = ()) -> None:
        """Work on `database`; `schemas` of the loaded modules tell the types of what is exported."""
        self._database = database
        self._tables = {
            table.name: table for schema in (CORE_SCHEMA, *schemas) for table in schema.metadata.tables.values()
        }

    async def guild_joined(self, guild_id: int, at: datetime | None = None) -> None:
        """Note that the bot is in a guild; a purge that was due is off."""
        row = {"id": guild_id, "joined_at": at or datetime.now(UTC), "left_at": None}
        await retrying(self._database, lambda session: upsert(session, guild, row, keep=["joined_at"]))

    async def guild_left(self, guild_id: int, at: datetime | None = None) -> None:
        """Note that the bot has left a guild: its data goes some days later."""
        when = at or datetime.now(UTC)

        async def work(session: AsyncSession) -> None:
            await insert_ignore(session, guild, {"id": guild_id, "joined_at": when, "left_at": None})
            stays = sa.and_(guild.c.id == guild_id, guild.c.left_at.is_(None))
            await session.execute(sa.update(guild).where(stays).values(left_at=when))

        await retrying(self._database, work)

    async def purge_due(self, now: datetime, days: float) -> Purged:
        """Delete the data of guilds that the bot left at least `days` days ago.

        May be interrupted and run again, by several processes at once: a guild's own row goes last.
        """
        due = sa.select(guild.c.id).where(guild.c.left_at <= now - timedelta(days=days)).order_by(guild.c.id)
        async with self._database.read() as session:
            guilds = (await session.scalars(due)).all()
        rows: dict[str, int] = {}
        purged = []
        for guild_id in guilds:
            if await self._is_back(guild_id):
                continue
            for name, count in (await self.delete_guild(guild_id)).items():
                rows[name] = rows.get(name, 0) + count
            await self._delete_all(guild, sa.and_(guild.c.id == guild_id, guild.c.left_at.is_not(None)))
            purged.append(guild_id)
        return Purged(tuple(purged), rows)

    async def delete_guild(self, guild_id: int) -> Mapping[str, int]:
        """Delete a guild's rows from every table now: table -> rows."""
        return await self._delete("guild_columns", guild_id)

    async def delete_user(self, user_id: int) -> Mapping[str, int]:
        """Delete the rows about a person from every table: table -> rows. Tables with a reason to keep stay."""
        return await self._delete("user_columns", user_id)

    async def export_user(self, user_id: int) -> Mapping[str, Rows]:
        """Return what is stored about a person: table -> rows, each as column -> value.

        Rows of modules that are not loaded come as the database keeps them.
        """
        found: dict[str, Rows] = {}
        for table in await owned_tables(self._database):
            if not table.user_columns:
                continue
            known = self._tables.get(table.name)
            query = sa.select(sa.text("*")).select_from(sa.table(table.name)) if known is None else sa.select(known)
            query = query.where(_about(table.user_columns, user_id))
            async with self._database.read() as session:
                rows = (await session.execute(query)).mappings().all()
            if rows:
                found[table.name] = [dict(row) for row in rows]
        return found

    async def purge_effects(self, now: datetime, days: float) -> int:
        """Delete effects that are older than `days` days, and return how many went: their events come no more."""
        return await self._delete_all(effect, effect.c.created_at < now - timedelta(days=days))

    async def _is_back(self, guild_id: int) -> bool:
        query = sa.select(guild.c.id).where(guild.c.id == guild_id, guild.c.left_at.is_not(None))
        async with self._database.read() as session:
            return await session.scalar(query) is None

    async def _delete(self, columns: str, value: int) -> Mapping[str, int]:
        """Delete from all tables. What others point to waits until those are gone."""
        deleted: dict[str, int] = {}
        waiting = [table for table in await owned_tables(self._database) if not table.keep and getattr(table, columns)]
        while waiting:
            blocked = []
            for table in waiting:
                where = _about(getattr(table, columns), value)
                try:
                    count = await self._delete_all(sa.table(table.name), where)
                except IntegrityError as error:
                    blocked.append((table, error))
                    continue
                if count:
                    deleted[table.name] = deleted.get(table.name, 0) + count
            if len(blocked) == len(waiting):
                raise blocked[0][1]
            waiting = [table for table, _ in blocked]
        return deleted

    async def _delete_all(self, table: sa.TableClause, where: sa.ColumnElement[bool]) -> int:
        total = 0
        while True:
            count = await retrying(self._database, lambda session: delete_batch(session, table, where, BATCH))
            total += count
            if count < BATCH:
                return total


def _about(columns: Sequence[str], value: int) -> sa.ColumnElement[bool]:
    return sa.or_(*(sa.column(name, Snowflake()) == value for name in columns))
