"""Each fault of stock hikari, shown on stock hikari and shown to be absent here."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import aiohttp
import hikari
import pytest
from hikari import errors
from tests.integration.hikari_faults.scripted import BOT_ID, SESSION, Connection, Script, scripted_gateway
from tests.integration.hikari_faults.shards import NotingRouter, our_shard, stock_shard

from migaga.common.errors import ConfigError, CredentialsError
from migaga.gateway.intake import IN_FLIGHT_LIMIT
from migaga.gateway.privates import missing_names
from migaga.gateway.shard import ShardState

GUILD = 222222222222222222
GUILD_CREATE = {
    **{"id": str(GUILD), "name": "Home", "owner_id": "1", "icon": None, "splash": None, "discovery_splash": None},
    **{"afk_channel_id": None, "afk_timeout": 300, "verification_level": 0, "default_message_notifications": 0},
    **{"explicit_content_filter": 0, "mfa_level": 0, "application_id": None, "system_channel_id": None},
    **{"system_channel_flags": 0, "rules_channel_id": None, "vanity_url_code": None, "description": None},
    **{"banner": None, "premium_tier": 0, "preferred_locale": "en-US", "public_updates_channel_id": None},
    **{"nsfw_level": 0, "joined_at": "2026-01-01T00:00:00+00:00", "large": False, "unavailable": False},
    **{"member_count": 1, "features": [], "roles": [], "emojis": [], "stickers": [], "channels": [], "threads": []},
    **{"members": [], "voice_states": [], "presences": [], "premium_progress_bar_enabled": False},
}


def test_every_private_name_that_is_used_exists_in_the_installed_hikari() -> None:
    assert missing_names() == []


def closing(code: int, *, times: int | None = None, after_ready: bool = True) -> Script:
    """Make a script: every connection (or the first `times`) gets a close code, later ones work."""

    async def script(connection: Connection) -> None:
        await connection.hello()
        if times is not None and connection.number >= times:
            await _welcome(connection)
            return
        if after_ready:
            await _welcome(connection)
        else:
            await connection.inbox.get()
        await connection.close(code)

    return script


async def _welcome(connection: Connection) -> None:
    """Answer IDENTIFY with READY and RESUME with RESUMED."""
    payload = await connection.inbox.get()
    while payload["op"] not in {2, 6}:
        payload = await connection.inbox.get()
    if payload["op"] == 2:
        await connection.ready(connection.url)
    else:
        await connection.resumed(payload["d"]["seq"] + 1)


class TestReplayedGuilds:
    """Fault 1: GUILD_CREATE replayed by a RESUME is dropped, because the bot's own id is known only after it."""

    @staticmethod
    async def script(connection: Connection) -> None:
        await connection.hello()
        await connection.expect(6)
        await connection.event(8, "GUILD_CREATE", GUILD_CREATE)
        await connection.resumed(9)

    async def test_stock_hikari_loses_the_guild(self) -> None:
        loop = asyncio.get_running_loop()
        failures: list[str] = []
        loop.set_exception_handler(lambda _, context: failures.append(str(context.get("exception"))))
        async with (
            scripted_gateway(self.script) as gateway,
            stock_shard(gateway.url, resume=(gateway.url, 7)) as (
                shard,
                manager,
            ),
        ):
            guilds: list[hikari.GuildAvailableEvent] = []

            async def listen(event: hikari.GuildAvailableEvent) -> None:
                guilds.append(event)

            manager.subscribe(hikari.GuildAvailableEvent, listen)
            await shard.start()
        assert guilds == []
        assert "is not connected" in failures[0]

    async def test_here_it_is_built_during_the_replay(self) -> None:
        async with scripted_gateway(self.script) as gateway, our_shard(gateway.url, resume=(gateway.url, 7)) as ours:
            await ours.router.until(2)
            [event] = ours.manager.build(ours.router.seen[0])
        assert isinstance(event, hikari.GuildAvailableEvent)
        assert event.guild_id == GUILD
        assert event.shard.get_user_id() == BOT_ID


