"""pytest plugin for authors of modules: the fixture `bot`, the marker `modules`.

Loaded by every pytest run in an environment that has Migaga, so it imports nothing heavy until a fixture is used.
"""

from __future__ import annotations

import asyncio
import importlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from migaga.testing.bot import TestBot


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest about the marker."""
    config.addinivalue_line("markers", "modules(*names): load these modules into the fixture `bot` before the test")


@pytest.fixture(scope="session")
def migaga_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database that has the core's tables, to be copied for each test."""
    path = tmp_path_factory.mktemp("migaga") / "template.db"
    testing = importlib.import_module("migaga.testing.bot")
    asyncio.run(testing.make_template(path))
    return path


@pytest.fixture
def migaga_database_url(tmp_path: Path, migaga_template: Path) -> str:
    """Where the bot of this test keeps its data: a fresh SQLite file. Override it for another database."""
    path = tmp_path / "bot.db"
    shutil.copy(migaga_template, path)
    return f"sqlite+aiosqlite:///{path}"


@pytest_asyncio.fixture
async def bot(request: pytest.FixtureRequest, migaga_database_url: str) -> AsyncIterator[TestBot]:
    """A running bot in a guild of an emulated Discord. Load modules by the marker or `await bot.load(Module)`."""
    testing = importlib.import_module("migaga.testing.bot")
    async with testing.run_bot(migaga_database_url) as running:
        marker = request.node.get_closest_marker("modules")
        if marker is not None:
            await running.load(*marker.args)
        yield running
