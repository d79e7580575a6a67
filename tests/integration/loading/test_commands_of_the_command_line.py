"""`migaga modules` and `migaga new`, as processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def migaga(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("MIGAGA_")}
    command = [sys.executable, "-m", "migaga.cli.main", *words]
    return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60)


def test_modules_are_listed_with_what_does_not_load(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("1/0")
    done = migaga(tmp_path, "modules", "list", "--directory", str(tmp_path))
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["MODULE", "COMMANDS"]
    assert any(line.startswith("points") for line in lines)
    assert "module broken: it fails while it is imported: ZeroDivisionError" in done.stderr


def test_the_json_of_a_module_holds_everything(tmp_path: Path) -> None:
    done = migaga(tmp_path, "modules", "list", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(done.stdout)
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


def test_one_module_is_shown(tmp_path: Path) -> None:
    done = migaga(tmp_path, "modules", "show", "points")
    assert done.returncode == 0
    assert "/points give member: amount:" in done.stdout
    assert "intents: GUILD_MESSAGES, MESSAGE_CONTENT" in done.stdout
    assert "MANAGE_GUILD, guild" in done.stdout


def test_an_unknown_module_is_told_the_nearest(tmp_path: Path) -> None:
    done = migaga(tmp_path, "modules", "show", "pionts")
    assert done.returncode == 64
    assert "there is no module 'pionts'. Did you mean \"points\"?" in done.stderr


def test_a_new_module_loads_and_its_test_passes(tmp_path: Path) -> None:
    done = migaga(tmp_path, "new", "module", "hello_there")
    assert (done.returncode, done.stderr) == (0, "")
    shown = migaga(tmp_path, "modules", "show", "hello_there", "--directory", ".")
    assert "/hello-there [name:]" in shown.stdout
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "hello_there"]
    tested = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert tested.returncode == 0, tested.stdout + tested.stderr


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
def test_a_name_that_cannot_be_is_refused(tmp_path: Path, name: str, told: str) -> None:
    (tmp_path / "taken.py").write_text("")
    done = migaga(tmp_path, "new", "module", name)
    assert done.returncode == 64
    assert told in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["taken.py"]
