"""A MariaDB server that goes away under a bot: listeners run again exactly, people get an apology in time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hikari
import pytest
import sqlalchemy as sa
from tests.integration.framework.cables import Cable, Lost, Proxy
from tests.integration.framework.deliveries import Deliveries
from tests.support.mariadb import MariaDbServer

from migaga.api import BaseModule, Context, EventContext, GuildOptions, command, listen, option
from migaga.common.errors import UnavailableError
from migaga.gateway.handling import AgainError, Handlers
from migaga.storage.database import Database, open_database
from migaga.storage.effects import once
from migaga.storage.tables import guild
from migaga.testing.bot import TestBot, run_bot
from migaga_emulator.world.state import Interaction, Message

pytestmark = pytest.mark.mariadb
APOLOGY = "My database cannot be reached at the moment. Please run it again in a moment."
EFFECT = 4711


class Bank(BaseModule):
    """Counts."""

    class Options(GuildOptions):
        word: str = option("hello", "What to count")

    def __init__(self) -> None:
        super().__init__()
        self.ran: list[str] = []

    @listen(hikari.GuildMessageCreateEvent, bots=False)
    async def count(self, event: hikari.GuildMessageCreateEvent, ctx: EventContext) -> None:
        """Have an effect once, in the database."""
        self.ran.append("count")
        if event.content == "gift" and await ctx.once():
            await ctx.db.execute(sa.insert(guild).values(id=EFFECT + len(self.ran), joined_at=event.message.timestamp))

    @command
    async def ping(self, ctx: Context) -> None:
        """Need nothing of the database."""
        self.ran.append("ping")
        await ctx.respond("pong")

    @command
    async def balance(self, ctx: Context, options: Options) -> None:
        """Ask the database."""
        self.ran.append("balance")
        await ctx.respond(f"{options.word} {await ctx.db.scalar(sa.text('SELECT 42'))}")


class Outage:
    """A bot whose database can go away."""

    def __init__(self, bot: TestBot, proxy: Proxy) -> None:
        self.bot = bot
        self.proxy = proxy
        self.module = bot.module(Bank)

    async def effects(self, database: Database) -> int:
        async with database.read() as session:
            counted = sa.select(sa.func.count()).select_from(guild).where(guild.c.id.between(EFFECT, EFFECT + 100))
            return int(await session.scalar(counted) or 0)

    async def slash(self, name: str) -> tuple[str, float]:
        """Use a command, and return what its person reads in the end, and after how many seconds."""
        anna = self.anna
        started = time.monotonic()
        people, here = self.bot.emulator.world.people, self.bot.guild.general.id
        interaction = people.use.slash(anna.id, self.bot.id, here, name, {})
        said = await self.bot.wait_for(lambda: _texts(interaction))
        return said[-1], time.monotonic() - started

    async def prepare(self) -> None:
        self.anna = await self.bot.member("Anna")
        self.sent = Deliveries(self.bot)

    def handlers(self) -> Handlers:
        """Return what runs the listener for the last message."""
        found = self.bot.runtime.route(self.sent.last_by("MESSAGE_CREATE", self.anna.id))
        assert found is not None
        return found

    async def works_again(self) -> None:
        """Use a command until it works: the process has to beat before it may act again."""
        async with asyncio.timeout(10):
            while (reply := await self.anna.slash("balance")).content != "hello 42":
                assert reply.content.endswith("Please run it again in a moment.")
                await asyncio.sleep(0.1)

    async def answered(self, text: str) -> Message:
        """Write a message, and return the bot's answer, however long that takes."""
        self.bot._quiet.begin()
        self.bot.emulator.world.people.post(self.anna.id, self.bot.guild.general.id, text)
        async with asyncio.timeout(12):
            while not self.bot.said:
                await asyncio.sleep(0.05)
        return self.bot.said[0]


def _texts(interaction: Interaction) -> list[str]:
    """Return what was said in answer, without "is thinking"."""
    first = [interaction.response] if interaction.response is not None else []
    return [str(one.content) for one in (*first, *interaction.followups) if one.content]


@asynccontextmanager
async def outage_of(url: str, port: int) -> AsyncIterator[Outage]:
    async with Proxy(port) as proxy, run_bot(proxy.reroute(url)) as bot:
        await bot.load(Bank)
        outage = Outage(bot, proxy)
        await outage.prepare()
        yield outage
        proxy.become(Cable.WHOLE)


@pytest.fixture
async def outage(mariadb_server: MariaDbServer, mariadb_url: str) -> AsyncIterator[Outage]:
    async with outage_of(mariadb_url, mariadb_server.port) as made:
        yield made


@pytest.fixture
async def direct(mariadb_url: str) -> AsyncIterator[Database]:
    """The same database, past the proxy."""
    async with open_database(mariadb_url) as database:
        yield database


async def run(handlers: Handlers) -> None:
    await handlers(lambda: None)


