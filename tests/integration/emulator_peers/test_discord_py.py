"""discord.py, only its two hard-coded addresses set, takes the emulator for Discord: a second, independent client."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.integration.emulator_peers.conftest import SHARDS, Stage
from yarl import URL

with warnings.catch_warnings():
    # discord.py imports audioop, which the standard library is about to drop.
    warnings.filterwarnings("ignore", "'audioop' is deprecated", DeprecationWarning)
    import discord
    from discord import app_commands
    from discord.gateway import DiscordWebSocket
    from discord.http import Route

Fault = Callable[[Stage], Awaitable[int]]


@pytest.fixture(autouse=True)
def addresses(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the two addresses."""
    monkeypatch.setattr(Route, "BASE", stage.emulator.api_url)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", URL(stage.emulator.gateway_url))


class Again(discord.ui.View):
    """A button."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, interaction: discord.Interaction, button: discord.ui.Button[Again]) -> None:
        await interaction.response.edit_message(content="pong pong", view=None)


class Testy(discord.AutoShardedClient):
    """Answers `!hi` and `/ping`."""

    __test__ = False

    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.all(), shard_count=SHARDS, guild_ready_timeout=0.2)
        self.tree = app_commands.CommandTree(self)
        self.is_up = asyncio.Event()
        self.shard_is_up = asyncio.Event()
        self.seen: asyncio.Queue[str] = asyncio.Queue()

        @self.tree.command(name="ping", description="Ping")
        async def ping(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("pong", view=Again())

    async def on_ready(self) -> None:
        self.is_up.set()

    async def on_shard_ready(self, shard_id: int) -> None:
        self.shard_is_up.set()

    async def on_message(self, message: discord.Message) -> None:
        if message.author.bot:
            return
        if message.content.startswith("!hi"):
            await message.reply(f"hello, {message.author.name}")
        self.seen.put_nowait(message.content)


@asynccontextmanager
async def running(stage: Stage) -> AsyncIterator[Testy]:
    """A client that is logged in, connected and ready."""
    async with Testy() as client, asyncio.TaskGroup() as group:
        group.create_task(client.start(stage.bot.token))
        async with asyncio.timeout(30):
            await client.is_up.wait()
        yield client
        await client.close()
    # discord.py leaves the task behind that waits for the other shards after one of them has started again.
    for task in asyncio.all_tasks():
        if "_ready" in getattr(task.get_coro(), "__qualname__", ""):
            task.cancel()


async def drop(stage: Stage) -> int:
    return await stage.control.faults.drop()


async def reconnect(stage: Stage) -> int:
    return await stage.control.faults.reconnect()


async def close_4000(stage: Stage) -> int:
    return await stage.control.faults.close(4000)


async def test_discord_py_logs_in_syncs_commands_and_answers_messages_and_interactions(stage: Stage) -> None:
    async with running(stage) as client:
        assert len(client.guilds) == 4
        await client.tree.sync()
        assert [command["name"] for command in await stage.control.commands(stage.bot.id)] == ["ping"]
        alice = stage.control.person(stage.alice)
        for shard_id in range(SHARDS):
            channel = stage.channel(shard_id)
            assert (await alice.command(channel, "!hi")).content == "hello, person2"
            answer = await alice.slash(channel, "ping")
            assert answer.content == "pong"
            assert answer.message is not None
            assert (await alice.press(channel, answer.message.id, "again")).content == "pong pong"
        members = await client.guilds[0].chunk(cache=False)
        assert len(members) == 4
        report = await stage.control.ledger()
        assert (report.identifies, report.identifies_rejected) == (SHARDS, 0)
        assert (report.interactions.sent, report.interactions.answered) == (4, 4)


@pytest.mark.parametrize("fault", [drop, reconnect, close_4000])
async def test_discord_py_resumes_after_a_fault_and_gets_what_it_missed(stage: Stage, fault: Fault) -> None:
    async with running(stage) as client:
        assert await fault(stage) == SHARDS
        for shard_id in range(SHARDS):
            await stage.control.person(stage.alice).post(stage.channel(shard_id), f"missed {shard_id}")
        async with asyncio.timeout(30):
            seen = {await client.seen.get() for _ in range(SHARDS)}
        assert seen == {"missed 0", "missed 1"}
        report = await stage.control.ledger()
        assert (report.identifies, report.resumes, report.resumes_failed) == (SHARDS, SHARDS, 0)
        assert report.resumes_elsewhere == 0


async def test_discord_py_identifies_again_after_its_session_was_taken_away(stage: Stage) -> None:
    async with running(stage) as client:
        client.shard_is_up.clear()
        assert await stage.control.faults.invalidate(resumable=False, shard_id=1) == 1
        await stage.control.wait_for_sessions(SHARDS - 1)
        async with asyncio.timeout(30):
            await client.shard_is_up.wait()
        report = await stage.control.ledger()
        assert (report.identifies, report.resumes) == (SHARDS + 1, 0)


async def test_a_wrong_token_ends_discord_py(stage: Stage) -> None:
    async with Testy() as client:
        with pytest.raises(discord.LoginFailure):
            await client.start("wrong")
