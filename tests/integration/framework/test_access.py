"""Who may use what, where. The first check that fails is the answer."""

from __future__ import annotations

from datetime import timedelta

import hikari
import pytest

from migaga.api import (
    BaseModule,
    Context,
    Cooldown,
    EventContext,
    UnknownCommandEvent,
    command,
    component,
    group,
    listen,
    user_command,
)
from migaga.testing.bot import TestBot

P = hikari.Permissions


def odd(ctx: Context) -> bool | str:
    """Allow people whose name has an odd number of letters."""
    return len(ctx.author.username) % 2 == 1 or "Your name is even."


async def never(ctx: Context) -> bool:
    """Allow nobody."""
    return False


class Guarded(BaseModule):
    """Has guarded commands."""

    tools = group("tools", "Tools")

    @command
    async def open(self, ctx: Context) -> None:
        """For everybody."""
        await ctx.respond("open")

    @tools.command()
    async def hammer(self, ctx: Context) -> None:
        """In a group."""
        await ctx.respond("hammer")

    @command(guild_only=False)
    async def anywhere(self, ctx: Context) -> None:
        """In direct messages too."""
        await ctx.respond("here too")

    @command(owner_only=True)
    async def own(self, ctx: Context) -> None:
        """For owners."""
        await ctx.respond("master")

    @command(permissions=P.KICK_MEMBERS | P.BAN_MEMBERS)
    async def kick(self, ctx: Context) -> None:
        """For moderators."""
        await ctx.respond("kicked")

    @command(bot_permissions=P.MANAGE_ROLES)
    async def role(self, ctx: Context) -> None:
        """The bot needs something."""
        await ctx.respond("role")

    @command(nsfw=True)
    async def grown(self, ctx: Context) -> None:
        """For channels with an age limit."""
        await ctx.respond("grown")

    @command(checks=[odd])
    async def odd(self, ctx: Context) -> None:
        """Checked."""
        await ctx.respond("odd")

    @command(checks=[never])
    async def never(self, ctx: Context) -> None:
        """Checked."""
        await ctx.respond("never")

    @command(cooldown=Cooldown(2, timedelta(minutes=5)))
    async def rare(self, ctx: Context, number: int) -> None:
        """Not often."""
        await ctx.respond(f"rare {number}")

    @command
    async def button(self, ctx: Context) -> None:
        """Show a guarded button."""
        row = hikari.impl.MessageActionRowBuilder()
        row.add_interactive_button(hikari.ButtonStyle.DANGER, self.custom_id("kick", 5), label="Kick")
        await ctx.respond("button", components=[row])

    @component("kick", permissions=P.KICK_MEMBERS)
    async def on_kick(self, ctx: Context, amount: int) -> None:
        """Answer the guarded button."""
        await ctx.edit(f"kicked {amount}", components=[])

    @user_command("Inspect", permissions=P.KICK_MEMBERS)
    async def inspect(self, ctx: Context, target: hikari.User) -> None:
        """Look at somebody."""
        await ctx.respond(target.username)


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Guarded)
    return bot


async def test_people_who_are_banned_from_the_bot_are_refused_first(running: TestBot) -> None:
    anna = await running.member("Anna")
    await running.runtime.access_rules.ban(anna.id)
    assert (await anna.says("!own")).content == "You were banned from using this bot."
    await running.runtime.access_rules.unban(anna.id)
    assert (await anna.says("!open")).content == "open"


async def test_owner_only_is_for_owners_of_the_application(running: TestBot) -> None:
    anna, owner = await running.member("Anna"), await running.join_owner()
    assert "owners of the bot" in (await anna.says("!own")).content
    assert (await owner.says("!own")).content == "master"


async def test_commands_of_guilds_say_so_in_direct_messages(running: TestBot) -> None:
    anna = await running.member("Anna")
    assert "servers only" in (await anna.writes("!open")).content
    assert (await anna.writes("!anywhere")).content == "here too"


async def test_missing_permissions_are_named_in_both_forms(running: TestBot) -> None:
    anna = await running.member("Anna", permissions=P.KICK_MEMBERS)
    told = "You need the permission Ban Members for this."
    assert (await anna.says("!kick")).content == told
    mod = await running.member("Mod", permissions=P.KICK_MEMBERS | P.BAN_MEMBERS)
    assert (await mod.says("!kick")).content == "kicked"
    assert (await mod.slash("kick")).content == "kicked"
    assert (await running.owner.says("!kick")).content == "kicked"


