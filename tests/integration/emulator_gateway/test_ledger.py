"""The ledger over the control API: what a bot tells, what faults excuse, and waiting without polling."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest
from tests.integration.emulator_gateway.client import RawClient, connected
from tests.integration.emulator_gateway.conftest import Stage

from migaga_emulator.control.client import ControlError, WaitTimeout


async def log_in(client: RawClient, stage: Stage) -> None:
    """READY and every GUILD_CREATE of the only shard."""
    await client.log_in(stage.token)
    for _ in stage.crowd.guilds:
        await client.until("GUILD_CREATE")


async def call(stage: Stage, interaction: dict[str, object], answer: dict[str, object]) -> int:
    """Answer an interaction over REST; the status."""
    url = f"{stage.emulator.api_url}/interactions/{interaction['id']}/{interaction['token']}/callback"
    async with aiohttp.ClientSession() as session, session.post(url, json=answer) as response:
        return response.status


async def register(stage: Stage, name: str = "ping") -> None:
    """Register a global slash command over REST."""
    url = f"{stage.emulator.api_url}/applications/{stage.bot}/commands"
    headers = {"Authorization": f"Bot {stage.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        body = [{"name": name, "description": "Ping", "type": 1}]
        async with session.put(url, json=body) as response:
            assert response.status == 200


async def test_what_is_handled_is_neither_lost_nor_repeated(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await log_in(client, stage)
        for n in range(3):
            await stage.post(f"{n}")
        messages = [await client.until("MESSAGE_CREATE") for _ in range(3)]
        stage.clock.advance(0.5)
        await stage.control.handled([("MESSAGE_CREATE", message) for message in messages[:2]])
        await stage.control.handled([("MESSAGE_CREATE", messages[0]), ("MESSAGE_DELETE", {"id": "7"})])
        report = await stage.control.ledger()
        assert (report.sent, report.handled, report.lost, report.repeated, report.unexpected) == (3, 2, 1, 1, 1)
        assert report.latency.p50 == report.latency.max == 0.5
        assert [event.key for event in await stage.control.ledger_events("lost")] == [
            f"MESSAGE_CREATE:{messages[2]['id']}"
        ]
        assert [event.key for event in await stage.control.ledger_events("unexpected")] == ["MESSAGE_DELETE:7"]


async def test_waiting_until_all_is_handled_ends_with_the_last_report(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await log_in(client, stage)
        await stage.post("hello")
        message = await client.until("MESSAGE_CREATE")
        with pytest.raises(WaitTimeout, match="1 events are not handled"):
            await stage.control.wait_until_handled(timeout=0.05)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(stage.control.wait_until_handled(timeout=5))
            await stage.control.handled([("MESSAGE_CREATE", message)])
        assert waiting.result().lost == 0


async def test_events_before_the_first_identify_are_nobodys(stage: Stage) -> None:
    await stage.post("before")
    assert (await stage.control.ledger()).sent == 0


async def test_what_a_destroyed_session_still_held_is_undeliverable(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await log_in(client, stage)
        await stage.control.faults.silence()
        await stage.post("held")
        await stage.control.faults.invalidate(resumable=False)
        await stage.post("while nobody is there")
        report = await stage.control.ledger()
        assert (report.sent, report.lost, report.undeliverable) == (2, 0, 2)
        assert (await stage.control.wait_until_handled(timeout=1)).undeliverable == 2


@pytest.mark.parametrize(("code", "undeliverable"), [(3000, 1), (None, 0)])
async def test_a_session_of_before_a_cut_over_excuses_nothing_once_its_client_has_left_it(
    stage: Stage, code: int | None, undeliverable: int
) -> None:
    async with connected(stage.url) as old, connected(stage.url) as new:
        await old.log_in(stage.token, shard=(0, 1))
        stage.clock.advance(6)
        await new.log_in(stage.token, shard=(0, 2))
        if code is None:
            await stage.control.faults.drop(shard_id=0, shard_count=1)
        else:
            await old.ws.close(code=code)
        await stage.control.wait_for_sessions(1)
        await stage.control.faults.invalidate(shard_id=0, shard_count=2, resumable=False)
        await stage.post("while nobody is there")
        report = await stage.control.ledger()
    # Who comes back to a session that was only dropped has the event.
    assert (report.sent, report.lost, report.undeliverable) == (1, 1 - undeliverable, undeliverable)


async def test_what_a_client_had_and_did_not_handle_is_lost_whatever_fault_comes(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await log_in(client, stage)
        await stage.post("received")
        await client.until("MESSAGE_CREATE")
        await stage.control.faults.invalidate(resumable=False)
        report = await stage.control.ledger()
        assert (report.lost, report.undeliverable) == (1, 0)


async def test_what_is_sent_after_a_client_left_for_good_is_lost(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await log_in(client, stage)
        await client.ws.close(code=1000)
    await stage.control.wait_for_sessions(0)
    await stage.post("unheard")
    report = await stage.control.ledger()
    assert (report.lost, report.undeliverable) == (1, 0)
    assert report.closes == {"client 1000": 1}


async def test_gaps_are_counted_from_disconnect_to_resume(stage: Stage) -> None:
    async with connected(stage.url) as client:
        await log_in(client, stage)
        await stage.control.faults.drop()
        await stage.control.wait_for_sessions(0)
        stage.clock.advance(1.5)
        async with connected(str(client.ready["resume_gateway_url"])) as again:
            await again.resume(stage.token, client.ready, client.seq)
            await again.until("RESUMED")
            gaps = (await stage.control.ledger()).gaps
            assert (gaps.count, gaps.longest_s, gaps.open_guilds) == (1, 1.5, 0)


async def test_an_interaction_is_answered_in_time_or_late_or_not_at_all(stage: Stage) -> None:
    await register(stage)
    person = stage.control.person(stage.person)
    async with connected(stage.url) as client:
        await log_in(client, stage)
        in_time, late, never = [await person.slash(stage.channel(), "ping", wait=0) for _ in range(3)]
        payloads = [await client.until("INTERACTION_CREATE") for _ in range(3)]
        assert [int(str(payload["id"])) for payload in payloads] == [in_time.id, late.id, never.id]
        assert (await stage.control.ledger()).interactions.pending == 3
        assert await call(stage, payloads[0], {"type": 4, "data": {"content": "pong"}}) in {200, 204}
        answer = await stage.control.wait_for_interaction(in_time.id)
        assert (answer.content, answer.answered, answer.late) == ("pong", True, False)
        stage.clock.advance(3.1)
        assert await call(stage, payloads[1], {"type": 4, "data": {"content": "too late"}}) == 404
        told = (await stage.control.ledger()).interactions
        assert (told.sent, told.answered, told.late, told.unanswered) == (3, 1, 1, 1)
        with pytest.raises(WaitTimeout):
            await stage.control.wait_for_interaction(never.id, timeout=0.05)


async def test_a_deferred_answer_counts_when_it_has_content(stage: Stage) -> None:
    await register(stage)
    async with connected(stage.url) as client:
        await log_in(client, stage)
        asked = await stage.control.person(stage.person).slash(stage.channel(), "ping", wait=0)
        payload = await client.until("INTERACTION_CREATE")
        await call(stage, payload, {"type": 5})
        with pytest.raises(WaitTimeout):
            await stage.control.wait_for_interaction(asked.id, timeout=0.05)
        url = f"{stage.emulator.api_url}/webhooks/{stage.bot}/{payload['token']}/messages/@original"
        async with aiohttp.ClientSession() as session, session.patch(url, json={"content": "done"}) as response:
            assert response.status == 200
        answer = await stage.control.wait_for_interaction(asked.id, timeout=1)
        assert (answer.content, answer.deferred) == ("done", True)


async def test_errors_of_the_control_api_say_what_to_do(stage: Stage) -> None:
    control = stage.control
    with pytest.raises(ControlError, match="there is no bot 7"):
        await control.ledger(bot=7)
    with pytest.raises(ControlError, match="Unknown Guild") as caught:
        await control.guild(7)
    assert (caught.value.status, caught.value.code) == (404, 10004)
    with pytest.raises(ControlError, match="has no command 'nope' here"):
        await control.person(stage.person).slash(stage.channel(), "nope")
    await control.create_bot("Second")
    with pytest.raises(ControlError, match="several bots"):
        await control.ledger()


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("/act", {"do": "pots", "as": "1"}, "did you mean 'post'?"),
        ("/act", {"do": "post", "as": "x"}, "'as' must be an id"),
        ("/act", {"do": "post", "as": "1", "chanel": "2"}, "did you mean 'channel'?"),
        ("/users", {}, "'username' is missing"),
        ("/guilds/bulk", {"count": 0}, "'count' must be a whole number from 1"),
        ("/faults/latency", {"seconds": "soon"}, "'seconds' must be a number of seconds"),
        ("/ledger/handled", {"events": [{"name": "X"}]}, "needs a 'key' or a 'payload'"),
        ("/nowhere", {}, "there is no /control/nowhere"),
    ],
)
async def test_a_wrong_request_is_named(stage: Stage, path: str, body: dict[str, object], message: str) -> None:
    url = stage.emulator.control_url + path
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as response:
        told = await response.json()
    assert response.status in {400, 404}
    assert message in told["error"]


async def test_people_do_what_people_do(stage: Stage) -> None:
    person, guild, channel = stage.control.person(stage.person), stage.guild(), stage.channel()
    owner = stage.control.person(stage.crowd.users[0].id)
    async with connected(stage.url) as client:
        await log_in(client, stage)
        message = await person.post(channel, "hello")
        await person.edit(channel, message.id, "hello!")
        await person.react(channel, message.id, "👍")
        await person.unreact(channel, message.id, "👍")
        role = await stage.control.create_role(guild, "Helper")
        await owner.give_role(guild, stage.person, role.id)
        assert role.id in (await stage.control.member(guild, stage.person)).roles
        await owner.take_role(guild, stage.person, role.id)
        assert (await person.set_nick(guild, "Nick")).nick == "Nick"
        assert (await person.set_nick(guild, None)).nick is None
        assert (await person.boost(guild)).premium_since is not None
        await owner.time_out(guild, stage.person, 60)
        await owner.time_out(guild, stage.person, 0)
        await person.delete(channel, message.id)
        newcomer = await stage.control.create_user("newcomer")
        await stage.control.person(newcomer.id).join(guild)
        await owner.ban(guild, newcomer.id, reason="spam")
        with pytest.raises(ControlError, match="banned"):
            await stage.control.person(newcomer.id).join(guild)
        await owner.unban(guild, newcomer.id)
        await stage.control.person(newcomer.id).join(guild)
        await owner.kick(guild, newcomer.id)
        with pytest.raises(ControlError, match="Missing Permissions"):
            await person.ban(guild, owner.id)
        by_type = (await stage.control.ledger()).by_type
        for name in ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "GUILD_MEMBER_ADD", "GUILD_MEMBER_REMOVE"):
            assert by_type[name].sent >= 1, name


async def test_the_rules_in_force_and_many_guilds(stage: Stage) -> None:
    assert (await stage.control.rules())["max_concurrency"] == 2
    crowd = await stage.control.create_guilds(100, members=3, channels=["a", "b"])
    assert len(crowd.guilds) == 100
    assert {len(guild.channels) for guild in crowd.guilds} == {2}
    assert {len(guild.members) for guild in crowd.guilds} == {5}
    assert len((await stage.control.bots())[0].guilds) == 104
