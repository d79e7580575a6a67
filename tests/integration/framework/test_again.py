"""What becomes of an event whose handlers meet a database that is away: who runs again, who is told."""

from __future__ import annotations

import hikari
import pytest
from sqlalchemy import exc
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, UnknownCommandEvent, command, listen
from migaga.common.errors import UnavailableError
from migaga.gateway.handling import AgainError
from migaga.testing.bot import TestBot


class Fragile(BaseModule):
    """Fails as it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Exception | None = None
        self.ran: list[str] = []

    def fail(self, name: str) -> None:
        self.ran.append(name)
        if self.fault is not None:
            raise self.fault

    @listen(hikari.GuildMessageCreateEvent, bots=False)
    async def first(self, event: hikari.GuildMessageCreateEvent) -> None:
        """Fail."""
        if event.content != "!work":
            self.fail("first")

    @listen(hikari.GuildMessageCreateEvent, bots=False)
    async def second(self, event: hikari.GuildMessageCreateEvent) -> None:
        """Work."""
        self.ran.append("second")

    @listen(UnknownCommandEvent)
    async def third(self, event: UnknownCommandEvent) -> None:
        """Work."""
        self.ran.append("third")

    @listen(UnknownCommandEvent)
    async def fourth(self, event: UnknownCommandEvent) -> None:
        """Fail."""
        self.fail("fourth")

    @command
    async def work(self, ctx: Context) -> None:
        """Fail."""
        self.fail("work")
        await ctx.respond("done")


AWAY = UnavailableError("database: not reachable")


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Fragile)
    return bot


async def said(bot: TestBot, text: str) -> Deliveries:
    """Let somebody say something, and return the deliveries; the module has forgotten that it ran."""
    sent = Deliveries(bot)
    anna = await bot.member("Anna")
    await anna.says(text)
    bot.module(Fragile).ran.clear()
    return sent


async def test_only_the_handlers_that_the_database_stopped_run_again(running: TestBot) -> None:
    sent, module = await said(running, "hello"), running.module(Fragile)
    handlers = running.runtime.route(sent.last("MESSAGE_CREATE"))
    assert handlers is not None
    module.fault = AWAY
    for _ in range(2):
        with pytest.raises(AgainError):
            await handlers(lambda: None)
    assert sorted(module.ran) == ["first", "first", "second"]
    module.fault = None
    await handlers(lambda: None)
    assert sorted(module.ran) == ["first", "first", "first", "second"]


async def test_listeners_of_unknown_commands_run_again_one_by_one(running: TestBot) -> None:
    sent, module = await said(running, "!nothing"), running.module(Fragile)
    handlers = running.runtime.route(sent.last("MESSAGE_CREATE"))
    assert handlers is not None
    module.fault = AWAY
    with pytest.raises(AgainError):
        await handlers(lambda: None)
    module.fault = None
    await handlers(lambda: None)
    assert sorted(module.ran) == ["first", "first", "fourth", "fourth", "second", "third"]


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(ValueError("mine"), id="its own"),
        pytest.param(ConnectionRefusedError("another server"), id="a socket of its own"),
        pytest.param(exc.ProgrammingError("SELEC", {}, Exception(1064, "syntax")), id="wrong SQL"),
    ],
)
async def test_a_listener_that_fails_by_itself_does_not_run_again(running: TestBot, fault: Exception) -> None:
    sent, module = await said(running, "hello"), running.module(Fragile)
    module.fault = fault
    await sent.again("MESSAGE_CREATE")
    assert sorted(module.ran) == ["first", "second"]


@pytest.mark.parametrize("form", ["text", "slash"])
async def test_a_command_that_the_database_stops_is_told_and_not_run_again(running: TestBot, form: str) -> None:
    anna, module = await running.member("Anna"), running.module(Fragile)
    module.fault = AWAY
    reply = await (anna.says("!work") if form == "text" else anna.slash("work"))
    assert reply.content == "My database cannot be reached at the moment. Please run it again in a moment."
    assert module.ran.count("work") == 1
