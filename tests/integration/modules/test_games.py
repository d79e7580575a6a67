"""Games, as people play them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa
from tests.integration.modules.support import Luck, Twice

from migaga.testing.bot import TestBot
from migaga.testing.people import Person
from migaga_modules.games import Games
from migaga_modules.games.tables import GAMES

DECK = ["10♠", "10♥", "5♠", "8♥", "4♦", "K♣"]


@pytest.fixture(autouse=True)
async def _games(bot: TestBot, luck: Luck) -> None:
    luck.deck = DECK
    await bot.load("games")


async def test_dice_are_rolled_in_both_forms(luck: Luck, ann: Person) -> None:
    luck.numbers = [6, 1, 5, 4, 17, 3, 2]
    assert (await ann.says("!roll 4d6k3")).content == "🎲 `4d6k3`: (6, ~~1~~, 5, 4) = **15**"
    assert (await ann.slash("roll", notation="d20+3")).content == "🎲 `1d20+3`: (17) + 3 = **20**"
    assert (await ann.says("!dice")).content == "🎲 `1d6`: (3) = **3**"
    assert (await ann.says("!DICE 1 d 4 + 1")).content == "🎲 `1d4+1`: (2) + 1 = **3**"


async def test_what_cannot_be_rolled_is_refused_with_the_reason(ann: Person) -> None:
    refused = {
        "banana": "I cannot read that as dice",
        "0d6": "from 1 to 100",
        "3d6k4": "from 1 to 3",
        "5": "no dice",
        "@everyone `**d6": "I cannot read",
        "9" * 300 + "d6": "from 1 to 100",
    }
    for notation, reason in refused.items():
        assert reason in (await ann.says(f"!roll {notation}")).content
        assert reason in (await ann.slash("roll", notation=notation)).content


async def test_the_slot_machine_shows_three_reels(luck: Luck, ann: Person) -> None:
    luck.picks = ["💎", "💎", "💎", "🍒", "🍋", "💎"]
    assert (await ann.says("!slots")).content == "**[ 💎 | 💎 | 💎 ]**\nThree of a kind, **you win!** 🎉"
    assert (await ann.slash("slots")).content == "**[ 🍒 | 🍋 | 💎 ]**\nNo luck this time."


async def test_rock_paper_scissors_takes_a_hand(ann: Person) -> None:
    assert (await ann.slash("rps", hand="paper")).content == "📄 paper against my 🪨 rock: **You win!**"
    assert (await ann.says("!rps ROCK")).content == "🪨 rock against my 🪨 rock: **It's a tie!**"
    wrong = (await ann.says("!rps lizard")).content
    assert "rock, paper, scissors" in wrong
    assert "`!rps" in wrong


async def test_rock_paper_scissors_has_buttons_for_its_player_only(ann: Person, ben: Person) -> None:
    asked = await ann.says("!rps")
    assert asked.labels == ["Rock", "Paper", "Scissors"]
    other = await ben.press(asked, "Paper")
    assert other.ephemeral
    assert "This is not your game" in other.content
    await ann.press(asked, "Scissors")
    assert asked.content == "✂️ scissors against my 🪨 rock: **I win!**"
    assert not asked.components


async def test_blackjack_is_played_by_buttons(ann: Person, ben: Person) -> None:
    dealt = await ann.slash("blackjack")
    assert dealt.content == "🃏 **Blackjack**\nDealer: 10♥ 🂠\nYou: 10♠ 5♠ (**15**)\nHit or stand?"
    assert dealt.labels == ["Hit", "Stand"]
    other = await ben.press(dealt, "Hit")
    assert other.ephemeral
    assert "This is not your game" in other.content
    await ann.press(dealt, "Hit")
    assert dealt.content == "🃏 **Blackjack**\nDealer: 10♥ 🂠\nYou: 10♠ 5♠ 4♦ (**19**)\nHit or stand?"
    await ann.press(dealt, "Stand")
    assert dealt.content == "🃏 **Blackjack**\nDealer: 10♥ 8♥ (**18**)\nYou: 10♠ 5♠ 4♦ (**19**)\n**You win!** 🎉"
    assert not dealt.components


async def test_over_21_is_a_bust(luck: Luck, ann: Person) -> None:
    luck.deck = ["10♠", "10♥", "5♠", "8♥", "K♦"]
    dealt = await ann.says("!blackjack")
    await ann.press(dealt, "Hit")
    assert "You: 10♠ 5♠ K♦ (**25**)\nOver 21: bust" in dealt.content


async def test_21_with_two_cards_wins_at_once(luck: Luck, ann: Person) -> None:
    luck.deck = ["A♠", "10♥", "K♠", "8♥"]
    dealt = await ann.says("!blackjack")
    assert "Blackjack, **you win!**" in dealt.content
    assert not dealt.components


@pytest.fixture
def _same_modules_afterwards() -> Iterator[None]:
    """Undo a reload: the other tests' classes must be those that the loader finds."""
    before = dict(sys.modules)
    yield
    sys.modules.update(before)


