"""Every way to start a bot wrongly ends with a clear line and the right exit code."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.integration.runtime.bots import Ended, run_to_end, running

from migaga.cli.main import main
from migaga.common.errors import ConfigError, UnavailableError
from migaga.common.settings import Credentials
from migaga.gateway.discord import open_discord
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


GOOD = f"[Env]\nToken = {TOKEN}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no bot token"),
        ("\x00\x01", "line 1"),
        (f'[Env]\nToken = "{TOKEN}"', "without quotes"),
        (f"[Env]\nToken = Bot {TOKEN}", "without `Bot `"),
        (f"[Env]\nToken = {TOKEN} x", "space"),
        (f"[Env]\nToken =\n  {TOKEN}\n  x", "line end"),
        (f"[Env]\nToken = {TOKEN}\u00e9", "character"),
        (f"{GOOD}Token = {TOKEN}", "line 3: [Env] Token stands in"),
        ("[Env]\nTokenFile = nope.txt", "nope.txt cannot be read: No such file"),
        ("[Env]\nTokenFile = .", "cannot be read: Is a directory"),
        (f"{GOOD}[Bot]\nOwnerIds = 12 abc", "not 'abc'."),
        (f"{GOOD}[Bot]\nIntents = GUILD_MESAGES", 'Did you mean "GUILD_MESSAGES"?'),
        (f"{GOOD}[Shards]\nCount = 0", "not '0'"),
        (f"{GOOD}[Shards]\nCount = 2\nIds = 2", "from 0 to 1, not 2"),
        (f"{GOOD}[Shards]\nStopGrace = -1", "not '-1'"),
        (f"{GOOD}[Http]\nPort = 70000", "from 0 to 65535"),
        (f"{GOOD}[Discord]\nApiUrl = ftp://x/", "https://discord.com/api/v10"),
        (f"{GOOD}[Discord]\nApiUrl = http://127.0.0.1:99999/api", "https://discord.com/api/v10"),
        (f"{GOOD}[Discord]\nCallsPerSecond = 0", "from 1 to 10000"),
        (TOKEN, "line 1: is neither"),
        (f"Token = {TOKEN}", "before the first section"),
    ],
)
@pytest.mark.parametrize("command", [["run"], ["shard", "--ids", "0", "--count", "1"]])
def test_a_wrong_configuration_is_one_line(
    command: list[str], text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.ini"
    file.write_text(text)
    assert main([*command, "--config", str(file)]) == 78
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("migaga: ")
    assert words in line
    assert ".." not in line.replace(str(tmp_path), "")
    assert "?." not in line
    assert TOKEN not in line


def test_what_is_no_readable_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name, words in (("", "Is a directory"), ("binary", "UTF-8"), ("none.ini", "no such file")):
        assert main(["run", "--config", str(tmp_path / name)]) == 78
        assert words in capsys.readouterr().err


@asynccontextmanager
async def answering(body: str, kind: str, status: int) -> AsyncIterator[str]:
    """Serve the same answer to everything."""

    async def handle(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type=kind, status=status)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/v10"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("body", "kind", "status", "kind_of_error", "words"),
    [
        ("<html>hello</html>", "text/html", 200, UnavailableError, "Expected JSON"),
        ("<html>no</html>", "text/html", 404, UnavailableError, "404"),
        ("{}", "application/json", 200, ConfigError, "ApiUrl"),
        ("[]", "application/json", 200, ConfigError, "ApiUrl"),
        ("{not json", "application/json", 200, ConfigError, "ApiUrl"),
    ],
)
async def test_what_is_not_discord_is_told_apart(
    body: str, kind: str, status: int, kind_of_error: type[Exception], words: str
) -> None:
    async with answering(body, kind, status) as url:
        with pytest.raises(kind_of_error, match=words):
            async with open_discord(Credentials(1, TOKEN), url):
                pass
