"""Every scenario that replaces, ends or disturbs processes or their gateway passes, and counts what it did."""

from __future__ import annotations

import sqlite3

import pytest
from tests.integration.scenarios.runs import Runs

pytestmark = pytest.mark.timeout(900)  # Whoever comes first waits for all that were begun before it.


def test_in_a_steady_fleet_everything_is_handled_once_and_answered(runs: Runs) -> None:
    last = runs.passed("steady")
    assert (last["repeated"], last["handovers"], last["identifies"], last["gap_ms"]["n"]) == (0, 0, 4, 0)
    assert last["interactions_answered"] == last["interactions_sent"] > 3
    assert {"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_REACTION_ADD", "INTERACTION_CREATE"} <= set(
        last["events_by_type"]
    )
    assert len(last["pids"]) == 2
    assert last["emulator"]["replay_events"] == 1_000


def test_a_roll_moves_every_shard_once_and_nobody_notices(runs: Runs) -> None:
    last = runs.passed("rolling")
    assert (last["identifies"], last["handovers"], last["repeated"], last["expired"]) == (4, 4, 0, 0)
    assert (last["faults"], len(last["pids"])) == ({"roll": 1}, 4)
    assert last["gap_ms"]["n"] == 4
    assert last["interactions_answered"] == last["interactions_sent"] > 10


def test_a_roll_with_another_schema_goes_back_half_way_and_both_releases_write(runs: Runs) -> None:
    last = runs.passed("rolling there and back")
    assert (last["identifies"], last["repeated"], last["faults"]) == (4, 0, {"roll": 1, "roll_back": 1})
    # One of two was replaced, then both that there were.
    assert len(last["pids"]) == 5
    assert 4 < last["handovers"] <= 8


def test_a_bad_image_gets_one_shard_at_most_and_the_roll_stops(runs: Runs) -> None:
    last = runs.passed("rolling-bad-image")
    assert last["identifies"] == 4
    assert len(last["pids"]) >= 3


def test_others_go_on_for_processes_that_were_killed(runs: Runs) -> None:
    last = runs.passed("kill")
    assert (last["identifies"], last["faults"], len(last["pids"])) == (4, {"kill": 1}, 4)


def test_frozen_processes_go_on_or_are_replaced_and_nothing_is_lost(runs: Runs) -> None:
    last = runs.passed("freeze")
    assert (last["identifies"], last["faults"], len(last["pids"])) == (4, {"freeze": 2}, 3)


def test_a_process_that_is_killed_goes_on_in_its_place(runs: Runs) -> None:
    last = runs.passed("restart")
    assert (last["identifies"], last["faults"], len(last["pids"])) == (4, {"restart": 1}, 3)


def test_shards_are_shared_out_anew_when_processes_come_and_go(runs: Runs) -> None:
    last = runs.passed("scale")
    assert (last["identifies"], last["repeated"], last["faults"]) == (5, 0, {"scale": 2})
    assert len(last["pids"]) == 6
    assert last["handovers"] >= 3


def test_gateway_faults_lose_nothing_and_identify_only_where_nothing_else_is_left(runs: Runs) -> None:
    last = runs.passed("gateway-faults")
    assert sum(last["faults"].values()) >= 6
    assert last["resumes"] > 0
    assert last["gap_ms"]["n"] > 0


def test_a_revoked_token_is_tried_no_more_and_all_is_well_with_a_good_one(runs: Runs) -> None:
    last = runs.passed("token-revoked")
    assert (last["identifies"], last["faults"]) == (8, {"token": 1})
    assert last["undeliverable"] > 0


def test_a_fleet_that_is_stopped_and_started_resumes_every_shard(runs: Runs) -> None:
    last = runs.passed("stop-start")
    assert (last["identifies"], last["repeated"], last["faults"]) == (4, 0, {"stop": 2})
    assert len(last["pids"]) == 4


def test_with_the_budget_used_up_nothing_is_tried_and_the_reason_is_shown(runs: Runs) -> None:
    last = runs.passed("identify-exhausted")
    assert (last["identifies"], last["faults"]) == (4, {"budget": 1, "op_9": 1})


def test_a_cold_start_is_as_quick_as_discord_allows(runs: Runs) -> None:
    last = runs.passed("cold-start")
    assert (last["identifies"], last["processes"], last["emulator"]["max_concurrency"]) == (20, 1, 16)


def test_another_probe_from_a_folder_of_its_own_does_as_well(sqlite_runs: Runs) -> None:
    assert sqlite_runs.passed("another probe")["processes"] == 1


def test_what_is_kept_is_there_and_the_effects_can_be_read(sqlite_runs: Runs) -> None:
    sqlite_runs.passed("steady")
    kept = sqlite_runs.kept("steady")
    with sqlite3.connect(kept / "fleet.db") as database:
        (rows,) = database.execute("SELECT COUNT(*) FROM probe_effects").fetchone()
    database.close()
    assert rows > 20
    assert (kept / "process-0.log").stat().st_size > 0
