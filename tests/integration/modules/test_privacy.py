"""What modules keep about people and guilds is found, and goes when it has to."""

from __future__ import annotations

import hikari
import pytest
import sqlalchemy as sa

from migaga.testing.bot import TestBot
from migaga.testing.people import Person
from migaga_modules.points import money
from migaga_modules.points.tables import TRANSACTIONS

pytestmark = pytest.mark.modules("points", "games", "custom_commands")

TABLES = {
    "discord_blackjack_games",
    "discord_commands",
    "discord_point_balances",
    "discord_point_leaderboards",
    "discord_point_leaderboard_teams",
    "discord_point_transactions",
}


@pytest.fixture
async def boss(bot: TestBot, ann: Person, ben: Person) -> Person:
    permissions = hikari.Permissions.MANAGE_GUILD_EXPRESSIONS | hikari.Permissions.MANAGE_GUILD
    boss = await bot.member("Boss", permissions=permissions)
    await boss.says(f"!points give {ann.mention} 5")
    await boss.says(f"!points give {ben.mention} 7")
    await boss.says(f"!points setup-leaderboard create Cup <@&{bot.guild.role('red')}>")
    await boss.says("!addcommand hi hello")
    await ann.says("!blackjack")
    return boss


@pytest.mark.usefixtures("boss")
async def test_what_is_kept_about_a_person_is_exported_and_deleted(bot: TestBot, ann: Person, ben: Person) -> None:
    exported = await bot.runtime.retention.export_user(ann.id)
    assert set(exported) == {"discord_blackjack_games", "discord_point_balances", "discord_point_transactions"}
    await bot.runtime.retention.delete_user(ann.id)
    assert not await bot.runtime.retention.export_user(ann.id)
    async with bot.database.read() as session:
        assert list(await money.balances_of(session, bot.guild.id)) == [ben.id]
        assert list((await session.execute(sa.select(TRANSACTIONS.c.receiver_id))).scalars()) == [ben.id]


@pytest.mark.usefixtures("boss")
async def test_what_is_kept_about_a_guild_is_deleted(bot: TestBot) -> None:
    deleted = await bot.runtime.retention.delete_guild(bot.guild.id)
    assert set(deleted) >= TABLES
    async with bot.database.read() as session:
        for name in TABLES:
            assert not (await session.execute(sa.select(sa.text("1")).select_from(sa.table(name)))).all()
