"""Run Alembic's revisions of one schema on one connection, without an `alembic.ini` or `env.py`.

`schema.py` calls it; everything here runs inside `AsyncConnection.run_sync`, but for loading the files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext, MigrationStep
from alembic.script import ScriptDirectory
from sqlalchemy.exc import DBAPIError

from migaga.storage.failures import is_temporary_conflict


class MigrationsError(Exception):
    """The revisions cannot be read. The message says which and why."""


@dataclass(frozen=True, slots=True)
class Scripts:
    """Revisions of one schema, all read."""

    directory: ScriptDirectory
    head: str | None
    known: frozenset[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where a schema stands."""

    revision: str | None
    applied: tuple[str, ...] = ()
    newer: bool = False
    error: str | None = None
    temporary: bool = False
    """The error was a lock: the same may succeed later."""


async def load_scripts(folder: Path | None) -> Scripts | None:
    """Read the revisions in a folder.

    Raises:
        MigrationsError: A file cannot be imported, or the revisions have no single head.
    """
    return None if folder is None else await asyncio.to_thread(_load, folder)


def _load(folder: Path) -> Scripts:
    versions = folder / "versions"
    try:
        directory = ScriptDirectory(str(folder), version_locations=[str(versions if versions.is_dir() else folder)])
        known = frozenset(script.revision for script in directory.walk_revisions())
        return Scripts(directory, directory.get_current_head(), known)
    except Exception as error:  # A revision is a module of its author: importing it can raise anything.
        raise MigrationsError(f"the migrations in {folder} cannot be read: {type(error).__name__}: {error}") from error


def revisions(connection: sa.Connection, scripts: Scripts | None, version_table: str, metadata: sa.MetaData) -> Outcome:
    """Tell where a schema stands and what is to be applied."""
    if scripts is None:
        present = {name.casefold() for name in sa.inspect(connection).get_table_names()}
        return Outcome(None, tuple(name for name in metadata.tables if name.casefold() not in present))
    context = MigrationContext.configure(connection, opts={"version_table": version_table})
    heads = context.get_current_heads()
    if not scripts.known.issuperset(heads):
        return Outcome(", ".join(heads), newer=True)
    behind = list(scripts.directory.iterate_revisions("head", heads or "base"))
    return Outcome(", ".join(heads) or None, tuple(script.revision for script in reversed(behind)))


def create_missing(
    connection: sa.Connection, metadata: sa.MetaData, title: str, on_progress: Callable[[str], None]
) -> Outcome:
    """Create the tables that are not there."""
    missing = revisions(connection, None, "", metadata).applied
    try:
        metadata.create_all(connection)
        connection.commit()
    except DBAPIError as error:
        connection.rollback()
        reason = f"{title}: its tables cannot be created: {error.orig}"
        return Outcome(None, error=reason, temporary=is_temporary_conflict(error))
    for name in missing:
        on_progress(f"{title}: table {name} created")
    return Outcome(None, missing)


def migrate(
    connection: sa.Connection, scripts: Scripts, version_table: str, title: str, on_progress: Callable[[str], None]
) -> Outcome:
    """Apply what is missing, each revision in a transaction of its own where the database can do that."""
    before = revisions(connection, scripts, version_table, sa.MetaData())
    connection.rollback()
    if before.newer:
        on_progress(f"{title}: at {before.revision}, newer than this code: left as it is")
        return before
    done: list[str] = []

    def steps(heads: tuple[str, ...], context: MigrationContext) -> list[MigrationStep]:
        found: list[MigrationStep] = list(scripts.directory._upgrade_revs("head", heads))  # type: ignore[arg-type]
        return found

    def applied(*, step: object, **rest: object) -> None:
        done.append(before.applied[len(done)])
        on_progress(f"{title}: {done[-1]} applied")

    try:
        with EnvironmentContext(Config(), scripts.directory, fn=steps) as environment:
            environment.configure(
                connection,
                version_table=version_table,
                transaction_per_migration=True,
                transactional_ddl=connection.dialect.name == "sqlite",
                on_version_apply=applied,  # type: ignore[arg-type]
            )
            with environment.begin_transaction():
                environment.run_migrations()
    except Exception as error:  # A migration is code of its author: it can raise anything.
        connection.rollback()
        at = before.applied[len(done)] if len(done) < len(before.applied) else "?"
        cause = error.orig if isinstance(error, DBAPIError) else error
        reached = done[-1] if done else before.revision
        reason = f"{title}: migration {at} failed: {type(error).__name__}: {cause}"
        return Outcome(reached, tuple(done), error=reason, temporary=is_temporary_conflict(error))
    connection.commit()
    return Outcome(scripts.head, tuple(done))
