"""Fleets of whole processes, on each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.fleet.town import Town, open_town
from tests.support.mariadb import *  # noqa: F403 - fixtures


@pytest.fixture
async def town(tmp_path: Path, database_url: str) -> AsyncIterator[Town]:
    """Give a bot with four shards and no process yet."""
    async with open_town(tmp_path, database_url) as town:
        yield town
