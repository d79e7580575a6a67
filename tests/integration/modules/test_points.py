"""Points, as people give, gift and compare them."""

from __future__ import annotations

from decimal import Decimal

import hikari
import pytest
import sqlalchemy as sa
from tests.integration.modules.support import Twice

from migaga.testing.bot import TestBot
from migaga.testing.people import Person
from migaga_modules.points import Points, money
from migaga_modules.points.tables import TRANSACTIONS

pytestmark = pytest.mark.modules("points")


@pytest.fixture
async def boss(bot: TestBot) -> Person:
    return await bot.member("Boss", permissions=hikari.Permissions.MANAGE_GUILD)


async def balances(bot: TestBot) -> dict[int, Decimal]:
    async with bot.database.read() as session:
        return await money.balances_of(session, bot.guild.id)


async def changes(bot: TestBot) -> int:
    async with bot.database.read() as session:
        count: int = (await session.execute(sa.select(sa.func.count()).select_from(TRANSACTIONS))).scalar_one()
        return count


async def test_moderators_give_and_take_in_both_forms(bot: TestBot, boss: Person, ann: Person) -> None:
    given = await boss.says(f"!points give {ann.mention} 10.50 for *help* @everyone")
    assert given.content == (
        f"<@{boss.id}> gave **10.5** points to <@{ann.id}> (for \\*help\\* \\@everyone).\n<@{ann.id}> now has **10.5**."
    )
    assert given.pings == []
    added = await boss.says(f"!points add {ann.id} 1,000")
    assert f"<@{ann.id}> now has **1,010.5**" in added.content
    taken = await boss.slash("points take", member=ann, amount="0.5", reason="too much")
    assert taken.content == (
        f"<@{boss.id}> took **0.5** points from <@{ann.id}> (too much).\n<@{ann.id}> now has **1,010**."
    )
    removed = await boss.says(f"!points remove {ann.mention} 1010")
    assert f"<@{ann.id}> now has **0**" in removed.content
    assert await balances(bot) == {}
    assert await changes(bot) == 4


async def test_nobody_is_taken_more_than_they_have(bot: TestBot, boss: Person, ann: Person) -> None:
    await boss.says(f"!points give {ann.mention} 3")
    refused = await boss.says(f"!points take {ann.mention} 3.01")
    assert f"<@{ann.id}> has only **3** points" in refused.content
    assert refused.pings == []
    assert await balances(bot) == {ann.id: Decimal(3)}


async def test_members_may_neither_give_nor_take(bot: TestBot, ann: Person, ben: Person) -> None:
    for refused in (
        await ann.says(f"!points give {ann.mention} 1000"),
        await ann.says(f"!points take {ben.mention} 1"),
        await ann.says("!points setup-leaderboard list"),
    ):
        assert "Manage Server" in refused.content or "Manage Guild" in refused.content
    assert await changes(bot) == 0


async def test_members_gift_their_own_points(bot: TestBot, boss: Person, ann: Person, ben: Person) -> None:
    await boss.says(f"!points give {ann.mention} 10")
    gift = await ann.says(f"!gift {ben.mention} 2.5 thanks")
    assert gift.content == (
        f"<@{ann.id}> gifted **2.5** points to <@{ben.id}> (thanks).\n"
        f"<@{ann.id}> now has **7.5**, <@{ben.id}> now has **2.5**."
    )
    assert gift.pings == []
    slash = await ann.slash("points gift", member=ben, amount="7.5")
    assert f"<@{ben.id}> now has **10**" in slash.content
    assert await balances(bot) == {ben.id: Decimal(10)}
    refused = await ann.says(f"!points gift {ben.mention} 0.01")
    assert refused.content.startswith("You have only **0** points")


