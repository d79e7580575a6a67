"""Note which guilds the bot is in and which it has left, for the retention of their data. Called by `routing.py`.

Works on raw events: building hikari's objects of every guild at each start would cost seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import sqlalchemy as sa

from migaga.gateway.received import Received
from migaga.storage.database import Database
from migaga.storage.retention import Retention
from migaga.storage.tables import guild


class GuildKeeper:
    """Writes one guild at a time, and only what is news: a big fleet gets thousands of guilds within seconds."""

    def __init__(self, database: Database, retention: Retention) -> None:
        self._database = database
        self._retention = retention
        self._known: set[int] | None = None
        self._turn = asyncio.Lock()

    def job(self, event: Received) -> Callable[[], Awaitable[None]] | None:
        """Return what notes a GUILD_CREATE or GUILD_DELETE; None for an outage, which changes nothing."""
        payload = event.payload
        if payload.get("unavailable"):
            return None
        guild_id = int(payload["id"])
        if event.name == "GUILD_DELETE":
            return partial(self._left, guild_id)
        if self._known is not None and guild_id in self._known:
            return None
        return partial(self._joined, guild_id)

    async def _joined(self, guild_id: int) -> None:
        async with self._turn:
            known = await self._read()
            if guild_id not in known:
                await self._retention.guild_joined(guild_id)
                known.add(guild_id)

    async def _left(self, guild_id: int) -> None:
        async with self._turn:
            (await self._read()).discard(guild_id)
            await self._retention.guild_left(guild_id)

    async def _read(self) -> set[int]:
        if self._known is None:
            async with self._database.read() as session:
                found = await session.scalars(sa.select(guild.c.id).where(guild.c.left_at.is_(None)))
                self._known = {int(one) for one in found}
        return self._known
