"""Bring the core's tables and those of modules to what the code needs, by one process at a time.

Called when a process starts and by `migaga db upgrade`. Rules for authors of migrations: docs/database.md.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from migaga.common.errors import ConfigError, UnavailableError
from migaga.storage.charset import use_utf8mb4
from migaga.storage.database import Database
from migaga.storage.leases_tables import CORE_METADATA
from migaga.storage.migrate import MigrationsError, Outcome, Scripts, create_missing, load_scripts, migrate, revisions
from migaga.storage.ownership import claim_tables, find_clash, find_foreign, release_missing
from migaga.storage.process_lock import process_lock

CORE = "core"
"""Name of the core's own schema; no module may have it."""

Progress = Callable[[str], None]

_in_process: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class ModuleSchema:
    """The tables of one module."""

    name: str
    metadata: sa.MetaData
    migrations: Path | None = None
    """Folder of its Alembic revisions (`versions/*.py` in it, or `*.py`). None: missing tables are created."""


@dataclass(frozen=True, slots=True)
class SchemaResult:
    """What became of one schema."""

    name: str
    revision: str | None
    """Where the database stands now; None for a module without migrations."""
    applied: tuple[str, ...] = ()
    """Revisions that were applied this time."""
    newer: bool = False
    """The database knows a revision that this code does not: it was left alone."""
    error: str | None = None
    """Why the module cannot be used: names the thing and what to do."""
    temporary: bool = False
    """The same may succeed later: somebody held a lock."""


CORE_SCHEMA = ModuleSchema(CORE, CORE_METADATA, Path(__file__).parent / "migrations")


async def upgrade(
    database: Database,
    schemas: Sequence[ModuleSchema] = (),
    *,
    on_progress: Progress = lambda line: None,
    lock_timeout: float = 120.0,
) -> list[SchemaResult]:
    """Upgrade the core, then each module. May be started by many processes at once.

    Args:
        database: Whose.
        schemas: Modules, in order: of two that want the same table the first gets it.
        on_progress: Called with one line for each step.
        lock_timeout: Seconds to wait for another process that is upgrading.

    Returns:
        The core's result, then one for each module in order. A module that failed has `error`; the others go on.

    Raises:
        ConfigError: The core's own migration failed.
        UnavailableError: Another process holds a lock for too long, or the database is gone.
    """
    lock = _in_process.setdefault(asyncio.get_running_loop(), asyncio.Lock())
    # Alembic's `op` is one for the process: two upgrades in one process go one after the other.
    async with lock, process_lock(database, "schema", lock_timeout, "changing the schema"):
        await use_utf8mb4(database)
        await _refuse_foreign(database)
        core = await _upgrade_one(database, CORE_SCHEMA, on_progress)
        if core.error is not None:
            raise UnavailableError(core.error) if core.temporary else ConfigError(core.error)
        results = [core]
        for index, schema in enumerate(schemas):
            clash = _known_clash(schema, schemas[:index])
            if clash is None and not core.newer:
                clash = await find_clash(database, schema.name, schema.metadata)
            if clash is not None:
                results.append(SchemaResult(schema.name, None, error=clash))
                continue
            results.append(await _upgrade_one(database, schema, on_progress))
        return results


async def current(database: Database, schemas: Sequence[ModuleSchema] = ()) -> list[SchemaResult]:
    """Tell where the database stands, changing nothing. `applied` holds what an upgrade would apply."""
    results = []
    for schema in (CORE_SCHEMA, *schemas):
        try:
            scripts = await load_scripts(schema.migrations)
        except MigrationsError as error:
            results.append(SchemaResult(schema.name, None, error=f"{_title(schema.name)}: {error}"))
            continue
        async with database.maintenance(reading=True) as connection:
            found = await connection.run_sync(revisions, scripts, version_table(schema.name), schema.metadata)
        results.append(SchemaResult(schema.name, found.revision, found.applied, found.newer))
    return results


def version_table(name: str) -> str:
    """Name the table that holds the revision of a schema."""
    return "schema_version" if name == CORE else f"schema_version_{name}"


def _known_clash(schema: ModuleSchema, earlier: Sequence[ModuleSchema]) -> str | None:
    """Compare with what is being loaded, before anything is written."""
    if schema.name == CORE:
        return f"module `{CORE}`: this name is the framework's own: rename the module"
    for other in (CORE_SCHEMA, *earlier):
        taken = {name.casefold() for name in (*other.metadata.tables, version_table(other.name))}
        for name in schema.metadata.tables:
            if name.casefold() in taken:
                owner = "the framework" if other is CORE_SCHEMA else f"module `{other.name}`"
                return f"module `{schema.name}`: its table `{name}` belongs to {owner}: rename it (`{schema.name}_...`)"
    return None


async def _refuse_foreign(database: Database) -> None:
    """Keep a new core from taking tables of the same name that belong to another program."""
    if (await current(database))[0].revision is not None:
        return
    foreign = await find_foreign(database, CORE_METADATA)
    if foreign:
        names = ", ".join(f"`{name}`" for name in foreign)
        raise ConfigError(
            f"database {database.label} holds tables of another program under names that Migaga needs: {names}. "
            "Give Migaga a database of its own."
        )


async def _upgrade_one(database: Database, schema: ModuleSchema, on_progress: Progress) -> SchemaResult:
    try:
        scripts = await load_scripts(schema.migrations)
    except MigrationsError as error:
        return SchemaResult(schema.name, None, error=f"{_title(schema.name)}: {error}")
    if schema.name != CORE:
        await claim_tables(database, schema.name, schema.metadata)
    async with database.maintenance() as connection:
        outcome = await connection.run_sync(_apply, schema, scripts, on_progress)
    if outcome.error is not None:
        if schema.name != CORE:
            await release_missing(database, schema.name)
        return SchemaResult(
            schema.name, outcome.revision, outcome.applied, error=outcome.error, temporary=outcome.temporary
        )
    if schema.name == CORE and not outcome.newer:
        await claim_tables(database, CORE, schema.metadata)
    return SchemaResult(schema.name, outcome.revision, outcome.applied, outcome.newer)


def _apply(connection: sa.Connection, schema: ModuleSchema, scripts: Scripts | None, on_progress: Progress) -> Outcome:
    title = _title(schema.name)
    if scripts is None:
        return create_missing(connection, schema.metadata, title, on_progress)
    return migrate(connection, scripts, version_table(schema.name), title, on_progress)


def _title(name: str) -> str:
    return "core" if name == CORE else f"module `{name}`"
