"""What modules store comes back the same, and is found by the same names, on every database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.modules.test_migrations import SCHEMAS

from migaga.api import UserError
from migaga.storage.database import Database
from migaga.storage.schema import upgrade
from migaga_modules.custom_commands import tables as commands
from migaga_modules.games import blackjack
from migaga_modules.games import tables as games
from migaga_modules.points import boards

GUILD, OTHER = 2**63 + 1, 2**63 + 2
NOW = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)
DECK = list(reversed(["10♠", "10♥", "5♠", "8♥", "4♦", "K♣", "2♣"]))


@pytest.fixture
async def store(database: Database) -> Database:
    await upgrade(database, SCHEMAS)
    return database


async def add(store: Database, name: str, response: str, guild: int = GUILD) -> int:
    async with store.transaction() as session:
        return await commands.add(session, guild, name, response, NOW)


async def texts(store: Database, name: str, guild: int = GUILD) -> list[str]:
    async with store.read() as session:
        return [response.text for response in await commands.responses(session, guild, name)]


async def test_custom_commands_are_found_whatever_their_case(store: Database) -> None:
    for written, called in (
        ("Hi", "hI"),
        ("STRASSE", "straße"),
        ("Éclair", "éCLAIR"),
        ("ｆｕｌｌ", "FULL"),
        ("🦆", "🦆"),
    ):
        await add(store, written, f"of {written}")
        assert await texts(store, called) == [f"of {written}"]


async def test_names_that_databases_like_to_take_for_each_other_are_apart(store: Database) -> None:
    names = ["🦆", "🦢", "e", "é", "ss", "n", "ñ", "a", "a\u0301b"]
    for name in names:
        await add(store, name, name)
    for name in names:
        assert await texts(store, name) == [name]
    async with store.read() as session:
        assert len(await commands.names(session, GUILD)) == len(names)


async def test_responses_are_kept_with_all_their_characters(store: Database) -> None:
    written = ["🎉" * 1_000, " around ", "a\nb\tc", "'; DROP TABLE x; --", "\\", "%s {} <@1>", "Ω" * 2_000]
    for response in written:
        await add(store, "hi", response)
    assert await texts(store, "hi") == written


async def test_responses_that_differ_in_case_or_blanks_are_different(store: Database) -> None:
    for response in ("hello", "Hello", "hello "):
        await add(store, "hi", response)
    with pytest.raises(UserError, match="this very response"):
        await add(store, "HI", "Hello")
    assert await texts(store, "hi") == ["hello", "Hello", "hello "]


async def test_commands_of_other_guilds_are_left_alone(store: Database) -> None:
    await add(store, "hi", "here")
    await add(store, "hi", "there", OTHER)
    async with store.transaction() as session:
        found = await commands.responses(session, GUILD, "hi")
        await commands.delete(session, OTHER, [response.id for response in found])
    assert (await texts(store, "hi"), await texts(store, "hi", OTHER)) == (["here"], ["there"])
    async with store.transaction() as session:
        await commands.delete(session, GUILD, [response.id for response in found])
    assert (await texts(store, "hi"), await texts(store, "hi", OTHER)) == ([], ["there"])


async def test_the_list_is_in_order_and_counts_responses(store: Database) -> None:
    for name, response in (("zebra", "1"), ("Apple", "1"), ("apple", "2"), ("100%", "1"), ("a_b", "1")):
        await add(store, name, response)
    async with store.read() as session:
        assert await commands.search(session, GUILD, "") == [("100%", 1), ("a_b", 1), ("Apple", 2), ("zebra", 1)]
        assert await commands.search(session, GUILD, "APP") == [("Apple", 2)]
        assert await commands.search(session, GUILD, "%") == [("100%", 1)]
        assert await commands.search(session, GUILD, "_") == [("a_b", 1)]


async def test_leaderboards_are_found_whatever_their_case_and_made_once(store: Database) -> None:
    roles = [2**63 + 9, 7, 7]

    async def create(name: str) -> bool:
        async with store.transaction() as session:
            return await boards.create(session, GUILD, name, roles)

    made = await asyncio.gather(*(create(name) for name in ("Straße 🪿", "STRASSE 🪿", "strasse 🪿")))
    assert sorted(made) == [False, False, True]
    async with store.transaction() as session:
        board = await boards.find(session, GUILD, "straSSe 🪿")
        assert board is not None
        assert board.role_ids == (7, 2**63 + 9)
        assert await boards.find(session, OTHER, "straße 🪿") is None
        assert await boards.names(session, GUILD) == [board.name]
        await boards.delete(session, board)
        assert await boards.names(session, GUILD) == []
    assert await create("straße 🪿")


async def test_a_guild_has_no_more_leaderboards_than_it_may(store: Database) -> None:
    async with store.transaction() as session:
        for number in range(boards.MAX_BOARDS):
            assert await boards.create(session, GUILD, f"board {number}", [1])
        with pytest.raises(UserError, match="25 leaderboards, which is the most"):
            await boards.create(session, GUILD, "one more", [1])
        assert await boards.create(session, OTHER, "one more", [1])


async def begin(store: Database, reference: int = 2**63 + 3) -> games.StoredGame:
    async with store.transaction() as session:
        await games.add(
            session,
            blackjack.deal(DECK),
            guild_id=GUILD,
            channel_id=2**63 + 4,
            user_id=2**63 + 5,
            reference=reference,
            now=NOW,
        )
        stored = await games.by_reference(session, reference)
    assert stored is not None
    return stored


async def test_a_game_comes_back_card_for_card(store: Database) -> None:
    stored = await begin(store)
    assert stored.game == blackjack.deal(DECK)
    assert (stored.user_id, stored.channel_id, stored.message_id, stored.moved_at) == (
        2**63 + 5,
        2**63 + 4,
        None,
        NOW,
    )
    async with store.transaction() as session:
        await games.set_message(session, stored.id, 2**63 + 6)
        await games.save(session, stored.id, blackjack.stand(stored.game), NOW + timedelta(seconds=1))
    async with store.transaction() as session:
        ended = await games.locked(session, stored.id)
    assert ended is not None
    assert ended.game == blackjack.stand(stored.game)
    assert ended.message_id == 2**63 + 6


async def test_two_moves_at_once_come_one_after_the_other(store: Database) -> None:
    stored = await begin(store)

    async def move() -> None:
        async with store.transaction() as session:
            held = await games.locked(session, stored.id)
            assert held is not None
            await asyncio.sleep(0.05)
            await games.save(session, stored.id, blackjack.hit(held.game), NOW)

    await asyncio.gather(move(), move())
    async with store.transaction() as session:
        after = await games.locked(session, stored.id)
    assert after is not None
    assert after.game == blackjack.hit(blackjack.hit(stored.game))


async def test_games_that_wait_too_long_are_listed_and_ended_ones_forgotten(store: Database) -> None:
    waiting, ended = await begin(store, 1), await begin(store, 2)
    async with store.transaction() as session:
        await games.save(session, ended.id, blackjack.abandon(ended.game), NOW)
        assert await games.idle(session, NOW, 10) == []
        assert await games.idle(session, NOW + timedelta(microseconds=1), 10) == [waiting.id]
        await games.forget(session, NOW + timedelta(days=1))
        assert await games.locked(session, ended.id) is None
        assert await games.locked(session, waiting.id) is not None