@pytest.mark.usefixtures("_same_modules_afterwards")
async def test_a_game_outlives_the_module_that_dealt_it(bot: TestBot, ann: Person) -> None:
    dealt = await ann.says("!blackjack")
    before = bot.runtime.modules.loaded[-1].instance
    await bot.runtime.reload("games")
    assert bot.runtime.modules.loaded[-1].instance is not before
    await ann.press(dealt, "Stand")
    assert dealt.content.endswith("You: 10♠ 5♠ (**15**)\n**The dealer wins.**")


async def test_a_press_that_is_delivered_twice_moves_once(ann: Person, twice: Twice) -> None:
    dealt = await ann.says("!blackjack")
    await ann.press(dealt, "Hit")
    await twice.again("INTERACTION_CREATE", by=ann.id)
    assert dealt.content.endswith("You: 10♠ 5♠ 4♦ (**19**)\nHit or stand?")


async def test_a_command_that_is_delivered_twice_deals_once(bot: TestBot, ann: Person, twice: Twice) -> None:
    dealt = await ann.says("!blackjack")
    await twice.again("MESSAGE_CREATE", by=ann.id)
    async with bot.database.read() as session:
        assert len((await session.execute(sa.select(GAMES))).all()) == 1
    await ann.press(dealt, "Hit")
    assert "4♦" in dealt.content


async def age_games(bot: TestBot, minutes: int) -> None:
    async with bot.database.transaction() as session:
        for row in (await session.execute(sa.select(GAMES))).all():
            moved = row.moved_at - timedelta(minutes=minutes)
            await session.execute(sa.update(GAMES).where(GAMES.c.id == row.id).values(moved_at=moved))


async def test_an_abandoned_game_ends_politely(bot: TestBot, ann: Person, ben: Person) -> None:
    left, gone = await ann.says("!blackjack"), await ben.says("!blackjack")
    bot.emulator.world.people.delete(bot.owner.id, gone.message.channel_id, gone.id)
    await age_games(bot, 9)
    await bot.run_task(Games, "sweep")
    assert left.content.endswith("Hit or stand?")
    await age_games(bot, 2)
    await bot.run_task(Games, "sweep")
    assert "nobody played on" in left.content
    assert not left.components
    async with bot.database.read() as session:
        assert list((await session.execute(sa.select(GAMES.c.state))).scalars()) == ["abandoned"] * 2


async def test_a_press_on_a_game_that_has_ended_shows_how(bot: TestBot, ann: Person) -> None:
    dealt = await ann.says("!blackjack")
    async with bot.database.transaction() as session:
        await session.execute(sa.update(GAMES).values(state="abandoned"))
    await ann.press(dealt, "Hit")
    assert "nobody played on" in dealt.content
    assert not dealt.components


async def test_old_games_are_forgotten(bot: TestBot, ann: Person) -> None:
    await ann.says("!blackjack")
    await age_games(bot, 11)
    await bot.run_task(Games, "sweep")
    await age_games(bot, 7 * 24 * 60)
    await bot.run_task(Games, "sweep")
    async with bot.database.read() as session:
        assert not (await session.execute(sa.select(GAMES))).all()


async def test_a_button_of_a_game_that_is_gone_says_so(bot: TestBot, ann: Person) -> None:
    dealt = await ann.says("!blackjack")
    async with bot.database.transaction() as session:
        await session.execute(sa.delete(GAMES))
    assert "That game is gone" in (await ann.press(dealt, "Hit")).content
