"""What people are told when something goes wrong, and what the log says."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import hikari
import pytest

from migaga.api import BaseModule, Context, Cooldown, UserError, command, group
from migaga.testing.bot import TestBot


class Faulty(BaseModule):
    """Fails."""

    points = group("points", "Points")

    @command
    async def number(self, ctx: Context, amount: int) -> None:
        """Take a number."""
        await ctx.respond(f"got {amount}")

    @command
    async def refuse(self, ctx: Context) -> None:
        """Refuse."""
        raise UserError("Not today.")

    @command
    async def crash(self, ctx: Context) -> None:
        """Fail."""
        raise RuntimeError("secret inside")

    @command
    async def call(self, ctx: Context, what: str) -> None:
        """Ask Discord for what is not there."""
        channel = ctx.channel_id
        assert channel is not None
        assert ctx.guild_id is not None
        match what:
            case "message":
                await self.rest.delete_message(channel, 1_111_111_111_111_111)
            case "role":
                await self.rest.add_role_to_member(ctx.guild_id, ctx.author, 1_111_111_111_111_111)
            case _:
                await self.rest.add_reaction(channel, int(ctx.message.id if ctx.message else 0), "x", 1_111_111_111_111)

    @points.command()
    async def give(self, ctx: Context) -> None:
        """Give."""
        await ctx.respond("given")


@pytest.fixture
async def running(bot: TestBot) -> TestBot:
    await bot.load(Faulty)
    return bot


async def test_a_wrong_use_gets_the_reason_and_the_usage(running: TestBot) -> None:
    anna = await running.member("Anna")
    reply = await anna.says("!number many")
    assert reply.content.splitlines() == [
        "`amount` must be a whole number, such as `12`, not `many`.",
        "Usage: `!number <amount>`",
    ]
    assert "is missing" in (await anna.says("!number")).content


async def test_an_edited_command_runs_again_only_when_it_was_a_wrong_use(running: TestBot) -> None:
    anna = await running.member("Anna")
    wrong = await anna.says("!number many")
    right = await anna.edits(wrong, "!number 12")
    assert right.content == "got 12"
    assert not await anna.edits(wrong, "!number 13")
    refused = await anna.says("!refuse")
    assert not await anna.edits(refused, "!number 1")


async def test_a_message_that_becomes_a_command_runs(running: TestBot) -> None:
    anna = await running.member("Anna")
    said = await anna.says("number 12")
    assert (await anna.edits(said, "!number 12")).content == "got 12"


async def test_a_group_without_its_command_names_them(running: TestBot) -> None:
    anna = await running.member("Anna")
    wrong = await anna.says("!points giv")
    assert "Did you mean `!points give`?" in wrong.content
    assert (await anna.edits(wrong, "!points give")).content == "given"


async def test_a_refusal_is_the_answer_and_is_not_logged(running: TestBot, caplog: pytest.LogCaptureFixture) -> None:
    anna = await running.member("Anna")
    assert (await anna.says("!refuse")).content == "Not today."
    slash = await anna.slash("refuse")
    assert (slash.content, slash.ephemeral) == ("Not today.", True)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_an_unexpected_error_gets_a_reference_that_is_in_the_log(
    running: TestBot, caplog: pytest.LogCaptureFixture
) -> None:
    anna = await running.member("Anna")
    reply = await anna.says("!crash")
    found = re.search(r"`([0-9a-f]{8})`", reply.content)
    assert found
    assert "secret inside" not in reply.content
    assert f"faulty.crash failed, reference {found[1]}" in caplog.text
    assert "secret inside" in caplog.text
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(("what", "told"), [("message", "the message"), ("role", "the role")])
async def test_what_is_gone_at_discord_is_named(running: TestBot, what: str, told: str) -> None:
    anna = await running.member("Anna")
    assert f"I cannot find {told}" in (await anna.says(f"!call {what}")).content


async def test_an_emoji_that_is_gone_is_named(running: TestBot) -> None:
    anna = await running.member("Anna")
    assert "emoji" in (await anna.says("!call emoji")).content


class Denied(BaseModule):
    """Is refused."""

    @command(permissions=hikari.Permissions.MANAGE_MESSAGES, cooldown=Cooldown(1, timedelta(minutes=1)))
    async def tidy(self, ctx: Context) -> None:
        """Tidy up."""
        await ctx.respond("tidy")


async def test_a_missing_permission_is_named_and_costs_no_cooldown(bot: TestBot) -> None:
    await bot.load(Denied)
    anna = await bot.member("Anna")
    assert (await anna.says("!tidy")).content == "You need the permission Manage Messages for this."
    bot.guild.give(anna, bot.guild.role("mod", permissions=hikari.Permissions.MANAGE_MESSAGES))
    assert (await anna.says("!tidy")).content == "tidy"
    assert re.fullmatch(r"Not so fast: try again in \d+ s\.", (await anna.says("!tidy")).content)
