"""Note which guilds the bot is in and which it has left, for the retention of their data. Called by `routing.py`.

Works on raw events: building hikari's objects of every guild at each start would cost seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from functools import partial

import hikari
import sqlalchemy as sa

from migaga.framework.departures import HasLeft
from migaga.framework.rawguild import Payload
from migaga.gateway.received import Received
from migaga.storage.database import Database
from migaga.storage.retention import Retention
from migaga.storage.tables import guild

KEPT_EVENTS = frozenset({"READY", "GUILD_CREATE", "GUILD_DELETE"})
"""The events that tell which guilds the bot is in."""
Job = Callable[[], Awaitable[None]]
_log = logging.getLogger(__name__)


class GuildKeeper:
    """Writes one guild at a time, and only what is news: a big fleet gets thousands of guilds within seconds.

    Other processes write too, for the shards that they have: what was read once is good for what READY announces and
    for outages, while the shard stays here, and for nothing else.
    """

    def __init__(self, database: Database, retention: Retention, rest: hikari.api.RESTClient) -> None:
        self._database = database
        self._retention = retention
        self._rest = rest
        self._noted: set[int] = set()
        """Guilds whose next GUILD_CREATE is no news: READY has announced them, or their outage is over."""
        self._turn = asyncio.Lock()

    def job(self, event: Received) -> Job | None:
        """Return what notes one of `KEPT_EVENTS`; None for an outage, and for its end: they change nothing."""
        payload = event.payload
        if event.name == "READY":
            return partial(self._compare, payload)
        guild_id = int(payload["id"])
        if payload.get("unavailable"):
            if event.name == "GUILD_DELETE":
                self._noted.add(guild_id)
            return None
        return partial(self._left if event.name == "GUILD_DELETE" else self._joined, guild_id)

    def left(self, has_left: HasLeft) -> None:
        """Forget guilds whose shard has gone: what happens to them there is not heard of here."""
        self._noted = {guild_id for guild_id in self._noted if not has_left(guild_id)}

    async def _joined(self, guild_id: int) -> None:
        async with self._turn:  # READY comes first, and has it until it has read what is known.
            if guild_id not in self._noted:
                await self._retention.guild_joined(guild_id)
            self._noted.discard(guild_id)

    async def _left(self, guild_id: int) -> None:
        async with self._turn:
            self._noted.discard(guild_id)
            await self._retention.guild_left(guild_id)

    async def _compare(self, ready: Payload) -> None:
        """Note the guilds that the bot was removed from while no process lived to hear of it.

        READY names all guilds of its shard, also those in an outage. It is a hint: Discord is asked about each guild
        that it lacks, because data must never be deleted because a list was short.
        """
        listed = ready.get("guilds")
        if listed is None:
            return
        shard_id, count = ready.get("shard") or (0, 1)
        here = {int(one["id"]) for one in listed}
        async with self._turn:
            known = _of_shard(await self._read(), int(shard_id), int(count))
            self._noted |= known & here
        for guild_id in sorted(known - here):
            if await self._is_gone(guild_id):
                _log.info("the bot was removed from guild %d while it did not run", guild_id)
                await self._left(guild_id)

    async def _is_gone(self, guild_id: int) -> bool:
        """Ask Discord whether the bot is in a guild no more. What cannot be learned now is asked at the next READY."""
        try:
            await self._rest.fetch_guild(guild_id)
        except (hikari.NotFoundError, hikari.ForbiddenError):
            return True
        except hikari.HikariError as error:
            _log.warning("whether the bot is still in guild %d cannot be told: %s", guild_id, error)
        return False

    async def _read(self) -> set[int]:
        async with self._database.read() as session:
            found = await session.scalars(sa.select(guild.c.id).where(guild.c.left_at.is_(None)))
            return {int(one) for one in found}


def _of_shard(guilds: Collection[int], shard_id: int, count: int) -> set[int]:
    """Return the guilds that Discord gives to a shard: topics/gateway, "Sharding"."""
    return {guild_id for guild_id in guilds if (guild_id >> 22) % count == shard_id}
