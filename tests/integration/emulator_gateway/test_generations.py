"""Sessions of two generations beside each other: guilds that one of them lacks, intents that only one has."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from tests.integration.emulator_gateway.client import GUILD_MEMBERS, GUILD_MESSAGES, GUILDS, USUAL, RawClient, connected
from tests.integration.emulator_gateway.conftest import Stage

from migaga_emulator.control.transport import ControlError
from migaga_emulator.rules import Rules

QUIET = 0.1
FAST = Rules(max_concurrency=16)
FEW = GUILDS | GUILD_MEMBERS


async def guilds_of(client: RawClient, count: int) -> list[str]:
    """The next GUILD_CREATEs."""
    return [str((await client.until("GUILD_CREATE"))["id"]) for _ in range(count)]


async def hears_nothing(client: RawClient, names: Sequence[str]) -> bool:
    try:
        async with asyncio.timeout(QUIET):
            while (await client.receive())["t"] not in names:
                pass
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize("rules", [FAST], indirect=True)
async def test_an_absent_guild_is_named_but_never_comes_until_it_may(stage: Stage) -> None:
    absent = stage.guild()
    others = [guild.id for guild in stage.crowd.guilds if guild.id != absent]
    assert await stage.control.faults.absent([absent]) == 1
    async with connected(stage.url) as client:
        await client.log_in(stage.token)
        assert sorted(await guilds_of(client, len(others))) == sorted(map(str, others))
        await stage.post("who hears me?")
        assert await hears_nothing(client, ["MESSAGE_CREATE", "GUILD_CREATE"])
        await stage.control.faults.absent([absent], on=False)
        assert await guilds_of(client, 1) == [str(absent)]
        await stage.post("now")
        assert (await client.until("MESSAGE_CREATE"))["content"] == "now"
    assert (await stage.control.ledger()).lost == 2


@pytest.mark.parametrize("rules", [FAST], indirect=True)
async def test_a_session_that_is_there_keeps_a_guild_that_others_lack(stage: Stage) -> None:
    async with connected(stage.url) as old, connected(stage.url) as new:
        await old.log_in(stage.token)
        await stage.control.faults.absent([stage.guild()])
        stage.clock.advance(6)
        await new.log_in(stage.token)
        await stage.post("still here")
        assert (await old.until("MESSAGE_CREATE"))["content"] == "still here"
        assert await hears_nothing(new, ["MESSAGE_CREATE"])
        await stage.control.faults.clear()
        await stage.post("for both")
        assert (await old.until("MESSAGE_CREATE"))["content"] == "for both"
        assert (await new.until("MESSAGE_CREATE"))["content"] == "for both"
    assert (await stage.control.ledger()).sent == 2


async def test_a_guild_that_is_not_there_cannot_be_absent(stage: Stage) -> None:
    with pytest.raises(ControlError):
        await stage.control.faults.absent([1])


@pytest.mark.parametrize(("first", "second"), [(FEW, USUAL), (USUAL, FEW)])
@pytest.mark.parametrize("rules", [FAST], indirect=True)
async def test_what_only_one_of_two_generations_gets_may_be_handled_and_need_not_be(
    stage: Stage, first: int, second: int
) -> None:
    async with connected(stage.url) as old, connected(stage.url) as new:
        await old.log_in(stage.token, intents=first)
        stage.clock.advance(6)
        await new.log_in(stage.token, intents=second)
        hears = old if first & GUILD_MESSAGES else new
        await stage.post("a")
        told = await hears.until("MESSAGE_CREATE")
        assert (await stage.control.ledger()).sent == 0
        await stage.control.handled([("MESSAGE_CREATE", told)])
        report = await stage.control.ledger()
        assert (report.lost, report.repeated, report.unexpected) == (0, 0, 0)


@pytest.mark.parametrize("rules", [FAST], indirect=True)
async def test_when_the_old_generation_is_gone_the_new_one_decides(stage: Stage) -> None:
    async with connected(stage.url) as new:
        async with connected(stage.url) as old:
            await old.log_in(stage.token, intents=FEW)
            stage.clock.advance(6)
            await new.log_in(stage.token)
            await stage.post("a")
            await old.ws.close(code=3000)
        await stage.control.wait_for_sessions(1)
        await stage.post("b")
        assert (await stage.control.ledger()).sent == 0
        stage.clock.advance(21)
        await stage.post("c")
        report = await stage.control.ledger()
        assert (report.sent, report.lost) == (1, 1)
