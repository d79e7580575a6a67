"""Sessions: what is dispatched to whom, what a RESUME brings back, and when it is refused."""

from __future__ import annotations

import asyncio

import pytest
from tests.integration.emulator_gateway.client import (
    DIRECT_MESSAGES,
    GUILD_MEMBERS,
    GUILD_MESSAGES,
    GUILDS,
    USUAL,
    RawClient,
    connected,
)
from tests.integration.emulator_gateway.conftest import Stage

from migaga_emulator.rules import Rules

FAST_HEARTBEAT = Rules(heartbeat_interval_ms=100)


async def start(client: RawClient, stage: Stage, shard: tuple[int, int] = (0, 2), intents: int = USUAL) -> None:
    """Log in and read up to the last GUILD_CREATE."""
    ready = await client.log_in(stage.token, shard, intents)
    guilds = ready["guilds"]
    assert isinstance(guilds, list)
    for _ in guilds if intents & GUILDS else ():
        await client.until("GUILD_CREATE")


async def contents(client: RawClient, count: int) -> list[object]:
    """The texts of the next messages."""
    return [(await client.until("MESSAGE_CREATE"))["content"] for _ in range(count)]


async def resumed(stage: Stage, client: RawClient, seq: object) -> tuple[list[tuple[object, object]], RawClient]:
    """RESUME the client's session; names and numbers of what is replayed."""
    async with connected(str(client.ready["resume_gateway_url"])) as again:
        await again.resume(stage.token, client.ready, seq)
        replayed: list[tuple[object, object]] = []
        while not replayed or replayed[-1][0] != "RESUMED":
            payload = await again.receive()
            replayed.append((payload["t"], payload["s"]))
        await again.ws.close(code=4000)
    return replayed, again


async def refusal(stage: Stage, client: RawClient, seq: object, *, url: str | None = None) -> object:
    """What a RESUME gets that fails: `d` of op 9, or the close code."""
    async with connected(url or str(client.ready["resume_gateway_url"])) as again:
        await again.resume(stage.token, client.ready, seq)
        payload = await again.ws.receive(timeout=5)
        if payload.type.name == "CLOSE":
            return payload.data
        assert payload.json()["op"] == 9
        return payload.json()["d"]


async def test_each_shard_gets_the_events_of_its_guilds_in_order(stage: Stage) -> None:
    async with connected(stage.url) as zero, connected(stage.url) as one:
        await start(zero, stage, (0, 2))
        await start(one, stage, (1, 2))
        before = zero.seq
        for n in range(3):
            await stage.post(f"zero {n}", 0)
            await stage.post(f"one {n}", 1)
        assert await contents(zero, 3) == ["zero 0", "zero 1", "zero 2"]
        assert await contents(one, 3) == ["one 0", "one 1", "one 2"]
        assert zero.seq == before + 3


async def test_sessions_of_the_same_shard_and_of_other_counts_each_get_the_events(stage: Stage) -> None:
    async with connected(stage.url) as a, connected(stage.url) as b, connected(stage.url) as c:
        await start(a, stage, (0, 2))
        stage.clock.advance(5)
        await start(b, stage, (0, 2))
        stage.clock.advance(5)
        await start(c, stage, (0, 1))
        await stage.post("hello")
        assert [await contents(client, 1) for client in (a, b, c)] == [["hello"]] * 3
        assert (await stage.control.ledger()).by_type["MESSAGE_CREATE"].sent == 1


async def test_direct_messages_go_to_shard_0_only(stage: Stage) -> None:
    async with connected(stage.url) as zero, connected(stage.url) as one:
        await start(zero, stage, (0, 2))
        await start(one, stage, (1, 2))
        await stage.control.person(stage.person).dm("psst")
        await stage.post("marker", 1)
        assert await contents(zero, 1) == ["psst"]
        assert await contents(one, 1) == ["marker"]


async def test_intents_decide_what_comes_and_content_needs_its_own(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage, (0, 2), GUILDS | GUILD_MESSAGES)
        newcomer = await stage.control.create_user("newcomer")
        await stage.control.person(newcomer.id).join(stage.guild())
        await stage.post("secret")
        await stage.post(f"for <@{stage.bot}>")
        payload = await client.receive()
        assert payload["t"] == "MESSAGE_CREATE"
        assert isinstance(payload["d"], dict)
        assert payload["d"]["content"] == ""
        assert await contents(client, 1) == [f"for <@{stage.bot}>"]
        assert "GUILD_MEMBER_ADD" not in (await stage.control.ledger()).by_type


