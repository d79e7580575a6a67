"""All feature modules together, with a MariaDB server behind them."""

from __future__ import annotations

import hikari
import pytest
from tests.integration.modules.support import Luck, Twice

from migaga.testing.bot import TestBot
from migaga.testing.people import Person

pytestmark = pytest.mark.mariadb


@pytest.fixture
def migaga_database_url(mariadb_url: str) -> str:
    """Keep the bot's data on MariaDB."""
    return mariadb_url


@pytest.fixture
async def boss(bot: TestBot) -> Person:
    permissions = hikari.Permissions.MANAGE_GUILD_EXPRESSIONS | hikari.Permissions.MANAGE_GUILD
    return await bot.member("Boss", permissions=permissions)


async def test_the_modules_work_together(
    bot: TestBot, luck: Luck, boss: Person, ann: Person, ben: Person, twice: Twice
) -> None:
    await bot.load("people", "games", "config", "custom_commands", "points")

    await boss.says("!config prefix 🐧")
    named = await boss.says("🐧config points-name Gänse 🪿")
    assert named.embeds, named.content
    await boss.says("🐧config points-emoji 🪿")
    await boss.says(f"🐧points give {ann.mention} 10.25 für 🎉")
    gift = await ann.says(f"🐧gift {ben.mention} 0.25")
    assert f"🪿 **0.25** Gänse 🪿 to <@{ben.id}>" in gift.content
    await twice.again("MESSAGE_CREATE", by=ann.id)
    assert "**10** Gänse" in (await ann.slash("points inventory")).content
    assert (await boss.says(f"🐧points take {ben.mention} 1")).content.startswith(f"<@{ben.id}> has only 🪿 **0.25**")

    role = bot.guild.role("team")
    bot.guild.give(ben, role)
    await boss.says(f'🐧points setup-leaderboard create "Straße 🪿" <@&{role}>')
    assert "**0.25**" in str((await ann.says("🐧leaderboard STRASSE 🪿")).embed["description"])

    await boss.says("🐧addcommand Straße 🎉 hello")
    await boss.says("🐧addcommand 🦆 quack")
    assert (await ann.says("🐧STRASSE")).content == "🎉 hello"
    assert not await ann.says("🐧🦢")
    assert (await ann.says("🐧🦆")).content == "quack"
    assert str((await ann.says("🐧search")).embed["title"]) == "Custom commands (2)"

    luck.deck = ["10♠", "10♥", "5♠", "8♥", "4♦", "K♣"]
    dealt = await ann.slash("blackjack")
    await ann.press(dealt, "Hit")
    await twice.again("INTERACTION_CREATE", by=ann.id)
    assert dealt.content.endswith("You: 10♠ 5♠ 4♦ (**19**)\nHit or stand?")
    assert (await ann.says("🐧info")).embeds
