"""Which guilds this process no longer serves, because their shard has gone to another one. `routing.py` keeps it.

Handlers that began before may still run. What they open now (a question, a view of the guild) would never hear of the
answer or of a change: those events go elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable

HasLeft = Callable[[int | None], bool]
"""Tells whether a guild (None: direct messages) has left."""
_REMEMBERED = 1_000
"""Departures beyond which the oldest is forgotten: its handlers have long ended."""


class Departures:
    """Shards that have left, told by their guilds."""

    def __init__(self) -> None:
        self._left: list[HasLeft] = []

    def note(self, has_left: HasLeft) -> None:
        """Note that a shard has left."""
        self._left.append(has_left)
        del self._left[:-_REMEMBERED]

    def returned(self, guild_id: int | None) -> None:
        """Note that events of a guild, and so of its whole shard, come to this process again."""
        self._left = [one for one in self._left if not one(guild_id)]

    def has_left(self, guild_id: int | None) -> bool:
        """Whether events of a guild (None: direct messages) go to another process."""
        return any(one(guild_id) for one in self._left)
