"""Locks that one process of a fleet at a time holds, over the database: for a change of the schema, and for others.

`schema.py` and the framework's `register.py` hold one each. It goes with its process, however that ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path
from typing import TypeAlias

import sqlalchemy as sa

from migaga.common.errors import ConfigError, UnavailableError
from migaga.storage.database import Database

_POLL = 0.05
_TryOnce: TypeAlias = Callable[[], Awaitable[bool]]


@asynccontextmanager
async def process_lock(database: Database, name: str, timeout: float, doing: str) -> AsyncIterator[None]:
    """Hold a lock that all processes over one database share.

    Args:
        database: Whose.
        name: Which lock: `schema`, `commands`. Different names do not wait for each other.
        timeout: Seconds to wait for another process.
        doing: What is done under it, for the message: `changing the schema`.

    Raises:
        UnavailableError: Another process has held it for `timeout` seconds.
        ConfigError: The lock's file beside a SQLite database cannot be written.
    """
    too_long = UnavailableError(
        f"database {database.label}: another process has been {doing} for {timeout:g} s. "
        "Wait for it to end, or end it, then try again."
    )
    held = _server_lock(database, name) if database.path is None else _file_lock(database.path, name)
    async with held as try_once:
        deadline = time.monotonic() + timeout
        while not await try_once():
            if time.monotonic() >= deadline:
                raise too_long
        yield


@asynccontextmanager
async def _server_lock(database: Database, name: str) -> AsyncIterator[_TryOnce]:
    """`GET_LOCK` on a connection of its own. Its names are the server's, so the database's name is part of it."""
    async with database.maintenance() as connection:
        place = blake2b(str(database.maintenance_engine.url.database).encode(), digest_size=12).hexdigest()
        lock = {"name": f"migaga.{name}.{place}"}

        async def try_once() -> bool:
            # A short wait, so that a cancelled start does not leave a connection waiting for the lock.
            return bool(await connection.scalar(sa.text("SELECT GET_LOCK(:name, 1)"), lock) == 1)

        yield try_once
        await connection.execute(sa.text("DO RELEASE_LOCK(:name)"), lock)


@asynccontextmanager
async def _file_lock(path: Path, name: str) -> AsyncIterator[_TryOnce]:
    """A locked file beside the database: SQLite's own lock would end with each commit."""
    file = path.with_name(f"{path.name}.{name}.lock")
    try:
        handle = await asyncio.to_thread(os.open, file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error}): let this user write in its folder") from error

    async def try_once() -> bool:
        try:
            if _try_lock(handle):
                return True
        except OSError as error:
            raise ConfigError(f"{file} cannot be locked ({error}): put the database on a local disk") from error
        await asyncio.sleep(_POLL)
        return False

    try:
        yield try_once
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
