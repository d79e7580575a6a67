"""The options that guilds have set, and what the configuration sets for the others; prefixes and switched-off modules.

The router reads these two for every message. Another process's change of an option is seen when the store's cache is
old; of a prefix or switch after the next refresh. This process's changes count at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from migaga.common.errors import MigagaError
from migaga.framework.options import O
from migaga.storage.options import OptionStore
from migaga.storage.types import JsonValue

CORE = "core"
PREFIX = "prefix"
SWITCH = "@enabled"
"""Stored beside a module's options; no attribute of a class can have this name."""
FLEET = 0
"""In place of a guild's id: switches for all guilds."""
_log = logging.getLogger(__name__)


class GuildSettings:
    """What each guild has set for each module."""

    def __init__(self, store: OptionStore, default_prefix: str = "!") -> None:
        self._store = store
        self._defaults: Mapping[str, Mapping[str, JsonValue]] = {}
        self._default_prefix = default_prefix
        self._prefixes: dict[int, str] = {}
        self._off: set[tuple[int, str]] = set()
        self._changes = 0
        self._wanted = asyncio.Event()

    def prefix(self, guild_id: int | None) -> str:
        """Return what text commands begin with in a guild, or in direct messages (None)."""
        return self._default_prefix if guild_id is None else self._prefixes.get(guild_id, self._default_prefix)

    def begin_with(self, defaults: Mapping[str, Mapping[str, JsonValue]]) -> None:
        """Take what is set, by module and option, where a guild has set nothing: as `values.encode` makes it."""
        self._defaults = defaults

    async def stored(self, guild_id: int, module: str) -> Mapping[str, JsonValue]:
        """Return what is set for a module in a guild; what is its author's default is not in it."""
        values = await self._store.get(guild_id, module)
        defaults = self._defaults.get(module)
        return {**defaults, **values} if defaults else values

    async def load(self, guild_id: int | None, module: str, kind: type[O]) -> O:
        """Return a guild's options; outside of guilds what is set for all."""
        return kind.load(self._defaults.get(module, {}) if guild_id is None else await self.stored(guild_id, module))

    async def set(self, guild_id: int, module: str, name: str, value: JsonValue) -> None:
        """Store one value, as `values.encode` made it, and use it from now on."""
        await self._store.set(guild_id, module, name, value)
        self._note(guild_id, module, name, value)

    async def reset(self, guild_id: int, module: str, name: str) -> bool:
        """Go back to the default of one option. Tells whether it was set."""
        changed = await self._store.reset(guild_id, module, name)
        self._note(guild_id, module, name, None)
        return changed

    def is_enabled(self, guild_id: int | None, module: str) -> bool:
        """Whether a module is on: in the fleet and in this guild."""
        return not self._off or ((FLEET, module) not in self._off and (guild_id or FLEET, module) not in self._off)

    async def switch(self, guild_id: int, module: str, *, enabled: bool) -> None:
        """Switch a module on or off in a guild, or for the `FLEET`."""
        if enabled:
            await self.reset(guild_id, module, SWITCH)
        else:
            await self.set(guild_id, module, SWITCH, False)

    def _note(self, guild_id: int, module: str, name: str, value: JsonValue) -> None:
        self._changes += 1
        if name == SWITCH:
            (self._off.add if value is False else self._off.discard)((guild_id, module))
        elif (module, name) == (CORE, PREFIX):
            self._prefixes.pop(guild_id, None)
            if isinstance(value, str) and value:
                self._prefixes[guild_id] = value

    async def refresh(self) -> None:
        """Read the prefixes and switches of all guilds."""
        before = None
        while before != self._changes:  # Otherwise something was set while this was read, and it may be old.
            before = self._changes
            stored = await self._store.of_all_guilds((None, SWITCH), (CORE, PREFIX))
        self._prefixes.clear()
        self._off.clear()
        for one in stored:
            self._note(one.guild_id, one.module, one.name, one.value)

    def refresh_soon(self) -> None:
        """Let `keep_fresh` read now: the process that had a shard may have set something just before it came here."""
        self._wanted.set()

    async def keep_fresh(self, every: float) -> None:
        """Refresh every so many seconds, and when it is wanted. Runs until cancelled; an outage passes."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(every):
                    await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.refresh()
            except (MigagaError, SQLAlchemyError) as error:
                _log.warning("prefixes and switches stay as they were: %s", error)