class TestDeadSessions:
    """Fault 2: close 4007 and 4009 loop RESUME for ever."""

    @pytest.mark.parametrize("code", [4007, 4009])
    async def test_stock_hikari_resumes_again_and_again(self, code: int) -> None:
        script = closing(code, after_ready=False)
        async with scripted_gateway(script) as gateway, stock_shard(gateway.url, resume=(gateway.url, 7)) as (shard, _):
            starting = asyncio.create_task(shard.start())
            third = await gateway.connection(2, seconds=30)
            await third.expect(6)
            keep_alive = next(task for task in asyncio.all_tasks() if task.get_name().startswith("keep alive"))
            keep_alive.cancel()
            with suppress(RuntimeError):
                await starting

    @pytest.mark.parametrize("code", [4003, 4007, 4009])
    async def test_here_the_second_attempt_is_a_new_session(self, code: int) -> None:
        script = closing(code, times=1, after_ready=False)
        async with scripted_gateway(script) as gateway, our_shard(gateway.url, resume=(gateway.url, 7)) as ours:
            first, second = await gateway.connection(0), await gateway.connection(1)
            await ours.router.until(1)
        assert [payload["op"] for payload in first.received] == [6]
        assert second.received[0]["op"] == 2

    async def test_here_a_live_session_that_timed_out_is_tried_once_more_and_then_given_up(self) -> None:
        script = closing(4009, times=2)
        async with scripted_gateway(script) as gateway, our_shard(gateway.url) as ours:
            third = await gateway.connection(2)
            await third.expect(2)
            await ours.router.until(2)
        kinds = [connection.received[0]["op"] for connection in gateway.connections]
        assert kinds == [2, 6, 2]


class TestFailedHandshakes:
    """Fault 3: a failed handshake leaks its heartbeat task."""

    async def test_stock_hikari_leaves_the_heartbeat_running(self) -> None:
        script = closing(4000, after_ready=False)
        async with scripted_gateway(script) as gateway, stock_shard(gateway.url) as (shard, _):
            starting = asyncio.create_task(shard.start())
            await (await gateway.connection(1, seconds=30)).expect(2)
            leaked = [task for task in asyncio.all_tasks() if task.get_name().startswith("heartbeat")]
            keep_alive = next(task for task in asyncio.all_tasks() if task.get_name().startswith("keep alive"))
            keep_alive.cancel()
            with suppress(RuntimeError):
                await starting
            assert leaked

    async def test_here_nothing_of_it_is_left(self) -> None:
        script = closing(4000, times=2, after_ready=False)
        async with scripted_gateway(script) as gateway, our_shard(gateway.url) as ours:
            await gateway.connection(2)
            await ours.router.until(1)
            running = [task for task in asyncio.all_tasks() if task.get_name().startswith("heartbeat")]
            assert len(running) == 1


class TestWatermark:
    """Fault 4: the number that is resumed from moves before handlers have run."""

    @staticmethod
    async def script(connection: Connection) -> None:
        await connection.hello(interval_ms=40)
        await _welcome(connection)
        for seq in (2, 3, 4):
            await connection.event(seq)
        while True:
            payload = await connection.inbox.get()
            if payload["op"] == 1:
                await connection.send(11)

    async def test_stock_hikari_tells_discord_to_forget_what_is_not_handled(self) -> None:
        async with scripted_gateway(self.script) as gateway, stock_shard(gateway.url) as (shard, manager):
            never = asyncio.Event()

            async def listen(_: hikari.ShardPayloadEvent) -> None:
                await never.wait()

            manager.subscribe(hikari.ShardPayloadEvent, listen)
            await shard.start()
            connection = await gateway.connection(0)
            async with asyncio.timeout(5):
                while not any(payload == {"op": 1, "d": 4} for payload in connection.received):
                    await asyncio.sleep(0.01)
            await shard.close()
            stuck = [task for task in asyncio.all_tasks() if task.get_name().startswith("handler")]
            never.set()
            await asyncio.gather(*stuck)

    async def test_here_heartbeats_and_the_stored_session_stop_at_the_first_unfinished_event(self) -> None:
        router = NotingRouter()
        router.blocked[3] = asyncio.Event()
        async with scripted_gateway(self.script) as gateway, our_shard(gateway.url, router=router) as ours:
            await router.until(3)
            await ours.held.flush()
            stored = await ours.stored()
            assert stored.seq == 2
            connection = await gateway.connection(0)
            while (await connection_heartbeat(connection))["d"] != 2:
                pass
            router.blocked[3].set()
            await router.until(4)
            await ours.held.flush()
            stored = await ours.stored()
            assert stored.seq == 4
            assert all(payload["d"] in {None, 1, 2} for payload in connection.received[:-1] if payload["op"] == 1)


