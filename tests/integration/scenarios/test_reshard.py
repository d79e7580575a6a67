"""Fleets whose shard count or intents change while people go on, and fleets whose change is given up."""

from __future__ import annotations

import pytest
from tests.integration.scenarios.runs import Runs

pytestmark = pytest.mark.timeout(900)  # Whoever comes first waits for what was begun before.


@pytest.mark.parametrize("kind", ["change_runs", pytest.param("change_runs_on_mariadb", marks=pytest.mark.mariadb)])
def test_shards_become_more_and_fewer_and_nobody_notices(request: pytest.FixtureRequest, kind: str) -> None:
    runs = request.getfixturevalue(kind)
    assert isinstance(runs, Runs)
    last = runs.passed("reshard")
    # 2, then 4, then 3.
    assert (last["identifies"], last["faults"]) == (9, {"reshard": 2})
    assert last["repeated"] <= last["events_sent"] / 1_000
    assert last["interactions_answered"] == last["interactions_sent"] > 10
    assert len(last["pids"]) == 3


def test_other_intents_are_other_sessions_beside_the_ones_that_go_on(change_runs: Runs) -> None:
    last = change_runs.passed("intents")
    assert (last["identifies"], last["faults"]) == (6, {"intents": 2})
    assert last["repeated"] <= last["events_sent"] / 1_000
    assert last["events_by_type"]["MESSAGE_REACTION_ADD"] > 10


@pytest.mark.mariadb
def test_a_change_that_cannot_be_is_given_up_and_everything_goes_on(change_runs_on_mariadb: Runs) -> None:
    last = change_runs_on_mariadb.passed("reshard-abort")
    # 2 at the start, 4 that never had all guilds; 3 that were never tried.
    assert (last["identifies"], last["repeated"]) == (6, 0)
    assert last["faults"] == {"reshard_unready": 1, "reshard_refused": 1}
    assert last["interactions_answered"] == last["interactions_sent"] > 10
