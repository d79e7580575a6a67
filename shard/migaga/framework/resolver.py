"""Look up what text commands name: users, members, roles, channels, through Discord's REST. Used by `running.py`."""

from __future__ import annotations

from collections.abc import Sequence

import hikari


class RestResolver:
    """Implements `convert.Resolver`."""

    def __init__(self, rest: hikari.api.RESTClient) -> None:
        self._rest = rest

    async def user(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.User]:
        """Return users by id, or members by name."""
        if not text.isdecimal():
            return [member.user for member in await self.member(guild_id, text)]
        try:
            return [await self._rest.fetch_user(int(text))]
        except hikari.NotFoundError:
            return []

    async def member(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.Member]:
        """Return members by id; by name those whose name is exactly that, else nobody."""
        if guild_id is None:
            return []
        if text.isdecimal():
            try:
                return [await self._rest.fetch_member(guild_id, int(text))]
            except hikari.NotFoundError:
                return []
        wanted = text.casefold()
        found = await self._rest.search_members(guild_id, text)
        return [member for member in found if wanted in _names(member)]

    async def role(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.Role]:
        """Return roles by id or name."""
        if guild_id is None:
            return []
        roles = await self._rest.fetch_roles(guild_id)
        by_id = [role for role in roles if str(role.id) == text]
        return by_id or [role for role in roles if role.name.casefold() == text.casefold()]

    async def channel(self, guild_id: hikari.Snowflake | None, text: str) -> Sequence[hikari.PartialChannel]:
        """Return channels of the guild by id or name; threads by id."""
        if guild_id is None:
            return []
        channels = await self._rest.fetch_guild_channels(guild_id)
        by_id: list[hikari.PartialChannel] = [channel for channel in channels if str(channel.id) == text]
        if by_id or not text.isdecimal():
            return by_id or [c for c in channels if c.name is not None and c.name.casefold() == text.casefold()]
        return await self._thread(guild_id, int(text))

    async def _thread(self, guild_id: hikari.Snowflake, channel_id: int) -> Sequence[hikari.PartialChannel]:
        try:
            found = await self._rest.fetch_channel(channel_id)
        except (hikari.NotFoundError, hikari.ForbiddenError):
            return []
        return [found] if isinstance(found, hikari.GuildChannel) and found.guild_id == guild_id else []


def _names(member: hikari.Member) -> set[str]:
    names = (member.username, member.global_name, member.nickname)
    return {name.casefold() for name in names if name}