async def connection_heartbeat(connection: Connection) -> Mapping[str, Any]:
    """Wait for one more heartbeat to be in the record, and return the last."""
    before = sum(payload["op"] == 1 for payload in connection.received)
    async with asyncio.timeout(5):
        while sum(payload["op"] == 1 for payload in connection.received) == before:
            await asyncio.sleep(0.01)
    return [payload for payload in connection.received if payload["op"] == 1][-1]


class TestLongReplays:
    """Fault 5: while frames are buffered the loop runs nothing else."""

    @staticmethod
    async def script(connection: Connection) -> None:
        await connection.hello()
        await connection.expect(6)
        for seq in range(8, 2_008):
            await connection.event(seq)
        await connection.resumed(2_008)

    async def test_here_other_tasks_run_in_the_middle_of_a_replay(self) -> None:
        turns = 0

        async def neighbour() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        async with scripted_gateway(self.script) as gateway, our_shard(gateway.url, resume=(gateway.url, 7)) as ours:
            running = asyncio.create_task(neighbour())
            await ours.router.until(2_001)
            running.cancel()
            assert [event.seq for event in ours.router.seen] == list(range(8, 2_009))
        assert turns >= 2_000 // 50


class TestRecoverableCloses:
    """Fault 6: 4001, 4003 and 4005 end a stock shard, though Discord says to reconnect."""

    @pytest.mark.parametrize("code", [4001, 4003, 4005])
    async def test_stock_hikari_gives_up(self, code: int) -> None:
        script = closing(code, after_ready=False)
        async with scripted_gateway(script) as gateway, stock_shard(gateway.url) as (shard, _):
            with pytest.raises(errors.GatewayServerClosedConnectionError):
                await shard.start()

    @pytest.mark.parametrize("code", [4000, 4001, 4002, 4003, 4005, 4008])
    async def test_here_the_shard_goes_on(self, code: int) -> None:
        async with scripted_gateway(closing(code, times=1)) as gateway, our_shard(gateway.url) as ours:
            second = await gateway.connection(1)
            await ours.router.until(2)
            assert second.received[0]["op"] == (2 if code == 4003 else 6)
            assert ours.life.state is ShardState.LIVE

    @pytest.mark.parametrize(
        ("code", "kind", "word"),
        [
            (4004, CredentialsError, "Reset Token"),
            (4010, ConfigError, "Count"),
            (4011, ConfigError, "2,500"),
            (4012, ConfigError, "ApiUrl"),
            (4013, ConfigError, "Intents"),
            (4014, ConfigError, "Privileged Gateway Intents"),
        ],
    )
    async def test_here_a_fatal_close_is_a_typed_error_and_is_not_tried_again(
        self, code: int, kind: type[Exception], word: str
    ) -> None:
        async with scripted_gateway(closing(code, after_ready=False)) as gateway, our_shard(gateway.url) as ours:
            with pytest.raises(kind, match=word):
                await ours.failed
            assert len(gateway.connections) == 1
            assert ours.life.state is ShardState.FAILED


