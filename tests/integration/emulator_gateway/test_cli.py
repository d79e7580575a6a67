"""`migaga emulator`: real processes, and what it says to wrong values."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import sys
from argparse import Namespace

import aiohttp
import pytest

from migaga.common.errors import UnavailableError, UsageError
from migaga_emulator.cli import COMMAND, read_options

PROGRAM = "import sys, argparse; from migaga_emulator.cli import COMMAND; p = argparse.ArgumentParser(); \
COMMAND.configure(p); sys.exit(COMMAND.run(p.parse_args()))"


def arguments(*words: str) -> Namespace:
    """The command line, parsed."""
    parser = argparse.ArgumentParser()
    COMMAND.configure(parser)
    return parser.parse_args(words)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_it_serves_what_was_asked_for_until_it_is_told_to_stop(number: signal.Signals) -> None:
    words = ["--guilds", "12", "--members", "3", "--recommended-shards", "4", "--max-concurrency", "2", "--json"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    facts = json.loads(await process.stdout.readline())
    headers = {"Authorization": f"Bot {facts['token']}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{facts['api_url']}/gateway/bot") as response:
            told = await response.json()
        async with session.get(f"{facts['control_url']}/guilds") as response:
            guilds = await response.json()
    assert (told["shards"], told["session_start_limit"]["max_concurrency"]) == (4, 2)
    assert (len(guilds), {len(guild["members"]) for guild in guilds}) == (12, {5})
    process.send_signal(number)
    rest, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    text = rest.decode()
    assert f"ApiUrl = {facts['api_url']}" in text
    assert f"ClientId = {facts['application_id']}" in text
    assert "\x1b" not in text


def test_the_application_id_comes_from_the_token_unless_it_is_given() -> None:
    assert read_options(arguments("--token", "MTIzNDU2.x.y")).application_id == 123456
    assert read_options(arguments("--token", "secret")).application_id is None
    assert read_options(arguments("--token", "MTIzNDU2.x.y", "--application-id", "7")).application_id == 7


def test_every_limit_has_a_flag() -> None:
    rules = read_options(
        arguments("--identify-total", "5", "--rule", "resume-window-s=60", "--rule=rest_global_per_s=9")
    )
    assert (rules.rules.identify_total, rules.rules.resume_window_s, rules.rules.rest_global_per_s) == (5, 60.0, 9)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--port", "x"], "--port must be a whole number from 0 to 65535, not 'x'"),
        (["--port", "70000"], "--port must be"),
        (["--guilds", "-1"], "--guilds must be"),
        (["--max-concurrency", "0"], "--max-concurrency must be a whole number from 1"),
        (["--application-id", "me"], "--application-id must be"),
        (["--token", "two words"], "--token is empty or has spaces"),
        (["--rule", "resume_window_s"], "has no value"),
        (["--rule", "resume_windw_s=1"], "did you mean resume_window_s?"),
        (["--rule", "resume_window_s=soon"], "must be a number of seconds"),
        (["--rule", "rest_limits=1"], "no such limit"),
    ],
)
def test_a_wrong_value_is_one_clear_line(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        COMMAND.run(arguments(*words))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_taken_port_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"port {port} on 127.0.0.1 is in use"):
            COMMAND.run(arguments("--port", str(port)))
