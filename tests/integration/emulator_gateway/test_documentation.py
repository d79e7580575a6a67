"""The examples and tables of docs/emulator.md: they run, and name what there is."""

from __future__ import annotations

import asyncio
import re
import shlex
import sys
from pathlib import Path

import aiohttp
import pytest

from migaga_emulator.control.acting import ACTIONS
from migaga_emulator.control.routes import ROUTES
from migaga_emulator.server import run_emulator

PAGE = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


async def test_the_python_example_runs(tmp_path: Path) -> None:
    (example,) = blocks("python")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", example, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=tmp_path
    )
    output, errors = await process.communicate()
    assert (process.returncode, output.decode(), errors.decode()) == (0, "Testy 0\n", "")


async def test_the_curl_examples_work() -> None:
    (example,) = blocks("sh")
    async with run_emulator() as emulator, aiohttp.ClientSession() as session:
        for line in example.splitlines():
            words = shlex.split(line.replace("$CONTROL", emulator.control_url))
            url = next(word for word in words if word.startswith("http"))
            data = words[words.index("-d") + 1] if "-d" in words else None
            async with session.request("POST" if "POST" in words else "GET", url, data=data) as response:
                assert response.status == 200, await response.text()


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_is_documented(action: str) -> None:
    assert f"`{action}`" in PAGE


@pytest.mark.parametrize("path", sorted({path for _, path, _ in ROUTES if path}))
def test_every_route_is_documented(path: str) -> None:
    short = path.removeprefix("/faults/")
    assert any(f"`{text}" in PAGE or f" {text}" in PAGE for text in (path, short))
