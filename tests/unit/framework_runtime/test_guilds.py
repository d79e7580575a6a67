"""The guild directory: events, fetches, and both at the same time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hikari import Permissions

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
        self.answer = asyncio.Event()
        self.fault: Exception | None = None

    async def fetch_guild(self, guild_id: int) -> dict[str, Any]:
        self.fetches += 1
        await self.answer.wait()
        if self.fault:
            raise self.fault
        return raw_guild()

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
    channel = await directory.channel(GUILD, 999)
    assert channel is not None
    assert channel.parent_id == CHANNEL
    permissions = (await directory.get(GUILD)).permissions_in(999, 77, ())
    assert permissions == P.VIEW_CHANNEL


async def test_the_least_recently_used_guilds_are_forgotten(directory: GuildDirectory) -> None:
    for number in range(1, 4):
        directory.observe("GUILD_CREATE", raw_guild() | {"id": str(number)})
    await directory.get(1)
    directory.observe("GUILD_CREATE", raw_guild() | {"id": "4"})
    assert [directory.peek(number) is not None for number in range(1, 5)] == [True, False, True, True]
