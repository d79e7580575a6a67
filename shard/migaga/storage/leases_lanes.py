"""Connections of ownership's statements: one that stays open for each kind, each statement committed by itself.

A statement costs the server exactly one question: no BEGIN, no COMMIT, no rollback of an idle connection. Beats have a
lane of their own, so that nothing of this process makes them wait.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection

from migaga.storage.database import Database
from migaga.storage.engines import BEGIN_OPTION

_TRUSTED = 5.0
"""Seconds after which a silent connection is asked whether it still lives: the server drops it after 10."""

Statement = sa.Update | sa.Delete | sa.Insert | sa.Select[tuple[object, ...]]


class NotSentError(Exception):
    """There is no connection: the statement was certainly not sent."""


class Lane:
    """One connection, used by one statement at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = asyncio.Lock()
        self._connection: AsyncConnection | None = None
        self._used_at = 0.0

    async def change(self, statement: sa.Update | sa.Delete | sa.Insert) -> int:
        """Run one statement, commit it, and return how many rows it found. Raises NotSentError."""
        if self._database.dialect == "sqlite":
            async with self._database.lease_transaction() as session:
                result = await session.execute(statement)
                return result.rowcount if isinstance(result, sa.CursorResult) else 0
        async with self._lock:
            return (await self._run(statement)).rowcount

    async def rows(self, statement: sa.Select[tuple[object, ...]]) -> list[tuple[object, ...]]:
        """Read rows as they are now."""
        if self._database.dialect == "sqlite":
            reading = self._database.lease_engine.execution_options(**{BEGIN_OPTION: "DEFERRED"})
            async with reading.connect() as connection:
                return [tuple(row) for row in (await connection.execute(statement)).all()]
        async with self._lock:
            return [tuple(row) for row in (await self._run(statement)).all()]

    async def aclose(self) -> None:
        """Give the connection back."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close()
        except (SQLAlchemyError, OSError, ValueError):
            # It has died, or is half-read: what a close would have reset cannot be, and need not.
            with suppress(SQLAlchemyError):
                await connection.invalidate()

    async def _run(self, statement: Statement) -> sa.CursorResult[tuple[object, ...]]:
        connection = await self._open()
        try:
            result = await connection.execute(statement)
        except (SQLAlchemyError, asyncio.CancelledError):
            await self._give_up(connection)
            raise
        except ValueError as error:
            # The driver has read the answer to another question: nobody can say what became of this one.
            await self._give_up(connection)
            raise DBAPIError("the connection was half-read", None, error) from error
        self._used_at = time.monotonic()
        return result

    async def _give_up(self, connection: AsyncConnection) -> None:
        """Leave a connection that may be half-read, or in doubt: the next statement gets another one."""
        self._connection = None
        with suppress(SQLAlchemyError):
            await connection.invalidate()
            await connection.close()

    async def _open(self) -> AsyncConnection:
        if self._connection is not None and time.monotonic() - self._used_at > _TRUSTED:
            await self.aclose()  # The pool asks it before it is used again.
        if self._connection is None:
            try:
                opened = await self._database.lease_engine.connect()
                self._connection = await opened.execution_options(isolation_level="AUTOCOMMIT")
            except (SQLAlchemyError, OSError) as error:
                raise NotSentError(str(error)) from error
        return self._connection
