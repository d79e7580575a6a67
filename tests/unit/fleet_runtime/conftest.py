"""A fleet's tables in a SQLite file of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from migaga.storage.database import open_database
from migaga.storage.leases import LeaseStore, open_lease_store


@pytest.fixture
async def store(migaga_database_url: str) -> AsyncIterator[LeaseStore]:
    async with open_database(migaga_database_url) as database, open_lease_store(database) as opened:
        yield opened
