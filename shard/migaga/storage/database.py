"""Engines, connections and transactions of the fleet's database.

The composition root opens one `Database` for a process; stores, the framework and `migaga db` work through it.
How the two families are set up is in `engines.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from sqlalchemy import exc, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, async_sessionmaker

from migaga.common.errors import ConfigError, UnavailableError
from migaga.storage.engines import BEGIN_OPTION, Engines, make_engines
from migaga.storage.failures import explain, is_temporary_conflict, locked
from migaga.storage.urls import Dialect, Target, parse_url

_OPEN_ATTEMPTS, _OPEN_PAUSE = 20, 0.1


class Database:
    """The database of one bot, as one process sees it. Made by `open_database`."""

    dialect: Dialect
    engine: AsyncEngine
    """For handlers and stores."""
    reading_engine: AsyncEngine
    """An own small pool for short looks: who may do what must not wait for modules that write."""
    lease_engine: AsyncEngine
    """An own small pool, that modules cannot exhaust: sessions of shards."""
    maintenance_engine: AsyncEngine
    """No pool and no time limit on an answer: for `maintenance`."""

    def __init__(self, target: Target, engines: Engines) -> None:
        self.dialect = target.dialect
        self.label = target.label
        self.path = Path(target.url.database) if target.dialect == "sqlite" and target.url.database else None
        self.engine, self.reading_engine = engines.handlers, engines.reading
        self.lease_engine, self.maintenance_engine = engines.leases, engines.maintenance
        self._writers = _sessions(self.engine, "IMMEDIATE")
        self._readers = _sessions(self.reading_engine, "DEFERRED")
        self._leases = _sessions(self.lease_engine, "IMMEDIATE")

    def transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction that may write: committed at the end, rolled back on an error.

        Begun by the first statement; on SQLite `BEGIN IMMEDIATE`, so that reading and then writing cannot fail.

        Raises:
            ConfigError, UnavailableError: When no connection can be had, or it broke.
        """
        return self._committed(self._writers)

    def lease_transaction(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a transaction on the pool that modules cannot exhaust. For sessions and leases only."""
        return self._committed(self._leases)

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session whose user commits when it wants, several times; what is not committed is rolled back."""
        return self._scope(self._writers)

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session for reading only; nothing is ever committed."""
        return self._scope(self._readers)

    async def ping(self) -> None:
        """Ask the database for an answer.

        Raises:
            ConfigError, UnavailableError: It gives none.
        """
        async with self.read() as session:
            await session.execute(text("SELECT 1"))

    @asynccontextmanager
    async def maintenance(self, *, reading: bool = False) -> AsyncIterator[AsyncConnection]:
        """Open a connection of its own, without a limit on how long an answer takes: for the schema.

        Args:
            reading: Nothing is written: on SQLite it does not wait for whoever writes.

        Raises:
            ConfigError, UnavailableError: The database cannot be used, or somebody keeps it locked.
        """
        options = {BEGIN_OPTION: "DEFERRED" if reading else "IMMEDIATE"}
        try:
            async with self.maintenance_engine.execution_options(**options).connect() as connection:
                yield connection
        except exc.SQLAlchemyError as error:
            known = locked(self.label) if is_temporary_conflict(error) else explain(error, self.label)
            if known is None:
                raise
            raise known from error

    @asynccontextmanager
    async def _committed(self, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
        async with self._scope(sessions) as session:
            yield session
            await session.commit()

    @asynccontextmanager
    async def _scope(self, sessions: async_sessionmaker[AsyncSession]) -> AsyncIterator[AsyncSession]:
        session = sessions()
        try:
            yield session
        except asyncio.CancelledError:
            # The connection may be half-read: its next user would get the answer to this question.
            await session.invalidate()
            raise
        except exc.SQLAlchemyError as error:
            await session.close()
            known = explain(error, self.label)
            if known is None:
                raise
            raise known from error
        finally:
            await session.close()


def _sessions(engine: AsyncEngine, begin: str) -> async_sessionmaker[AsyncSession]:
    return async_sessionmaker(engine.execution_options(**{BEGIN_OPTION: begin}), expire_on_commit=False)


@asynccontextmanager
async def open_database(url: str, *, pool_size: int = 10) -> AsyncIterator[Database]:
    """Connect to the database at `url` and close every connection at the end.

    `sqlite+aiosqlite:///file` and `mysql+asyncmy://user:password@host/database`; the short forms `sqlite://`,
    `mysql://` and `mariadb://` mean the same drivers. A SQLite url without a file is a database for this block only.

    Args:
        url: Where it is. MySQL options: `ssl`, `ssl_ca`, `ssl_cert`, `ssl_key`, `ssl_check_hostname`, `unix_socket`.
        pool_size: Connections for handlers; the lease pool comes on top.

    Raises:
        ConfigError: The url, user, password or database is wrong.
        UnavailableError: The server does not answer.
    """
    target = parse_url(url)
    if target.memory:
        # A file, because several connections to `:memory:` are several databases, and a cancelled query costs one.
        folder = await asyncio.to_thread(mkdtemp, prefix="migaga-")
        try:
            file = target.url.set(database=f"{folder}/memory.db")
            async with _opened(Target("sqlite", file, target.label), pool_size) as database:
                yield database
        finally:
            await asyncio.to_thread(rmtree, folder, ignore_errors=True)
        return
    async with _opened(target, pool_size) as database:
        yield database


@asynccontextmanager
async def _opened(target: Target, pool_size: int) -> AsyncIterator[Database]:
    engines = await asyncio.to_thread(make_engines, target, pool_size)  # It reads the driver from disk.
    try:
        database = Database(target, engines)
        await _first_answer(database)
        yield database
    finally:
        await engines.dispose()


async def _first_answer(database: Database) -> None:
    """Ping; when other processes switch a new SQLite file to its log at this moment, again."""
    for _ in range(_OPEN_ATTEMPTS):
        try:
            await database.ping()
        except exc.DBAPIError as error:
            if not is_temporary_conflict(error):
                raise
            await asyncio.sleep(_OPEN_PAUSE)
        except RuntimeError as error:
            # The driver's way to say that it cannot log in by MySQL 8's default method on a connection without TLS.
            if "cryptography" not in str(error):
                raise
            raise ConfigError(
                f"database {database.label}: this user logs in by caching_sha2_password, which needs TLS: add "
                "`?ssl_ca=FILE` (or `?ssl=true`) to the url, or install the Python package `cryptography`."
            ) from error
        else:
            return
    raise locked(database.label)


async def wait_for_database(
    url: str,
    *,
    timeout: float,
    on_wait: Callable[[str, float], None],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Wait until the database answers.

    Args:
        url: As for `open_database`.
        timeout: Seconds to wait at most.
        on_wait: Called before each pause with the reason (no secrets) and the seconds that are left.
        clock: Seconds, monotonic.
        sleep: Pauses for seconds.

    Raises:
        ConfigError: Waiting cannot help.
        UnavailableError: It did not answer in time.
    """
    deadline = clock() + timeout
    pause = 0.25
    while True:
        try:
            async with asyncio.timeout(max(1.0, deadline - clock())), open_database(url, pool_size=1):
                return
        except TimeoutError as error:
            raise UnavailableError(f"database {parse_url(url).label}: no answer within {timeout:g} s") from error
        except UnavailableError as error:
            left = deadline - clock()
            if left <= 0:
                raise UnavailableError(f"{error} Gave up after {timeout:g} s.") from error
            on_wait(str(error), left)
            await sleep(min(pause, left))
            pause = min(pause * 2, 5.0)
