"""What REST and people do, as a client on the gateway and the ledger see it: only what the bot may see is sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from tests.integration.emulator_gateway.client import DIRECT_MESSAGES, GUILD_MESSAGES, GUILDS, RawClient, connected

from migaga_emulator.rules import Rules
from migaga_emulator.server import Emulator, run_emulator
from migaga_emulator.world.channels import ChannelChange
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Bot, Channel, Guild, Overwrite, User

INTENTS = GUILDS | GUILD_MESSAGES | DIRECT_MESSAGES


@dataclass
class Stage:
    """A guild with an open and a closed channel, in a world of two shards."""

    emulator: Emulator
    bot: Bot
    ann: User
    guild: Guild
    channel: Channel
    closed: Channel

    @property
    def shard(self) -> int:
        return (self.guild.id >> 22) % 2

    def post(self, channel: Channel, text: str) -> None:
        self.emulator.world.people.post(self.ann.id, channel.id, text)

    async def post_by_rest(self, path: str, body: dict[str, object]) -> None:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bot {self.bot.token}"}) as http:
            response = await http.post(self.emulator.api_url + path, json=body)
            assert response.status < 300, await response.text()


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with run_emulator(Rules(max_concurrency=2)) as emulator:
        world, bot = emulator.world, emulator.create_bot("Testy")
        ann = world.guilds.create_user("ann")
        guild = next(g for g in (world.guilds.create("g", ann) for _ in range(2)) if (g.id >> 22) % 2 == 1)
        hidden = Overwrite(guild.id, 0, 0, int(Permission.VIEW_CHANNEL))
        overwrites = frozenset({"permission_overwrites"})
        channel = world.channels.create(None, guild, 0, ChannelChange(name="open"))
        closed = world.channels.create(None, guild, 0, ChannelChange(overwrites, name="closed", overwrites=[hidden]))
        world.guilds.add_bot(guild, bot)
        yield Stage(emulator, bot, ann, guild, channel, closed)


async def log_in(stage: Stage, client: RawClient, shard: int, *, intents: int = INTENTS) -> None:
    await client.log_in(stage.bot.token, (shard, 2), intents)
    if shard == stage.shard:
        await client.until("GUILD_CREATE")


async def test_what_a_bot_cannot_see_is_neither_sent_nor_counted(stage: Stage) -> None:
    async with connected(stage.emulator.gateway_url) as client:
        await log_in(stage, client, stage.shard)
        before = stage.emulator.ledger.of(stage.bot.user.id).events.totals().sent
        stage.post(stage.closed, "hidden")
        stage.post(stage.channel, "seen")
        assert (await client.until("MESSAGE_CREATE"))["content"] == ""
        totals = stage.emulator.ledger.of(stage.bot.user.id).events.by_type()
        assert totals["MESSAGE_CREATE"].sent == 1
        stage.emulator.world.channels.delete_overwrite(None, stage.closed, stage.guild.id)
        stage.post(stage.closed, "open now")
        assert (await client.until("CHANNEL_UPDATE"))["id"] == str(stage.closed.id)
        assert (await client.until("MESSAGE_CREATE"))["channel_id"] == str(stage.closed.id)
        assert stage.emulator.ledger.of(stage.bot.user.id).events.totals().sent == before + 3


async def test_ephemeral_answers_come_to_shard_0_like_direct_messages(stage: Stage) -> None:
    world, bot = stage.emulator.world, stage.bot
    commands = f"/applications/{bot.application_id}/commands"
    await stage.post_by_rest(commands, {"name": "ping", "description": "d"})
    async with connected(stage.emulator.gateway_url) as zero, connected(stage.emulator.gateway_url) as own:
        await log_in(stage, zero, 0)
        await log_in(stage, own, stage.shard)
        interaction = world.people.use.slash(stage.ann.id, bot.user.id, stage.channel.id, "ping")
        told = await own.until("INTERACTION_CREATE")
        path = f"/interactions/{told['id']}/{told['token']}/callback"
        await stage.post_by_rest(path, {"type": 4, "data": {"content": "psst", "flags": 64}})
        message = await zero.until("MESSAGE_CREATE")
        assert interaction.response is not None
        assert (message["id"], message["content"]) == (str(interaction.response.id), "psst")
        assert "guild_id" not in message
        stage.post(stage.channel, "x")
        assert (await own.until("MESSAGE_CREATE"))["guild_id"] == str(stage.guild.id)