async def test_overwrites_of_the_channel_count_for_text_commands(running: TestBot) -> None:
    anna = await running.member("Anna")
    here = running.guild.channel("mods", allow=P.KICK_MEMBERS | P.BAN_MEMBERS, to=anna.id)
    await running.quiet()
    assert (await anna.says("!kick", here)).content == "kicked"
    assert "You need" in (await anna.says("!kick")).content
    assert (await anna.slash("kick", here)).content == "kicked"


async def test_a_missing_permission_of_the_bot_is_named(running: TestBot) -> None:
    guild = running.make_guild("Poor", permissions=P.VIEW_CHANNEL | P.SEND_MESSAGES | P.READ_MESSAGE_HISTORY)
    await running.quiet()
    anna = await running.member("Anna", guild=guild)
    told = "I need the permission Manage Roles here for this."
    assert (await anna.says("!role")).content == told
    assert (await anna.slash("role")).content == told
    ben = await running.member("Ben")
    assert (await ben.says("!role")).content == "role"


async def test_own_checks_refuse_with_their_reason(running: TestBot) -> None:
    anna, bob = await running.member("Anna"), await running.member("Bob")
    assert (await anna.says("!odd")).content == "Your name is even."
    assert (await bob.says("!odd")).content == "odd"
    assert (await bob.says("!never")).content == "You may not use this here."


async def test_a_cooldown_counts_uses_but_no_wrong_ones(running: TestBot) -> None:
    anna, ben = await running.member("Anna"), await running.member("Ben")
    await anna.says("!rare x")
    await anna.says("!rare y")
    assert (await anna.says("!rare 1")).content == "rare 1"
    assert (await anna.slash("rare", number=2)).content == "rare 2"
    assert "try again in" in (await anna.says("!rare 3")).content
    assert (await ben.says("!rare 4")).content == "rare 4"


async def test_a_module_can_be_switched_off_here_or_everywhere(running: TestBot) -> None:
    anna = await running.member("Anna")
    await running.owner.says("!module disable guarded")
    assert "is switched off here" in (await anna.says("!open")).content
    assert "is switched off here" in (await anna.slash("open")).content
    other = running.make_guild("Other")
    ben = await running.member("Ben", guild=other)
    assert (await ben.says("!open")).content == "open"
    await running.owner.says("!module enable guarded")
    assert (await anna.says("!open")).content == "open"


async def test_the_more_specific_rule_wins(running: TestBot) -> None:
    anna = await running.member("Anna")
    side = running.guild.channel("side")
    await running.owner.says("!access deny guarded")
    assert "may not be used here" in (await anna.says("!open")).content
    await running.owner.says(f"!access allow open {side.mention}")
    assert (await anna.says("!open", side)).content == "open"
    assert "may not be used" in (await anna.says("!open")).content
    await running.owner.slash("access remove", target="guarded")
    assert (await anna.says("!open")).content == "open"
    await running.owner.slash("access deny", target="tools")
    assert "may not be used" in (await anna.says("!tools hammer")).content


async def test_components_and_menus_are_checked_like_commands(running: TestBot) -> None:
    anna, mod = await running.member("Anna"), await running.member("Mod", permissions=P.KICK_MEMBERS)
    shown = await anna.says("!button")
    refused = await anna.press(shown, "Kick")
    assert refused.ephemeral
    assert "Kick Members" in refused.content
    await mod.press(shown, "Kick")
    assert shown.content == "kicked 5"
    assert shown.components == []
    assert (await mod.menu("Inspect", anna)).content == "anna"


async def test_bots_and_webhooks_cannot_use_commands(running: TestBot) -> None:
    robot = await running.member("Robot", is_bot=True)
    assert not await robot.says("!open")


async def test_commands_for_grown_ups_need_a_channel_with_an_age_limit(running: TestBot) -> None:
    anna = await running.member("Anna")
    limited = running.guild.channel("limited", nsfw=True)
    assert "age limit" in (await anna.says("!grown")).content
    assert (await anna.says("!grown", limited)).content == "grown"


class Echo(BaseModule):
    """Answers what is no command."""

    @listen(UnknownCommandEvent)
    async def answer(self, event: UnknownCommandEvent, ctx: EventContext) -> None:
        """Say the name."""
        await ctx.rest.create_message(event.channel_id, event.name)


async def test_people_who_are_banned_from_the_bot_get_no_answer_from_commands_that_guilds_made(bot: TestBot) -> None:
    await bot.load(Echo)
    anna = await bot.member("Anna")
    assert (await anna.says("!anything")).content == "anything"
    await bot.runtime.access_rules.ban(anna.id)
    assert not await anna.says("!anything")
