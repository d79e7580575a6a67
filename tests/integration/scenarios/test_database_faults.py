"""Fleets that lose their database, one process of which loses it, or with which everything goes wrong at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.integration.scenarios.conftest import SMALL
from tests.integration.scenarios.runs import Runs, migaga
from tests.support.mariadb import MariaDbServer

AT_ONCE = 2
"""Runs beside each other: another file has some of its own meanwhile."""
pytestmark = pytest.mark.mariadb


@pytest.fixture(scope="module")
def faults(mariadb_server: MariaDbServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Give a short run of each of these scenarios, the longest first."""
    folder, numbers = tmp_path_factory.mktemp("faults"), itertools.count(1)

    def server() -> tuple[str, str]:
        name = f"faults_{next(numbers)}"
        asyncio.run(mariadb_server.execute(f"CREATE DATABASE {name}"))
        return "--database", mariadb_server.url(name)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        runs = Runs(pool)

        def begin(name: str, *more: str, on_server: bool = True) -> None:
            def words() -> tuple[str, ...]:
                keep = folder / f"{next(numbers)}"
                database = server() if on_server else ()
                return "scenario", name.partition(" ")[0], *SMALL, *more, "--keep", str(keep), *database

            runs.begin(name, *words(), again=words)

        begin("database-outage", "--seconds", "6")
        begin("partition", "--processes", "3", "--seconds", "10")
        begin("chaos", "--processes", "3", "--seconds", "30", "--seed", "3")
        begin("chaos on sqlite", "--processes", "3", "--seconds", "25", "--seed", "4", on_server=False)
        yield runs


def test_a_database_that_is_away_for_half_a_minute_costs_nothing(faults: Runs) -> None:
    last = faults.passed("database-outage")
    assert (last["repeated"], last["resumes"], last["identifies"], last["faults"]) == (0, 0, 4, {"outage": 1})
    assert last["interactions_answered"] == last["interactions_sent"] > 10
    assert last["expired"] == 0


def test_a_process_that_is_cut_off_is_replaced_and_comes_back(faults: Runs) -> None:
    last = faults.passed("partition")
    assert (last["identifies"], last["faults"], len(last["pids"])) == (4, {"partition": 1}, 3)
    assert 1 <= last["resumes"] <= 8


@pytest.mark.parametrize("name", ["chaos", "chaos on sqlite"])
def test_everything_at_once_loses_nothing(faults: Runs, name: str) -> None:
    last = faults.passed(name)
    assert sum(last["faults"].values()) > 2
    assert last["identifies"] >= 4


@pytest.mark.parametrize("name", ["database-outage", "partition"])
def test_without_a_server_there_is_nothing_to_be_cut_off_from(name: str, tmp_path: Path) -> None:
    ended = migaga("scenario", name, *SMALL, "--seconds", "5", "--keep", str(tmp_path))
    assert ended.code == 64
    assert "--database mysql+asyncmy://" in ended.err
    assert len(ended.err.splitlines()) == 1
