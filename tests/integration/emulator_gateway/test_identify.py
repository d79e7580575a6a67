"""IDENTIFY: who may, how often, with what; and what a client gets that breaks a rule."""

from __future__ import annotations

import aiohttp
import pytest
from tests.integration.emulator_gateway.client import GUILDS, USUAL, RawClient, connected
from tests.integration.emulator_gateway.conftest import Stage

from migaga_emulator.control.client import ControlError
from migaga_emulator.rules import Rules


async def gateway_bot(stage: Stage, token: str | None = None) -> tuple[int, dict[str, object]]:
    """GET /gateway/bot: status and body."""
    headers = {"Authorization": f"Bot {token or stage.token}"}
    url = f"{stage.emulator.api_url}/gateway/bot"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(url) as response:
        assert response.headers["Content-Type"] == "application/json"
        return response.status, await response.json()


async def rejected(stage: Stage, **identify: object) -> int | None:
    """The code a connection is closed with after this IDENTIFY."""
    async with connected(stage.url) as client:
        await client.send(2, {"token": stage.token, "intents": USUAL, "properties": {}} | identify)
        return await client.close_code()


async def test_the_gateway_tells_its_url_to_anyone_and_its_limits_to_the_bot(stage: Stage) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{stage.emulator.api_url}/gateway") as response:
        assert (response.status, await response.json()) == (200, {"url": stage.url})
    assert await gateway_bot(stage) == (
        200,
        {
            "url": stage.url,
            "shards": 1,
            "session_start_limit": {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 2},
        },
    )
    status, body = await gateway_bot(stage, "wrong")
    assert (status, body["code"]) == (401, 0)


async def test_ready_names_unavailable_guilds_of_the_shard_and_each_comes_as_guild_create(stage: Stage) -> None:
    async with connected(stage.url) as client:
        ready = await client.log_in(stage.token, (1, 2))
        mine = {str(g.id) for g in stage.crowd.guilds if (g.id >> 22) % 2 == 1}
        assert ready["guilds"] == [{"id": guild_id, "unavailable": True} for guild_id in sorted(mine)]
        assert (ready["v"], ready["shard"], client.seq) == (10, [1, 2], 1)
        created = [await client.until("GUILD_CREATE") for _ in mine]
        assert {guild["id"] for guild in created} == mine
        assert all(guild["unavailable"] is False and guild["channels"] for guild in created)


async def test_a_second_identify_of_a_bucket_within_five_seconds_gets_op_9_and_counts(stage: Stage) -> None:
    async with connected(stage.url) as first, connected(stage.url) as second, connected(stage.url) as other:
        await first.log_in(stage.token, (0, 4))
        await other.log_in(stage.token, (1, 4))
        stage.clock.advance(4.9)
        await second.identify(stage.token, (2, 4))
        assert (await second.op(9))["d"] is False
        _, body = await gateway_bot(stage)
        assert body["session_start_limit"]["remaining"] == 997  # type: ignore[index]
        stage.clock.advance(0.1)
        await second.log_in(stage.token, (2, 4))
        report = await stage.control.ledger()
        assert (report.identifies, report.identifies_rejected) == (3, 1)


@pytest.mark.parametrize("rules", [Rules(identify_total=2)], indirect=True)
async def test_the_budget_comes_back_after_a_day(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await client.log_in(stage.token)
    stage.clock.advance(86_399)
    _, body = await gateway_bot(stage)
    assert body["session_start_limit"] == {"total": 2, "remaining": 1, "reset_after": 1000, "max_concurrency": 1}
    stage.clock.advance(1)
    _, body = await gateway_bot(stage)
    assert body["session_start_limit"] == {"total": 2, "remaining": 2, "reset_after": 0, "max_concurrency": 1}


@pytest.mark.parametrize("rules", [Rules(identify_total=2)], indirect=True)
async def test_going_over_the_budget_ends_every_session_and_resets_the_token(stage: Stage) -> None:
    async with connected(stage.url) as first, connected(stage.url) as second, connected(stage.url) as third:
        ready = await first.log_in(stage.token, (0, 2))
        stage.clock.advance(6)
        await second.log_in(stage.token, (1, 2))
        stage.clock.advance(6)
        await third.identify(stage.token, (0, 2))
        assert [await client.close_code() for client in (first, second, third)] == [4004, 4004, 4004]
    assert (await gateway_bot(stage))[0] == 401
    fresh = (await stage.control.bots())[0].token
    assert fresh != stage.token
    assert (await gateway_bot(stage, fresh))[0] == 200
    async with connected(stage.url) as client:
        await client.resume(fresh, ready, 1)
        assert (await client.op(9))["d"] is False


@pytest.mark.parametrize(
    ("identify", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"token": 7}, 4002),
        ({"intents": 1 << 30}, 4013),
        ({"intents": -1}, 4013),
        ({"intents": "all"}, 4013),
        ({"shard": [2, 2]}, 4010),
        ({"shard": [-1, 2]}, 4010),
        ({"shard": [0]}, 4010),
        ({"shard": "0"}, 4010),
        ({"properties": None}, 4002),
    ],
)
async def test_a_wrong_identify_is_closed_with_its_code(stage: Stage, identify: dict[str, object], code: int) -> None:
    assert await rejected(stage, **identify) == code


