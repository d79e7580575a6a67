"""Begins the short runs of all scenarios when the first test asks for one."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from tests.integration.scenarios.runs import AT_ONCE, Runs, write_probe
from tests.support.mariadb import *  # noqa: F403 - fixtures
from tests.support.mariadb import MariaDbServer

SMALL = ("--shards", "4", "--processes", "2", "--rate", "40", "--json")
SHORT = {
    # The longest first: nothing waits for them at the end.
    "scale": ("--shards", "5", "--rate", "30", "--seconds", "5"),
    "rolling-bad-image": ("--seconds", "20"),
    "rolling there and back": ("--seconds", "5", "--schema-change", "--back"),
    "rolling": ("--seconds", "5"),
    "kill": ("--processes", "3", "--seconds", "14"),
    "freeze": ("--processes", "3", "--seconds", "24"),
    "gateway-faults": ("--seconds", "12"),
    "restart": ("--seconds", "15"),
    "stop-start": ("--seconds", "6"),
    "token-revoked": ("--seconds", "6"),
    # A shard pauses for up to 5 s after op 9, and for 5 s after its last IDENTIFY, before it asks for its turn.
    "identify-exhausted": ("--seconds", "16"),
    "cold-start": ("--shards", "20", "--processes", "1", "--seconds", "4"),
    "steady": ("--seconds", "5"),
}
"""What each short run is asked for, besides `SMALL`; its scenario is its first word."""


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give the threads that wait for runs."""
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield threads


def begin_all(pool: ThreadPoolExecutor, folder: Path, database: Callable[[], list[str]]) -> Runs:
    """Begin every short run, each with a folder for what it leaves."""
    runs, numbers = Runs(pool), itertools.count(1)

    def words(name: str) -> Sequence[str]:
        keep = folder / f"{name.replace(' ', '-')}-{next(numbers)}"
        return "scenario", name.split(" ", maxsplit=1)[0], *SMALL, *SHORT[name], "--keep", str(keep), *database()

    for name in SHORT:
        runs.begin(name, *words(name), again=partial(words, name))
    return runs


@pytest.fixture(scope="session")
def sqlite_runs(pool: ThreadPoolExecutor, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Give the runs of every scenario on SQLite, and one with another probe."""
    runs = begin_all(pool, tmp_path_factory.mktemp("sqlite"), list)
    probe = write_probe(tmp_path_factory.mktemp("probe"))
    other = ("--probe", "plain", "--probe-directory", str(probe))
    runs.begin("another probe", "scenario", "steady", *SMALL, *other, "--processes", "1", "--seconds", "4")
    return runs


@pytest.fixture(scope="session")
def mariadb_runs(
    pool: ThreadPoolExecutor, mariadb_server: MariaDbServer, tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    """Give the runs of every scenario on MariaDB, each with a database of its own."""
    numbers = itertools.count(1)

    def database() -> list[str]:
        name = f"scenario_{next(numbers)}"
        asyncio.run(mariadb_server.execute(f"CREATE DATABASE {name}"))
        return ["--database", mariadb_server.url(name)]

    return begin_all(pool, tmp_path_factory.mktemp("mariadb"), database)


@pytest.fixture(
    params=[pytest.param("sqlite", id="sqlite"), pytest.param("mariadb", marks=pytest.mark.mariadb, id="mariadb")]
)
def runs(request: pytest.FixtureRequest) -> Runs:
    """Give the runs on one kind of database."""
    found = request.getfixturevalue(f"{request.param}_runs")
    assert isinstance(found, Runs)
    return found
