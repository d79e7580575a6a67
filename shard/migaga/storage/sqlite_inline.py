"""SQLite connections that work in the event loop's own thread. `engines.py` opens them for all but migrations.

SQLite has one lock for all writers of a file. Over a thread for each connection (aiosqlite) every statement of a
transaction takes a turn of the event loop, and the lock is held for all of them: 30 ms in a busy process, so that four
processes cannot write 200 times a second, and those who wait make them busier still. Here statements run at once, a
transaction holds the lock for a fraction of a millisecond, and only waiting for it is left to the event loop. What may
take long (migrations) stays in threads.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any, Self

import aiosqlite

BEGIN_WRITING = "BEGIN IMMEDIATE"
LOCK_SECONDS = 5
"""How long a connection in a thread waits for a lock."""
_BUSY_MS = 1_000
"""Milliseconds for which a statement may wait that is no begin of a transaction: the log is just being made anew."""


@dataclass(slots=True)
class Line:
    """The writers of this process that wait for the file's lock. One of them looks, the others wait behind it."""

    look_every: float
    """Seconds between two looks at a lock that another process holds."""
    patience: float
    """Seconds after which a writer is told that the database is locked."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class InlineConnection(aiosqlite.Connection):
    """An open connection without a thread."""

    def __init__(self, opened: sqlite3.Connection, line: Line) -> None:
        super().__init__(lambda: opened, iter_chunk_size=64)
        self._connection = opened
        self._line = line

    def __await__(self) -> Generator[Any, None, Self]:
        """It is open already."""
        yield from ()
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if self._connection is None:
            raise ValueError("Connection closed")
        if args and args[0] == BEGIN_WRITING:
            return await self._begin(fn)
        result = fn(*args, **kwargs)
        if fn in {self._connection.commit, self._connection.rollback}:
            # Whoever writes without a pause must not keep the others from running; the lock is free again.
            await asyncio.sleep(0)
        return result

    async def _begin(self, execute: Callable[[str], object]) -> object:
        if not self._line.lock.locked() and (begun := self._try_to_begin(execute)) is not None:
            return begun
        try:
            async with asyncio.timeout(self._line.patience), self._line.lock:
                # Nobody tells when another process ends its transaction.
                while (begun := self._try_to_begin(execute)) is None:  # noqa: ASYNC110
                    await asyncio.sleep(self._line.look_every)
                return begun
        except TimeoutError as error:
            raise sqlite3.OperationalError("database is locked") from error

    def _try_to_begin(self, execute: Callable[[str], object]) -> object | None:
        """Begin, or return None when somebody else writes."""
        execute("PRAGMA busy_timeout = 0")
        try:
            return execute(BEGIN_WRITING)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            return None
        finally:
            execute(f"PRAGMA busy_timeout = {_BUSY_MS}")

    async def close(self) -> None:
        """Close it; what is not committed is rolled back."""
        self.stop()

    def stop(self) -> None:
        """Close it at once."""
        connection, self._connection, self._running = self._connection, None, False
        if connection is not None:
            connection.close()


async def open_inline(line: Line, *arguments: Any, **options: Any) -> InlineConnection:
    """Open a file; in a thread, because others may be making it at this moment. A cancelled opening leaves nothing."""
    opening = asyncio.ensure_future(asyncio.to_thread(_open, arguments, options))
    try:
        return InlineConnection(await asyncio.shield(opening), line)
    except asyncio.CancelledError:
        await asyncio.wait({opening})
        if opening.exception() is None:
            opening.result().close()
        raise


def _open(arguments: tuple[Any, ...], options: dict[str, Any]) -> sqlite3.Connection:
    # Opened here, used by the event loop's thread alone.
    opened: sqlite3.Connection = sqlite3.connect(
        *arguments, **{**options, "check_same_thread": False, "isolation_level": None}
    )
    try:
        prepare(opened)
        opened.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
    except sqlite3.Error:
        opened.close()
        raise
    return opened


def prepare(connection: Any, *, foreign_keys: bool = True) -> None:
    """Set a connection up: it waits for locks, and keeps a log beside the file, so that readers wait for nobody."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {LOCK_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute(f"PRAGMA foreign_keys = {'ON' if foreign_keys else 'OFF'}")
    cursor.close()