async def test_a_listener_runs_again_until_the_database_is_back_and_its_effect_is_one(
    outage: Outage, direct: Database
) -> None:
    await outage.anna.says("gift")
    assert await outage.effects(direct) == 1
    async with direct.transaction() as session:  # As if it had never been handled.
        await session.execute(sa.text("DELETE FROM effect"))
        await session.execute(sa.delete(guild).where(guild.c.id > EFFECT - 1).where(guild.c.id < EFFECT + 100))
    handlers = outage.handlers()
    outage.proxy.become(Cable.CUT)
    for _ in range(3):
        with pytest.raises(AgainError):
            await run(handlers)
    assert await outage.effects(direct) == 0
    outage.proxy.become(Cable.WHOLE)
    await run(handlers)
    await run(outage.handlers())
    assert await outage.effects(direct) == 1


@pytest.mark.parametrize("lost", Lost)
async def test_a_commit_of_unknown_result_has_one_effect(outage: Outage, direct: Database, lost: Lost) -> None:
    world = outage.bot.emulator.world
    await outage.bot.close()
    world.people.post(outage.anna.id, outage.bot.guild.general.id, "gift")
    handlers = outage.handlers()
    outage.proxy.lose = lost
    with pytest.raises(AgainError):
        await run(handlers)
    assert await outage.effects(direct) == (1 if lost is Lost.ANSWER else 0)
    await run(handlers)
    assert await outage.effects(direct) == 1
    assert outage.module.ran == ["count", "count"]


@pytest.mark.parametrize("commits", [True, False])
async def test_an_effect_that_another_process_has_begun_is_waited_for(
    outage: Outage, direct: Database, commits: bool
) -> None:
    await outage.bot.close()
    outage.bot.emulator.world.people.post(outage.anna.id, outage.bot.guild.general.id, "gift")
    event = outage.sent.last_by("MESSAGE_CREATE", outage.anna.id)
    async with direct.session() as frozen:
        assert await once(frozen, f"{event.key}:", "bank", "count")
        running = asyncio.create_task(run(outage.handlers()))
        await asyncio.sleep(6)  # Longer than a statement waits for a lock.
        assert not running.done()
        if commits:
            await frozen.commit()
        else:
            await frozen.rollback()
        await running
    assert await outage.effects(direct) == (0 if commits else 1)
    assert outage.module.ran.count("count") >= 2


async def test_a_database_that_is_cut_off_costs_people_an_apology_and_nothing_is_run_later(outage: Outage) -> None:
    outage.proxy.become(Cable.CUT)
    for name in ("ping", "balance"):
        said, seconds = await outage.slash(name)
        assert said == APOLOGY
        assert seconds < 1
    assert (await outage.answered("!ping")).content == APOLOGY
    outage.proxy.become(Cable.WHOLE)
    await outage.bot.quiet()
    assert "ping" not in outage.module.ran
    assert "balance" not in outage.module.ran
    await outage.works_again()


async def test_a_database_that_is_silent_lets_nobody_wait(outage: Outage) -> None:
    outage.proxy.become(Cable.SILENT)
    for name in ("ping", "balance"):
        said, seconds = await outage.slash(name)
        assert said == APOLOGY
        assert seconds < 3
    assert (await outage.answered("!ping")).content == APOLOGY
    outage.proxy.reset()
    outage.proxy.become(Cable.WHOLE)
    await outage.works_again()


async def test_a_handler_that_is_caught_by_a_silent_database_is_deferred_in_time(outage: Outage) -> None:
    assert (await outage.anna.slash("ping")).content == "pong"  # Bans and rules are known for some seconds now.
    outage.proxy.become(Cable.SILENT)
    people, here = outage.bot.emulator.world.people, outage.bot.guild.general.id
    started = time.monotonic()
    interaction = people.use.slash(outage.anna.id, outage.bot.id, here, "balance", {})
    await outage.bot.wait_for(lambda: interaction.response)
    assert time.monotonic() - started < 2.5
    outage.proxy.become(Cable.CUT)
    assert interaction.response is not None


async def test_a_server_that_is_frozen_or_gone_is_away(mariadb_server: MariaDbServer, outage: Outage) -> None:
    assert mariadb_server._process is not None
    await outage.anna.says("gift")
    os.kill(mariadb_server._process.pid, signal.SIGSTOP)
    try:
        said, seconds = await outage.slash("ping")
        assert said == APOLOGY
        assert seconds < 3
    finally:
        os.kill(mariadb_server._process.pid, signal.SIGCONT)
    await outage.works_again()
    await asyncio.to_thread(mariadb_server.stop)
    try:
        with pytest.raises(AgainError):
            await run(outage.handlers())
        assert (await outage.answered("!balance")).content == APOLOGY
        with pytest.raises(UnavailableError):
            await outage.bot.database.ping()
    finally:
        await asyncio.to_thread(mariadb_server.restart)
    await run(outage.handlers())
    await outage.works_again()
