"""`migaga db`, as a person runs it."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.forked import COMMAND_LINE, Done, Forked
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
    assert (done.code, core["revision"], core["missing"]) == (0, None, ["core_0001", "core_0002"])
    done = forked.migaga("db", "upgrade", folder=tmp_path)
    assert done.code == 0
    assert "core: core_0001 applied\n" in done.err
    assert "module `points`: " in done.err
    lines = done.out.splitlines()
    assert lines[1].split() == ["SCHEMA", "REVISION", "STATE"]
    assert lines[2].split() == ["core", "core_0002", "2", "applied"]
    assert lines[2].index("core_0002") == lines[1].index("REVISION")
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
        ("mysql://user:hidden@no-such-host.invalid/bot", 69, "not reachable"),
        ("sqlite:////absent/folder/bot.db", 78, "does its folder exist"),
        ("sqlite:///folder", 78, "cannot be opened"),
        ("sqlite:///config.ini", 78, "something else than a SQLite database"),
    ],
)
@pytest.mark.parametrize("action", ["upgrade", "current", "check"])
def test_a_database_that_cannot_be_used_is_one_line_and_a_code(
    tmp_path: Path, forked: Forked, url: str, code: int, text: str, action: str
) -> None:
    (tmp_path / "folder").mkdir()
    configure(tmp_path, url.format(port=free_port()))
    refused(forked.migaga("db", action, folder=tmp_path), code, text)


@pytest.mark.mariadb
@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (("p%40ss", "hidden"), "the server refuses user or password"),
        (("/test_", "/absent_"), "this database does not exist"),
    ],
)
def test_a_server_that_refuses_is_one_line_and_a_code(
    tmp_path: Path, forked: Forked, mariadb_url: str, wrong: tuple[str, str], text: str
) -> None:
    configure(tmp_path, mariadb_url.replace(*wrong))
    refused(forked.migaga("db", "upgrade", folder=tmp_path), 78, text)


def refused(done: Done, code: int, text: str) -> None:
    assert (done.code, done.out) == (code, "")
    assert text in done.err
    assert "hidden" not in done.err
    assert "p%40ss" not in done.err
    assert len(done.err.splitlines()) == 1


def test_a_file_that_somebody_keeps_locked_can_be_looked_at_but_not_upgraded(tmp_path: Path, forked: Forked) -> None:
    configure(tmp_path, f"sqlite:///{tmp_path}/bot.db")
    assert forked.migaga("db", "upgrade", folder=tmp_path).code == 0
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        refused(forked.migaga("db", "upgrade", folder=tmp_path), 69, "another process keeps it locked")
        assert "up to date" in forked.migaga("db", "current", folder=tmp_path).out
        other.execute("ROLLBACK")


# Root may write everywhere, by this capability: without it the mode of a file counts for root too.
NO_OVERRIDE = """
import ctypes
header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
libc = ctypes.CDLL(None)
assert libc.capget(header, sets) == 0
sets[0] &= ~0b110
assert libc.capset(header, sets) == 0
"""


@pytest.mark.parametrize("mode", [0o444, 0o400])
def test_a_file_that_may_not_be_written_is_told(tmp_path: Path, forked: Forked, mode: int) -> None:
    configure(tmp_path, f"sqlite:///{tmp_path}/data/bot.db")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "bot.db").touch(mode)
    (tmp_path / "data").chmod(0o555)
    done = forked.start(NO_OVERRIDE + COMMAND_LINE, "db", "upgrade", folder=tmp_path)[0]
    (tmp_path / "data").chmod(0o755)
    refused(done, 78, "may")


def test_a_newer_schema_is_left_as_it_is(tmp_path: Path, forked: Forked) -> None:
    configure(tmp_path, f"sqlite:///{tmp_path}/bot.db")
    forked.migaga("db", "upgrade", folder=tmp_path)
    with closing(sqlite3.connect(tmp_path / "bot.db")) as other:
        other.execute("UPDATE schema_version SET version_num = 'core_9999'")
        other.commit()
    done = forked.migaga("db", "upgrade", folder=tmp_path)
    assert done.code == 0
    assert "core: at core_9999, newer than this code: left as it is" in done.err
    assert "newer than this code" in forked.migaga("db", "current", folder=tmp_path).out
