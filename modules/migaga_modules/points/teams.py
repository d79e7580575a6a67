"""Finds out who is in the teams of a leaderboard. Called by the command `leaderboard`.

The bot keeps no members: they are fetched, a thousand at a time, and remembered for a minute.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

import hikari

from migaga.api import UserError

FRESH_FOR = 60.0
"""Seconds."""

_CAPACITY = 100

MemberRoles = Sequence[tuple[int, frozenset[int]]]
"""(user id, ids of those of their roles that were asked for)."""


class TeamMembers:
    """Members of teams, by guild and roles."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[int, frozenset[int]], tuple[float, MemberRoles]] = {}

    async def find(self, rest: hikari.api.RESTClient, guild_id: int, role_ids: Collection[int]) -> MemberRoles:
        """List the members that have at least one of the roles.

        Raises:
            UserError: Discord does not let the bot see the members.
        """
        key = (guild_id, frozenset(role_ids))
        known = self._known.get(key)
        if known is not None and self._clock() - known[0] < FRESH_FOR:
            return known[1]
        found = await _fetch(rest, guild_id, key[1])
        if len(self._known) >= _CAPACITY:
            self._known.clear()
        self._known[key] = (self._clock(), found)
        return found


async def _fetch(rest: hikari.api.RESTClient, guild_id: int, wanted: frozenset[int]) -> MemberRoles:
    try:
        return [
            (int(member.id), held)
            async for member in rest.fetch_members(guild_id)
            if (held := wanted & set(member.role_ids))
        ]
    except hikari.ForbiddenError as error:
        raise UserError(
            "I may not see who is in the teams. The bot's owner must switch on the Server Members Intent."
        ) from error
