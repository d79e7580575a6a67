"""examples/own-module: its Dockerfile carried out, and its bot run by the node code from the tree that comes out."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.runtime.bots import environment
from tests.support.dockerfile import Tree, base_tree, build_tree, instructions

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.person import Person
from migaga_emulator.rules import Rules
from migaga_emulator.server import run_emulator

EXAMPLE = Path(__file__).parents[3] / "examples" / "own-module"
WITHIN = 120.0
"""Seconds; far more than it takes on a machine with nothing else to do."""

pytestmark = pytest.mark.timeout(420)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """The image of the example."""
    folder = tmp_path_factory.mktemp("images")
    base = base_tree(folder / "migaga")
    return build_tree(EXAMPLE / "Dockerfile", EXAMPLE, {"migaga:5.0.0": base}, folder)


def manifest(url: str, token: str, application_id: int, folder: Path) -> tuple[Path, str]:
    """Write the example's manifest for this bot; return the file and the image that it names."""
    secret, bot = yaml.safe_load_all((EXAMPLE / "bot.yaml").read_text("utf-8"))
    secret["stringData"] = {"token": token, "database-url": "sqlite+aiosqlite:///bot.db"}
    bot["spec"]["applicationId"] = str(application_id)
    bot["spec"]["pod"] = {"env": [{"name": "MIGAGA_DISCORD_APIURL", "value": url}]}
    path = folder / "bot.json"
    path.write_text(json.dumps({"kind": "List", "items": [secret, bot]}))
    return path, bot["spec"]["image"]


@asynccontextmanager
async def up(*words: str) -> AsyncIterator[asyncio.StreamReader]:
    """Run `migaga up` with these words; its output says what it does."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migaga.cli.main", "up", "--json", *words),
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
        limit=2**22,
    )
    assert process.stdout is not None
    try:
        yield process.stdout
        process.terminate()
        await asyncio.wait_for(process.communicate(), WITHIN)
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def until_ready(output: asyncio.StreamReader) -> None:
    """Read what it says until the bot is Ready."""
    told: Any = {}
    while not (told.get("bots") and told["bots"][0]["is_ready"] == "True"):
        line = await output.readline()
        assert line, "it ended by itself"
        told = json.loads(line)


async def roman(person: Person, channel: int, number: int) -> str:
    """Ask the module, again while the machine is too slow for Discord's 3 s."""
    for _ in range(5):
        answer = await person.slash(channel, "roman", {"number": number})
        if answer.answered:
            return answer.content
    raise AssertionError("nobody was answered in time")


async def test_a_module_with_a_library_of_its_own_answers_from_a_derived_image(tree: Tree, tmp_path: Path) -> None:
    async with run_emulator(Rules()) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(1, members=1, bot=bot.id)
        file, image = manifest(emulator.api_url, bot.token, bot.application_id, tmp_path)
        words = (str(file), "--image", f"{image}={tree.root}", "--folder", str(tmp_path / "run"))
        async with asyncio.timeout(2 * WITHIN), up(*words) as output:
            await until_ready(output)
            person, channel = control.person(crowd.users[0].id), crowd.guilds[0].channel("general")
            assert await roman(person, channel, 2024) == "2024 is MMXXIV"
            answer = await person.command(channel, "!rome 1999", wait=20)
            assert answer.content == "1999 is MCMXCIX"
    log = "".join(path.read_text() for path in (tmp_path / "run" / "logs").rglob("*.log"))
    assert "package my-bot 1.0.0" in log


def test_the_tree_holds_what_the_image_adds_and_this_machine_does_not(tree: Tree) -> None:
    (packages,) = (tree.root / "opt" / "migaga").glob("lib/python*/site-packages")
    assert {"migaga", "my_bot", "romans"} <= {path.name for path in packages.iterdir()}
    with pytest.raises(ModuleNotFoundError):
        __import__("romans")


def test_it_runs_as_the_user_of_the_image_that_it_is_made_of(tree: Tree) -> None:
    users = [text for instruction, text in instructions(EXAMPLE.parents[1] / "Dockerfile") if instruction == "USER"]
    assert tree.user == users[-1]
    assert (tree.entrypoint, tree.environment["PATH"].split(":")[0]) == (["migaga"], "/opt/migaga/bin")
