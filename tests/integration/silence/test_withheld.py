"""The fault `withhold`: a session that is well, but whose client does not get what is sent."""

from __future__ import annotations

import aiohttp
import pytest
from tests.integration.emulator_gateway.client import GUILD_MEMBERS, USUAL, RawClient, connected
from tests.integration.emulator_gateway.conftest import Stage

from migaga_emulator.control.transport import ControlError, Transport
from migaga_emulator.rules import Rules

GUILD_MESSAGE_TYPING = 1 << 11


async def start(client: RawClient, stage: Stage, intents: int = USUAL) -> None:
    """Log shard 0 of 2 in and read up to the last GUILD_CREATE."""
    ready = await client.log_in(stage.token, (0, 2), intents)
    guilds = ready["guilds"]
    assert isinstance(guilds, list)
    for _ in guilds:
        await client.until("GUILD_CREATE")


async def missed(stage: Stage, client: RawClient, taker: RawClient) -> list[tuple[object, object]]:
    """RESUME where the client stands; names and numbers of what comes up to RESUMED."""
    await taker.resume(stage.token, client.ready, client.seq)
    come: list[tuple[object, object]] = []
    while not come or come[-1][0] != "RESUMED":
        payload = await taker.receive()
        come.append((payload["t"], payload["s"]))
    return come


async def told(stage: Stage) -> tuple[int, int, int]:
    """Sent, lost and undeliverable, as the ledger has them."""
    report = await stage.control.ledger()
    return report.sent, report.lost, report.undeliverable


async def test_a_session_whose_events_are_withheld_heartbeats_and_gets_them_by_resume(stage: Stage) -> None:
    async with connected(stage.url) as client, connected(str(stage.emulator.hub.resume_url)) as taker:
        await start(client, stage)
        assert await stage.control.faults.withhold(shard_id=0) == 1
        await stage.post("one")
        await client.send(8, {"guild_id": str(stage.guild()), "user_ids": [str(stage.bot)], "nonce": "n"})
        await client.send(1, client.seq)
        assert (await client.receive())["op"] == 11
        await client.ws.close(code=4000)
        await stage.control.wait_for_sessions(0)
        await stage.post("two")
        names = ["MESSAGE_CREATE", "GUILD_MEMBERS_CHUNK", "MESSAGE_CREATE", "RESUMED"]
        assert await missed(stage, client, taker) == [(name, client.seq + 1 + n) for n, name in enumerate(names)]
        await stage.post("three")
        assert (await taker.until("MESSAGE_CREATE"))["content"] == "three"
        assert await told(stage) == (3, 3, 0)


async def test_a_kind_that_is_withheld_comes_after_what_was_sent_meanwhile(stage: Stage) -> None:
    async with connected(stage.url) as client, connected(str(stage.emulator.hub.resume_url)) as taker:
        await start(client, stage, USUAL | GUILD_MESSAGE_TYPING)
        assert await stage.control.faults.withhold("MESSAGE_CREATE", shard_id=0) == 1
        await stage.post("withheld")
        await stage.control.person(stage.person).type_in(stage.channel())
        assert (await client.receive())["t"] == "TYPING_START"
        assert await missed(stage, client, taker) == [
            ("MESSAGE_CREATE", client.seq + 1),
            ("RESUMED", client.seq + 2),
        ]


async def test_clearing_the_faults_sends_what_was_withheld(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.control.faults.withhold()
        await stage.post("late")
        await stage.control.faults.clear()
        assert (await client.until("MESSAGE_CREATE"))["content"] == "late"


async def test_a_client_that_gives_the_session_up_has_lost_what_was_withheld(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.control.faults.withhold()
        await stage.post("lost")
        await client.ws.close(code=1000)
        await stage.control.wait_for_sessions(0)
        assert await told(stage) == (1, 1, 0)


async def test_what_is_withheld_when_a_fault_destroys_the_session_is_undeliverable(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.control.faults.withhold()
        await stage.post("destroyed")
        await stage.control.faults.invalidate(resumable=False)
        assert await told(stage) == (1, 0, 1)


@pytest.mark.parametrize("events", [[], ["message_create"], [1], "MESSAGE_CREATE"])
async def test_events_that_are_none_are_refused(stage: Stage, events: object) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ControlError, match="event"):
            await Transport(session, stage.emulator.control_url).post("/faults/withhold", events=events)


@pytest.mark.parametrize("rules", [Rules(max_concurrency=2, large_bot_guilds=10_000)], indirect=True)
async def test_members_by_id_need_no_intent_and_an_unavailable_guild_answers_nothing(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage, USUAL & ~GUILD_MEMBERS)
        ask = {"guild_id": str(stage.guild()), "user_ids": [str(stage.bot)], "limit": 0, "nonce": "who"}
        await client.send(8, ask)
        chunk = await client.until("GUILD_MEMBERS_CHUNK")
        assert (chunk["nonce"], chunk["chunk_count"], chunk.get("not_found")) == ("who", 1, None)
        await stage.control.faults.outage([stage.guild()])
        await client.until("GUILD_DELETE")
        await client.send(8, ask)
        await client.send(1, None)
        assert (await client.receive())["op"] == 11
