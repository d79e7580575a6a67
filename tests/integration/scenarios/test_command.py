"""What `migaga scenario` says to people, and how it refuses what cannot be done."""

from __future__ import annotations

import pytest
from tests.integration.scenarios.conftest import SMALL
from tests.integration.scenarios.runs import migaga

from migaga_emulator.scenarios.catalogue import SCENARIOS


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("stedy",), "there is no scenario 'stedy'. Did you mean \"steady\"?"),
        (("steady", "--shards", "0"), "--shards is 0: write 1 to 1000."),
        (("steady", "--shards", "2", "--processes", "3"), "--processes is 3: write 1 to 2."),
        (("steady", "--seconds", "0.5"), "--seconds is 0.5"),
        (("steady", "--rate", "-1"), "--rate is -1"),
        (("steady", "--probe-directory", "/nowhere"), "--probe-directory: there is no folder /nowhere."),
        (("rolling", "--rolls", "0"), "--rolls is 0: write 1 to 100."),
        (("kill", "--back"), "--rolls, --back and --schema-change belong to the scenario rolling."),
        (("database-outage",), "this scenario cuts a fleet off from its database server"),
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


def test_help_names_every_scenario_and_option() -> None:
    ended = migaga("scenario", "--help")
    assert ended.code == 0
    assert all(f"  {name} " in ended.out for name in SCENARIOS)
    assert all(option in ended.out for option in ("--rolls", "--back", "--schema-change", "--keep", "--probe"))


def test_people_see_what_happens_line_by_line() -> None:
    ended = migaga("scenario", "steady", "--shards", "1", "--processes", "1", "--rate", "20", "--seconds", "3")
    assert ended.code == (0 if ended.last["passed"] else 1), ended.err
    lines = ended.out.splitlines()[:-1]
    assert lines[0].startswith("steady: ")
    assert all(line.isprintable() for line in lines)
