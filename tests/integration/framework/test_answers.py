"""How answers reach people, in both forms of a command."""

from __future__ import annotations

import asyncio
import threading

import hikari
import pytest

from migaga.api import BaseModule, Context, command
from migaga.testing.bot import TestBot
from migaga_emulator.world.drafts import LOADING


class Answers(BaseModule):
    """Answers in every way."""

    async def start(self) -> None:
        self.go_on = asyncio.Event()
        self.thread: int | None = None

    @command
    async def twice(self, ctx: Context) -> None:
        """Answer, follow up, edit."""
        first = await ctx.respond("one")
        await ctx.respond("two", ephemeral=True)
        await first.edit("one, edited")

    @command(ephemeral=True)
    async def hush(self, ctx: Context) -> None:
        """Answer in private."""
        await ctx.respond("hush")

    @command
    async def deferred(self, ctx: Context, private: bool = False) -> None:
        """Defer, then answer."""
        await ctx.defer()
        await ctx.respond("late", ephemeral=private)

    @command
    async def slow(self, ctx: Context) -> None:
        """Take long."""
        await self.go_on.wait()
        await ctx.respond("at last")

    @command
    async def silent(self, ctx: Context) -> None:
        """Say nothing."""

    @command
    async def text(self, ctx: Context) -> str:
        """Return the answer."""
        return "returned"

    @command
    def blocking(self, ctx: Context) -> str:
        """Run in a thread."""
        self.thread = threading.get_ident()
        return "from a thread"

    @command
    async def long(self, ctx: Context, length: int) -> None:
        """Say a lot."""
        await ctx.respond("x" * length)

    @command
    async def empty(self, ctx: Context) -> None:
        """Say nothing at all."""
        await ctx.respond("")

    @command
    async def ping(self, ctx: Context, who: hikari.User, loud: bool = False) -> None:
        """Mention somebody."""
        await ctx.respond(f"{who.mention} @everyone", user_mentions=loud)

    @command
    async def embed(self, ctx: Context) -> None:
        """Show an embed and a file."""
        await ctx.respond(embed=hikari.Embed(title="T"), attachments=[hikari.Bytes(b"data", "a.txt")])

    @command
    async def gone(self, ctx: Context) -> None:
        """Delete the answer."""
        reply = await ctx.respond("soon gone")
        await reply.delete()
        await reply.delete()


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Answers)
    return bot


async def test_a_second_answer_is_a_follow_up_and_the_first_can_be_edited(running: TestBot) -> None:
    anna = await running.member("Anna")
    for reply in (await anna.slash("twice"), await anna.says("!twice")):
        assert reply.content == "one, edited"
        assert [one.content for one in reply.followups] == ["two"]
    slash = await anna.slash("twice")
    assert not slash.ephemeral
    assert slash.followups[0].ephemeral


async def test_a_command_can_be_declared_ephemeral(running: TestBot) -> None:
    anna = await running.member("Anna")
    assert (await anna.slash("hush")).ephemeral
    assert not (await anna.says("!hush")).ephemeral


@pytest.mark.parametrize("private", [False, True])
async def test_a_deferred_answer_is_seen_by_whom_the_answer_is_for(running: TestBot, private: bool) -> None:
    anna = await running.member("Anna")
    reply = await anna.slash("deferred", private=private)
    shown = reply.followups[0] if private else reply
    assert shown.content == "late"
    assert shown.ephemeral == private


async def test_a_slow_command_is_deferred_before_discord_gives_up(running: TestBot) -> None:
    anna = await running.member("Anna")
    module = running.module(Answers)
    asking = asyncio.create_task(anna.slash("slow"))
    begun = asyncio.get_running_loop().time()
    thinking = await running.wait_for(lambda: [one for one in running.said if one.flags & LOADING])
    assert 1.5 < asyncio.get_running_loop().time() - begun < 2.8
    module.go_on.set()
    assert (await asking).content == "at last"
    assert thinking[0].content == "at last"


async def test_a_handler_that_says_nothing_leaves_nobody_waiting(running: TestBot) -> None:
    anna = await running.member("Anna")
    reply = await anna.slash("silent")
    assert reply.content == "Done."
    assert reply.ephemeral
    assert not await anna.says("!silent")


async def test_a_returned_text_is_the_answer_also_from_a_thread(running: TestBot) -> None:
    anna = await running.member("Anna")
    assert (await anna.says("!text")).content == "returned"
    assert (await anna.slash("blocking")).content == "from a thread"
    assert running.module(Answers).thread not in (None, threading.get_ident())


@pytest.mark.parametrize("name", ["long", "empty"])
async def test_what_discord_would_refuse_is_an_error_of_the_author(
    running: TestBot, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    anna = await running.member("Anna")
    reply = await anna.says(f"!{name}{' 2001' if name == 'long' else ''}")
    assert "reference" in reply.content
    assert ("2001 characters" in caplog.text) or ("it is empty" in caplog.text)
    if name == "long":
        assert len((await anna.says("!long 2000")).content) == 2000


async def test_nobody_is_pinged_unless_it_was_asked_for(running: TestBot) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    for quiet in (await anna.slash("ping", who=ben), await anna.says(f"!ping {ben.mention}")):
        assert quiet.pings == []
        assert not quiet.message.mentions.everyone
    for loud in (await anna.slash("ping", who=ben, loud=True), await anna.says(f"!ping {ben.mention} yes")):
        assert loud.pings == [ben.id]
        assert not loud.message.mentions.everyone


async def test_embeds_and_files_are_sent(running: TestBot) -> None:
    anna = await running.member("Anna")
    for reply in (await anna.slash("embed"), await anna.says("!embed")):
        assert reply.embed["title"] == "T"
        assert [file.data for file in reply.attachments] == [b"data"]


async def test_an_answer_that_is_gone_can_be_deleted_again(running: TestBot) -> None:
    anna = await running.member("Anna")
    await anna.says("!gone")
    assert [m.content for m in running.messages()] == ["!gone"]
    await anna.slash("gone")
    assert [m.content for m in running.messages()] == ["!gone"]


async def test_a_text_answer_carries_a_nonce_that_a_repeated_event_makes_again(running: TestBot) -> None:
    anna = await running.member("Anna")
    reply = await anna.says("!text")
    nonce = reply.message.nonce
    assert isinstance(nonce, str)
    assert 0 < len(nonce) <= 25
    assert (await anna.says("!text")).message.nonce != nonce
