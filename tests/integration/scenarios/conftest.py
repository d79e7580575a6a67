"""Begins the short runs that the collected tests will ask for, all in one queue: a few go on beside each other."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
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


CHANGES = ("--shards", "2", "--processes", "1", "--rate", "20", "--seconds", "10", "--json")
"""What a change of shard count or intents is asked for."""
RUNS = ("sqlite_runs", "mariadb_runs", "fault_runs", "change_runs", "change_runs_on_mariadb", "demo_runs")
"""The fixtures that begin runs, the longest ones first."""


@pytest.fixture(scope="session", autouse=True)
def _begin_early(request: pytest.FixtureRequest) -> None:
    """Begin everything that is going to be asked for, so that no test waits for a run that could have been begun."""
    wanted: set[str] = set()
    for item in request.session.items:
        wanted |= set(getattr(item, "fixturenames", ()))
        wanted |= {str(value) for value in getattr(getattr(item, "callspec", None), "params", {}).values()}
    if "runs" in wanted:
        wanted |= {f"{kind}_runs" for kind in ("sqlite", "mariadb")}
    for name in RUNS:
        if name in wanted:
            # Without a server its tests are skipped, each by its own fixture.
            with suppress(pytest.skip.Exception):
                request.getfixturevalue(name)


@pytest.fixture(scope="session")
def pool() -> Iterator[ThreadPoolExecutor]:
    """Give the threads that wait for runs."""
    threads = ThreadPoolExecutor(AT_ONCE)
    yield threads
    threads.shutdown(cancel_futures=True)


def begin_all(pool: ThreadPoolExecutor, folder: Path, database: Callable[[], Sequence[str]]) -> Runs:
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

    return begin_all(
        pool,
        tmp_path_factory.mktemp("mariadb"),
        lambda: _new_database(mariadb_server, f"scenario_{next(numbers)}"),
    )


@pytest.fixture(scope="session")
def fault_runs(
    pool: ThreadPoolExecutor, mariadb_server: MariaDbServer, tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    """Give the runs in which a database goes away, or everything goes wrong at once; the longest first."""
    folder, numbers, runs = tmp_path_factory.mktemp("faults"), itertools.count(1), Runs(pool)

    def begin(name: str, *more: str, on_server: bool = True) -> None:
        def words() -> tuple[str, ...]:
            keep = folder / f"{next(numbers)}"
            database = _new_database(mariadb_server, f"faults_{next(numbers)}") if on_server else ()
            return "scenario", name.partition(" ")[0], *SMALL, *more, "--keep", str(keep), *database

        runs.begin(name, *words(), again=words)

    begin("database-outage", "--seconds", "6")
    begin("partition", "--processes", "3", "--seconds", "10")
    begin("chaos", "--processes", "3", "--seconds", "30", "--seed", "3")
    begin("chaos on sqlite", "--processes", "3", "--seconds", "25", "--seed", "4", on_server=False)
    return runs


@pytest.fixture(scope="session")
def change_runs(pool: ThreadPoolExecutor) -> Runs:
    """Give the runs of other shard counts and intents on SQLite."""
    runs = Runs(pool)
    for name in ("reshard", "intents"):
        words = ("scenario", name, *CHANGES)
        runs.begin(name, *words, again=partial(tuple, words))
    return runs


@pytest.fixture(scope="session")
def change_runs_on_mariadb(pool: ThreadPoolExecutor, mariadb_server: MariaDbServer) -> Runs:
    """Give the runs of other shard counts on MariaDB, each with a database of its own."""
    runs, numbers = Runs(pool), itertools.count(1)

    def words(name: str) -> Sequence[str]:
        database = _new_database(mariadb_server, f"{name.replace('-', '_')}_{next(numbers)}")
        return "scenario", name, *CHANGES, *database

    for name in ("reshard", "reshard-abort"):
        runs.begin(name, *words(name), again=partial(words, name))
    return runs


@pytest.fixture(scope="session")
def demo_runs(pool: ThreadPoolExecutor) -> Runs:
    """Give the demo."""
    runs = Runs(pool)
    words = ("demo", "--json")
    runs.begin("demo", *words, again=partial(tuple, words))
    return runs


def _new_database(server: MariaDbServer, name: str) -> tuple[str, str]:
    asyncio.run(server.execute(f"CREATE DATABASE {name}"))
    return "--database", server.url(name)


@pytest.fixture(
    params=[pytest.param("sqlite", id="sqlite"), pytest.param("mariadb", marks=pytest.mark.mariadb, id="mariadb")]
)
def runs(request: pytest.FixtureRequest) -> Runs:
    """Give the runs on one kind of database."""
    found = request.getfixturevalue(f"{request.param}_runs")
    assert isinstance(found, Runs)
    return found