async def test_messages_of_a_channel_that_the_bot_cannot_see_do_not_come(stage: Stage) -> None:
    guild = stage.guild()
    await stage.control.remove_bot(guild, stage.bot)
    await stage.control.add_bot(guild, stage.bot, permissions=0)
    hidden = await stage.control.create_channel(
        guild, "hidden", overwrites=[{"id": stage.bot, "type": 1, "deny": 1 << 10}]
    )
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.control.person(stage.person).post(hidden.id, "unseen")
        await stage.post("seen")
        assert await contents(client, 1) == ["seen"]
        assert (await stage.control.ledger()).by_type["MESSAGE_CREATE"].sent == 1


async def test_without_the_guilds_intent_no_guild_create_comes(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage, (0, 1), DIRECT_MESSAGES)
        await stage.control.person(stage.person).dm("hello")
        assert (await client.receive())["t"] == "MESSAGE_CREATE"


@pytest.mark.parametrize("code", [4000, 3000, None])
async def test_a_session_left_by_any_other_way_is_resumed_and_replayed_in_order(stage: Stage, code: int | None) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.post("seen")
        await contents(client, 1)
        if code is None:
            await stage.control.faults.drop()
            assert await client.close_code() is None
        else:
            await client.ws.close(code=code)
        await stage.control.wait_for_sessions(0)
        for n in range(3):
            await stage.post(f"missed {n}")
        seq = client.seq
        replayed, _ = await resumed(stage, client, seq)
        expected = [("MESSAGE_CREATE", seq + n) for n in (1, 2, 3)] + [("RESUMED", seq + 4)]
        assert replayed == expected
        report = await stage.control.ledger()
        assert (report.resumes, report.resumes_failed, report.resumes_elsewhere) == (1, 0, 0)


@pytest.mark.parametrize("code", [1000, 1001])
async def test_a_client_close_with_1000_or_1001_destroys_the_session(stage: Stage, code: int) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await client.ws.close(code=code)
        await stage.control.wait_for_sessions(0)
        assert await stage.control.sessions() == []
        assert await refusal(stage, client, client.seq) is False


