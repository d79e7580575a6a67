"""The images of a roll: two releases of a module with a schema each, and the bad ones."""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.support.mariadb import *  # noqa: F403 - fixtures

from migaga.common.settings import load_settings
from migaga.framework.loader import LoadResult, load_modules
from migaga.storage.database import Database
from migaga.storage.schema import ModuleSchema, upgrade
from migaga_emulator.scenarios import images
from migaga_emulator.scenarios.plan import BAD_IMAGES
from migaga_emulator.scenarios.processes import BotConfig

TOKEN = base64.b64encode(b"123456789012345678").decode() + ".Gabcde.abcdefghijklmnopqrstuvwxyz0123456789AB"
CONFIG = BotConfig(123456789012345678, TOKEN, "http://127.0.0.1:1/api/v10", "sqlite://", ("probe",), "4", 0)


def load(config: BotConfig, *names: str) -> LoadResult:
    result = load_modules(names, config.module_directories)
    assert not result.failures
    return result


async def bring(database: Database, config: BotConfig) -> None:
    folder = config.module_directories[-1] / images.NOTES / "migrations"
    metadata = (await asyncio.to_thread(load, config, images.NOTES)).modules[0].cls.metadata
    assert metadata is not None
    schema = ModuleSchema(images.NOTES, metadata, folder)
    results = await upgrade(database, [schema])
    assert [result.error for result in results] == [None] * len(results)


def test_a_newer_release_is_another_folder_and_an_older_one_the_first_again(tmp_path: Path) -> None:
    first = images.with_notes(CONFIG, tmp_path)
    second = images.newer(first)
    assert first.modules == ("probe", "notes")
    assert first.module_directories != second.module_directories
    assert images.older(second) == first
    assert images.newer(second) == second


def test_modules_of_somebody_else_stay_where_they_are(tmp_path: Path) -> None:
    mine = replace(CONFIG, module_directories=(tmp_path / "mine",))
    assert images.newer(images.with_notes(mine, tmp_path)).module_directories[0] == tmp_path / "mine"


async def test_the_first_release_can_write_when_the_second_has_changed_the_schema(
    database: Database, tmp_path: Path
) -> None:
    first = await asyncio.to_thread(images.with_notes, CONFIG, tmp_path)
    await bring(database, first)
    await bring(database, images.newer(first))
    async with database.transaction() as session:
        await session.execute(sa.text("INSERT INTO notes_messages (message_id, guild_id) VALUES (1, 2)"))
    await bring(database, first)
    async with database.read() as session:
        assert (await session.execute(sa.text("SELECT words FROM notes_messages"))).scalar_one() == 0


def test_every_bad_image_that_a_plan_names_can_be_made(tmp_path: Path) -> None:
    assert {f"bad_{image.name}" for image in images.BAD} == set(BAD_IMAGES)
    for image in images.BAD:
        changed = image.change(CONFIG, tmp_path)
        assert changed != CONFIG or image.environment(tmp_path)
        if images.FAULTY in changed.modules:
            assert load(changed, images.FAULTY).modules


def test_an_image_without_a_gateway_refuses_every_websocket(tmp_path: Path) -> None:
    (image,) = (one for one in images.BAD if one.name == "gateway")
    code = "import asyncio, aiohttp\nasync def main():\n    async with aiohttp.ClientSession() as http:\n        "
    code += "http.ws_connect('ws://127.0.0.1:1')\nasyncio.run(main())"
    done = subprocess.run(
        [sys.executable, "-c", code], env=dict(image.environment(tmp_path)), capture_output=True, text=True, check=False
    )
    assert "ClientConnectionError: the network is unreachable" in done.stderr


def test_a_wrong_setting_is_one_that_a_process_refuses(tmp_path: Path) -> None:
    (image,) = (one for one in images.BAD if one.name == "setting")
    image.change(CONFIG, tmp_path).write(tmp_path / "bad.ini")
    done = subprocess.run(
        [sys.executable, "-m", "migaga.cli.main", "run", "--config", str(tmp_path / "bad.ini")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 78
    assert "GULID_MESSAGES" in done.stderr


@pytest.mark.parametrize("config", [replace(CONFIG, stop_grace=40.0, intents="GUILDS", revision=3, capacity=20)])
def test_a_configuration_is_read_as_it_was_written(config: BotConfig, tmp_path: Path) -> None:
    config.at(1234, tmp_path / "state", "sqlite:///x.db").write(tmp_path / "bot.ini")
    settings = load_settings(tmp_path / "bot.ini", {})
    assert (settings.fleet.revision, settings.fleet.capacity) == (3, 20)
    assert settings.fleet.state_directory == tmp_path / "state"
    assert settings.shards.stop_grace.total_seconds() == 40
    assert (settings.shards.count, settings.http.port, settings.bot.intents) == (4, 1234, 1)
    assert (tmp_path / "bot.ini").stat().st_mode & 0o077 == 0
