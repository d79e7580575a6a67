"""The module that is always there: help, privacy, options, modules, what happens when the bot leaves."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import hikari
import sqlalchemy as sa

from migaga.api import BaseModule, ChannelId, Context, GuildOptions, Snowflake, command, option
from migaga.framework.builtin.core import CoreModule
from migaga.storage.tables import guild
from migaga.testing.bot import TestBot

P = hikari.Permissions
METADATA = sa.MetaData()
DIARY = sa.Table(
    "diary_entry",
    METADATA,
    sa.Column("guild_id", Snowflake, primary_key=True, autoincrement=False),
    sa.Column("user_id", Snowflake, primary_key=True, autoincrement=False),
    sa.Column("text", sa.String(100), nullable=False),
)


class Diary(BaseModule):
    """Keeps what people write.

    In a table.
    """

    metadata = METADATA

    class Options(GuildOptions):
        size: int = option(3, "How much is kept", min=1, max=9)
        channel: ChannelId | None = option(None, "Where it goes")
        shown: bool = option(False, "Whether all see it")

    @command(aliases=["note"])
    async def write(self, ctx: Context, text: str) -> None:
        """Write something down.

        Args:
            text: What to write.
        """
        values = {"guild_id": int(ctx.guild_id or 0), "user_id": int(ctx.author.id), "text": text}
        await ctx.db.execute(sa.insert(DIARY).values(values))
        await ctx.respond("written")

    @command(permissions=P.BAN_MEMBERS)
    async def burn(self, ctx: Context) -> None:
        """Delete all."""
        await ctx.respond("burned")

    @command(owner_only=True)
    async def peek(self, ctx: Context) -> None:
        """Read all."""
        await ctx.respond("read")


async def entries(bot: TestBot) -> int:
    async with bot.database.read() as session:
        return len((await session.execute(sa.select(DIARY))).all())


async def test_help_shows_what_this_person_may_use_here(bot: TestBot) -> None:
    await bot.load(Diary)
    anna = await bot.member("Anna")
    shown = (await anna.says("!help")).content
    assert "**Diary** Keeps what people write." in shown
    assert "`!write` Write something down." in shown
    assert "burn" not in shown
    assert "peek" not in shown
    assert "`!burn`" in (await bot.owner.says("!help")).content
    assert "!write" in (await anna.slash("help")).content


async def test_help_of_a_command_shows_both_usages(bot: TestBot) -> None:
    await bot.load(Diary)
    anna = await bot.member("Anna")
    shown = (await anna.says("!help write")).content
    assert "`!write <text...>`" in shown
    assert "`/write text:`" in shown
    assert "Also: `!note`" in shown
    assert "What to write." in shown
    assert "Keeps" in (await anna.says("!help diary")).content
    assert 'Did you mean "write"?' in (await anna.says("!help wrte")).content


async def test_help_that_is_long_is_paged_by_buttons(bot: TestBot) -> None:
    names = [f"{letter}word{number}" for letter in "abcdefgh" for number in range(9)]
    methods = {name: _command(name) for name in names}
    await bot.load(type("Many", (BaseModule,), {"__doc__": "Has many commands.", **methods}))
    anna = await bot.member("Anna")
    shown = await anna.says("!help")
    assert "Page 1 of" in shown.content
    await anna.press(shown, "Next")
    assert "Page 2 of" in shown.content
    await anna.press(shown, "Back")
    assert "Page 1 of" in shown.content


def _command(name: str) -> object:
    async def method(self: BaseModule, ctx: Context) -> None:
        await ctx.respond(name)

    method.__name__ = name
    method.__doc__ = "Say one of very many words that nobody would ever want to hear in a row."
    method.__qualname__ = f"Many.{name}"
    return command(method)


async def test_help_suggests_names_while_one_types(bot: TestBot) -> None:
    await bot.load(Diary)
    anna = await bot.member("Anna")
    assert await anna.types("help", "topic", "wri") == ["write"]
    assert await bot.owner.types("options set", "option", "s", module="diary", value="") == ["shown", "size"]


async def test_options_are_shown_set_and_reset_by_who_manages_the_server(bot: TestBot) -> None:
    await bot.load(Diary)
    anna, mod = await bot.member("Anna"), await bot.member("Mod", permissions=P.MANAGE_GUILD)
    assert "Manage Server" in (await anna.says("!options show diary")).content
    assert "`size`: `3`. How much is kept" in (await mod.says("!options show diary")).content
    assert (await mod.says("!options set diary size 5")).content == "`size` of Diary is now `5`."
    assert "must be at most 9" in (await mod.says("!options set diary size 10")).content
    assert "whole number" in (await mod.slash("options set", module="diary", option="size", value="x")).content
    where = bot.guild.general.mention
    assert where in (await mod.says(f"!options set diary channel {where}")).content
    assert "`channel`: not set" not in (await mod.says("!options show")).content
    assert (await mod.says("!options set diary channel none")).content == "`channel` of Diary is now not set."
    assert "`3` again" in (await mod.slash("options reset", module="diary", option="size")).content
    assert 'Did you mean "size"?' in (await mod.says("!options set diary sise 5")).content
    assert "no module" in (await mod.says("!options show nothing")).content


async def test_the_prefix_of_a_guild_counts_at_once_and_a_mention_always(bot: TestBot) -> None:
    await bot.load(Diary)
    anna = await bot.member("Anna")
    await bot.owner.says("!options set core prefix ?")
    assert (await anna.says("?write a")).content == "written"
    assert not await anna.says("!write b")
    ben = await bot.member("Ben")
    assert (await ben.says(f"<@{bot.id}> write c")).content == "written"
    assert "at most 5" in (await bot.owner.says("?options set core prefix toolong")).content
    assert "markdown or a mention" in (await bot.owner.says("?options set core prefix **")).content
    assert "slash command" in (await bot.owner.says("?options set core prefix /x")).content


async def test_people_get_and_delete_what_is_stored_about_them(bot: TestBot) -> None:
    await bot.load(Diary)
    anna, ben = await bot.member("Anna"), await bot.member("Ben")
    await anna.says("!write dear diary")
    await ben.says("!write other")
    reply = await anna.slash("privacy export")
    assert reply.ephemeral
    exported = json.loads(reply.attachments[0].data)
    assert [row["text"] for row in exported["diary_entry"]] == ["dear diary"]
    assert "direct message" in (await anna.says("!privacy export")).content
    question = await anna.slash("privacy delete")
    await anna.press(question, "No")
    assert await entries(bot) == 2
    question = await anna.slash("privacy delete")
    await anna.press(question, "Yes")
    assert "1 entry was deleted" in question.followups[-1].content
    assert await entries(bot) == 1


async def test_a_guilds_data_goes_after_the_bot_has_left_it(bot: TestBot) -> None:
    await bot.load(Diary)
    anna = await bot.member("Anna")
    await anna.says("!write dear diary")
    world = bot.emulator.world
    world.guilds.set_available(bot.guild.state, available=False)
    await bot.quiet()
    assert await left(bot) is None
    world.guilds.set_available(bot.guild.state, available=True)
    await bot.quiet()
    world.guilds.remove_bot(bot.guild.state, bot.account)
    await bot.quiet()
    assert await left(bot) is not None
    await bot.run_task(CoreModule, "purge")
    assert await entries(bot) == 1
    async with bot.database.transaction() as session:
        await session.execute(sa.update(guild).values(left_at=datetime.now(UTC) - timedelta(days=31)))
    await bot.run_task(CoreModule, "purge")
    assert await entries(bot) == 0


async def left(bot: TestBot) -> datetime | None:
    async with bot.database.read() as session:
        found: datetime | None = await session.scalar(sa.select(guild.c.left_at).where(guild.c.id == bot.guild.id))
    return found


async def test_owners_ban_people_from_the_bot(bot: TestBot) -> None:
    await bot.load(Diary)
    anna, owner = await bot.member("Anna"), await bot.join_owner()
    assert "owners of the bot" in (await anna.says(f"!bot ban {anna.mention}")).content
    reply = await owner.says(f"!bot ban {anna.mention} spam spam")
    assert reply.pings == []
    assert "banned" in (await anna.says("!write x")).content
    await owner.says(f"!bot unban {anna.mention}")
    assert (await anna.says("!write x")).content == "written"


async def test_modules_are_listed_and_only_owners_switch_them_everywhere(bot: TestBot) -> None:
    await bot.load(Diary)
    assert "`diary`: on." in (await bot.owner.says("!module list")).content
    assert "Only the owners of the bot" in (await bot.owner.says("!module disable diary everywhere")).content
    owner = await bot.join_owner()
    bot.guild.give(owner, bot.guild.role("manager", permissions=P.MANAGE_GUILD))
    await owner.says("!module disable diary everywhere")
    assert "`diary`: off everywhere." in (await bot.owner.says("!module list")).content
    assert "always on" in (await bot.owner.says("!module disable core")).content