async def test_a_resume_after_the_window_is_refused(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await client.ws.close(code=4000)
        await stage.control.wait_for_sessions(0)
        stage.clock.advance(90.1)
        assert await refusal(stage, client, client.seq) is False


@pytest.mark.parametrize("rules", [Rules(replay_events=5)], indirect=True)
async def test_a_resume_from_below_a_full_buffer_is_refused(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await client.ws.close(code=4000)
        await stage.control.wait_for_sessions(0)
        for n in range(6):
            await stage.post(f"missed {n}")
        assert await refusal(stage, client, client.seq) is False
        report = await stage.control.ledger()
        assert report.resumes_failed_by == {"events are no longer kept": 1}
        assert (report.lost, report.undeliverable) == (6, 0)


async def test_a_resume_needs_events_that_are_not_too_old(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.post("old")
        await contents(client, 1)
        stage.clock.advance(91)
        await client.ws.close(code=4000)
        await stage.control.wait_for_sessions(0)
        assert await refusal(stage, client, client.seq - 1) is False


async def test_a_heartbeat_makes_the_buffer_forget_what_it_acknowledges(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        for n in range(4):
            await stage.post(f"{n}")
        await contents(client, 4)
        await client.send(1, client.seq - 2)
        await client.op(11)
        assert (await stage.control.sessions())[0].replay_floor == client.seq - 2
        await client.ws.close(code=4000)
        await stage.control.wait_for_sessions(0)
        replayed, _ = await resumed(stage, client, client.seq - 2)
        assert [name for name, _ in replayed] == ["MESSAGE_CREATE", "MESSAGE_CREATE", "RESUMED"]
        await stage.control.wait_for_sessions(0)
        assert await refusal(stage, client, client.seq - 3) is False


async def test_a_seq_that_was_never_sent_is_4007_and_the_session_is_not_resumed_again(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await client.ws.close(code=4000)
        await stage.control.wait_for_sessions(0)
        assert await refusal(stage, client, client.seq + 1) == 4007
        assert await refusal(stage, client, client.seq) == 4007
        assert await refusal(stage, client, "last") == 4007


async def test_after_4009_a_resume_gets_4009_again(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        assert await stage.control.faults.close(4009) == 1
        assert await client.close_code() == 4009
        await stage.control.wait_for_sessions(0)
        assert await refusal(stage, client, client.seq) == 4009


async def test_a_resume_with_a_wrong_token_is_4004_and_of_an_unknown_session_op_9(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        other = await stage.control.create_bot("Other")
        for token, outcome in (("wrong", 4004), (other.token, 9)):
            async with connected(stage.url) as again:
                await again.resume(token, client.ready, client.seq)
                if outcome == 9:
                    assert (await again.op(9))["d"] is False
                else:
                    assert await again.close_code() == outcome


async def test_a_new_token_voids_the_sessions(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        fresh = await stage.control.faults.rotate_token()
        assert await client.close_code() == 4004
        async with connected(stage.url) as again:
            await again.resume(fresh, client.ready, client.seq)
            assert (await again.op(9))["d"] is False


async def test_a_second_resume_takes_the_session_over(stage: Stage) -> None:
    async with connected(stage.url) as client, connected(str(stage.emulator.hub.resume_url)) as taker:
        await start(client, stage)
        await taker.resume(stage.token, client.ready, client.seq)
        await taker.until("RESUMED")
        assert await client.close_code() == 4000
        await stage.post("for the taker")
        assert await contents(taker, 1) == ["for the taker"]
        assert [session.connected for session in await stage.control.sessions()] == [True]


async def test_a_resume_elsewhere_works_and_the_ledger_notices(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await client.ws.close(code=4000)
        await stage.control.wait_for_sessions(0)
        async with connected(stage.url) as again:
            await again.resume(stage.token, client.ready, client.seq)
            await again.until("RESUMED")
        assert (await stage.control.ledger()).resumes_elsewhere == 1


@pytest.mark.parametrize("rules", [FAST_HEARTBEAT], indirect=True)
async def test_a_client_without_heartbeats_is_closed_and_may_resume(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        assert await client.close_code() == 4000
        await stage.control.wait_for_sessions(0)
        replayed, _ = await resumed(stage, client, client.seq)
        assert replayed == [("RESUMED", client.seq + 1)]


async def test_op_1_from_the_gateway_asks_for_a_heartbeat(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        assert await stage.control.faults.heartbeat(shard_id=0) == 1
        assert await client.receive() == {"t": None, "s": None, "op": 1, "d": None}


async def test_op_7_comes_at_any_time_and_instead_of_hello(stage: Stage) -> None:
    await stage.control.faults.reconnect_instead_of_hello()
    async with connected(stage.url, hello=False) as client:
        assert (await client.receive())["op"] == 7
    async with connected(stage.url) as client:
        await start(client, stage)
        assert await stage.control.faults.reconnect() == 1
        assert (await client.receive())["op"] == 7


@pytest.mark.parametrize("resumable", [True, False])
async def test_op_9_says_whether_the_session_can_be_resumed(stage: Stage, resumable: bool) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        seq = client.seq
        await stage.control.faults.invalidate(resumable=resumable)
        assert (await client.op(9))["d"] is resumable
        await stage.post("missed")
        if resumable:
            replayed, _ = await resumed(stage, client, seq)
            assert [name for name, _ in replayed] == ["MESSAGE_CREATE", "RESUMED"]
        else:
            assert await refusal(stage, client, seq) is False


async def test_a_silent_connection_answers_nothing_and_a_new_one_gets_what_was_missed(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        assert await stage.control.faults.silence(shard_id=0) == 1
        await client.send(1, client.seq)
        await stage.post("unheard")
        with pytest.raises(TimeoutError):
            await client.ws.receive(timeout=0.2)
        replayed, _ = await resumed(stage, client, client.seq)
        assert [name for name, _ in replayed] == ["MESSAGE_CREATE", "RESUMED"]


async def test_a_silent_connection_can_be_closed_and_what_was_queued_never_comes(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.control.faults.silence()
        await stage.post("unheard")
        seq = client.seq
        await stage.control.faults.close(4000)
        assert await client.close_code() == 4000
        assert client.seq == seq


async def test_latency_delays_frames_until_it_is_cleared(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.control.faults.latency(0.2, shard_id=0)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await stage.post("slow")
        await contents(client, 1)
        assert loop.time() - begun >= 0.19
        await stage.control.faults.clear()


async def test_refused_connections_get_503(stage: Stage) -> None:
    await stage.control.faults.refuse(1)
    with pytest.raises(Exception, match="503"):
        async with connected(stage.url):
            pass
    async with connected(stage.url) as client:
        await start(client, stage)


async def test_an_outage_takes_a_guild_away_and_gives_it_back(stage: Stage) -> None:
    guild = str(stage.guild())
    async with connected(stage.url) as client:
        await start(client, stage)
        await stage.control.faults.outage([stage.guild()])
        assert await client.until("GUILD_DELETE") == {"id": guild, "unavailable": True}
        await stage.control.faults.outage([stage.guild()], on=False)
        assert (await client.until("GUILD_CREATE"))["id"] == guild


@pytest.mark.parametrize("compress", [None, "zlib-stream", "zstd-stream"])
async def test_every_compression_carries_many_payloads_in_one_context(stage: Stage, compress: str | None) -> None:
    async with connected(stage.url, compress=compress) as client:
        await start(client, stage)
        for n in range(20):
            await stage.post(f"message {n} " + "x" * 1_000)
        assert [str(text)[:10] for text in await contents(client, 20)] == [f"message {n} "[:10] for n in range(20)]
        assert [kind.name for kind in client.kinds] == ["TEXT" if compress is None else "BINARY"]


async def test_payload_compression_packs_large_payloads_alone(stage: Stage) -> None:
    stage.emulator.world.guilds.create_user("somebody")
    async with connected(stage.url) as client:
        await client.identify(stage.token, (0, 1), compress=True)
        await client.until("READY")
        await stage.post("x" * 2_000)
        await client.until("MESSAGE_CREATE")
        assert {kind.name for kind in client.kinds} <= {"TEXT", "BINARY"}


async def members(client: RawClient, stage: Stage, **request: object) -> dict[str, object]:
    """Send op 8 and return the first chunk."""
    await client.send(8, {"guild_id": str(stage.guild())} | request)
    return await client.until("GUILD_MEMBERS_CHUNK")


def named(chunk: dict[str, object], key: str) -> list[object]:
    """A field of the users of a chunk."""
    listed = chunk["members"]
    assert isinstance(listed, list)
    return [member["user"][key] for member in listed]


@pytest.mark.parametrize("rules", [Rules(member_chunk=3)], indirect=True)
async def test_all_members_come_in_chunks_once_in_thirty_seconds(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        first = await members(client, stage, query="", limit=0, nonce="n")
        second = await client.until("GUILD_MEMBERS_CHUNK")
        assert [(c["chunk_index"], c["chunk_count"], c["nonce"]) for c in (first, second)] == [(0, 2, "n"), (1, 2, "n")]
        assert [len(named(c, "id")) for c in (first, second)] == [3, 1]
        await client.send(8, {"guild_id": str(stage.guild()), "query": "", "limit": 0, "nonce": "n"})
        assert await client.until("RATE_LIMITED") == {
            "opcode": 8,
            "retry_after": 30.0,
            "meta": {"guild_id": str(stage.guild()), "nonce": "n"},
        }
        stage.clock.advance(30)
        await members(client, stage, query="", limit=0)


async def test_members_by_query_and_ids(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        found = await members(client, stage, query="person2", limit=1)
        assert named(found, "username") == ["person2"]
        found = await members(client, stage, user_ids=[str(stage.person), "7"])
        assert named(found, "id") == [str(stage.person)]
        assert found["not_found"] == ["7"]
        await client.send(8, {"query": ""})
        assert await client.close_code() == 4002


async def test_all_members_need_the_members_intent(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage, (0, 2), USUAL & ~GUILD_MEMBERS)
        await client.send(8, {"guild_id": str(stage.guild()), "query": "", "limit": 0})
        await stage.post("marker")
        assert (await client.receive())["t"] == "MESSAGE_CREATE"


async def test_presence_updates_count_five_times_in_twenty_seconds(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await start(client, stage)
        for n in range(7):
            await client.send(3, {"status": f"idle{n}", "since": None, "activities": [], "afk": False})
        await client.send(1, None)
        await client.op(11)
        assert (await stage.control.sessions())[0].presence["status"] == "idle4"
