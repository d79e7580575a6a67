"""The guild directory: events, fetches, and both at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hikari import Permissions

from migaga.framework.departures import Departures
from migaga.framework.guild_view import EVERYTHING, Part
from migaga.framework.guilds import GuildDirectory

P = Permissions
GUILD, BOT, ROLE, CHANNEL, THREAD = 100, 5, 200, 300, 301


def raw_guild(name: str = "Fetched") -> dict[str, Any]:
    return {
        "id": str(GUILD),
        "name": name,
        "owner_id": "9",
        "roles": [{"id": str(GUILD), "name": "@everyone", "permissions": str(int(P.VIEW_CHANNEL)), "position": 0}],
        "channels": [{"id": str(CHANNEL), "name": "general", "type": 0}],
        "threads": [{"id": str(THREAD), "name": "thread", "type": 11, "parent_id": str(CHANNEL)}],
        "emojis": [{"id": "7", "name": "x"}],
        "members": [{"user": {"id": str(BOT)}, "roles": [str(ROLE)]}],
    }


class Source:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.fetches = 0
        self.asked: list[Part] = []
        self.answer = asyncio.Event()
        self.fault: Exception | None = None
        self.roles: list[dict[str, Any]] = []

    async def fetch_guild(self, guild_id: int, parts: Part) -> dict[str, Any]:
        self.fetches += 1
        self.asked.append(parts)
        await self.answer.wait()
        if self.fault:
            raise self.fault
        raw = raw_guild()
        return raw | {"roles": [*raw["roles"], *self.roles]}

    async def fetch_channel(self, channel_id: int) -> dict[str, Any]:
        return {"id": channel_id, "guild_id": GUILD, "name": "old", "type": 11, "parent_id": CHANNEL}


def role_update(name: str) -> tuple[str, dict[str, Any]]:
    role = {"id": str(ROLE), "name": name, "permissions": str(int(P.BAN_MEMBERS)), "position": 3}
    return "GUILD_ROLE_UPDATE", {"guild_id": str(GUILD), "role": role}


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def directory(source: Source) -> GuildDirectory:
    return GuildDirectory(source, BOT, capacity=3)


async def test_a_guild_is_read_from_its_event_and_kept_by_events(directory: GuildDirectory, source: Source) -> None:
    directory.observe("GUILD_CREATE", raw_guild("One"))
    directory.observe(*role_update("staff"))
    directory.observe("CHANNEL_CREATE", {"id": "302", "guild_id": str(GUILD), "name": "new", "type": 0})
    directory.observe("GUILD_UPDATE", {"id": str(GUILD), "name": "Two", "owner_id": "8"})
    directory.observe("GUILD_EMOJIS_UPDATE", {"guild_id": str(GUILD), "emojis": []})
    directory.observe("GUILD_MEMBER_UPDATE", {"guild_id": str(GUILD), "user": {"id": str(BOT)}, "roles": []})
    directory.observe("GUILD_MEMBER_UPDATE", {"guild_id": str(GUILD), "user": {"id": "77"}, "roles": ["1"]})
    view = await directory.get(GUILD)
    assert (view.name, view.owner_id, view.my_roles, view.emoji_ids) == ("Two", 8, (), frozenset())
    assert view.roles[ROLE].name == "staff"
    assert set(view.channels) == {CHANNEL, THREAD, 302}
    directory.observe("GUILD_ROLE_DELETE", {"guild_id": str(GUILD), "role_id": str(ROLE)})
    directory.observe("CHANNEL_DELETE", {"id": str(CHANNEL), "guild_id": str(GUILD)})
    assert ROLE not in view.roles
    assert set(view.channels) == {302}
    assert source.fetches == 0


async def test_fetches_at_the_same_time_are_one_and_miss_no_event(directory: GuildDirectory, source: Source) -> None:
    asking = [asyncio.create_task(directory.get(GUILD)) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    directory.observe(*role_update("while it was fetched"))
    source.answer.set()
    views = await asyncio.gather(*asking)
    assert source.fetches == 1
    assert views[0] is views[1] is views[2]
    assert views[0].roles[ROLE].name == "while it was fetched"


async def test_a_guild_that_is_created_during_a_fetch_wins(directory: GuildDirectory, source: Source) -> None:
    asking = asyncio.create_task(directory.get(GUILD))
    await asyncio.sleep(0)
    directory.observe("GUILD_CREATE", raw_guild("Newer"))
    source.answer.set()
    assert (await asking).name == "Newer"


async def test_a_failed_fetch_is_tried_again_by_the_next(directory: GuildDirectory, source: Source) -> None:
    source.answer.set()
    source.fault = RuntimeError("down")
    with pytest.raises(RuntimeError, match="down"):
        await directory.get(GUILD)
    source.fault = None
    assert (await directory.get(GUILD)).name == "Fetched"


async def test_an_asker_who_gives_up_does_not_end_the_fetch(directory: GuildDirectory, source: Source) -> None:
    impatient, patient = asyncio.create_task(directory.get(GUILD)), asyncio.create_task(directory.get(GUILD))
    await asyncio.sleep(0)
    impatient.cancel()
    source.answer.set()
    assert (await patient).name == "Fetched"
    assert source.fetches == 1


async def test_an_outage_is_no_leaving(directory: GuildDirectory) -> None:
    directory.observe("GUILD_CREATE", raw_guild())
    directory.observe("GUILD_DELETE", {"id": str(GUILD), "unavailable": True})
    assert directory.unavailable == {GUILD}
    assert directory.peek(GUILD) is None
    directory.observe("GUILD_CREATE", raw_guild())
    assert directory.unavailable == set()
    directory.observe("GUILD_DELETE", {"id": str(GUILD)})
    assert directory.unavailable == set()


async def test_an_old_thread_is_fetched(directory: GuildDirectory) -> None:
    directory.observe("GUILD_CREATE", raw_guild())
    view = await directory.with_channel(GUILD, 999)
    assert view.channels[999].parent_id == CHANNEL
    permissions = (await directory.get(GUILD)).permissions_in(999, 77, ())
    assert permissions == P.VIEW_CHANNEL


async def test_the_least_recently_used_guilds_are_forgotten(directory: GuildDirectory) -> None:
    for number in range(1, 4):
        directory.observe("GUILD_CREATE", raw_guild() | {"id": str(number)})
    await directory.get(1)
    directory.observe("GUILD_CREATE", raw_guild() | {"id": "4"})
    assert [directory.peek(number) is not None for number in range(1, 5)] == [True, False, True, True]


async def test_only_what_a_check_needs_is_fetched_and_the_rest_when_it_is_needed(
    directory: GuildDirectory, source: Source
) -> None:
    source.answer.set()
    await directory.get(GUILD, Part.BASICS)
    view = await directory.get(GUILD, Part.BASICS)
    assert view.parts == Part.BASICS
    await directory.with_channel(GUILD, CHANNEL)
    await directory.get(GUILD, Part.BASICS | Part.ME)
    assert await directory.get(GUILD) is view
    assert source.asked == [Part.BASICS, Part.CHANNELS, Part.ME]
    assert view.my_roles == (ROLE,)
    assert set(view.channels) == {CHANNEL, THREAD}


async def test_events_during_the_fetch_of_a_part_are_not_undone_by_it(
    directory: GuildDirectory, source: Source
) -> None:
    source.answer.set()
    view = await directory.get(GUILD, Part.BASICS)
    source.answer.clear()
    asking = asyncio.create_task(directory.get(GUILD))
    await asyncio.sleep(0)
    directory.observe("CHANNEL_DELETE", {"id": str(CHANNEL), "guild_id": str(GUILD)})
    directory.observe("GUILD_MEMBER_UPDATE", {"guild_id": str(GUILD), "user": {"id": str(BOT)}, "roles": ["77"]})
    directory.observe("THREAD_CREATE", {"id": "500", "guild_id": str(GUILD), "name": "t", "type": 11, "parent_id": "1"})
    source.answer.set()
    assert await asking is view
    assert view.my_roles == (77,)
    assert set(view.channels) == {500}


async def test_a_guild_that_is_created_during_a_fetch_is_not_set_back_by_what_came_before(
    directory: GuildDirectory, source: Source
) -> None:
    asking = asyncio.create_task(directory.get(GUILD))
    await asyncio.sleep(0)
    directory.observe(*role_update("old"))
    directory.observe("GUILD_CREATE", raw_guild("Newer"))
    source.answer.set()
    assert ROLE not in (await asking).roles


@pytest.mark.parametrize("seen", range(4))
async def test_a_replay_ends_in_what_discord_has_whenever_it_was_asked(
    directory: GuildDirectory, source: Source, seen: int
) -> None:
    """However old the events are that still come when REST is asked, no later message is judged by an older state."""
    events = [role_update(name) for name in ("first", "second", "third")]
    source.roles = [events[-1][1]["role"]]
    source.answer.set()
    for event in events[:seen]:
        directory.observe(*event)
    view = await directory.get(GUILD)
    for event in events[seen:]:
        directory.observe(*event)
        assert view.roles[ROLE].name == event[1]["role"]["name"]
    assert view.roles[ROLE].name == "third"


async def test_guilds_of_a_shard_that_has_gone_are_forgotten_and_not_kept_until_it_is_back(source: Source) -> None:
    departures = Departures()
    directory = GuildDirectory(source, BOT, departures=departures)
    directory.observe("GUILD_CREATE", raw_guild("Old"))
    directory.observe("GUILD_CREATE", raw_guild("Stays") | {"id": "101"})
    directory.observe("GUILD_DELETE", {"id": "102", "unavailable": True})

    def has_left(guild_id: int | None) -> bool:
        return guild_id is not None and guild_id % 2 == 0

    departures.note(has_left)
    directory.forget(has_left)
    assert directory.peek(GUILD) is None
    assert directory.peek(101) is not None
    assert directory.unavailable == set()
    source.answer.set()
    for fetches in (1, 2):
        assert (await directory.get(GUILD)).name == "Fetched"
        assert source.fetches == fetches
        assert directory.peek(GUILD) is None
    departures.returned(104)
    await directory.get(GUILD)
    assert directory.peek(GUILD) is not None


async def test_a_fetch_that_runs_when_the_shard_goes_is_not_kept(source: Source) -> None:
    departures = Departures()
    directory = GuildDirectory(source, BOT, departures=departures)
    asking = asyncio.create_task(directory.get(GUILD))
    await asyncio.sleep(0)
    departures.note(lambda guild_id: True)
    directory.forget(lambda guild_id: True)
    departures.returned(GUILD)
    again = asyncio.create_task(directory.get(GUILD))
    await asyncio.sleep(0)
    directory.observe(*role_update("since it is back"))
    source.answer.set()
    assert ROLE not in (await asking).roles
    assert (await again).roles[ROLE].name == "since it is back"
    assert directory.peek(GUILD) is await again
    assert (await again).parts == EVERYTHING
