"""Stock hikari, only its REST address set, takes the emulator for Discord."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import hikari
import pytest
from hikari.api import shard as shard_api
from hikari.impl.shard import GatewayShardImpl
from tests.integration.emulator_peers.conftest import SHARDS, Stage

Fault = Callable[[Stage], Awaitable[int]]


@asynccontextmanager
async def running(stage: Stage, intents: hikari.Intents = hikari.Intents.ALL) -> AsyncIterator[hikari.GatewayBot]:
    """A bot that answers `!hi` and `/ping`, and is connected with all its shards."""
    bot = hikari.GatewayBot(stage.bot.token, rest_url=stage.emulator.api_url, intents=intents, banner=None, logs=None)

    @bot.listen()
    async def on_message(event: hikari.MessageCreateEvent) -> None:
        if event.content and event.content.startswith("!hi"):
            await event.message.respond(f"hello, {event.author.username}", reply=True)

    @bot.listen()
    async def on_interaction(event: hikari.InteractionCreateEvent) -> None:
        if isinstance(event.interaction, hikari.CommandInteraction):
            row = bot.rest.build_message_action_row()
            row.add_interactive_button(hikari.ButtonStyle.PRIMARY, "again", label="Again")
            await event.interaction.create_initial_response(4, "pong", component=row)
        elif isinstance(event.interaction, hikari.ComponentInteraction):
            await event.interaction.create_initial_response(7, "pong pong", components=[])

    await bot.start(check_for_updates=False, shard_count=SHARDS)
    try:
        yield bot
    finally:
        await bot.close()


async def drop(stage: Stage) -> int:
    return await stage.control.faults.drop()


async def reconnect(stage: Stage) -> int:
    return await stage.control.faults.reconnect()


async def close_4000(stage: Stage) -> int:
    return await stage.control.faults.close(4000)


async def invalidate_resumably(stage: Stage) -> int:
    return await stage.control.faults.invalidate(resumable=True)


async def test_hikari_logs_in_syncs_commands_and_answers_messages_and_interactions(stage: Stage) -> None:
    async with running(stage) as bot:
        application = await bot.rest.fetch_application()
        await bot.rest.set_application_commands(application, [bot.rest.slash_command_builder("ping", "Ping")])
        assert [command["name"] for command in await stage.control.commands(stage.bot.id)] == ["ping"]

        alice = stage.control.person(stage.alice)
        for shard_id in range(SHARDS):
            channel = stage.channel(shard_id)
            assert (await alice.command(channel, "!hi")).content == "hello, person2"
            answer = await alice.slash(channel, "ping")
            assert answer.content == "pong"
            assert answer.message is not None
            assert (await alice.press(channel, answer.message.id, "again")).content == "pong pong"

        report = await stage.control.ledger()
        assert (report.identifies, report.identifies_rejected) == (SHARDS, 0)
        assert (report.interactions.sent, report.interactions.answered) == (4, 4)
        assert (report.commands.sent, report.commands.answered) == (2, 2)
    assert await stage.control.sessions() == []


@pytest.mark.parametrize("fault", [drop, reconnect, close_4000, invalidate_resumably])
async def test_hikari_resumes_after_a_fault_and_gets_what_it_missed(stage: Stage, fault: Fault) -> None:
    async with running(stage) as bot:
        seen: list[str | None] = []
        done = asyncio.Event()

        @bot.listen()
        async def count(event: hikari.MessageCreateEvent) -> None:
            seen.append(event.content)
            if len(seen) == SHARDS:
                done.set()

        assert await fault(stage) == SHARDS
        await stage.control.wait_for_sessions(0)
        for shard_id in range(SHARDS):
            await stage.control.person(stage.alice).post(stage.channel(shard_id), f"missed {shard_id}")
        async with asyncio.timeout(20):
            await done.wait()
        assert sorted(map(str, seen)) == ["missed 0", "missed 1"]
        report = await stage.control.ledger()
        assert (report.identifies, report.resumes, report.resumes_failed) == (SHARDS, SHARDS, 0)
        assert report.resumes_elsewhere == 0


async def test_hikari_identifies_again_after_its_session_was_taken_away(stage: Stage) -> None:
    async with running(stage):
        assert await stage.control.faults.invalidate(resumable=False, shard_id=0) == 1
        await stage.control.wait_for_sessions(SHARDS - 1)
        await stage.control.wait_for_sessions(SHARDS)
        report = await stage.control.ledger()
        assert (report.identifies, report.resumes) == (SHARDS + 1, 0)


async def test_a_switched_off_privileged_intent_ends_hikari(stage: Stage) -> None:
    stage.emulator.world.bots[stage.bot.id].privileged_intents = 0
    bot = hikari.GatewayBot(
        stage.bot.token, rest_url=stage.emulator.api_url, intents=hikari.Intents.ALL, banner=None, logs=None
    )
    with pytest.raises(hikari.GatewayServerClosedConnectionError) as caught:
        await bot.start(check_for_updates=False, shard_count=1)
    assert caught.value.code == 4014
    await bot.close()
    # hikari forgets the heartbeat of a failed handshake.
    for task in asyncio.all_tasks():
        if task.get_name().startswith("heartbeat (shard"):
            task.cancel()


async def test_a_wrong_token_ends_hikari(stage: Stage) -> None:
    wrong = stage.bot.token[:-3] + "xxx"
    bot = hikari.GatewayBot(wrong, rest_url=stage.emulator.api_url, banner=None, logs=None)
    with pytest.raises(hikari.UnauthorizedError):
        await bot.start(check_for_updates=False)
    await bot.close()


@pytest.mark.parametrize(
    "compression",
    [None, shard_api.GatewayCompression.TRANSPORT_ZLIB_STREAM, shard_api.GatewayCompression.PAYLOAD_ZLIB_STREAM],
)
async def test_a_hikari_shard_reads_every_compression_it_knows(
    stage: Stage, compression: shard_api.GatewayCompression | None
) -> None:
    bot = hikari.GatewayBot(stage.bot.token, rest_url=stage.emulator.api_url, banner=None, logs=None)
    shard = GatewayShardImpl(
        compression=compression,
        intents=hikari.Intents.ALL,
        shard_id=0,
        shard_count=SHARDS,
        http_settings=bot.http_settings,
        proxy_settings=bot.proxy_settings,
        event_manager=bot.event_manager,
        event_factory=bot.event_factory,
        token=stage.bot.token,
        url=stage.emulator.gateway_url,
    )
    with bot.event_manager.stream(hikari.GuildMessageCreateEvent, timeout=5) as events:
        await shard.start()
        await stage.control.person(stage.alice).post(stage.channel(0), "x" * 2_000)
        event = await anext(aiter(events))
        assert event.content == "x" * 2_000
        await shard.close()