async def test_a_privileged_intent_that_is_switched_off_is_4014(stage: Stage) -> None:
    stage.emulator.world.bots[stage.bot].privileged_intents = 0
    assert await rejected(stage) == 4014
    async with connected(stage.url) as client:
        await client.log_in(stage.token, intents=GUILDS)


@pytest.mark.parametrize("rules", [Rules(guilds_per_shard=3)], indirect=True)
async def test_too_many_guilds_for_one_shard_are_4011(stage: Stage) -> None:
    assert await rejected(stage) == 4011
    async with connected(stage.url) as client:
        await client.log_in(stage.token, (0, 2))


@pytest.mark.parametrize("rules", [Rules(shard_multiple=4, max_concurrency=16)], indirect=True)
async def test_a_large_bot_must_use_a_multiple_of_its_number(stage: Stage) -> None:
    assert await rejected(stage, shard=[0, 6]) == 4010
    async with connected(stage.url) as client:
        await client.log_in(stage.token, (1, 8))


@pytest.mark.parametrize(
    "query", ["v=9&encoding=json", "encoding=json", "v=10&encoding=etf", "v=10&encoding=json&compress=lzma"]
)
async def test_another_version_encoding_or_compression_is_4012(stage: Stage, query: str) -> None:
    async with connected(stage.url, hello=False, query=query) as client:
        assert await client.close_code() == 4012


async def test_a_second_identify_on_a_connection_is_4005(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await client.log_in(stage.token)
        await client.identify(stage.token)
        assert await client.close_code() == 4005


async def test_payloads_before_identify_are_4003(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await client.send(1, None)
        await client.op(11)
        await client.send(3, {"status": "online", "since": None, "activities": [], "afk": False})
        assert await client.close_code() == 4003


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", 4002),
        ("[]", 4002),
        ('{"op": "2"}', 4002),
        ('{"op": 1, "d": "seven"}', 4002),
        ('{"op": 99}', 4001),
        ('{"op": 0}', 4001),
    ],
)
async def test_what_cannot_be_read_is_4002_and_an_unknown_opcode_4001(stage: Stage, text: str, code: int) -> None:
    async with connected(stage.url) as client:
        await client.ws.send_str(text)
        assert await client.close_code() == code


async def test_a_payload_above_4096_bytes_is_4002(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await client.send(1, None)
        await client.op(11)
        await client.ws.send_str('{"op": 1, "d": null, "x": "' + "x" * 4_096 + '"}')
        assert await client.close_code() == 4002


async def test_binary_and_text_frames_are_both_understood(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await client.ws.send_bytes(b'{"op": 1, "d": null}')
        await client.op(11)
        await client.send(1, None)
        await client.op(11)


async def flood(client: RawClient, count: int) -> None:
    """Send heartbeats, and read their acknowledgements."""
    for _ in range(count):
        await client.send(1, None)
    for _ in range(count):
        await client.op(11)


async def test_more_than_120_payloads_a_minute_are_4008(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await flood(client, 120)
        stage.clock.advance(60)
        await flood(client, 120)
        await client.send(1, None)
        assert await client.close_code() == 4008


async def test_a_revoked_token_ends_sessions_until_it_is_restored(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await client.log_in(stage.token)
        await stage.control.faults.revoke_token()
        assert await client.close_code() == 4004
    assert (await gateway_bot(stage))[0] == 401
    assert await rejected(stage) == 4004
    await stage.control.faults.restore_token()
    assert (await gateway_bot(stage))[0] == 200


async def test_rest_faults_reach_gateway_bot_too(stage: Stage) -> None:
    await stage.control.faults.rest(route="/gateway/bot", status=500, times=1)
    await stage.control.faults.rest(route="/gateway/bot", status=429, retry_after=2.5, times=1)
    assert (await gateway_bot(stage))[0] == 500
    status, body = await gateway_bot(stage)
    assert (status, body["retry_after"]) == (429, 2.5)
    assert (await gateway_bot(stage))[0] == 200


async def test_a_close_code_that_cannot_be_is_refused_by_the_control_api(stage: Stage) -> None:
    with pytest.raises(ControlError, match="1005 is no close code"):
        await stage.control.faults.close(1005)
