"""The lock under which one process at a time changes the schema. `schema.py` holds it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path

import sqlalchemy as sa

from migaga.common.errors import ConfigError, UnavailableError
from migaga.storage.database import Database

_POLL = 0.05


@asynccontextmanager
async def schema_lock(database: Database, timeout: float) -> AsyncIterator[None]:
    """Hold the schema's lock; it goes with the process, however that ends.

    Raises:
        UnavailableError: Somebody else has held it for `timeout` seconds.
    """
    if database.path is not None:
        async with _file_lock(database.path, timeout):
            yield
    else:
        async with _server_lock(database, timeout):
            yield


def _too_long(database: str, timeout: float) -> UnavailableError:
    return UnavailableError(
        f"database {database}: another process has been changing the schema for {timeout:g} s. "
        "Wait for it to end, or end it, then try again."
    )


@asynccontextmanager
async def _server_lock(database: Database, timeout: float) -> AsyncIterator[None]:
    """`GET_LOCK` on a connection of its own. Its names are the server's, so the database's name is part of it."""
    async with database.maintenance_engine.connect() as connection:
        name = blake2b(str(database.maintenance_engine.url.database).encode(), digest_size=12).hexdigest()
        lock = f"migaga.schema.{name}"
        deadline = time.monotonic() + timeout
        # Short waits, so that a cancelled start does not leave a connection waiting for the lock.
        while await connection.scalar(sa.text("SELECT GET_LOCK(:name, 1)"), {"name": lock}) != 1:
            if time.monotonic() >= deadline:
                raise _too_long(database.label, timeout)
        yield
        await connection.execute(sa.text("DO RELEASE_LOCK(:name)"), {"name": lock})


@asynccontextmanager
async def _file_lock(path: Path, timeout: float) -> AsyncIterator[None]:
    """A locked file beside the database: SQLite's own lock would end with each migration's commit."""
    file = path.with_name(path.name + ".schema.lock")
    try:
        handle = await asyncio.to_thread(os.open, file, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written ({error}): let this user write in its folder") from error
    try:
        deadline = time.monotonic() + timeout
        while not _try_lock(handle):
            if time.monotonic() >= deadline:
                raise _too_long(str(path), timeout)
            await asyncio.sleep(_POLL)
        yield
    finally:
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
