"""Begins the short runs of all scenarios when the first test asks for one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.scenarios.runs import AT_ONCE, Runs, write_probe
from tests.support.mariadb import *  # noqa: F403 - fixtures
from tests.support.mariadb import MariaDbServer

SMALL = ("--shards", "4", "--processes", "2", "--rate", "40", "--json")


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder in which the steady run leaves its logs and its database."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory, kept: Path) -> Iterator[Runs]:
    """Give the runs of every scenario on SQLite, and of one with another probe."""
    probe = write_probe(tmp_path_factory.mktemp("probe"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        all_of_them = Runs(pool)
        for name, seconds in (
            ("gateway-faults", 12),
            ("token-revoked", 6),
            ("stop-start", 6),
            ("restart", 6),
            ("identify-exhausted", 6),
        ):
            all_of_them.begin(name, "scenario", name, *SMALL, "--seconds", str(seconds))
        all_of_them.begin("steady", "scenario", "steady", *SMALL, "--seconds", "5", "--keep", str(kept))
        all_of_them.begin("cold-start", "scenario", "cold-start", "--shards", "20", "--rate", "40", "--seconds", "4")
        other = ("--probe", "plain", "--probe-directory", str(probe))
        all_of_them.begin("another probe", "scenario", "steady", *SMALL, *other, "--processes", "1", "--seconds", "4")
        yield all_of_them


@pytest.fixture
def mariadb_address(mariadb_server: MariaDbServer, tmp_path: Path) -> Iterator[str]:
    """Give the address of an empty MariaDB database to a test that runs processes and no event loop."""
    name = f"scenario_{abs(hash(tmp_path)) % 10**8}"
    asyncio.run(mariadb_server.execute(f"CREATE DATABASE {name}"))
    yield mariadb_server.url(name)
    asyncio.run(mariadb_server.execute(f"DROP DATABASE {name}"))
