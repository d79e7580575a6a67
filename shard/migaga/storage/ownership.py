"""Which module owns which table, and which of its columns name guilds and people.

Kept in the database, so that clashes are found and data is deleted also for modules that are not loaded now.
`schema.py` writes it, `retention.py` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.storage.database import Database
from migaga.storage.portable import retrying, upsert
from migaga.storage.tables import module_table
from migaga.storage.types import fold

GUILD_COLUMN = "guild_id"
USER_COLUMN = "user_id"


@dataclass(frozen=True, slots=True)
class OwnedTable:
    """One table and whose data it holds."""

    name: str
    module: str
    guild_columns: tuple[str, ...]
    user_columns: tuple[str, ...]
    keep: str | None
    """Why its rows outlive a guild's leave and a person's wish; None: they do not."""


def describe_table(module: str, table: sa.Table) -> OwnedTable:
    """Read from a table whose data it holds: its columns `guild_id`, `user_id` and those with `info={"user": True}`."""
    keep = table.info.get("keep")
    return OwnedTable(
        table.name,
        module,
        tuple(column.name for column in table.columns if column.name == GUILD_COLUMN),
        tuple(column.name for column in table.columns if column.name == USER_COLUMN or column.info.get("user")),
        None if keep is None else str(keep),
    )


async def claim_tables(database: Database, module: str, metadata: sa.MetaData) -> None:
    """Record a schema's tables as its own."""
    owned = [describe_table(module, table) for table in metadata.sorted_tables]

    async def work(session: AsyncSession) -> None:
        for table in owned:
            await upsert(session, module_table, _row(table))

    await retrying(database, work)


def _row(table: OwnedTable) -> Mapping[str, object]:
    return {
        "name": table.name,
        "module": table.module,
        "guild_columns": list(table.guild_columns),
        "user_columns": list(table.user_columns),
        "keep": table.keep,
    }


async def owned_tables(database: Database) -> Sequence[OwnedTable]:
    """List the tables that are recorded and exist, by name."""
    present = await existing_tables(database)
    async with database.read() as session:
        rows = (await session.execute(sa.select(module_table).order_by(module_table.c.name))).mappings().all()
    return [
        OwnedTable(
            present[row["name"]],
            row["module"],
            tuple(row["guild_columns"]),
            tuple(row["user_columns"]),
            row["keep"],
        )
        for row in rows
        if row["name"] in present
    ]


async def existing_tables(database: Database) -> Mapping[str, str]:
    """Return the database's tables: folded name -> name."""
    async with database.maintenance(reading=True) as connection:
        names = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    return {fold(name): name for name in names}


async def find_clash(database: Database, module: str, metadata: sa.MetaData) -> str | None:
    """Look for a table of `metadata` that somebody else has in the database already; None when there is none."""
    present = await existing_tables(database)
    async with database.read() as session:
        rows = (await session.execute(sa.select(module_table.c.name, module_table.c.module))).all()
    owners = {str(name): str(owner) for name, owner in rows}
    for table in metadata.sorted_tables:
        owner = owners.get(fold(table.name))
        if owner == module:
            continue
        if owner is not None:
            return (
                f"module `{module}`: its table `{table.name}` belongs to module `{owner}`: rename it (`{module}_...`)"
            )
        if fold(table.name) in present:
            return (
                f"module `{module}`: its table `{table.name}` is in the database already and belongs to no module: "
                f"rename one of the two"
            )
    return None


async def find_foreign(database: Database, metadata: sa.MetaData) -> Sequence[str]:
    """Return existing tables of these names that have columns which are not in `metadata`: they are somebody else's."""
    wanted = {fold(table.name): table for table in metadata.sorted_tables}
    present = {key: name for key, name in (await existing_tables(database)).items() if key in wanted}
    async with database.maintenance(reading=True) as connection:
        columns = await connection.run_sync(_column_names, list(present.values()))
    return [name for key, name in present.items() if not columns[name] <= set(wanted[key].columns.keys())]


def _column_names(connection: sa.Connection, names: Sequence[str]) -> Mapping[str, set[str]]:
    inspector = sa.inspect(connection)
    return {name: {column["name"] for column in inspector.get_columns(name)} for name in names}


async def release_missing(database: Database, module: str) -> None:
    """Forget the claims of a module whose tables could not be made, so that they block nobody."""
    present = await existing_tables(database)

    async def work(session: AsyncSession) -> None:
        names = await session.scalars(sa.select(module_table.c.name).where(module_table.c.module == module))
        for name in names.all():
            if name not in present:
                await session.execute(sa.delete(module_table).where(module_table.c.name == name))

    await retrying(database, work)