async def test_a_wrong_amount_is_refused_in_both_forms(bot: TestBot, boss: Person, ann: Person, ben: Person) -> None:
    refused = {
        "0": "above zero",
        "-5": "above zero",
        "0.001": "at most 2 digits",
        "1000000001": "at most 1,000,000,000",
        "NaN": "amount",
        "Infinity": "amount",
        "1e3": "amount",
        "five": "amount",
        "٣": "amount",
        "1.2.3": "amount",
    }
    await boss.says(f"!points give {ann.mention} 10")
    for amount, reason in refused.items():
        assert reason in (await ann.says(f"!gift {ben.mention} {amount}")).content, amount
        assert reason in (await ann.slash("points gift", member=ben, amount=amount)).content, amount
    assert await balances(bot) == {ann.id: Decimal(10)}


async def test_gifts_to_nobody_oneself_and_bots_are_refused(bot: TestBot, boss: Person, ann: Person) -> None:
    await boss.says(f"!points give {ann.mention} 10")
    robot = await bot.member("Robot", is_bot=True)
    outsider = bot.outsider("Outsider")
    assert "cannot gift yourself" in (await ann.says(f"!gift {ann.mention} 1")).content
    assert "cannot gift yourself" in (await ann.slash("points gift", member=ann, amount="1")).content
    assert "Bots have no use" in (await ann.says(f"!gift {robot.mention} 1")).content
    assert "There is no member" in (await ann.says(f"!gift {outsider.mention} 1")).content
    assert "There is no member" in (await ann.says("!gift @nobody 1")).content
    missing = (await ann.says("!gift")).content
    assert "`!gift <member> <amount>" in missing
    assert await balances(bot) == {ann.id: Decimal(10)}


async def test_a_reason_that_is_too_long_is_refused(bot: TestBot, boss: Person, ann: Person) -> None:
    refused = await boss.says(f"!points give {ann.mention} 1 {'x' * 513}")
    assert "at most 512 characters" in refused.content
    assert await changes(bot) == 0


async def test_a_gift_that_is_delivered_twice_takes_effect_once(
    bot: TestBot, boss: Person, ann: Person, ben: Person, twice: Twice
) -> None:
    await boss.says(f"!points give {ann.mention} 10")
    first = await ann.says(f"!gift {ben.mention} 4")
    await boss.says(f"!points give {ann.mention} 90")
    again = await twice.again("MESSAGE_CREATE", by=ann.id)
    assert await balances(bot) == {ann.id: Decimal(96), ben.id: Decimal(4)}
    # The answer is what was stored, and carries the nonce of the first: Discord shows one of the two.
    assert [reply.content for reply in again] in ([], [first.content])


async def test_a_slash_gift_that_is_delivered_twice_takes_effect_once(
    bot: TestBot, boss: Person, ann: Person, ben: Person, twice: Twice
) -> None:
    await boss.says(f"!points give {ann.mention} 10")
    first = await ann.slash("points gift", member=ben, amount="4")
    content = first.content
    await twice.again("INTERACTION_CREATE", by=ann.id)
    assert await balances(bot) == {ann.id: Decimal(6), ben.id: Decimal(4)}
    assert first.content == content


async def test_the_inventory_shows_total_and_rank(boss: Person, ann: Person, ben: Person) -> None:
    await boss.says(f"!points give {ann.mention} 10")
    await boss.says(f"!points give {ben.mention} 20")
    assert (await ann.says("!inventory")).content == f"<@{ann.id}> has **10** points, rank **#2**."
    other = await ann.slash("points inventory", member=ben)
    assert other.content == f"<@{ben.id}> has **20** points, rank **#1**."
    assert other.pings == []
    assert (await boss.says("!points inventory")).content == f"<@{boss.id}> has **0** points, rank **#3**."


async def test_points_are_called_as_the_guild_wants(bot: TestBot, boss: Person, ann: Person) -> None:
    emoji = bot.guild.emoji("gem")
    await bot.options("points", name="*gems*")
    await bot.runtime.settings.set(bot.guild.id, "points", "emoji", emoji)
    assert f"{emoji} **5** \\*gems\\*" in (await boss.says(f"!points give {ann.mention} 5")).content


