"""Handlers that wait for people hold up neither their shard nor other handlers; what else works on the event does."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import hikari
import pytest
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, TaskContext, command, listen, task
from migaga.fleet.fleet import ShardStatus
from migaga.framework.dialogue import TextField
from migaga.testing.bot import TestBot


class Patient(BaseModule):
    """Waits."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.ran: list[str] = []

    @command
    async def ask(self, ctx: Context) -> None:
        """Ask for a text, twice."""
        first = await ctx.ask("First?", timeout=30)
        second = await ctx.ask("Second?", timeout=30)
        await ctx.respond(f"{first} {second}")

    @command
    async def sure(self, ctx: Context) -> None:
        """Ask for yes or no."""
        await ctx.respond("yes" if await ctx.confirm("Sure?", timeout=30) else "no")

    @command
    async def form(self, ctx: Context) -> None:
        """Show a form."""
        written: Mapping[str, str] = await ctx.show_modal("About", {"name": TextField("Name")})
        await ctx.respond(written["name"])

    @listen(hikari.GuildMessageCreateEvent, bots=False)
    async def hear(self, event: hikari.GuildMessageCreateEvent) -> None:
        """Work long on one message."""
        if event.content == "!sure":
            await self.gate.wait()

    @task(every=timedelta(days=1), once_per="process")
    async def note(self, ctx: TaskContext) -> None:
        """Note that it ran."""
        self.ran.append(ctx.due.isoformat())


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Patient)
    return bot


def status(bot: TestBot) -> ShardStatus:
    assert bot._quiet.fleet is not None
    return bot._quiet.fleet.status()[0]


@pytest.mark.parametrize("name", ["ask", "sure", "form"])
async def test_an_open_question_holds_nothing_and_its_answer_still_counts(running: TestBot, name: str) -> None:
    module = running.module(Patient)
    module.gate.set()
    anna = await running.member("Anna")
    reply = await anna.slash(name)
    assert (status(running).in_flight, status(running).put_aside, status(running).watermark_lag) == (0, 1, 0)
    match name:
        case "form":
            assert (await anna.submits(reply, name="Ann")).content == "Ann"
        case "sure":
            await anna.press(reply, "Yes")
            assert [one.content for one in reply.followups] == ["yes"]
        case _:
            await anna.submits(await anna.press(reply, "Answer"), answer="red")
            second = reply.followups[0]
            await anna.submits(await anna.press(second, "Answer"), answer="blue")
            assert reply.followups[-1].content == "red blue"
    assert (status(running).in_flight, status(running).put_aside) == (0, 0)


async def test_an_event_is_put_aside_only_when_its_other_handlers_have_ended(running: TestBot) -> None:
    anna = await running.member("Anna")
    running.emulator.world.people.post(anna.id, running.guild.general.id, "!sure")
    await running.wait_for(lambda: len(running.runtime.environment.waiting))
    await running.wait_for(lambda: status(running).in_flight == 1)
    assert status(running).put_aside == 0
    assert status(running).watermark_lag > 0
    running.module(Patient).gate.set()
    await running.wait_for(lambda: status(running).put_aside == 1)
    assert (status(running).in_flight, status(running).watermark_lag) == (0, 0)


async def test_an_event_without_a_question_is_never_put_aside(running: TestBot) -> None:
    running.module(Patient).gate.set()
    sent = Deliveries(running)
    anna = await running.member("Anna")
    await anna.says("hello")
    await sent.deliver(sent.last_by("MESSAGE_CREATE", anna.id))
    assert sent.put_aside == 0


async def test_a_task_that_takes_a_context_can_be_run_in_a_test(running: TestBot) -> None:
    await running.run_task(Patient, "note")
    assert len(running.module(Patient).ran) == 1
    with pytest.raises(LookupError, match="no task ask"):
        await running.run_task(Patient, "ask")
