"""Identity, options, access and catalogue."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from migaga.common.errors import ConfigError
from migaga.storage.access import AccessRule, AccessStore
from migaga.storage.catalogue import (
    Catalogue,
    CommandRecord,
    HandlerRecord,
    InjectedRecord,
    ModuleRecord,
    OptionRecord,
    ParameterRecord,
)
from migaga.storage.database import Database
from migaga.storage.identity import claim_application, find_application
from migaga.storage.options import OptionStore


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


async def test_a_database_belongs_to_the_bot_that_used_it_first(database: Database) -> None:
    assert await find_application(database) is None
    await claim_application(database, 2**63 + 1)
    await claim_application(database, 2**63 + 1)
    with pytest.raises(ConfigError, match=rf"belongs to the bot {2**63 + 1}, and this is the bot 7"):
        await claim_application(database, 7)
    assert await find_application(database) == 2**63 + 1


async def test_of_two_bots_that_start_at_once_one_gets_the_database(database: Database) -> None:
    results = await asyncio.gather(
        *(claim_application(database, number % 2 + 1) for number in range(10)), return_exceptions=True
    )
    assert [type(result) for result in results].count(ConfigError) == 5
    assert results.count(None) == 5


async def test_options_are_what_the_guild_has_set(database: Database) -> None:
    store = OptionStore(database)
    assert await store.get(1, "points") == {}
    await store.set(1, "points", "name", "🫠")
    await store.set(1, "points", "name", "gems")
    await store.set(1, "points", "channel", None)
    await store.set(2, "points", "name", "stars")
    await store.set(1, "games", "name", "chess")
    assert await store.get(1, "points") == {"name": "gems", "channel": None}
    assert await store.reset(1, "points", "name")
    assert not await store.reset(1, "points", "name")
    assert await store.get(1, "points") == {"channel": None}
    assert await store.reset(1, "points")
    assert await store.get(1, "points") == {}
    assert await store.get(2, "points") == {"name": "stars"}


async def test_a_few_options_are_read_for_all_guilds(database: Database) -> None:
    store = OptionStore(database)
    for guild, module, name in (
        (1, "core", "prefix"),
        (2**63 + 5, "core", "prefix"),
        (1, "core", "log"),
        (1, "x", "on"),
    ):
        await store.set(guild, module, name, f"{module} {name}")
    found = await store.of_all_guilds(("core", "prefix"), (None, "on"))
    assert {(one.guild_id, one.module, one.name, one.value) for one in found} == {
        (1, "core", "prefix", "core prefix"),
        (2**63 + 5, "core", "prefix", "core prefix"),
        (1, "x", "on", "x on"),
    }
    assert await store.of_all_guilds() == []


async def test_what_another_process_set_is_seen_after_five_seconds(database: Database) -> None:
    clock = Clock()
    here, there = OptionStore(database, clock=clock), OptionStore(database)
    assert await here.get(1, "points") == {}
    await there.set(1, "points", "name", "gems")
    clock.now = 4.9
    assert await here.get(1, "points") == {}
    clock.now = 5.0
    assert await here.get(1, "points") == {"name": "gems"}


async def test_an_option_that_is_set_while_it_is_read_is_not_forgotten(database: Database) -> None:
    store = OptionStore(database)
    for value in range(10):
        await asyncio.gather(store.get(1, "m"), store.set(1, "m", "n", value), store.get(1, "m"))
        assert await store.get(1, "m") == {"n": value}


async def test_what_is_in_memory_cannot_be_changed_by_its_reader(database: Database) -> None:
    values = await OptionStore(database).get(1, "m")
    with pytest.raises(TypeError):
        values["n"] = 1  # type: ignore[index]


async def test_rules_are_stored_replaced_and_removed(database: Database) -> None:
    store = AccessStore(database)
    await store.set_rule(1, AccessRule("module", "points", False))
    await store.set_rule(1, AccessRule("command", "points give", True, channel_id=2**63))
    await store.set_rule(1, AccessRule("module", "points", False))
    assert len(await store.rules(1)) == 2
    assert not await store.is_allowed(1, 5, "points", "points give")
    assert await store.is_allowed(1, 2**63, "points", "points give")
    assert await store.is_allowed(2, 5, "points", "points give")
    await store.set_rule(1, AccessRule("module", "points", True))
    assert await store.is_allowed(1, 5, "points")
    assert await store.remove_rule(1, "module", "points")
    assert not await store.remove_rule(1, "module", "points")
    assert await store.remove_rule(1, "command", "points give", 2**63)
    assert await store.rules(1) == []


async def test_banned_people_are_known_until_they_are_forgiven(database: Database) -> None:
    clock = Clock()
    store, other = AccessStore(database), AccessStore(database, clock=clock)
    assert not await other.is_banned(2**64 - 1)
    await store.ban(2**64 - 1, "spam " * 500)
    await store.ban(2**64 - 1, "spam")
    assert await store.is_banned(2**64 - 1)
    assert (await store.banned())[2**64 - 1].reason == "spam"
    assert not await other.is_banned(2**64 - 1)
    clock.now = 5
    assert await other.is_banned(2**64 - 1)
    assert await store.unban(2**64 - 1)
    assert not await store.unban(2**64 - 1)
    assert not await store.is_banned(2**64 - 1)


GIVE = CommandRecord("points give", "Give points", text_names=("points give", "points add"), permissions=2**53)
POINTS = ModuleRecord(
    "points", "Points", "Points of members 🫠", (GIVE,), (OptionRecord("start", "whole number", 5, "At first"),), 513
)


async def test_a_module_is_recorded_as_it_is_now(database: Database) -> None:
    catalogue = Catalogue(database)
    await catalogue.record(POINTS)
    assert list(await catalogue.list_modules()) == [POINTS]
    broken = ModuleRecord("points", "Points", "", loaded=False, error="it has no class")
    await catalogue.record(broken)
    await catalogue.record(ModuleRecord("games", "Games", "", (CommandRecord("Play", "", type="user"),)))
    assert [module.name for module in await catalogue.list_modules()] == ["games", "points"]
    assert (await catalogue.list_modules())[1] == broken
    await catalogue.forget("games")
    assert list(await catalogue.list_modules()) == [broken]


async def test_the_catalogue_is_replaced_as_a_whole(database: Database) -> None:
    catalogue = Catalogue(database)
    needs = (InjectedRecord("db", "database session", "AsyncSession"),)
    takes = (ParameterRecord("who", "user", True),)
    handler = HandlerRecord("give", "command", "points give", "Context", takes, needs, permissions=2**63)
    points = replace(POINTS, handlers=(handler,))
    assert await catalogue.replace([points, ModuleRecord("games", "Games", "")]) == []
    assert list(await catalogue.list_modules()) == [ModuleRecord("games", "Games", ""), points]
    assert await catalogue.replace([points]) == ["games"]
    assert await catalogue.replace([]) == ["points"]
    assert list(await catalogue.list_modules()) == []


async def test_processes_that_replace_the_catalogue_at_once_leave_one_of_theirs(database: Database) -> None:
    games = ModuleRecord("games", "Games", "", (CommandRecord("roll", ""),))
    await asyncio.gather(
        *(Catalogue(database).replace(records) for records in ([POINTS, games], [games, POINTS], [POINTS]) * 3)
    )
    assert [one.name for one in await Catalogue(database).list_modules()] in (["games", "points"], ["points"])


async def test_many_processes_can_record_the_same_module(database: Database) -> None:
    await asyncio.gather(*(Catalogue(database).record(POINTS) for _ in range(8)))
    assert list(await Catalogue(database).list_modules()) == [POINTS]


async def test_the_digest_of_registered_commands_is_kept_for_each_scope(database: Database) -> None:
    catalogue = Catalogue(database)
    assert await catalogue.registered_digest() is None
    await catalogue.set_registered_digest(b"\x01" * 32)
    await catalogue.set_registered_digest(b"\x02" * 16)
    await catalogue.set_registered_digest(b"\x03", "99")
    assert await catalogue.registered_digest() == b"\x02" * 16
    assert await catalogue.registered_digest("99") == b"\x03"
