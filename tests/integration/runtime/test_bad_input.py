"""Every way to start a bot wrongly ends with a clear line and the right exit code."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from tests.integration.runtime.bots import Ended, run_to_end, running

from migaga_emulator.control.client import ControlClient
from migaga_emulator.server import run_emulator

TOKEN = "MTExMTExMTExMTExMTExMTEx.AAAAAA.a-token-that-must-never-be-shown"


@asynccontextmanager
async def refusing(status: int = 401) -> AsyncIterator[tuple[str, list[str]]]:
    """Serve a Discord that refuses everything; gives its address and the paths that were asked for."""
    asked: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"message": "401: Unauthorized", "code": 0}, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10", asked
    finally:
        await runner.cleanup()


def config(folder: Path, text: str) -> str:
    (folder / "config.ini").write_text(f"{text}\n[Http]\nPort = 0\n")
    return str(folder / "config.ini")


async def start(folder: Path, text: str, **env: str) -> Ended:
    return await run_to_end("run", "--config", config(folder, text), cwd=folder, env=env)


def assert_one_line(ended: Ended, code: int, *words: str) -> None:
    """The last line is the complaint, no traceback is shown, no secret either."""
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    assert TOKEN not in ended.err + ended.out
    last = ended.err.strip().splitlines()[-1]
    assert last.startswith("migaga: ")
    for word in words:
        assert word in last, last


async def test_no_token_says_where_to_get_one(tmp_path: Path) -> None:
    ended = await start(tmp_path, "[Env]\nVersion = 1")
    assert_one_line(ended, 78, "no bot token", "https://discord.com/developers/applications", "MIGAGA_ENV_TOKEN")


async def test_a_token_that_is_none_is_refused_without_asking_discord(tmp_path: Path) -> None:
    ended = await start(tmp_path, "[Env]\nToken = hello")
    assert_one_line(ended, 78, "not a bot token", "line 2")


async def test_a_refused_token_is_tried_exactly_once(tmp_path: Path) -> None:
    async with refusing() as (url, asked):
        ended = await start(tmp_path, f"[Env]\nToken = {TOKEN}\n[Discord]\nApiUrl = {url}")
    assert_one_line(ended, 78, "refuses the bot token", "https://discord.com/developers/applications")
    assert asked == ["/api/v10/users/@me"]


async def test_a_discord_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/v10"
        ended = await start(tmp_path, f"[Env]\nToken = {TOKEN}\n[Discord]\nApiUrl = {url}")
    assert_one_line(ended, 69, "cannot be reached")


async def test_disallowed_intents_are_named_with_their_switches(tmp_path: Path) -> None:
    async with run_emulator() as emulator:
        bot = emulator.create_bot("Testy", privileged_intents=1 << 1)
        text = f"[Env]\nToken = {bot.token}\n[Discord]\nApiUrl = {emulator.api_url}"
        ended = await start(tmp_path, text)
    assert_one_line(ended, 78, "MESSAGE_CONTENT (Message Content Intent)", "Privileged Gateway Intents")
    assert "GUILD_MEMBERS" not in ended.err


async def test_an_unknown_database_url_is_refused(tmp_path: Path) -> None:
    ended = await start(tmp_path, f"[Env]\nToken = {TOKEN}\n[Database]\nUrl = postgres://localhost/bot")
    assert_one_line(ended, 78, "postgres")


async def test_a_database_that_is_down_is_waited_for_with_the_reason_and_a_bound(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        text = (
            f"[Env]\nToken = {TOKEN}\n"
            f"[Database]\nHost = 127.0.0.1\nPort = {port}\nUser = bot\nPassword = s3cr%t/\nDatabase = bot\n"
            "ConnectTimeout = 2"
        )
        ended = await start(tmp_path, text)
    assert_one_line(ended, 69, f"127.0.0.1:{port}", "2 s")
    assert "waiting for the database" in ended.err
    assert "s3cr" not in ended.err


async def test_while_it_waits_for_its_database_it_can_be_seen_and_stopped(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        text = (
            f"[Env]\nToken = {TOKEN}\n"
            f"[Database]\nHost = 127.0.0.1\nPort = {port}\nUser = bot\nDatabase = bot\nConnectTimeout = 300\n"
        )
        async with running(tmp_path, text) as bot:
            status = await bot.until(lambda status: status["database"]["error"] is not None)
            code, ready = await bot.get("/readyz")
            assert await bot.stop() == 0
    assert status["phase"] == "waiting for the database"
    assert code == 503
    assert "waiting for the database" in ready["reasons"]


async def test_a_wrong_key_names_the_nearest_right_one(tmp_path: Path) -> None:
    ended = await start(tmp_path, f"[Env]\nToken = {TOKEN}\n[Databse]\nUrl = sqlite+aiosqlite:///x.db")
    assert_one_line(ended, 78, "line 3", "[Databse]", '"Database"')


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    ended = await run_to_end("run", "--config", "nowhere.ini", cwd=tmp_path)
    assert_one_line(ended, 78, "nowhere.ini", "example_config.ini")


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        (tmp_path / "config.ini").write_text(f"[Env]\nToken = {TOKEN}\n[Http]\nPort = {port}\n")
        ended = await run_to_end("run", cwd=tmp_path)
    assert_one_line(ended, 78, f"127.0.0.1:{port}", "[Http]")


async def test_a_database_of_another_bot_is_refused(tmp_path: Path) -> None:
    async with run_emulator() as emulator, ControlClient(emulator.control_url) as control:
        one, two = await control.create_bot("One"), await control.create_bot("Two")
        common = f"[Discord]\nApiUrl = {emulator.api_url}\n[Database]\nUrl = sqlite+aiosqlite:///{tmp_path}/bot.db\n"
        async with running(tmp_path, f"[Env]\nToken = {one.token}\n{common}") as bot:
            await bot.ready()
            await bot.stop()
        ended = await start(tmp_path, f"[Env]\nToken = {two.token}\n{common}")
    assert_one_line(ended, 78, "belongs to the bot", str(one.application_id))


async def test_a_file_of_version_4_starts(tmp_path: Path) -> None:
    async with run_emulator() as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        text = (
            f"[Env]\r\nClientId = {bot.application_id}\r\nToken = {bot.token}\r\nVersion = 4.2\r\n\r\n"
            "[Bot]\r\nWhitelistedBotIds = 123456789012345678 223456789012345678\r\n"
        )
        env = {"MIGAGA_DISCORD_APIURL": emulator.api_url}
        async with running(tmp_path, text, env=env) as process:
            status = await process.ready()
            assert await process.stop() == 0
    assert status["revision"] == "4.2"


async def test_a_signal_during_the_start_ends_it_quietly(tmp_path: Path) -> None:
    text = f"[Env]\nToken = {TOKEN}\n[Discord]\nApiUrl = http://127.0.0.1:9/api/v10\n"
    async with running(tmp_path, text) as bot:
        await asyncio.sleep(0.6)
        assert await bot.stop() in {0, -15}
        assert "Traceback" not in bot.errors()
