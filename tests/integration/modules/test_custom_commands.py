"""Commands that a guild makes for itself."""

from __future__ import annotations

import hikari
import pytest
import sqlalchemy as sa
from tests.integration.modules.support import Luck, Twice

from migaga.testing.bot import TestBot
from migaga.testing.people import Person
from migaga_emulator.world.command_data import PersonRefused
from migaga_modules.custom_commands.tables import COMMANDS


@pytest.fixture(autouse=True)
async def _custom_commands(bot: TestBot, luck: Luck) -> None:
    await bot.load("custom_commands", "games", "points", "config")


@pytest.fixture
async def boss(bot: TestBot) -> Person:
    permissions = hikari.Permissions.MANAGE_GUILD_EXPRESSIONS | hikari.Permissions.MANAGE_GUILD
    return await bot.member("Boss", permissions=permissions)


async def stored(bot: TestBot) -> list[tuple[str, str]]:
    async with bot.database.read() as session:
        rows = await session.execute(sa.select(COMMANDS.c.name, COMMANDS.c.response).order_by(COMMANDS.c.id))
        return [(name, response) for name, response in rows]


async def test_a_command_is_added_and_called(boss: Person, ann: Person) -> None:
    assert (await boss.says("!addcommand Hi hello there, *you*")).content == "Added `!Hi`."
    assert (await ann.says("!hi")).content == "hello there, *you*"
    assert (await ann.says("!HI everybody")).content == "hello there, *you*"
    await boss.slash("addcommand", name="bye", response="see you\nsoon")
    assert (await ann.says("!bye")).content == "see you\nsoon"


async def test_only_the_name_after_the_prefix_calls_it(boss: Person, ann: Person) -> None:
    assert not await ann.says("!hi")  # the guild's names are remembered from here on
    await boss.says("!addcommand hi hello")
    for text in ("hi", "! hi", "!hii", "?hi", "say !hi", "!"):
        assert not await ann.says(text), text
    assert (await ann.says("!hi")).content == "hello"


async def test_bots_call_nothing(bot: TestBot, boss: Person) -> None:
    await boss.says("!addcommand hi hello")
    robot = await bot.member("Robot", is_bot=True)
    assert not await robot.says("!hi")


async def test_one_of_several_responses_is_picked(luck: Luck, boss: Person, ann: Person) -> None:
    await boss.says("!addcommand fate one")
    assert (await boss.says("!addcommand FATE two")).content == "`!FATE` has 2 responses now."
    luck.picks = ["two", "one", "two"]
    assert [(await ann.says("!fate")).content for _ in range(3)] == ["two", "one", "two"]


async def test_responses_show_mentions_and_emoji_and_ping_nobody(bot: TestBot, boss: Person, ann: Person) -> None:
    role, emoji = bot.guild.role("everybody"), bot.guild.emoji("wave", animated=True)
    text = f"@everyone <@&{role}> <@{ann.id}> {emoji} 🎉"
    await boss.says(f"!addcommand hi {text}")
    said = await ann.says("!hi")
    assert said.content == text
    assert said.pings == []
    assert not said.message.mentions.everyone


async def test_members_may_not_add_or_delete(bot: TestBot, ann: Person) -> None:
    for reply in (
        await ann.says("!addcommand hi hello"),
        await ann.says("!deletecommand hi"),
    ):
        assert "Expressions" in reply.content
    with pytest.raises(PersonRefused, match="MANAGE_GUILD_EXPRESSIONS"):
        await ann.slash("addcommand", name="hi", response="hello")
    assert await stored(bot) == []


async def test_a_real_command_cannot_be_shadowed(bot: TestBot, boss: Person) -> None:
    for name in ("roll", "ROLL", "points", "gift", "help", "addcommand"):
        assert "is already a command of mine" in (await boss.says(f"!addcommand {name} mine")).content
        assert "is already a command of mine" in (await boss.slash("addcommand", name=name, response="mine")).content
    assert await stored(bot) == []


async def test_wrong_names_and_responses_are_refused(bot: TestBot, boss: Person) -> None:
    refused = {
        "!addcommand": "`name` is missing",
        "!addcommand hi": "`response` is missing",
        '!addcommand "two words" hello': "one word",
        f"!addcommand {'x' * 51} hello": "at most 50 characters",
    }
    for text, reason in refused.items():
        assert reason in (await boss.says(text)).content, text
    assert "one word" in (await boss.slash("addcommand", name="two words", response="x")).content
    assert "empty" in (await boss.slash("addcommand", name="hi", response="   ")).content
    assert await stored(bot) == []


async def test_a_response_of_2001_characters_is_refused(bot: TestBot, boss: Person, ann: Person, twice: Twice) -> None:
    await boss.says("hi")
    # People with Nitro write up to 4,000 characters.
    long = f"!addcommand long {'x' * 2_001}"
    (reply,) = await twice.again("MESSAGE_CREATE", by=boss.id, content=long)
    assert "at most 2,000 characters; this has 2,001" in reply.content
    with pytest.raises(PersonRefused):
        await boss.slash("addcommand", name="long", response="x" * 2_001)
    assert await stored(bot) == []
    await boss.slash("addcommand", name="long", response="x" * 2_000)
    assert (await ann.says("!long")).content == "x" * 2_000