class TestLeaving:
    """Stock shutdown closes with 1001, which destroys the session; a handshake cannot be closed at all."""

    async def test_stock_hikari_destroys_the_session(self) -> None:
        async with scripted_gateway(closing(4000, times=0)) as gateway, stock_shard(gateway.url) as (shard, _):
            await shard.start()
            connection = await gateway.connection(0)
            await shard.close()
            await connection.until_closed()
        assert connection.close_code == 1001

    async def test_here_the_close_code_keeps_it(self) -> None:
        async with scripted_gateway(closing(4000, times=0)) as gateway, our_shard(gateway.url) as ours:
            await ours.router.until(1)
            connection = await gateway.connection(0)
            await ours.held.leave_connection()
            await connection.until_closed()
        assert connection.close_code == 3000

    async def test_here_a_shard_that_is_still_connecting_leaves_nothing_open(self) -> None:
        arrived = asyncio.Event()

        async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            arrived.set()
            await reader.read()
            await reader.read()
            writer.close()

        server = await asyncio.start_server(mute, "127.0.0.1", 0)
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, our_shard(url, resume=(url, 7)) as ours:
            async with asyncio.timeout(10):
                await arrived.wait()
            await ours.held.leave_connection()
            sessions = [one for one in gc.get_objects() if isinstance(one, aiohttp.ClientSession)]
            assert [one for one in sessions if not one.closed] == []

    async def test_here_a_shard_in_its_handshake_can_leave(self) -> None:
        async def silent(connection: Connection) -> None:
            await connection.hello()

        async with scripted_gateway(silent) as gateway, our_shard(gateway.url, resume=(gateway.url, 7)) as ours:
            connection = await gateway.connection(0)
            await connection.expect(6)
            await ours.held.leave_connection()
            await connection.until_closed()
        assert connection.close_code == 3000


class TestSessions:
    async def test_a_new_session_is_stored_before_its_first_event_is_handled(self) -> None:
        router = NotingRouter()
        async with scripted_gateway(closing(4000, times=0)) as gateway, our_shard(gateway.url, router=router) as ours:
            await router.until(1)
            stored = await ours.stored()
        assert (stored.session_id, stored.resume_url, stored.seq) == (SESSION, gateway.url, 1)

    async def test_after_op_9_false_it_waits_a_random_moment_and_identifies_at_the_original_address(self) -> None:
        async def script(connection: Connection) -> None:
            await connection.hello()
            if connection.number == 0:
                await connection.expect(6)
                await connection.send(9, False)
            else:
                await _welcome(connection)

        async with (
            scripted_gateway(script) as original,
            scripted_gateway(script) as resume,
            our_shard(original.url, resume=(resume.url, 7)) as ours,
        ):
            first = await original.connection(0)
            assert (await first.expect(2))["d"]["shard"] == [0, 1]
            assert any(1.0 <= wait <= 5.0 for wait in ours.clock.waits)
            assert [connection.received[0]["op"] for connection in resume.connections] == [6]

    async def test_after_op_9_true_it_resumes(self) -> None:
        async def script(connection: Connection) -> None:
            await connection.hello()
            if connection.number == 0:
                await connection.expect(6)
                await connection.send(9, True)
            else:
                await _welcome(connection)

        async with scripted_gateway(script) as gateway, our_shard(gateway.url, resume=(gateway.url, 7)) as ours:
            await ours.router.until(1)
        assert [connection.received[0]["op"] for connection in gateway.connections] == [6, 6]

    async def test_a_full_intake_holds_the_socket_and_loses_nothing(self) -> None:
        router, gate, sent = NotingRouter(), asyncio.Event(), asyncio.Event()
        last = IN_FLIGHT_LIMIT + 50
        router.blocked = dict.fromkeys(range(2, last + 1), gate)

        async def script(connection: Connection) -> None:
            await connection.hello()
            await _welcome(connection)
            await router.until(1)  # Before the shard is live what comes is kept without this bound.
            for seq in range(2, last + 1):
                await connection.event(seq)
            sent.set()

        async with scripted_gateway(script) as gateway, our_shard(gateway.url, router=router) as ours:
            async with asyncio.timeout(10):
                await sent.wait()
                while ours.life.intake.in_flight < IN_FLIGHT_LIMIT:
                    await asyncio.sleep(0)
            for _ in range(500):
                await asyncio.sleep(0)
            assert ours.life.intake.in_flight == IN_FLIGHT_LIMIT
            gate.set()
            await router.until(last)
            assert sorted(router.done) == list(range(1, last + 1))

    async def test_what_was_handled_before_is_not_handled_again(self) -> None:
        async def script(connection: Connection) -> None:
            await connection.hello()
            await connection.expect(6)
            for seq in (6, 7, 8, 8, 10):
                await connection.event(seq)
            await connection.resumed(11)

        async with scripted_gateway(script) as gateway, our_shard(gateway.url, resume=(gateway.url, 7)) as ours:
            await ours.router.until(3)
            assert [event.seq for event in ours.router.seen] == [8, 10, 11]
