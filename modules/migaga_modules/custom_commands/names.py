"""Remembers which custom commands a guild has, so that most messages cost no database query. Pure: `now` is given."""

from __future__ import annotations

from collections import OrderedDict

FRESH_FOR = 30.0
"""Seconds: another process may have changed the commands while it served the guild."""


class NameCache:
    """Folded names by guild; the guilds that were asked for least recently are forgotten beyond `capacity`."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._guilds: OrderedDict[int, tuple[float, frozenset[str]]] = OrderedDict()
        self._changes = 0

    @property
    def changes(self) -> int:
        """Goes up with each `forget`: what was read before a change must not be stored after it."""
        return self._changes

    def get(self, guild_id: int, now: float) -> frozenset[str] | None:
        """Names of a guild's commands; None when they have to be read."""
        held = self._guilds.get(guild_id)
        if held is None or now - held[0] >= FRESH_FOR:
            return None
        self._guilds.move_to_end(guild_id)
        return held[1]

    def put(self, guild_id: int, names: frozenset[str], now: float, changes: int) -> None:
        """Remember what was read while `changes` had this value."""
        if changes != self._changes:
            return
        self._guilds[guild_id] = (now, names)
        self._guilds.move_to_end(guild_id)
        while len(self._guilds) > self._capacity:
            self._guilds.popitem(last=False)

    def forget(self, guild_id: int) -> None:
        """Have a guild's names read again."""
        self._changes += 1
        self._guilds.pop(guild_id, None)