async def test_names_with_markdown_and_mentions_break_nothing(bot: TestBot, boss: Person, ann: Person) -> None:
    reply = await boss.says("!addcommand `**@everyone hello")
    assert reply.content == "Added `!ˋ**@everyone`."
    assert reply.pings == []
    assert (await ann.says("!`**@everyone")).content == "hello"
    assert (await ann.says("!search")).embed["description"] == "• !\\`\\*\\*\\@everyone"


async def test_the_same_response_twice_and_too_many_are_refused(boss: Person) -> None:
    for number in range(25):
        await boss.says(f"!addcommand hi hello {number}")
    assert "has this very response" in (await boss.says("!addcommand hi hello 7")).content
    assert "25 responses, which is the most" in (await boss.says("!addcommand hi another")).content


async def test_a_command_that_is_added_twice_by_repetition_is_there_once(
    bot: TestBot, boss: Person, twice: Twice
) -> None:
    await boss.says("!addcommand hi hello")
    await twice.again("MESSAGE_CREATE", by=boss.id)
    assert await stored(bot) == [("hi", "hello")]


async def test_a_single_response_is_deleted_at_once(boss: Person, ann: Person) -> None:
    await boss.says("!addcommand hi hello")
    assert (await boss.says("!deletecommand HI")).content == "Deleted `hi`."
    assert not await ann.says("!hi")
    assert "There is no custom command `hi`" in (await boss.says("!deletecommand hi")).content


async def test_a_deletion_that_is_delivered_twice_is_confirmed_twice(boss: Person, ann: Person, twice: Twice) -> None:
    await boss.says("!addcommand hi hello")
    done = await boss.slash("deletecommand", name="hi")
    await twice.again("INTERACTION_CREATE", by=boss.id)
    assert done.content == "Deleted `hi`."
    assert not await ann.says("!hi")


async def test_a_response_is_kept_as_it_was_written(boss: Person, ann: Person) -> None:
    written = ['say "it"', "don't \"do", "two  spaces\n\nand lines", "\\*escaped\\*", "> quote", "`code`", "-1"]
    for number, response in enumerate(written):
        await boss.says(f"!addcommand hi{number} {response}")
        assert (await ann.says(f"!hi{number}")).content == response
        await boss.slash("addcommand", name=f"bye{number}", response=response)
        assert (await ann.says(f"!bye{number}")).content == response


async def test_one_of_several_responses_is_chosen_for_deletion(bot: TestBot, boss: Person, ann: Person) -> None:
    for text in ("one", "two", "three"):
        await boss.says(f"!addcommand hi {text}")
    asked = await boss.says("!deletecommand hi")
    assert asked.labels == ["one", "two", "three", "All 3"]
    other = await ann.press(asked, "two")
    assert other.ephemeral
    await boss.press(asked, "two")
    await bot.quiet()
    assert bot.messages()[-1].content == "Deleted one response; `hi` has 2 left."
    assert await stored(bot) == [("hi", "one"), ("hi", "three")]


async def test_all_responses_are_deleted(bot: TestBot, boss: Person, ann: Person) -> None:
    for text in ("one", "two"):
        await boss.says(f"!addcommand hi {text}")
    asked = await boss.slash("deletecommand", name="hi")
    await boss.press(asked, "All 2")
    await bot.quiet()
    assert await stored(bot) == []
    assert not await ann.says("!hi")


async def test_the_list_is_paged_and_searched(boss: Person, ann: Person, ben: Person) -> None:
    assert "no custom commands yet" in (await ann.says("!search")).content
    for number in range(25):
        await boss.says(f"!addcommand c{number:02} hello")
    await boss.says("!addcommand c03 again")
    for text in ("!search", "!commandlist", "!customcommands"):
        assert (await ann.says(text)).embed["title"] == "Custom commands (25)"
    listed = await ann.slash("search")
    assert str(listed.embed["description"]).splitlines()[3] == "• !c03 (2 responses)"
    assert len(str(listed.embed["description"]).splitlines()) == 20
    other = await ben.press(listed, "Next")
    assert other.ephemeral
    await ann.press(listed, "Next")
    assert str(listed.embed["description"]).splitlines() == [f"• !c{number}" for number in range(20, 25)]
    await ann.press(listed, "Previous")
    assert "• !c00" in str(listed.embed["description"])
    assert (await ann.says("!search C2")).embed["title"] == "Custom commands (5)"
    assert "No custom command has `zz`" in (await ann.says("!search zz")).content


async def test_a_term_that_is_too_long_for_buttons_still_finds(boss: Person, ann: Person) -> None:
    word = "東" * 38
    for number in range(21):
        await boss.says(f"!addcommand {word}{number} hello")
    listed = await ann.says(f"!search {word}")
    assert listed.components == []
    assert "Search for another part" in str(listed.embed["footer"])


async def test_commands_of_one_guild_are_unknown_in_another(bot: TestBot, boss: Person) -> None:
    await boss.says("!addcommand hi hello")
    other = await bot.member("Other", guild=bot.make_guild("Other"))
    assert not await other.says("!hi")


async def test_the_guilds_prefix_counts(bot: TestBot, boss: Person, ann: Person) -> None:
    await boss.says("!addcommand hi hello")
    await boss.says("!config prefix ?")
    assert not await ann.says("!hi")
    assert (await ann.says("?hi")).content == "hello"
    assert (await ann.says(f"<@{bot.id}> hi")).content == "hello"
    assert "• ?hi" in str((await ann.says("?search")).embed["description"])
