"""Interactions that are not run: their people are told at once, without the database, and nothing is run later."""

from __future__ import annotations

from typing import Annotated

import hikari
import pytest
from tests.integration.framework.deliveries import Deliveries

from migaga.api import Autocomplete, AutocompleteContext, BaseModule, Context, autocomplete, command, component
from migaga.gateway.received import Received
from migaga.testing.bot import TestBot

REASON = "The bot cannot reach its database right now, so it did nothing. Please run it again in a moment."


class Shop(BaseModule):
    """Sells."""

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    @command
    async def buy(self, ctx: Context, what: Annotated[str, Autocomplete("names")] = "") -> None:
        """Buy something."""
        self.ran.append("buy")
        row = hikari.impl.MessageActionRowBuilder()
        row.add_interactive_button(hikari.ButtonStyle.PRIMARY, self.custom_id("more"), label="More")
        await ctx.respond("bought", components=[row])

    @command
    async def sure(self, ctx: Context) -> None:
        """Ask."""
        await ctx.respond("yes" if await ctx.confirm("Sure?", timeout=30) else "no")

    @component("more")
    async def more(self, ctx: Context) -> None:
        """Buy more."""
        self.ran.append("more")
        await ctx.edit("bought more")

    @autocomplete
    async def names(self, ctx: AutocompleteContext, value: str) -> list[str]:
        self.ran.append("names")
        return ["apple"]


class Counted:
    """Keeps what is counted."""

    def __init__(self) -> None:
        self.uses: list[tuple[str, str, str]] = []

    def command(self, module: str, command: str, outcome: str, seconds: float) -> None:
        self.uses.append((module, command, outcome))

    def handler(self, module: str, handler: str, outcome: str, seconds: float) -> None:
        self.uses.append((module, handler, outcome))

    def event_paused(self, name: str) -> None:
        self.uses.append((name, "", "paused"))


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Shop)
    bot.runtime.environment.metrics = Counted()
    return bot


async def refuse(bot: TestBot, event: Received) -> None:
    handlers = bot.runtime.refuse(event, REASON)
    assert handlers is not None
    await handlers(lambda: None)


def counted(bot: TestBot) -> list[tuple[str, str, str]]:
    metrics = bot.runtime.environment.metrics
    assert isinstance(metrics, Counted)
    return metrics.uses


async def test_a_command_and_a_button_are_answered_by_the_reason_to_their_person_alone(running: TestBot) -> None:
    anna = await running.member("Anna")
    bought = await anna.slash("buy")
    sent = Deliveries(running)
    await running.close()  # Nobody but this test handles what comes now.
    running.module(Shop).ran.clear()
    people, here = running.emulator.world.people, running.guild.general.id
    slash = people.use.slash(anna.id, running.id, here, "buy", {})
    await refuse(running, sent.last("INTERACTION_CREATE"))
    press = people.use.press(anna.id, here, bought.message.id, bought.component("More"))
    await refuse(running, sent.last("INTERACTION_CREATE"))
    for interaction in (slash, press):
        assert interaction.response is not None
        assert interaction.response.content == REASON
        assert interaction.response.flags & hikari.MessageFlag.EPHEMERAL
    assert bought.content == "bought"
    assert running.module(Shop).ran == []
    assert counted(running)[-2:] == [("shop", "buy", "unavailable"), ("shop", "more", "unavailable")]


async def test_somebody_who_types_gets_no_suggestions(running: TestBot) -> None:
    anna = await running.member("Anna")
    sent = Deliveries(running)
    await running.close()
    typing = running.emulator.world.people.use.autocomplete(
        anna.id, running.id, running.guild.general.id, "buy", focused="what", values={"what": "a"}
    )
    await refuse(running, sent.last("INTERACTION_CREATE"))
    assert typing.answer_data["choices"] == []
    assert running.module(Shop).ran == []


async def test_an_answer_that_was_given_already_is_not_replaced_by_an_apology(running: TestBot) -> None:
    anna = await running.member("Anna")
    sent = Deliveries(running)
    bought = await anna.slash("buy")
    await refuse(running, sent.last("INTERACTION_CREATE"))
    assert bought.content == "bought"
    await anna.press(bought, "More")
    await refuse(running, sent.last("INTERACTION_CREATE"))
    assert bought.content == "bought more"


async def test_a_press_that_comes_again_in_another_process_does_not_spoil_the_question(running: TestBot) -> None:
    anna = await running.member("Anna")
    sent = Deliveries(running)
    question = await anna.says("!sure")
    await anna.press(question, "Yes")
    await sent.again("INTERACTION_CREATE")
    assert question.content == "Sure?"


async def test_nobody_waits_for_an_answer_to_other_events(running: TestBot) -> None:
    anna = await running.member("Anna")
    sent = Deliveries(running)
    await anna.says("hello")
    assert running.runtime.refuse(sent.last("MESSAGE_CREATE"), REASON) is None
