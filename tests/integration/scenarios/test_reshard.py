"""Fleets whose shard count or intents change while people go on, and fleets whose change is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.integration.scenarios.runs import Runs
from tests.support.mariadb import MariaDbServer

AT_ONCE = 2
"""Runs beside each other: other files have some of their own meanwhile."""
SMALL = ("--processes", "1", "--rate", "20", "--seconds", "10", "--json")


@pytest.fixture(scope="module")
def threads() -> Iterator[ThreadPoolExecutor]:
    """Give the threads that wait for runs."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


@pytest.fixture(scope="module")
def on_sqlite(threads: ThreadPoolExecutor) -> Runs:
    """Give the runs on SQLite."""
    runs = Runs(threads)
    runs.begin("reshard", "scenario", "reshard", "--shards", "2", *SMALL)
    runs.begin("intents", "scenario", "intents", "--shards", "2", *SMALL)
    return runs


@pytest.fixture(scope="module")
def on_mariadb(threads: ThreadPoolExecutor, mariadb_server: MariaDbServer) -> Runs:
    """Give the runs on MariaDB, each with a database of its own."""
    runs = Runs(threads)
    for name in ("reshard", "reshard-abort"):
        database = f"changes_{name.replace('-', '_')}"
        asyncio.run(mariadb_server.execute(f"CREATE DATABASE {database}"))
        runs.begin(name, "scenario", name, "--shards", "2", *SMALL, "--database", mariadb_server.url(database))
    return runs


@pytest.mark.parametrize("kind", ["on_sqlite", pytest.param("on_mariadb", marks=pytest.mark.mariadb)])
def test_shards_become_more_and_fewer_and_nobody_notices(request: pytest.FixtureRequest, kind: str) -> None:
    runs = request.getfixturevalue(kind)
    assert isinstance(runs, Runs)
    last = runs.passed("reshard")
    # 2, then 4, then 3.
    assert (last["identifies"], last["faults"]) == (9, {"reshard": 2})
    assert last["repeated"] <= last["events_sent"] / 1_000
    assert last["interactions_answered"] == last["interactions_sent"] > 10
    assert len(last["pids"]) == 3


def test_other_intents_are_other_sessions_beside_the_ones_that_go_on(on_sqlite: Runs) -> None:
    last = on_sqlite.passed("intents")
    assert (last["identifies"], last["faults"]) == (6, {"intents": 2})
    assert last["repeated"] <= last["events_sent"] / 1_000
    assert last["events_by_type"]["MESSAGE_REACTION_ADD"] > 10


@pytest.mark.mariadb
def test_a_change_that_cannot_be_is_given_up_and_everything_goes_on(on_mariadb: Runs) -> None:
    last = on_mariadb.passed("reshard-abort")
    # 2 at the start, 4 that never had all guilds; 3 that were never tried.
    assert (last["identifies"], last["repeated"]) == (6, 0)
    assert last["faults"] == {"reshard_unready": 1, "reshard_refused": 1}
    assert last["interactions_answered"] == last["interactions_sent"] > 10
