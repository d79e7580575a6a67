"""`migaga db`, as a person runs it."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest
from tests.support.mariadb import free_port


async def migaga(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "migaga.cli.main", *arguments,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "NO_COLOR": "1"},
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def configure(folder: Path, url: str) -> None:
    (folder / "config.ini").write_text(f"[Database]\nUrl = {url}\n\n[Modules]\nLoad = points\n")


async def test_a_database_is_upgraded_and_then_as_expected(database_url: str, tmp_path: Path) -> None:
    configure(tmp_path, database_url)
    code, out, err = await migaga(tmp_path, "db", "check")
    assert code == 1
    assert "core: add table: guild" in err
    code, out, err = await migaga(tmp_path, "db", "current", "--json")
    core = json.loads(out)["schemas"][0]
    assert (code, core["revision"], core["missing"]) == (0, None, ["core_0001"])
    code, out, err = await migaga(tmp_path, "db", "upgrade")
    assert code == 0
    assert "core: core_0001 applied\n" in err
    assert "module `points`: " in err
    lines = out.splitlines()
    assert lines[1].split() == ["SCHEMA", "REVISION", "STATE"]
    assert lines[2].split() == ["core", "core_0001", "1", "applied"]
    assert lines[2].index("core_0001") == lines[1].index("REVISION")
    code, out, err = await migaga(tmp_path, "db", "upgrade", "--json")
    assert (code, json.loads(out)["good"], err) == (0, True, "")
    assert [one["state"] for one in json.loads(out)["schemas"]] == ["up to date", "up to date"]
    code, out, err = await migaga(tmp_path, "db", "check")
    assert (code, err) == (0, "")
    assert "as expected" in out


@pytest.mark.parametrize(
    ("url", "code", "text"),
    [
        ("oracle://user:hidden@host/bot", 78, "not supported"),
        ("mysql://user:hidden@127.0.0.1:{port}/bot", 69, "not reachable"),
        ("sqlite:////absent/folder/bot.db", 78, "folder"),
    ],
)
async def test_a_database_that_cannot_be_used_is_one_line_and_a_code(
    tmp_path: Path, url: str, code: int, text: str
) -> None:
    configure(tmp_path, url.format(port=free_port()))
    returned, out, err = await migaga(tmp_path, "db", "upgrade")
    assert (returned, out) == (code, "")
    assert text in err
    assert "hidden" not in err
    assert len(err.splitlines()) == 1
