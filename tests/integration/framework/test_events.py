"""Listeners, their contexts, their transactions; nobody's fault touches anybody else."""

from __future__ import annotations

import hikari
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, EventContext, GuildOptions, command, listen, option
from migaga.gateway.handling import FaultError
from migaga.testing.bot import TestBot

METADATA = sa.MetaData()
NOTES = sa.Table("listener_note", METADATA, sa.Column("text", sa.String(100), primary_key=True))


class Broken(BaseModule):
    """Fails at every event."""

    @listen(hikari.GuildMessageCreateEvent)
    async def on_message(self, event: hikari.GuildMessageCreateEvent) -> None:
        """Fail."""
        raise RuntimeError("broken listener")


class Listener(BaseModule):
    """Listens."""

    metadata = METADATA

    class Options(GuildOptions):
        word: str = option("hello", "What to listen for")

    async def start(self) -> None:
        self.heard: list[str] = []
        self.raw: list[str] = []
        self.deliberate = False

    @listen(hikari.GuildMessageCreateEvent, bots=False)
    async def on_message(
        self, event: hikari.GuildMessageCreateEvent, options: Options, ctx: EventContext, session: AsyncSession
    ) -> None:
        """Note what people say."""
        if event.content and options.word in event.content:
            assert ctx.guild_id == event.guild_id
            self.heard.append(event.content)
            await session.execute(sa.insert(NOTES).values(text=event.content))
            if "twice" in event.content:
                raise RuntimeError("after writing")

    @listen(hikari.MemberCreateEvent, hikari.MemberDeleteEvent)
    async def on_member(self, event: hikari.MemberCreateEvent | hikari.MemberDeleteEvent) -> None:
        """Note who comes and goes."""
        self.heard.append(f"{type(event).__name__} {event.user_id}")

    @listen(hikari.GuildReactionAddEvent)
    async def on_reaction(self, event: hikari.GuildReactionAddEvent) -> None:
        """Note reactions."""
        self.heard.append(f"reaction {event.emoji_name}")

    @listen(hikari.ShardPayloadEvent)
    async def on_raw(self, event: hikari.ShardPayloadEvent) -> None:
        """Note everything."""
        self.raw.append(event.name)

    @command
    async def write(self, ctx: Context, text: str, then: str) -> None:
        """Write a row, then do something."""
        await ctx.db.execute(sa.insert(NOTES).values(text=text))
        match then.split():
            case ["fail"]:
                raise RuntimeError("rolled back")
            case ["answer", *rest]:
                await ctx.respond("written")
                assert not ctx.db.in_transaction()
                if rest:
                    raise RuntimeError("too late")
            case ["rest"]:
                await ctx.rest.fetch_my_user()
                assert not ctx.db.in_transaction()
                await ctx.db.execute(sa.insert(NOTES).values(text=f"{text} 2"))
                await self.rest.fetch_channel(ctx.channel_id or 0)
                assert not ctx.db.in_transaction()
            case _:
                pass

    @command(name="once")
    async def only_once(self, ctx: Context) -> None:
        """Do something once."""
        first = await ctx.once("a")
        again = await ctx.once("a")
        other = await ctx.once("b")
        await ctx.respond(f"{first} {again} {other}")


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Broken, Listener)
    return bot


async def notes(bot: TestBot) -> list[str]:
    async with bot.database.read() as session:
        return sorted((await session.scalars(sa.select(NOTES.c.text))).all())


async def test_a_listener_gets_its_event_options_and_session_though_another_fails(
    running: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    anna = await running.member("Anna")
    await anna.says("hello you")
    await anna.says("nothing")
    assert running.module(Listener).heard[-1] == "hello you"
    assert await notes(running) == ["hello you"]
    assert "broken.on_message failed" in caplog.text
    await running.options(Listener, word="noth")
    await anna.says("nothing again")
    assert await notes(running) == ["hello you", "nothing again"]


async def test_what_a_listener_wrote_before_it_failed_is_rolled_back(running: TestBot) -> None:
    anna = await running.member("Anna")
    await anna.says("hello twice")
    assert await notes(running) == []


async def test_a_listener_without_bots_does_not_hear_them(running: TestBot) -> None:
    robot = await running.member("Robot", is_bot=True)
    await robot.says("hello from a robot")
    assert "hello from a robot" not in running.module(Listener).heard


async def test_an_event_that_hikari_cannot_read_reaches_who_hears_it_raw_and_is_a_fault(running: TestBot) -> None:
    deliveries = Deliveries(running)
    await running.member("Anna")
    event, module = deliveries.last("GUILD_MEMBER_ADD"), running.module(Listener)
    event.payload["user"] = {"id": "?"}
    module.heard.clear()
    with pytest.raises(FaultError) as caught:
        await deliveries.deliver(event)
    assert str(caught.value.__cause__) == "hikari cannot read a GUILD_MEMBER_ADD"
    assert (module.heard, module.raw[-1]) == ([], "GUILD_MEMBER_ADD")


async def test_an_event_whose_guild_is_nonsense_is_a_fault(running: TestBot) -> None:
    deliveries = Deliveries(running)
    anna = await running.member("Anna")
    await anna.says("hello you")
    event = deliveries.last("MESSAGE_CREATE")
    event.payload["guild_id"] = "here"
    with pytest.raises(FaultError) as caught:
        await deliveries.deliver(event)
    assert "'here'" in str(caught.value.__cause__)


async def test_all_kinds_of_events_come_also_raw(running: TestBot) -> None:
    anna = await running.member("Anna")
    said = await anna.says("a")
    await anna.reacts(said, "👍")
    await anna.leaves()
    module = running.module(Listener)
    assert module.heard == [f"MemberCreateEvent {anna.id}", "reaction 👍", f"MemberDeleteEvent {anna.id}"]
    assert {"GUILD_MEMBER_ADD", "MESSAGE_CREATE", "MESSAGE_REACTION_ADD", "GUILD_MEMBER_REMOVE"} <= set(module.raw)


@pytest.mark.parametrize(
    ("then", "kept"),
    [("stop", ["x"]), ("fail", []), ("answer", ["x"]), ("answer fail", ["x"]), ("rest", ["x", "x 2"])],
)
async def test_a_handlers_session_commits_before_it_calls_outside(running: TestBot, then: str, kept: list[str]) -> None:
    anna = await running.member("Anna")
    await anna.says(f"!write x {then}")
    assert await notes(running) == kept


async def test_once_is_true_the_first_time_for_an_event(running: TestBot) -> None:
    anna = await running.member("Anna")
    assert (await anna.says("!once")).content == "True False True"
    assert (await anna.says("!once")).content == "True False True"


async def test_a_module_that_is_off_hears_nothing(running: TestBot) -> None:
    anna = await running.member("Anna")
    await running.owner.says("!module disable listener")
    await anna.says("hello?")
    assert "hello?" not in running.module(Listener).heard
