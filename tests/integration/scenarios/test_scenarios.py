"""Every scenario runs, passes, and says so in the words of its contract."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.integration.scenarios.conftest import SMALL
from tests.integration.scenarios.runs import Runs, migaga

from migaga_emulator.scenarios.catalogue import SCENARIOS

FIELDS = [
    *("scenario", "seed", "shards", "processes", "pids", "database", "emulator", "events_sent", "events_by_type"),
    *("events_handled", "lost", "repeated", "expired", "undeliverable", "effects_lost", "effects_repeated"),
    *("identifies", "identifies_rejected", "resumes", "handovers", "faults", "interactions_sent"),
    *("interactions_answered", "gap_ms", "passed", "why"),
]


def passed(runs: Runs, name: str) -> Mapping[str, Any]:
    ended = runs.ended(name)
    assert ended.code == 0, ended.out[-3_000:] + ended.err
    last = ended.last
    assert list(last) == FIELDS
    assert (last["passed"], last["why"], last["lost"]) == (True, [], 0)
    assert (last["effects_lost"], last["effects_repeated"], last["identifies_rejected"]) == (0, 0, 0)
    assert last["events_sent"] == last["events_handled"] + last["undeliverable"] > 100
    assert sum(last["events_by_type"].values()) == last["events_sent"]
    return last


def test_gateway_faults_lose_nothing_and_identify_only_where_nothing_else_is_left(runs: Runs) -> None:
    last = passed(runs, "gateway-faults")
    assert sum(last["faults"].values()) >= 6
    assert last["resumes"] > 0
    assert last["gap_ms"]["n"] > 0
    assert last["handovers"] == 0


def test_in_a_steady_fleet_everything_is_handled_once_and_answered(runs: Runs) -> None:
    last = passed(runs, "steady")
    assert (last["repeated"], last["resumes"], last["identifies"], last["gap_ms"]["n"]) == (0, 0, 4, 0)
    assert last["interactions_answered"] == last["interactions_sent"] > 3
    assert {"MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_REACTION_ADD", "INTERACTION_CREATE"} <= set(
        last["events_by_type"]
    )
    assert len(set(last["pids"])) == 2
    assert last["emulator"]["replay_events"] == 1_000
    assert last["database"].startswith("sqlite")


def test_a_revoked_token_ends_every_process_once_and_all_is_well_with_a_good_one(runs: Runs) -> None:
    last = passed(runs, "token-revoked")
    assert (last["identifies"], last["faults"], len(last["pids"])) == (8, {"token": 1}, 4)
    assert last["undeliverable"] > 0


def test_a_fleet_that_is_stopped_and_started_hands_every_shard_over(runs: Runs) -> None:
    last = passed(runs, "stop-start")
    assert (last["identifies"], last["resumes"], last["handovers"], last["repeated"]) == (4, 4, 4, 0)


def test_a_process_that_is_killed_resumes_in_its_place(runs: Runs) -> None:
    last = passed(runs, "restart")
    assert (last["identifies"], last["resumes"], last["handovers"], last["faults"]) == (4, 2, 0, {"kill": 1})
    assert len(last["pids"]) == 3


def test_with_the_budget_used_up_nothing_is_tried_and_the_reason_is_shown(runs: Runs) -> None:
    last = passed(runs, "identify-exhausted")
    assert (last["identifies"], last["faults"]) == (4, {"budget": 1, "op_9": 1})


def test_a_cold_start_is_as_quick_as_discord_allows(runs: Runs) -> None:
    last = passed(runs, "cold-start")
    assert (last["identifies"], last["processes"], last["emulator"]["max_concurrency"]) == (20, 1, 16)
    lines = runs.ended("cold-start").out.splitlines()[:-1]
    assert lines[0].startswith("cold-start: ")
    assert all(line.isprintable() for line in lines)


def test_another_probe_from_a_folder_of_its_own_does_as_well(runs: Runs) -> None:
    last = passed(runs, "another probe")
    assert last["processes"] == 1


@pytest.mark.mariadb
def test_on_mariadb_a_killed_process_leaves_each_effect_once(mariadb_address: str) -> None:
    ended = migaga("scenario", "restart", *SMALL, "--seconds", "8", "--database", mariadb_address)
    assert ended.code == 0, ended.out + ended.err
    last = ended.last
    assert (last["lost"], last["effects_lost"], last["effects_repeated"]) == (0, 0, 0)
    assert last["database"].startswith("mysql+asyncmy://migaga:***@127.0.0.1")
    assert "p%40ss" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("stedy",), "there is no scenario 'stedy'. Did you mean \"steady\"?"),
        (("steady", "--shards", "0"), "--shards is 0: write 1 to 1000."),
        (("steady", "--shards", "2", "--processes", "3"), "--processes is 3: write 1 to 2."),
        (("cold-start", "--processes", "2"), "--processes is 2: write 1 to 1."),
        (("steady", "--seconds", "0.5"), "--seconds is 0.5"),
        (("steady", "--rate", "-1"), "--rate is -1"),
        (("steady", "--probe-directory", "/nowhere"), "--probe-directory: there is no folder /nowhere."),
    ],
)
def test_a_wrong_wish_is_refused_in_one_line(words: tuple[str, ...], complaint: str) -> None:
    ended = migaga("scenario", *words)
    assert ended.code == 64
    assert len(ended.err.splitlines()) == 1
    assert complaint in ended.err


def test_a_fleet_that_cannot_start_is_told_in_one_line() -> None:
    ended = migaga("scenario", "steady", *SMALL, "--seconds", "3", "--database", "sqlite+aiosqlite:////nowhere/x.db")
    assert ended.code == 1
    assert not ended.out
    assert len(ended.err.splitlines()) == 1
    assert "the scenario could not be finished" in ended.err


def test_help_names_every_scenario() -> None:
    ended = migaga("scenario", "--help")
    assert ended.code == 0
    assert all(f"  {name} " in ended.out for name in SCENARIOS)


def test_what_is_kept_is_there_and_the_effects_can_be_read(runs: Runs, kept: Path) -> None:
    passed(runs, "steady")
    with sqlite3.connect(kept / "fleet.db") as database:
        (rows,) = database.execute("SELECT COUNT(*) FROM probe_effects").fetchone()
    database.close()
    assert rows > 20
    assert (kept / "process-0.log").stat().st_size > 0
