"""What the databases do differently, behind one name each.

Stores and modules use these instead of a dialect's own statements.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.common.errors import UnavailableError
from migaga.storage.database import Database
from migaga.storage.failures import is_duplicate, is_temporary_conflict

T = TypeVar("T")
Row = Mapping[str, object]
AnyTable = sa.Table | sa.TableClause
_AT_ONCE = 100
_BYTES_AT_ONCE = 1_000_000
"""Servers refuse a statement that is too long (`max_allowed_packet`, 16 MB by default). One guild may have some MB."""


def _dialect(session: AsyncSession) -> str:
    return session.get_bind().dialect.name


async def upsert(session: AsyncSession, table: sa.Table, row: Row, *, keep: Sequence[str] = ()) -> None:
    """Insert a row, or update the one with the same primary key.

    Args:
        session: The caller's transaction.
        table: Where.
        row: Column -> value, with all columns of the primary key.
        keep: Columns that an update leaves as they are, such as `created_at`.
    """
    key = [column.name for column in table.primary_key]
    changed = [name for name in row if name not in key and name not in keep]
    if _dialect(session) == "sqlite":
        statement = sqlite.insert(table).values(row)
        if changed:
            new = {name: statement.excluded[name] for name in changed}
            await session.execute(statement.on_conflict_do_update(index_elements=key, set_=new))
        else:
            await session.execute(statement.on_conflict_do_nothing(index_elements=key))
        return
    insert = mysql.insert(table).values(row)
    touched = changed or key[:1]
    await session.execute(insert.on_duplicate_key_update({name: insert.inserted[name] for name in touched}))


async def insert_ignore(session: AsyncSession, table: sa.Table, row: Row) -> bool:
    """Insert a row unless its key is there; tell whether it was inserted.

    Waits for another transaction that inserts the same key, and then knows what became of it. Every other error is
    raised, a lock time-out and a deadlock too (MySQL's own `INSERT IGNORE` would hide some).
    """
    if _dialect(session) == "sqlite":
        result = await session.execute(sqlite.insert(table).values(row).on_conflict_do_nothing())
        return _rowcount(result) == 1
    try:
        await session.execute(sa.insert(table).values(row))
    except exc.IntegrityError as error:
        if is_duplicate(error):
            return False
        raise
    return True


async def insert_all_ignore(session: AsyncSession, table: sa.Table, rows: Sequence[Row]) -> None:
    """Insert rows unless their keys are there: many in one question, one by one only where a key is there."""
    for some in _in_parts(rows):
        if _dialect(session) == "sqlite":
            await session.execute(sqlite.insert(table).values(some).on_conflict_do_nothing())
            continue
        try:
            await session.execute(sa.insert(table).values(some))
        except exc.IntegrityError as error:
            if not is_duplicate(error):
                raise
            # The server has taken back this one statement, and goes on with the transaction.
            for row in some:
                await insert_ignore(session, table, row)


def _in_parts(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield rows in parts that one statement can take."""
    part: list[Row] = []
    size = 0
    for row in rows:
        length = sum(len(value) for value in row.values() if isinstance(value, str | bytes))
        if part and (len(part) == _AT_ONCE or size + length > _BYTES_AT_ONCE):
            yield part
            part, size = [], 0
        part.append(row)
        size += length
    if part:
        yield part


def _rowcount(result: sa.Result[tuple[object, ...]]) -> int:
    return result.rowcount if isinstance(result, sa.CursorResult) else 0


async def execute_count(session: AsyncSession, statement: sa.Update | sa.Delete | sa.Insert) -> int:
    """Run a statement and return how many rows it matched (also rows that already had the new values)."""
    return _rowcount(await session.execute(statement))


async def lock_rows(session: AsyncSession, query: sa.Select[T], *, skip_locked: bool = False) -> Sequence[T]:
    """Read rows and hold them until the transaction ends.

    Rows are locked by `FOR UPDATE`; on SQLite the transaction has the whole database already, as it began IMMEDIATE.
    Lock several rows in one order everywhere (`ORDER BY` the primary key), or two transactions can block each other.

    Args:
        session: Of `Database.transaction()`, not of `read()`.
        query: What to read; ordered.
        skip_locked: Leave out rows that others hold, to share work between processes.
    """
    return (await session.scalars(query.with_for_update(skip_locked=skip_locked))).all()


async def delete_batch(session: AsyncSession, table: AnyTable, where: sa.ColumnElement[bool], limit: int) -> int:
    """Delete at most `limit` rows and return how many went."""
    statement = sa.delete(table).where(where)
    if _dialect(session) == "sqlite":
        rows = sa.select(sa.literal_column("rowid", sa.Integer)).select_from(table).where(where).limit(limit)
        statement = sa.delete(table).where(sa.literal_column("rowid", sa.Integer).in_(rows))
    else:
        statement = statement.with_dialect_options(mysql_limit=limit)
    return await execute_count(session, statement)


async def retrying(
    database: Database,
    work: Callable[[AsyncSession], Awaitable[T]],
    *,
    attempts: int = 8,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Run `work` in a transaction; after a deadlock or lock time-out roll back and run it again.

    `work` may run several times: what it does outside the database must not be in it.

    Raises:
        UnavailableError: Every attempt ended by a lock.
    """
    for attempt in range(attempts):
        try:
            async with database.transaction() as session:
                return await work(session)
        except exc.DBAPIError as error:
            if not is_temporary_conflict(error):
                raise
            if attempt == attempts - 1:
                raise UnavailableError(
                    f"database {database.label}: the rows stayed locked by others in {attempts} attempts. "
                    "Try again; look for a transaction that is held open."
                ) from error
        # Random, growing pauses: those who blocked each other must not meet again.
        await sleep(random.uniform(0.2, 1.0) * 0.02 * 2**attempt)
    raise AssertionError("attempts must be at least 1")


async def delete_where(session: AsyncSession, table: AnyTable, where: sa.ColumnElement[bool]) -> int:
    """Delete rows and return how many went. For few rows; many go by `delete_batch`."""
    return await execute_count(session, sa.delete(table).where(where))
