"""The options that guilds have set, and their prefixes, which the router reads for every message.

Another process's change of an option is seen when the store's cache is old; of a prefix after `every` seconds. This
process's changes count at once.
"""

from __future__ import annotations

import asyncio
import logging

import sqlalchemy as sa

from migaga.common.errors import MigagaError
from migaga.framework.options import O
from migaga.storage.database import Database
from migaga.storage.options import OptionStore
from migaga.storage.tables import guild_option
from migaga.storage.types import JsonValue

CORE = "core"
PREFIX = "prefix"
_log = logging.getLogger(__name__)


class GuildSettings:
    """What each guild has set for each module."""

    def __init__(self, database: Database, store: OptionStore) -> None:
        self._database = database
        self._store = store
        self.prefixes: dict[int, str] = {}
        """Prefixes of the guilds that have set one."""

    async def load(self, guild_id: int | None, module: str, kind: type[O]) -> O:
        """Return a guild's options; the defaults outside of guilds."""
        return kind.load({} if guild_id is None else await self._store.get(guild_id, module))

    async def set(self, guild_id: int, module: str, name: str, value: JsonValue) -> None:
        """Store one value, as `values.encode` made it, and use it from now on."""
        await self._store.set(guild_id, module, name, value)
        if (module, name) == (CORE, PREFIX) and isinstance(value, str) and value:
            self.prefixes[guild_id] = value

    async def reset(self, guild_id: int, module: str, name: str | None = None) -> bool:
        """Go back to the default of one option, or of all of a module. Tells whether anything was set."""
        changed = await self._store.reset(guild_id, module, name)
        if module == CORE and name in (PREFIX, None):
            self.prefixes.pop(guild_id, None)
        return changed

    async def refresh_prefixes(self) -> None:
        """Read the prefixes of all guilds that have set one."""
        query = sa.select(guild_option.c.guild_id, guild_option.c.value).where(
            guild_option.c.module == CORE, guild_option.c.name == PREFIX
        )
        async with self._database.read() as session:
            rows = (await session.execute(query)).tuples().all()
        self.prefixes = {int(guild): value for guild, value in rows if isinstance(value, str) and value}

    async def keep_prefixes(self, every: float) -> None:
        """Read the prefixes again every so many seconds. Runs until cancelled; an outage of the database passes."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh_prefixes()
            except MigagaError as error:
                _log.warning("prefixes stay as they were: %s", error)
