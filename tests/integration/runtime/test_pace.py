"""A burst of REST calls against the emulator, which counts as Discord does."""

from __future__ import annotations

import asyncio
import re
import time

import hikari
import pytest

from migaga.common.settings import Credentials
from migaga.gateway.discord import Discord, open_discord
from migaga.observe.metrics import Metrics
from migaga_emulator.control.client import ControlClient
from migaga_emulator.rules import Rules
from migaga_emulator.server import run_emulator


def limited(metrics: Metrics) -> dict[str, float]:
    """Answers 429 by scope."""
    found = re.findall(r'rest_rate_limited_total\{scope="(\w+)"\} ([\d.]+)', metrics.exposition().decode())
    return {scope: float(count) for scope, count in found}


async def replies(discord: Discord, channels: list[int], count: int) -> None:
    async with asyncio.TaskGroup() as group:
        for number in range(count):
            group.create_task(_reply(discord, channels[number % len(channels)], number))


async def _reply(discord: Discord, channel: int, number: int) -> None:
    await discord.rest.create_message(channel, f"reply {number}")


async def test_150_replies_at_once_draw_no_429() -> None:
    metrics = Metrics()
    async with run_emulator() as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(50, members=1)
        channels = [guild.channel("general") for guild in crowd.guilds]
        credentials = Credentials(bot.application_id, bot.token)
        async with open_discord(credentials, emulator.api_url, [metrics.rest_trace()]) as discord:
            await replies(discord, channels, 150)
        written = [len(await control.messages(channel)) for channel in channels]
    assert written == [3] * 50
    assert limited(metrics) == {}


async def test_a_burst_in_a_channel_keeps_the_channels_own_limit() -> None:
    metrics = Metrics()
    rules = Rules(rest_limits=(("POST", "/channels/{channel_id}/messages", 5, 0.5),))
    async with run_emulator(rules) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(2, members=1)
        channels = [guild.channel("general") for guild in crowd.guilds]
        credentials = Credentials(bot.application_id, bot.token)
        async with open_discord(credentials, emulator.api_url, [metrics.rest_trace()]) as discord:
            await replies(discord, channels, 24)
        written = [len(await control.messages(channel)) for channel in channels]
    assert written == [12, 12]
    assert limited(metrics) == {}


async def test_answers_to_interactions_do_not_wait_for_other_calls() -> None:
    async with run_emulator() as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        credentials = Credentials(bot.application_id, bot.token)
        async with open_discord(credentials, emulator.api_url, calls_per_second=1) as discord:
            busy = asyncio.create_task(discord.rest.fetch_my_user())
            started = time.monotonic()
            for call in (
                discord.rest.execute_webhook(bot.application_id, "unknown", "hi"),
                discord.rest.create_interaction_response(1, "unknown", 4, "hi"),
            ):
                with pytest.raises(hikari.NotFoundError):
                    await call
            assert time.monotonic() - started < 1.0
            busy.cancel()
            await asyncio.gather(busy, return_exceptions=True)


async def test_a_429_over_all_routes_is_counted_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics()
    async with run_emulator() as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(20, members=1)
        channels = [guild.channel("general") for guild in crowd.guilds]
        credentials = Credentials(bot.application_id, bot.token)
        async with open_discord(credentials, emulator.api_url, [metrics.rest_trace()]) as discord:
            await control.faults.rest(status=429, scope="global", retry_after=0.3, times=6, route="*/messages")
            started = time.monotonic()
            await replies(discord, channels, 20)
            took = time.monotonic() - started
        written = [len(await control.messages(channel)) for channel in channels]
    assert written == [1] * 20
    assert limited(metrics) == {"global": 6.0}
    said = [record for record in caplog.records if "rate limited on the global bucket" in record.getMessage()]
    assert took >= 0.3
    assert 1 <= len(said) <= took + 1
