"""How connections to SQLite and to the MySQL family are made and set up.

`database.py` calls it once for each open database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry, NullPool

from migaga.storage.sqlite_inline import LOCK_SECONDS, Line, open_inline, prepare
from migaga.storage.urls import Target

BEGIN_OPTION = "migaga_begin"
"""Execution option: how SQLite begins a transaction, `IMMEDIATE` or `DEFERRED`."""

_POOL_SECONDS = 10
_LEASE_POOL = 3
_READING_POOL = 4
_POOL_LOGGER = f"{AsyncAdaptedQueuePool.__module__}.{AsyncAdaptedQueuePool.__name__}"
_SQL_MODE = "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"


@dataclass(frozen=True, slots=True)
class Limits:
    """How long connections of one engine may wait, in seconds."""

    idle: int
    """The server drops a silent connection, with its locks: a frozen process must not hold a row for long."""
    answer: int | None
    """The longest wait for the next bytes of an answer."""
    foreign_keys: bool = True
    """SQLite checks them. Not in migrations: replacing a table there would delete the rows that point to it."""
    look_every: float | None = None
    """Seconds between two looks at SQLite's lock, by the event loop; None: connections have threads."""
    wait: float = 0
    """Seconds for which SQLite's lock is waited for by the event loop."""


_HANDLERS = Limits(idle=60, answer=60, look_every=0.002, wait=LOCK_SECONDS)
_LEASES = Limits(idle=10, answer=5, look_every=0.0005, wait=3.0)
"""More often than handlers: who owns a shard goes before what they write. The wait ends before an operation is given up
(`leases.py`), so that it is known not to have been executed."""
_MAINTENANCE = Limits(idle=3600, answer=None, foreign_keys=False)


@dataclass(frozen=True, slots=True)
class Engines:
    """The engines of one open database."""

    handlers: AsyncEngine
    reading: AsyncEngine
    leases: AsyncEngine
    maintenance: AsyncEngine

    async def dispose(self) -> None:
        """Close every connection."""
        for engine in (self.handlers, self.reading, self.leases, self.maintenance):
            await engine.dispose()


def make_engines(target: Target, pool_size: int) -> Engines:
    """Make the engines of a database; nothing is connected yet."""
    logging.getLogger(_POOL_LOGGER).addFilter(_without_trace)
    make = _sqlite if target.dialect == "sqlite" else _mysql
    return Engines(
        handlers=make(target, _HANDLERS, pool_size),
        reading=make(target, _HANDLERS, min(pool_size, _READING_POOL)),
        leases=make(target, _LEASES, _LEASE_POOL),
        maintenance=make(target, _MAINTENANCE, None),
    )


def _pool(size: int | None) -> Mapping[str, object]:
    if size is None:
        return {"poolclass": NullPool}
    return {"pool_size": size, "max_overflow": 0, "pool_timeout": _POOL_SECONDS, "pool_pre_ping": True}


async def _open_sqlite(*arguments: Any, **options: Any) -> aiosqlite.Connection:
    """Open a file, and close it again when whoever asked was cancelled meanwhile: aiosqlite would lose it, open."""
    connection = aiosqlite.connect(*arguments, **options)
    # As SQLAlchemy does without a creator: a connection that is left must not keep the process from ending.
    connection._thread.daemon = True

    async def opened() -> aiosqlite.Connection:
        return await connection

    opening = asyncio.create_task(opened(), name="open SQLite")
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        await asyncio.wait({opening})
        connection.stop()
        raise


def _sqlite(target: Target, limits: Limits, size: int | None) -> AsyncEngine:
    creator = _open_sqlite if limits.look_every is None else partial(open_inline, Line(limits.look_every, limits.wait))
    engine = create_async_engine(target.url, connect_args={"async_creator_fn": creator}, **_pool(size))

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        if limits.look_every is None:
            # No implicit BEGIN by the driver: the listener below begins, so that DDL is part of the transaction too.
            connection.isolation_level = None
            prepare(connection, foreign_keys=limits.foreign_keys)

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"BEGIN {connection.get_execution_options().get(BEGIN_OPTION, 'IMMEDIATE')}")

    return engine


def _lost(context: ExceptionContext) -> exc.OperationalError | None:
    """Take a socket's own error for what it is: the connection is gone, and must not go back into the pool."""
    error = context.original_exception
    if context.sqlalchemy_exception is not None or not isinstance(error, OSError):
        return None
    context.is_disconnect = True
    return exc.OperationalError(context.statement, None, error, connection_invalidated=True)


def _is_news(record: logging.LogRecord) -> bool:
    """Drop what MySQL says about each named primary key: names are for SQLite's migrations."""
    return "ignored for PRIMARY key" not in record.getMessage()


def _without_trace(record: logging.LogRecord) -> bool:
    """Say in one line what the pool says with a traceback: a connection was lost or left, and another one replaces it.

    That comes of a handler that is cancelled, or of a server that goes away; the reason is logged where it counts.
    """
    error = record.exc_info[1] if record.exc_info else None
    if error is not None:
        record.msg, record.args = f"{record.getMessage()} ({type(error).__name__}): the connection is replaced", ()
        record.exc_info, record.levelno, record.levelname = None, logging.WARNING, "WARNING"
    return True


def _mysql(target: Target, limits: Limits, size: int | None) -> AsyncEngine:
    logging.getLogger("asyncmy").addFilter(_is_news)
    arguments: dict[str, object] = {"charset": "utf8mb4", "connect_timeout": 5, "read_timeout": limits.answer}
    if target.unix_socket is not None:
        arguments["unix_socket"] = target.unix_socket
    if target.ssl_context is not None:
        arguments["ssl"] = target.ssl_context
    recycle: Mapping[str, object] = {} if size is None else {"pool_recycle": 1800}
    engine = create_async_engine(target.url, connect_args=arguments, **_pool(size), **recycle)

    event.listen(engine.sync_engine, "handle_error", _lost, retval=True)

    @event.listens_for(engine.sync_engine, "connect")
    def set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        cursor.execute(
            f"SET SESSION time_zone = '+00:00', sql_mode = '{_SQL_MODE}', innodb_lock_wait_timeout = {LOCK_SECONDS}, "
            f"lock_wait_timeout = {2 * LOCK_SECONDS}, wait_timeout = {limits.idle}"
        )
        cursor.close()

    return engine