async def test_the_leaderboard_shows_the_ten_richest(bot: TestBot, boss: Person) -> None:
    assert (await boss.says("!leaderboard")).embed["description"] == "Nobody has any yet."
    people = [await bot.member(f"P{number}") for number in range(11)]
    for number, person in enumerate(people):
        await boss.says(f"!points give {person.mention} {100 + number // 2}")
    board = await boss.slash("points leaderboard")
    lines = str(board.embed["description"]).splitlines()
    assert len(lines) == 10
    assert lines[0] == f"**#1** <@{people[10].id}>: **105** points"
    assert lines[1].startswith("**#2**")
    assert lines[2].startswith("**#2**")
    assert lines[3].startswith("**#4**")
    assert board.pings == []


async def test_a_named_leaderboard_ranks_teams(bot: TestBot, boss: Person, ann: Person, ben: Person) -> None:
    red, blue = bot.guild.role("red"), bot.guild.role("blue")
    for person, role in ((ann, red), (boss, red), (ben, blue)):
        bot.guild.give(person, role)
    for person, amount in ((ann, 5), (boss, 6), (ben, 10)):
        await boss.says(f"!points give {person.mention} {amount}")
    made = await boss.says(f'!points setup-leaderboard create "House *cup*" <@&{red}> <@&{blue}>')
    assert made.content == f"Created the leaderboard **House \\*cup\\*** with <@&{red}>, <@&{blue}>."
    assert made.pings == []
    shown = await ann.says("!leaderboard house *CUP*")
    assert shown.embed["title"] == "House \\*cup\\*"
    assert shown.embed["description"] == f"**#1** <@&{red}>: **11** points\n**#2** <@&{blue}>: **10** points"
    assert await ann.types("points leaderboard", "name", "hou") == ["House *cup*"]


async def test_leaderboards_are_listed_and_deleted(bot: TestBot, boss: Person) -> None:
    red = bot.guild.role("red")
    assert "no named leaderboards" in (await boss.slash("points setup-leaderboard list")).content
    await boss.slash("points setup-leaderboard create", name="Cup", team=str(red), team2=str(red))
    twice_named = await boss.slash("points setup-leaderboard create", name="CUP", team=str(red))
    assert "There is a leaderboard named **CUP** already" in twice_named.content
    assert (await boss.says("!points setup-leaderboard list")).content == "• Cup"
    assert "There are: **Cup**" in (await boss.says("!leaderboard mug")).content
    assert "There are: **Cup**" in (await boss.says("!points setup-leaderboard delete mug")).content
    assert "Deleted the leaderboard **cup**" in (await boss.says("!points setup-leaderboard delete cup")).content
    assert "no named leaderboards" in (await boss.says("!leaderboard Cup")).content


async def test_wrong_teams_are_refused(bot: TestBot, boss: Person) -> None:
    everyone = await boss.says(f"!points setup-leaderboard create Cup <@&{bot.guild.id}>")
    assert "@everyone" in everyone.content
    gone = await boss.says("!points setup-leaderboard create Cup <@&123456789012345678>")
    assert "There is no role" in gone.content
    missing = await boss.says("!points setup-leaderboard create Cup")
    assert "team" in missing.content
    unknown = await boss.says("!points setup-leaderboard")
    assert "needs one of: `create`, `delete`, `list`" in unknown.content


def delete_role(bot: TestBot, role: int) -> None:
    world = bot.emulator.world
    world.roles.delete(world.core.user(bot.owner.id), bot.guild.state, role)


async def test_a_team_whose_role_is_gone_is_left_out(bot: TestBot, boss: Person, ann: Person) -> None:
    red, blue = bot.guild.role("red"), bot.guild.role("blue")
    bot.guild.give(ann, red)
    await boss.says(f"!points give {ann.mention} 5")
    await boss.says(f"!points setup-leaderboard create Cup <@&{red}> <@&{blue}>")
    delete_role(bot, blue)
    await bot.quiet()
    assert (await ann.says("!leaderboard Cup")).embed["description"] == f"**#1** <@&{red}>: **5** points"
    delete_role(bot, red)
    await bot.quiet()
    assert "All roles of that leaderboard are gone" in (await ann.says("!leaderboard Cup")).content


def test_the_module_is_what_its_folder_is_called() -> None:
    assert Points.__module__ == "migaga_modules.points"
