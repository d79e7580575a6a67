"""Settings of a guild, as its managers change them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import hikari
import pytest

from migaga.testing.bot import TestBot
from migaga.testing.people import Person, Reply

pytestmark = pytest.mark.modules("config", "people", "points")


@pytest.fixture
async def boss(bot: TestBot) -> Person:
    return await bot.member("Boss", permissions=hikari.Permissions.MANAGE_GUILD)


def settings(reply: Reply) -> dict[str, str]:
    found = reply.embed["fields"]
    assert isinstance(found, Sequence)
    return {str(field["name"]): str(field["value"]) for field in found if isinstance(field, Mapping)}


async def test_everything_is_shown_with_its_default(boss: Person) -> None:
    for reply in (await boss.says("!config"), await boss.says("!config show"), await boss.slash("config show")):
        assert settings(reply) == {
            "Prefix": "`!`",
            "Log channel": "Not set",
            "Points name": "points",
            "Points emoji": "Not set",
        }


async def test_only_managers_may_look_and_change(ann: Person) -> None:
    for text in ("!config", "!config prefix ?", "!config points-name gems", "!config reset prefix"):
        assert "Manage" in (await ann.says(text)).content
    assert (await ann.says("!info")).embeds


async def test_a_prefix_counts_from_the_next_message_on(bot: TestBot, boss: Person, ann: Person) -> None:
    assert settings(await boss.says("!config prefix ?"))["Prefix"] == "`?`"
    assert not await ann.says("!info")
    assert (await ann.says("?info")).embeds
    assert (await ann.says(f"<@{bot.id}> info")).embeds
    assert settings(await boss.slash("config prefix", prefix="m-"))["Prefix"] == "`m-`"
    assert not await ann.says("?info")
    assert (await ann.says("m-info")).embeds
    assert settings(await boss.says("m-config reset prefix"))["Prefix"] == "`!`"
    assert (await ann.says("!info")).embeds


async def test_a_prefix_of_one_guild_is_nothing_to_another(bot: TestBot, boss: Person) -> None:
    other = bot.make_guild("Other")
    elsewhere = await bot.member("Elsewhere", guild=other)
    await boss.says("!config prefix ?")
    assert (await elsewhere.says("!info")).embeds


async def test_a_prefix_that_cannot_be_one_is_refused(boss: Person, ann: Person) -> None:
    refused = {
        "toolong": "at most 5 characters",
        "a b": "spaces",
        "``": "markdown",
        "**": "markdown",
        "@you": "mention",
        "/": "slash",
    }
    for prefix, reason in refused.items():
        assert reason in (await boss.says(f"!config prefix {prefix}")).content
    assert (await ann.says("!info")).embeds


async def test_a_slash_prefix_is_checked_too(boss: Person) -> None:
    assert "markdown" in (await boss.slash("config prefix", prefix="_")).content
    assert "`!config prefix <prefix...>`" in (await boss.says("!config prefix")).content


async def test_a_log_channel_is_set(bot: TestBot, boss: Person) -> None:
    log = bot.guild.channel("log")
    await bot.quiet()
    assert settings(await boss.says(f"!config log-channel {log.mention}"))["Log channel"] == log.mention
    assert settings(await boss.slash("config reset", setting="log-channel"))["Log channel"] == "Not set"
    assert settings(await boss.slash("config log-channel", channel=log))["Log channel"] == log.mention


async def test_a_channel_that_is_none_is_refused(bot: TestBot, boss: Person) -> None:
    category = bot.guild.channel("things", kind=hikari.ChannelType.GUILD_CATEGORY)
    await bot.quiet()
    assert "There is no channel" in (await boss.says("!config log-channel <#123456789012345678>")).content
    assert "There is no channel" in (await boss.says("!config log-channel nowhere")).content
    assert "must be" in (await boss.says(f"!config log-channel {category.mention}")).content
    assert "`!config log-channel <channel>`" in (await boss.says("!config log-channel")).content


async def test_a_channel_where_the_bot_cannot_write_is_refused(bot: TestBot, boss: Person) -> None:
    for number, lacking in enumerate((hikari.Permissions.SEND_MESSAGES, hikari.Permissions.EMBED_LINKS)):
        closed = bot.guild.channel(f"closed{number}", deny=lacking)
        await bot.quiet()
        reply = await boss.slash("config log-channel", channel=closed)
        assert f"I could not write the log in {closed.mention}" in reply.content
        assert str(lacking.name).replace("_", " ").title() in reply.content


async def test_points_get_a_name_and_an_emoji(bot: TestBot, boss: Person, ann: Person) -> None:
    assert settings(await boss.says("!config points-name shiny *gems*"))["Points name"] == "shiny \\*gems\\*"
    assert settings(await boss.says("!config points-emoji 💎"))["Points emoji"] == "💎"
    assert (await ann.says("!inventory")).content == f"<@{ann.id}> has 💎 **0** shiny \\*gems\\*, rank **#1**."
    own = bot.guild.emoji("gem", animated=True)
    reply = await boss.slash("config points-emoji", emoji=own)
    assert settings(reply)["Points emoji"] == own
    assert not reply.content
    assert settings(await boss.says("!config reset points-emoji"))["Points emoji"] == "Not set"


async def test_an_emoji_of_another_guild_is_taken_with_a_warning(bot: TestBot, boss: Person) -> None:
    foreign = bot.make_guild("Other").emoji("gem")
    await bot.quiet()
    text = await boss.says(f"!config points-emoji {foreign}")
    assert "belongs to another server" in text.content
    assert settings(text)["Points emoji"] == foreign
    slash = await boss.slash("config points-emoji", emoji=foreign)
    assert "belongs to another server" in slash.content
    assert settings(slash)["Points emoji"] == foreign


async def test_an_emoji_that_is_gone_is_refused(bot: TestBot, boss: Person) -> None:
    gone = "<:gone:123456789012345678>"
    assert "There is no emoji `gone`" in (await boss.says(f"!config points-emoji {gone}")).content
    assert "There is no emoji `gone`" in (await boss.slash("config points-emoji", emoji=gone)).content
    own = bot.guild.emoji("gem")
    await bot.quiet()
    bot.emulator.world.guilds.remove_emoji(bot.guild.state, int(own.split(":")[-1][:-1]))
    assert "There is no emoji `gem`" in (await boss.says(f"!config points-emoji {own}")).content
    assert settings(await boss.says("!config"))["Points emoji"] == "Not set"


async def test_an_emoji_that_cannot_be_tried_out_is_taken_with_a_warning(bot: TestBot) -> None:
    silent = bot.make_guild(
        "Silent",
        permissions=hikari.Permissions.SEND_MESSAGES
        | hikari.Permissions.VIEW_CHANNEL
        | hikari.Permissions.READ_MESSAGE_HISTORY
        | hikari.Permissions.EMBED_LINKS,
    )
    everyone = silent.state.roles[silent.id]
    everyone.permissions &= ~int(hikari.Permissions.ADD_REACTIONS)
    boss = await bot.member("Boss2", permissions=hikari.Permissions.MANAGE_GUILD, guild=silent)
    reply = await boss.says(f"!config points-emoji {bot.guild.emoji('gem')}")
    assert "may not add reactions" in reply.content


async def test_what_is_no_emoji_is_refused(boss: Person) -> None:
    for emoji in ("gem", ":gem:", "💎💎", "<:x:1>", "@everyone"):
        assert "must be an emoji" in (await boss.says(f"!config points-emoji {emoji}")).content
        assert "must be an emoji" in (await boss.slash("config points-emoji", emoji=emoji)).content


async def test_a_setting_that_there_is_not_is_refused(boss: Person) -> None:
    assert "must be one of: prefix, log-channel" in (await boss.says("!config reset everything")).content
    assert "at most 30 characters" in (await boss.says(f"!config points-name {'x' * 31}")).content
    assert "`!config" in (await boss.says("!config nonsense")).content
