"""Handlers that end in every bad way, and a Discord that fails: nothing else is touched, and the person is told."""

from __future__ import annotations

import asyncio
import logging
import re
import sys

import hikari
import pytest
import sqlalchemy as sa
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, command, listen
from migaga.testing.bot import TestBot
from migaga_emulator.control.client import ControlClient


class Wild(BaseModule):
    """Ends in every way."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []
        self.begun = asyncio.Event()
        self.effects = 0

    @command
    async def end(self, ctx: Context, how: str) -> None:
        """End somehow."""
        match how:
            case "cancelled":
                raise asyncio.CancelledError
            case "exit":
                sys.exit(3)
            case "future":
                future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                future.cancel()
                await future
            case "group":
                async with asyncio.TaskGroup() as group:
                    group.create_task(_fail())
            case _:
                self.begun.set()
                await asyncio.Event().wait()

    @command
    async def pay(self, ctx: Context) -> None:
        """Do something once."""
        if await ctx.once():
            self.effects += 1
        await ctx.respond(f"paid {self.effects}")
        await ctx.respond("thank you")

    @command
    async def number(self, ctx: Context) -> None:
        """Ask the database."""
        await ctx.respond(str(await ctx.db.scalar(sa.text("SELECT 42"))))

    @command
    async def slow(self, ctx: Context) -> None:
        """Give a slow query up."""
        try:
            async with asyncio.timeout(0.1):
                await ctx.db.execute(sa.text("SELECT SLEEP(5)"))
        except TimeoutError:
            await ctx.db.rollback()
            await ctx.respond("too slow")

    @command
    async def stuck(self, ctx: Context) -> None:
        """Ask the database for ever."""
        self.begun.set()
        await ctx.db.execute(sa.text("SELECT 1000000, SLEEP(60)"))

    @listen(hikari.GuildMessageCreateEvent, bots=False)
    async def hear(self, event: hikari.GuildMessageCreateEvent) -> None:
        """Note what is said."""
        self.heard.append(event.content or "")


async def _fail() -> None:
    raise RuntimeError("in a group")


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Wild)
    return bot


@pytest.mark.parametrize("how", ["cancelled", "exit", "future", "group"])
async def test_a_handler_that_breaks_off_is_an_error_of_its_own(
    running: TestBot, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    anna = await running.member("Anna")
    for reply in (await anna.says(f"!end {how}"), await anna.slash("end", how=how)):
        found = re.search(r"`([0-9a-f]{8})`", reply.content)
        assert found
        assert f"wild.end failed, reference {found[1]}" in caplog.text
    assert running.module(Wild).heard == [f"!end {how}"]
    status = running._quiet.fleet.status()[0] if running._quiet.fleet else None
    assert status is not None
    assert (status.in_flight, status.watermark_lag) == (0, 0)
    assert (await anna.says("!number")).content == "42"


async def test_a_handler_that_never_ends_holds_up_no_other_and_ends_with_the_process(running: TestBot) -> None:
    anna = await running.member("Anna")
    people = running.emulator.world.people
    people.post(anna.id, running.guild.general.id, "!end never")
    await running.module(Wild).begun.wait()
    people.post(anna.id, running.guild.general.id, "!number")
    await running.wait_for(lambda: [one for one in running.messages() if one.content == "42"])
    fleet = running._quiet.fleet
    assert fleet is not None
    await running.wait_for(lambda: fleet.status()[0].in_flight == 1)
    assert fleet.status()[0].watermark_lag > 0
    async with asyncio.timeout(5):
        await running.close()
    assert not fleet.status()


async def test_an_interaction_that_comes_again_takes_effect_once_and_keeps_its_answer(
    running: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    sent = Deliveries(running)
    anna = await running.member("Anna")
    reply = await anna.slash("pay")
    await sent.again("INTERACTION_CREATE")
    assert running.module(Wild).effects == 1
    assert reply.content == "paid 1"
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_a_message_that_comes_again_takes_effect_and_is_answered_once(running: TestBot) -> None:
    sent = Deliveries(running)
    anna = await running.member("Anna")
    await anna.says("!pay")
    await sent.deliver(sent.last_by("MESSAGE_CREATE", anna.id))
    assert running.module(Wild).effects == 1
    said = [message.content for message in running.messages() if message.author.id == running.id]
    assert said == ["paid 1", "thank you"]


async def test_an_answer_that_discord_fails_to_take_once_is_sent_again(running: TestBot) -> None:
    anna = await running.member("Anna")
    async with ControlClient(running.emulator.control_url) as control:
        await control.faults.rest(route="/channels/*/messages", method="POST", status=502, times=1)
        assert (await anna.says("!number")).content == "42"


async def test_a_discord_that_is_down_costs_the_answer_and_nothing_else(
    running: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    anna = await running.member("Anna")
    async with ControlClient(running.emulator.control_url) as control:
        await control.faults.rest(route="/channels/*/messages", method="POST", status=400, times=2)
        assert not await anna.says("!number")
        assert "the person could not be told" in caplog.text
        await control.faults.rest(route="/interactions/*", method="POST", status=400, times=3)
        assert not await anna.slash("number")
        await control.faults.clear()
    assert (await anna.slash("number")).content == "42"


@pytest.mark.mariadb
async def test_a_query_that_a_handler_gives_up_costs_its_connection_and_no_more(mariadb_bot: TestBot) -> None:
    await mariadb_bot.load(Wild)
    anna = await mariadb_bot.member("Anna")
    for _ in range(3):
        assert (await anna.says("!slow")).content == "too slow"
        answers = [await anna.says("!number"), await anna.slash("number")]
        assert [answer.content for answer in answers] == ["42", "42"]


@pytest.mark.mariadb
async def test_handlers_cancelled_in_a_query_leave_no_answer_to_others(mariadb_bot: TestBot) -> None:
    await mariadb_bot.load(Wild)
    anna = await mariadb_bot.member("Anna")
    people, module = mariadb_bot.emulator.world.people, mariadb_bot.module(Wild)
    for _ in range(5):
        people.post(anna.id, mariadb_bot.guild.general.id, "!stuck")
    await module.begun.wait()
    await asyncio.sleep(0.2)  # The queries are to be on their way when they are cancelled.
    fleet = mariadb_bot._quiet.fleet
    assert fleet is not None
    fleet.cut_grace()
    await mariadb_bot.wait_for(lambda: fleet.status()[0].in_flight == 0)
    for _ in range(20):
        async with mariadb_bot.database.read() as session:
            assert await session.scalar(sa.text("SELECT 42")) == 42
    people.post(anna.id, mariadb_bot.guild.general.id, "!number")
    await mariadb_bot.wait_for(lambda: [one for one in mariadb_bot.messages() if one.content == "42"])
