"""A bot that keeps its data in a MariaDB server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from tests.support.mariadb import *  # noqa: F403

from migaga.testing.bot import TestBot, run_bot


@pytest.fixture
async def mariadb_bot(mariadb_url: str) -> AsyncIterator[TestBot]:
    async with run_bot(mariadb_url) as bot:
        yield bot
