"""Events know whether they were replayed: only what comes between RESUME and RESUMED was."""

from __future__ import annotations

from tests.integration.hikari_faults.scripted import Connection, scripted_gateway
from tests.integration.hikari_faults.shards import our_shard


async def test_what_comes_before_resumed_was_replayed_and_nothing_else() -> None:
    async def script(connection: Connection) -> None:
        await connection.hello()
        await connection.expect(6)
        await connection.event(8)
        await connection.event(9)
        await connection.resumed(10)
        await connection.event(11)

    async with scripted_gateway(script) as gateway, our_shard(gateway.url, resume=(gateway.url, 7)) as ours:
        await ours.router.until(4)
    told = {event.seq: event.replayed for event in ours.router.seen if event.name == "TYPING_START"}
    assert told == {8: True, 9: True, 11: False}


async def test_a_new_session_replays_nothing_and_a_lost_connection_does() -> None:
    async def script(connection: Connection) -> None:
        await connection.hello()
        payload = await connection.inbox.get()
        if payload["op"] == 2:
            await connection.ready(connection.url)
            await connection.event(2)
            await connection.event(3)
            await connection.close(4000)
            return
        await connection.event(4)
        await connection.resumed(5)
        await connection.event(6)

    async with scripted_gateway(script) as gateway, our_shard(gateway.url) as ours:
        await ours.router.until(6)
    told = {event.seq: event.replayed for event in ours.router.seen if event.name == "TYPING_START"}
    assert told == {2: False, 3: False, 4: True, 6: False}
