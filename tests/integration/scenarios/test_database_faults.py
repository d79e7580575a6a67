"""Fleets that lose their database, one process of which loses it, or with which everything goes wrong at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.scenarios.conftest import SMALL
from tests.integration.scenarios.runs import Runs, migaga

pytestmark = [pytest.mark.mariadb, pytest.mark.timeout(900)]  # Whoever comes first waits for what was begun before.


def test_a_database_that_is_away_for_half_a_minute_costs_nothing(fault_runs: Runs) -> None:
    last = fault_runs.passed("database-outage")
    assert (last["repeated"], last["resumes"], last["identifies"], last["faults"]) == (0, 0, 4, {"outage": 1})
    assert last["interactions_answered"] == last["interactions_sent"] > 10
    assert last["expired"] == 0


def test_a_process_that_is_cut_off_is_replaced_and_comes_back(fault_runs: Runs) -> None:
    last = fault_runs.passed("partition")
    assert (last["identifies"], last["faults"], len(last["pids"])) == (4, {"partition": 1}, 3)
    assert 1 <= last["resumes"] <= 8


@pytest.mark.parametrize("name", ["chaos", "chaos on sqlite"])
def test_everything_at_once_loses_nothing(fault_runs: Runs, name: str) -> None:
    last = fault_runs.passed(name)
    assert sum(last["faults"].values()) > 2
    assert last["identifies"] >= 4


@pytest.mark.parametrize("name", ["database-outage", "partition"])
def test_without_a_server_there_is_nothing_to_be_cut_off_from(name: str, tmp_path: Path) -> None:
    ended = migaga("scenario", name, *SMALL, "--seconds", "5", "--keep", str(tmp_path))
    assert ended.code == 64
    assert "--database mysql+asyncmy://" in ended.err
    assert len(ended.err.splitlines()) == 1
