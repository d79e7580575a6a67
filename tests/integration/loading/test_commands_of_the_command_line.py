"""`migaga modules` and `migaga new`, as processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.forked import Forked


def test_modules_are_listed_with_what_does_not_load(tmp_path: Path, forked: Forked) -> None:
    (tmp_path / "broken.py").write_text("1/0")
    done = forked.migaga("modules", "list", "--directory", str(tmp_path), folder=tmp_path)
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0].split()[:2] == ["MODULE", "COMMANDS"]
    assert any(line.startswith("points") for line in lines)
    assert "module broken: it fails while it is imported: ZeroDivisionError" in done.err


def test_the_json_of_a_module_holds_everything(tmp_path: Path, forked: Forked) -> None:
    done = forked.migaga("modules", "list", "--json", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    listed = json.loads(done.out)
    assert listed["failures"] == []
    [points] = [module for module in listed["modules"] if module["name"] == "points"]
    expected = {
        "name",
        "title",
        "description",
        "source",
        "commands",
        "options",
        "listeners",
        "tasks",
        "intents",
        "handlers",
    }
    assert expected <= points.keys()
    [handler] = [handler for handler in points["handlers"] if handler["handler"] == "give"]
    assert (handler["kind"], handler["answers"], handler["context"]) == ("command", "points give", "Context")
    assert handler["parameters"][1] == {"name": "amount", "kind": "amount", "required": True}
    assert (handler["permissions"], handler["guild_only"]) == (["MANAGE_GUILD"], True)
    [give] = [command for command in points["commands"] if command["path"] == "points give"]
    assert "points add" in give["text_names"]
    assert [parameter["name"] for parameter in give["parameters"]][:2] == ["member", "amount"]


def test_one_module_is_shown(tmp_path: Path, forked: Forked) -> None:
    done = forked.migaga("modules", "show", "points", folder=tmp_path)
    assert done.code == 0
    assert "/points give member: amount:" in done.out
    assert "intents: GUILD_MESSAGES, MESSAGE_CONTENT" in done.out
    assert "MANAGE_GUILD, guild" in done.out


def test_an_unknown_module_is_told_the_nearest(tmp_path: Path, forked: Forked) -> None:
    done = forked.migaga("modules", "show", "pionts", folder=tmp_path)
    assert done.code == 64
    assert "there is no module 'pionts'. Did you mean \"points\"?" in done.err


def test_a_new_module_loads_and_its_test_passes(tmp_path: Path, forked: Forked) -> None:
    done = forked.migaga("new", "module", "hello_there", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    shown = forked.migaga("modules", "show", "hello_there", "--directory", ".", folder=tmp_path)
    assert "/hello-there [name:]" in shown.out
    arguments = ("-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", "hello_there")
    tested = forked.start("import sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))", *arguments, folder=tmp_path)[0]
    assert tested.code == 0, tested.out + tested.err


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Bad-Name", "lower case"),
        ("points", "there is a module 'points' already"),
        ("class", "word of Python"),
        ("test_x", "not loaded"),
        ("taken", "exists already"),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, forked: Forked, name: str, told: str) -> None:
    (tmp_path / "taken.py").write_text("")
    done = forked.migaga("new", "module", name, folder=tmp_path)
    assert done.code == 64
    assert told in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["taken.py"]
