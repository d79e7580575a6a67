"""`migaga db`, as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.support.forked import Forked
from tests.support.mariadb import free_port


def configure(folder: Path, url: str) -> None:
    (folder / "config.ini").write_text(f"[Database]\nUrl = {url}\n\n[Modules]\nLoad = points\n")


def test_a_database_is_upgraded_and_then_as_expected(database_url: str, tmp_path: Path, forked: Forked) -> None:
    configure(tmp_path, database_url)
    done = forked.migaga("db", "check", folder=tmp_path)
    assert done.code == 1
    assert "core: add table: guild" in done.err
    done = forked.migaga("db", "current", "--json", folder=tmp_path)
    core = json.loads(done.out)["schemas"][0]
    assert (done.code, core["revision"], core["missing"]) == (0, None, ["core_0001"])
    done = forked.migaga("db", "upgrade", folder=tmp_path)
    assert done.code == 0
    assert "core: core_0001 applied\n" in done.err
    assert "module `points`: " in done.err
    lines = done.out.splitlines()
    assert lines[1].split() == ["SCHEMA", "REVISION", "STATE"]
    assert lines[2].split() == ["core", "core_0001", "1", "applied"]
    assert lines[2].index("core_0001") == lines[1].index("REVISION")
    done = forked.migaga("db", "upgrade", "--json", folder=tmp_path)
    assert (done.code, json.loads(done.out)["good"], done.err) == (0, True, "")
    assert [one["state"] for one in json.loads(done.out)["schemas"]] == ["up to date", "up to date"]
    done = forked.migaga("db", "check", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "as expected" in done.out


@pytest.mark.parametrize(
    ("url", "code", "text"),
    [
        ("oracle://user:hidden@host/bot", 78, "not supported"),
        ("mysql://user:hidden@127.0.0.1:{port}/bot", 69, "not reachable"),
        ("sqlite:////absent/folder/bot.db", 78, "folder"),
    ],
)
def test_a_database_that_cannot_be_used_is_one_line_and_a_code(
    tmp_path: Path, forked: Forked, url: str, code: int, text: str
) -> None:
    configure(tmp_path, url.format(port=free_port()))
    done = forked.migaga("db", "upgrade", folder=tmp_path)
    assert (done.code, done.out) == (code, "")
    assert text in done.err
    assert "hidden" not in done.err
    assert len(done.err.splitlines()) == 1
