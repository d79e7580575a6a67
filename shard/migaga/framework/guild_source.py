"""Fetch guilds for the directory, through hikari's REST client."""

from __future__ import annotations

import asyncio

import hikari

from migaga.framework.guild_view import Part
from migaga.framework.rawguild import Payload


class RestGuildSource:
    """Implements `guilds.GuildSource`: makes of hikari's objects what GUILD_CREATE would have said."""

    def __init__(self, rest: hikari.api.RESTClient, me: int) -> None:
        self._rest = rest
        self._me = me

    async def fetch_guild(self, guild_id: int, parts: Part) -> Payload:
        """Return these parts of a guild: a call for each, at the same time."""
        calls = {Part.BASICS: self._basics, Part.CHANNELS: self._channels, Part.ME: self._member}
        found: Payload = {"id": guild_id}
        for part in await asyncio.gather(*(call(guild_id) for part, call in calls.items() if part in parts)):
            found |= part
        return found

    async def _basics(self, guild_id: int) -> Payload:
        guild = await self._rest.fetch_guild(guild_id)
        return {
            "name": guild.name,
            "owner_id": guild.owner_id,
            "roles": [_role(role) for role in guild.roles.values()],
            "emojis": [{"id": emoji} for emoji in guild.emojis],
        }

    async def _channels(self, guild_id: int) -> Payload:
        return {"channels": [_channel(channel) for channel in await self._rest.fetch_guild_channels(guild_id)]}

    async def _member(self, guild_id: int) -> Payload:
        return {"members": [_member(await self._rest.fetch_member(guild_id, self._me))]}

    async def fetch_channel(self, channel_id: int) -> Payload:
        """Return one channel or thread; an empty one when it is no guild's."""
        channel = await self._rest.fetch_channel(channel_id)
        return _channel(channel) if isinstance(channel, hikari.GuildChannel) else {}


def _role(role: hikari.Role) -> Payload:
    return {
        "id": role.id,
        "name": role.name,
        "permissions": int(role.permissions),
        "position": role.position,
        "managed": role.is_managed,
        "color": int(role.color),
    }


def _channel(channel: hikari.GuildChannel) -> Payload:
    overwrites = channel.permission_overwrites if isinstance(channel, hikari.PermissibleGuildChannel) else {}
    return {
        "id": channel.id,
        "guild_id": channel.guild_id,
        "name": channel.name,
        "type": int(channel.type),
        "parent_id": channel.parent_id,
        "nsfw": isinstance(channel, hikari.PermissibleGuildChannel) and channel.is_nsfw,
        "permission_overwrites": [
            {"id": entry.id, "allow": int(entry.allow), "deny": int(entry.deny)} for entry in overwrites.values()
        ],
    }


def _member(member: hikari.Member) -> Payload:
    until = member.raw_communication_disabled_until
    return {
        "user": {"id": member.id},
        "roles": list(member.role_ids),
        "communication_disabled_until": None if until is None else until.isoformat(),
    }
