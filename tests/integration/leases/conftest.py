"""Ownership on real databases, by real processes."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.forked import *  # noqa: F403
from tests.support.mariadb import *  # noqa: F403

from migaga.storage.database import Database
from migaga.storage.leases import LeaseStore, open_lease_store


@pytest.fixture
async def store(database: Database) -> AsyncIterator[LeaseStore]:
    """Yield the store of one process: the test runs on each kind of database."""
    async with open_lease_store(database) as opened:
        yield opened
