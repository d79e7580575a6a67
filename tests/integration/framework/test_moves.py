"""A shard that leaves and comes back: dialogues, state of guilds, edits, permissions at the first event."""

from __future__ import annotations

import asyncio

import hikari
import pytest
import sqlalchemy as sa
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, command
from migaga.storage.tables import guild
from migaga.testing.bot import TestBot
from migaga_emulator.world.roles import RoleChange

P = hikari.Permissions
MOVED = "could not wait for you. Please run it again in a moment."


class Guarded(BaseModule):
    """Has requirements."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    @command(permissions=P.MANAGE_MESSAGES)
    async def purge(self, ctx: Context) -> None:
        """Need a permission."""
        await ctx.respond("purged")

    @command
    async def hello(self, ctx: Context) -> None:
        """Need nothing."""
        await ctx.respond("hello")

    @command
    async def sure(self, ctx: Context) -> None:
        """Ask."""
        await ctx.respond("yes" if await ctx.confirm("Sure?", timeout=30) else "no")

    @command
    async def slow(self, ctx: Context) -> None:
        """Ask late."""
        await self.go_on.wait()
        await ctx.respond(await ctx.ask("Well?", timeout=30))

    @command
    async def number(self, ctx: Context, value: int) -> None:
        """Take a number."""
        await ctx.respond(str(value))


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Guarded)
    return bot


async def left(bot: TestBot) -> bool:
    """Return whether the database says that the bot has left its guild."""
    async with bot.database.read() as session:
        return await session.scalar(sa.select(guild.c.left_at).where(guild.c.id == bot.guild.id)) is not None


async def test_dialogues_end_with_their_shard_and_their_people_are_told(running: TestBot) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    question = await anna.slash("sure")
    await ben.says("!sure")
    running.runtime.left(lambda guild_id: guild_id == running.guild.id)
    await running.wait_for(lambda: question.followups and len(running.said) == 2)
    assert question.followups[0].content.endswith(MOVED)
    assert running.said[1].content.endswith(MOVED)
    assert all(part["disabled"] for part in question.components)


async def test_dialogues_in_guilds_that_stay_go_on(running: TestBot) -> None:
    anna = await running.member("Anna")
    question = await anna.slash("sure")
    running.runtime.left(lambda guild_id: guild_id != running.guild.id)
    await anna.press(question, "Yes")
    assert [one.content for one in question.followups] == ["yes"]


async def test_a_handler_that_asks_after_its_shard_has_gone_is_told_at_once(running: TestBot) -> None:
    anna = await running.member("Anna")
    people, here = running.emulator.world.people, running.guild.general.id
    interaction = people.use.slash(anna.id, running.id, here, "slow", {})
    await running.wait_for(lambda: running.runtime.modules.loaded[-1].running)
    running.runtime.left(lambda guild_id: True)
    running.module(Guarded).go_on.set()
    await running.wait_for(lambda: interaction.response)
    assert interaction.response is not None
    assert interaction.response.content.endswith(MOVED)


async def test_a_press_on_a_dialogue_of_another_process_is_answered(running: TestBot) -> None:
    anna = await running.member("Anna")
    question = await anna.slash("sure")
    running.runtime.environment.waiting._presses.clear()  # As in the process that has taken the shard.
    people, here = running.emulator.world.people, running.guild.general.id
    press = people.use.press(anna.id, here, question.message.id, question.component("Yes"))
    await running.wait_for(lambda: press.response)
    assert press.response is not None
    assert press.response.flags & hikari.MessageFlag.EPHEMERAL
    assert "run the command again" in press.response.content


async def test_permissions_are_right_at_the_first_event_after_the_shard_comes_back(running: TestBot) -> None:
    role = running.guild.role("staff", permissions=P.MANAGE_MESSAGES)
    anna = await running.member("Anna", roles=(role,))
    assert (await anna.says("!purge")).content == "purged"
    await running.close()
    running.runtime.left(lambda guild_id: True)
    roles = running.emulator.world.roles
    for bits in (P.NONE, P.MANAGE_MESSAGES, P.NONE):
        roles.edit(None, running.guild.state, role, RoleChange(permissions=int(bits)))
    await running._connect()
    reply = await anna.says("!purge")
    assert "You need the permission Manage Messages" in reply.content
    roles.edit(None, running.guild.state, role, RoleChange(permissions=int(P.MANAGE_MESSAGES)))
    assert (await anna.says("!purge")).content == "purged"


async def test_a_command_without_requirements_costs_no_call_about_the_guild(running: TestBot) -> None:
    directory = running.runtime.directory
    anna = await running.member("Anna")
    running.runtime.left(lambda guild_id: True)
    assert (await anna.says("!hello")).content == "hello"
    assert len(directory) == 0


async def test_edits_of_messages_that_another_process_had_run_nothing(running: TestBot) -> None:
    anna = await running.member("Anna")
    before = await anna.says("just talking")
    running.runtime.left(lambda guild_id: True)
    await anna.says("back again")
    assert not await anna.edits(before, "!hello")
    after = await anna.says("talking again")
    assert (await anna.edits(after, "!hello")).content == "hello"


async def test_a_prefix_that_another_process_has_set_counts_when_the_shard_comes(running: TestBot) -> None:
    anna = await running.member("Anna")
    running.runtime.left(lambda guild_id: True)
    await running.runtime.settings._store.set(running.guild.id, "core", "prefix", "?")
    await anna.says("first")
    await running.wait_for(lambda: running.runtime.settings.prefix(running.guild.id) == "?")
    assert (await anna.says("?hello")).content == "hello"


async def test_a_guild_that_joins_again_here_after_it_left_elsewhere_is_noted(running: TestBot) -> None:
    sent, guilds = Deliveries(running), running.emulator.world.guilds
    await running.close()
    running.runtime.left(lambda guild_id: True)
    guilds.remove_bot(running.guild.state, running.account)
    await running.runtime.retention.guild_left(running.guild.id)  # By the process that has the shard then.
    guilds.add_bot(running.guild.state, running.account)
    assert await left(running)
    await sent.again("GUILD_CREATE")
    assert not await left(running)
