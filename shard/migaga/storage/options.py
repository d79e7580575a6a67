"""Options that guilds have set, kept in memory for a moment: they are read for nearly every event."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import sqlalchemy as sa

from migaga.storage.database import Database
from migaga.storage.portable import delete_where, retrying, upsert
from migaga.storage.tables import guild_option
from migaga.storage.types import JsonValue

Values = Mapping[str, JsonValue]

_CACHED_GUILDS = 20_000


@dataclass(frozen=True, slots=True)
class StoredOption:
    """One value that a guild has set."""

    guild_id: int
    module: str
    name: str
    value: JsonValue


class OptionStore:
    """Values that differ from the defaults. What other processes set is seen after `ttl` seconds at most."""

    def __init__(self, database: Database, *, ttl: float = 5.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._ttl = ttl
        self._clock = clock
        self._cache: dict[tuple[int, str], tuple[float, Values]] = {}
        self._changes = 0

    async def get(self, guild_id: int, module: str) -> Values:
        """Return what the guild has set for a module: option -> JSON value. What is absent has its default."""
        key = (guild_id, module)
        cached = self._cache.get(key)
        if cached is not None and self._clock() < cached[0]:
            return cached[1]
        self._cache.pop(key, None)
        before = self._changes
        query = sa.select(guild_option.c.name, guild_option.c.value).where(
            guild_option.c.guild_id == guild_id, guild_option.c.module == module
        )
        async with self._database.read() as session:
            values = MappingProxyType({str(name): value for name, value in (await session.execute(query)).all()})
        if before == self._changes:  # Otherwise something was set while this was read, and it may be old.
            self._remember(key, values)
        return values

    async def of_all_guilds(self, *wanted: tuple[str | None, str]) -> Sequence[StoredOption]:
        """Return what all guilds have set for a few options, as the database holds it now.

        Args:
            wanted: Module and option; None stands for every module.
        """
        columns = guild_option.c
        query = sa.select(columns.guild_id, columns.module, columns.name, columns.value).where(
            sa.or_(
                sa.false(),
                *(
                    columns.name == name if module is None else sa.and_(columns.module == module, columns.name == name)
                    for module, name in wanted
                ),
            )
        )
        async with self._database.read() as session:
            rows = (await session.execute(query)).all()
        return [StoredOption(int(guild_id), str(module), str(name), value) for guild_id, module, name, value in rows]

    async def set(self, guild_id: int, module: str, name: str, value: JsonValue) -> None:
        """Set one option; this process sees it at once."""
        row = {"guild_id": guild_id, "module": module, "name": name, "value": value}
        await retrying(self._database, lambda session: upsert(session, guild_option, row))
        self.invalidate(guild_id, module)

    async def reset(self, guild_id: int, module: str, name: str | None = None) -> bool:
        """Put one option, or all of a module, back to the default; tell whether anything was set."""
        where = sa.and_(guild_option.c.guild_id == guild_id, guild_option.c.module == module)
        if name is not None:
            where = sa.and_(where, guild_option.c.name == name)
        gone = await retrying(self._database, lambda session: delete_where(session, guild_option, where))
        self.invalidate(guild_id, module)
        return gone > 0

    def invalidate(self, guild_id: int, module: str) -> None:
        """Forget what is kept in memory of a guild's module."""
        self._changes += 1
        self._cache.pop((guild_id, module), None)

    def _remember(self, key: tuple[int, str], values: Values) -> None:
        if len(self._cache) >= _CACHED_GUILDS:
            self._cache.pop(next(iter(self._cache)))
        self._cache[key] = (self._clock() + self._ttl, values)
