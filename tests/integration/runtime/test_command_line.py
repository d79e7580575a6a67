"""`migaga` itself: help, version, wrong words, interrupts and broken pipes."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integration.runtime.bots import environment, run_to_end

from migaga import __version__
from migaga.cli.main import COMMANDS, main
from migaga.cli.output import is_coloured, table


async def test_help_lists_all_commands_and_loads_none_of_them(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom migaga.cli.main import main\ncode = main(['--help'])\n"
        "heavy = {'hikari', 'sqlalchemy', 'aiohttp', 'migaga_emulator'} & set(sys.modules)\n"
        "assert not heavy, heavy\nsys.exit(code)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), stdout=subprocess.PIPE, env=environment(), cwd=tmp_path
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    for name, (_, summary) in COMMANDS.items():
        assert f"{name} " in out.decode()
        assert summary in out.decode()


@pytest.mark.parametrize("name", sorted(COMMANDS))
async def test_every_command_has_a_help_of_its_own(name: str, tmp_path: Path) -> None:
    ended = await run_to_end(name, "--help", cwd=tmp_path)
    assert ended.code == 0, ended.err
    assert f"usage: migaga {name}" in ended.out


async def test_the_version(tmp_path: Path) -> None:
    assert (await run_to_end("--version", cwd=tmp_path)).out == f"migaga {__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rnu"], 'Did you mean "run"?'),
        (["emulater", "--port", "1"], 'Did you mean "emulator"?'),
        (["--verison"], "there is no option"),
        (["run", "--confg", "x"], 'Did you mean "--config"?'),
        (["shard"], "--ids"),
        (["shard", "--ids", "x", "--count", "2"], "shard ids"),
        (["shard", "--ids", "0,5", "--count", "2"], "from 0 to 1, not 5"),
        (["shard", "--ids", "0", "--count", "none"], "whole number"),
        (["shard", "--ids=", "--count", "1"], "names no shard"),
        (["run", "--config"], "expected one argument"),
        (["run", "more"], "unrecognized arguments: more"),
    ],
)
async def test_wrong_words_are_one_line_and_exit_code_64(words: list[str], expected: str, tmp_path: Path) -> None:
    ended = await run_to_end(*words, cwd=tmp_path, env={"MIGAGA_ENV_TOKEN": "MTEx.a.b"})
    assert ended.code == 64
    assert expected in ended.err
    assert len(ended.err.strip().splitlines()) == 1


async def test_no_words_show_the_help(tmp_path: Path) -> None:
    ended = await run_to_end(cwd=tmp_path)
    assert ended.code == 64
    assert "commands:" in ended.out


async def test_a_broken_pipe_is_quiet(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m migaga.cli.main --help | true",
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=tmp_path,
    )
    _, err = await process.communicate()
    assert err == b""


def test_main_returns_the_exit_code() -> None:
    assert main(["--version"]) == 0


def test_tables_are_aligned_and_colours_are_for_terminals_only() -> None:
    assert table(["name", "n"], [["a", 1], ["long name", None]]) == "NAME       N\na          1\nlong name"

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert is_coloured(Terminal(), {})
    assert not is_coloured(Terminal(), {"NO_COLOR": "1"})
    assert not is_coloured(io.StringIO(), {})
