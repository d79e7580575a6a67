"""A process that may not act: nothing starts, nothing goes out, nothing is stored until it may again, or never."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import hikari
import pytest
import sqlalchemy as sa
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, EventContext, command, listen, task
from migaga.framework.declare import read_module
from migaga.framework.loader import LoadedModule, LoadResult
from migaga.framework.runtime import FrameworkRuntime, FrameworkSettings
from migaga.framework.sources import Source
from migaga.storage.tables import effect
from migaga.testing.bot import TestBot


class Switch:
    """A life that is turned on and off by hand."""

    def __init__(self) -> None:
        self.valid = asyncio.Event()
        self.valid.set()
        self.asked = asyncio.Event()

    def is_valid(self) -> bool:
        return self.valid.is_set()

    async def until_valid(self) -> None:
        self.asked.set()
        await self.valid.wait()


class Busy(BaseModule):
    """Acts."""

    async def start(self) -> None:
        self.ran: list[str] = []
        self.go_on = asyncio.Event()
        self.begun = asyncio.Event()

    @listen(hikari.GuildMessageCreateEvent, bots=False)
    async def hear(self, event: hikari.GuildMessageCreateEvent, ctx: EventContext) -> None:
        """Act in several steps."""
        self.ran.append("began")
        self.begun.set()
        await self.go_on.wait()
        if event.content == "once":
            await ctx.once()
        elif event.content == "rest":
            await ctx.rest.create_message(event.channel_id, "heard")
        self.ran.append("ended")

    @command
    async def hello(self, ctx: Context) -> None:
        """Answer late."""
        self.begun.set()
        await self.go_on.wait()
        await ctx.respond("hello")

    @task(every=timedelta(seconds=0.05), once_per="process")
    async def tick(self) -> None:
        """Run often."""
        self.ran.append("tick")


class Idle(BaseModule):
    """Does nothing: what the process under test does is seen alone."""


class Stage:
    """A runtime whose process may be told not to act, and the events of an emulated Discord for it."""

    def __init__(self, bot: TestBot, runtime: FrameworkRuntime, life: Switch, module: Busy) -> None:
        self.bot, self.runtime, self.life, self.module = bot, runtime, life, module
        self.sent = Deliveries(bot)

    def begin(self, text: str, author: int) -> asyncio.Task[None]:
        """Let somebody write, and handle it in a task."""
        self.bot.emulator.world.people.post(author, self.bot.guild.general.id, text)
        handlers = self.runtime.route(self.sent.last_by("MESSAGE_CREATE", author))
        assert handlers is not None

        async def handle() -> None:
            await handlers(lambda: None)

        return asyncio.create_task(handle())

    async def effects(self) -> int:
        async with self.bot.database.read() as session:
            return int(await session.scalar(sa.select(sa.func.count()).select_from(effect)) or 0)

    def said(self) -> list[str | None]:
        return [one.content for one in self.bot.messages() if one.author.id == self.bot.id]


@asynccontextmanager
async def staged(bot: TestBot) -> AsyncIterator[Stage]:
    life = Switch()
    spec = await asyncio.to_thread(read_module, Busy)
    result = LoadResult((LoadedModule(spec, Busy, Source("busy", "directory", "here")),), ())
    async with FrameworkRuntime(FrameworkSettings(), bot._discord, bot.database, bot._manager, alive=life) as runtime:
        assert not await runtime.load(result)
        module = next(one.instance for one in runtime.modules.loaded if isinstance(one.instance, Busy))
        yield Stage(bot, runtime, life, module)
        life.valid.set()


@pytest.fixture
async def stage(bot: TestBot) -> AsyncIterator[Stage]:
    await bot.load(Idle)
    async with staged(bot) as made:
        yield made


async def test_a_handler_does_not_start_until_the_process_may_act(stage: Stage) -> None:
    stage.life.valid.clear()
    running = stage.begin("hi", stage.bot.owner.id)
    await stage.life.asked.wait()
    assert "began" not in stage.module.ran
    stage.module.go_on.set()
    stage.life.valid.set()
    await running
    assert "ended" in stage.module.ran


@pytest.mark.parametrize("step", ["once", "rest", "!hello"])
async def test_what_a_handler_does_through_its_context_waits(stage: Stage, step: str) -> None:
    running = stage.begin(step, stage.bot.owner.id)
    await stage.module.begun.wait()
    stage.life.valid.clear()
    stage.module.go_on.set()
    await stage.life.asked.wait()
    await asyncio.sleep(0.05)
    assert not running.done()
    assert (stage.said(), await stage.effects()) == ([], 0)
    stage.life.valid.set()
    await running
    assert (stage.said(), await stage.effects()) == (
        {"once": [], "rest": ["heard"], "!hello": ["hello"]}[step],
        1 if step == "once" else 0,
    )


@pytest.mark.parametrize("step", ["once", "rest", "!hello", "nothing"])
async def test_a_life_that_is_over_takes_its_handlers_with_it_and_nothing_shows(stage: Stage, step: str) -> None:
    running = stage.begin(step, stage.bot.owner.id)
    await stage.module.begun.wait()
    stage.life.valid.clear()
    stage.module.go_on.set()
    await stage.life.asked.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert running.cancelled()
    assert (stage.said(), await stage.effects()) == ([], 0)


async def test_tasks_rest_while_the_process_may_not_act_and_go_on_afterwards(stage: Stage) -> None:
    await stage.bot.wait_for(lambda: "tick" in stage.module.ran)
    stage.life.valid.clear()
    await asyncio.sleep(0.1)
    stage.module.ran.clear()
    await asyncio.sleep(0.2)
    assert stage.module.ran == []
    stage.life.valid.set()
    await stage.bot.wait_for(lambda: "tick" in stage.module.ran)


async def test_what_a_module_does_by_itself_waits_too(stage: Stage) -> None:
    stage.life.valid.clear()
    where = stage.bot.guild.general.id
    calling = asyncio.create_task(stage.module.rest.create_message(where, "by itself"))
    await asyncio.sleep(0.1)
    assert stage.said() == []
    stage.life.valid.set()
    await calling
    assert stage.said() == ["by itself"]


class Stuck(BaseModule):
    """Never starts."""

    def __init__(self) -> None:
        super().__init__()
        self.obeys = True

    async def start(self) -> None:
        await asyncio.Event().wait()


class Exits(BaseModule):
    """Ends the process, as it thinks."""

    async def start(self) -> None:
        raise SystemExit(3)


async def test_a_module_whose_start_never_returns_is_given_up_and_the_others_run(
    bot: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    modules = []
    for kind in (Stuck, Exits, Busy):
        spec = await asyncio.to_thread(read_module, kind)
        modules.append(LoadedModule(spec, kind, Source(spec.name, "directory", "here")))
    async with FrameworkRuntime(
        FrameworkSettings(start_seconds=0.1), bot._discord, bot.database, bot._manager
    ) as runtime:
        failures = await runtime.load(LoadResult(tuple(modules), ()))
        assert [failure.name for failure in failures] == ["stuck", "exits"]
        assert "its start() was still running after 0.1 s" in failures[0].reason
        assert "test_lives.py" in failures[0].reason
        assert "stuck" in caplog.text
        loaded = {status.name: (status.loaded, status.error) for status in runtime.status()}
        assert loaded["busy"] == (True, None)
        assert "0.1 s" in (loaded["stuck"][1] or "")
