"""Who caused a message or an interaction, read from the raw payload, and what this person and the bot may do there.

Interactions bring both permissions with them; for text commands they are computed from the guild directory.
"""

from __future__ import annotations

from dataclasses import dataclass

from hikari import Permissions

from migaga.framework.guild_view import Part
from migaga.framework.permissions import ALL
from migaga.framework.rawguild import Payload, when
from migaga.framework.scope import Scope

_DIRECT_MESSAGE = ALL & ~(
    Permissions.ADMINISTRATOR | Permissions.MANAGE_GUILD | Permissions.BAN_MEMBERS | Permissions.KICK_MEMBERS
)


@dataclass(frozen=True, slots=True)
class Person:
    """One person, as an event tells."""

    id: int
    name: str
    bot: bool = False
    roles: tuple[int, ...] = ()
    timeout: float = 0.0
    """Until when timed out, in seconds since the epoch."""
    granted: Permissions | None = None
    """What Discord said that this person may do in the channel."""
    bot_granted: Permissions | None = None
    """What Discord said that the bot may do in the channel."""

    async def permissions(self, scope: Scope) -> Permissions:
        """Return what this person may do in the channel of `scope`."""
        if self.granted is not None:
            return self.granted
        return await permissions_of(scope, self.id, self.roles, self.timeout)

    async def bot_permissions(self, scope: Scope) -> Permissions:
        """Return what the bot may do in the channel of `scope`."""
        return await bot_permissions_of(scope) if self.bot_granted is None else self.bot_granted


async def permissions_of(scope: Scope, user_id: int, roles: tuple[int, ...], timeout: float) -> Permissions:
    """Return what a member may do in the channel of `scope`, by the guild directory."""
    if scope.guild_id is None:
        return _DIRECT_MESSAGE
    await scope.commit()
    environment = scope.environment
    view = await environment.directory.get(scope.guild_id, Part.BASICS)
    base = view.base_permissions(user_id, roles)
    if scope.channel_id is None or base & Permissions.ADMINISTRATOR:
        return base  # No channel takes anything from an administrator.
    view = await environment.directory.with_channel(scope.guild_id, scope.channel_id)
    return view.permissions_in(scope.channel_id, user_id, roles, timed_out=timeout > environment.now())


async def bot_permissions_of(scope: Scope) -> Permissions:
    """Return what the bot may do in the channel of `scope`, by the guild directory."""
    if scope.guild_id is None:
        return _DIRECT_MESSAGE
    await scope.commit()
    view = await scope.environment.directory.get(scope.guild_id, Part.BASICS | Part.ME)
    return await permissions_of(scope, scope.environment.application.bot_id, view.my_roles, view.my_timeout)


def person_of_message(payload: Payload) -> Person:
    """Return the author of a raw message."""
    author, member = payload["author"], payload.get("member") or {}
    return Person(
        id=int(author["id"]),
        name=str(author.get("username", "")),
        bot=bool(author.get("bot")),
        roles=tuple(int(role) for role in member.get("roles", ())),
        timeout=when(member.get("communication_disabled_until")),
    )


def person_of_interaction(payload: Payload) -> Person:
    """Return who caused a raw interaction, with the permissions that it brings."""
    member = payload.get("member")
    user = member["user"] if member else payload["user"]
    granted, bot_granted = (member or {}).get("permissions"), payload.get("app_permissions")
    return Person(
        id=int(user["id"]),
        name=str(user.get("username", "")),
        bot=bool(user.get("bot")),
        roles=tuple(int(role) for role in (member or {}).get("roles", ())),
        timeout=when((member or {}).get("communication_disabled_until")),
        granted=None if granted is None else _all_of(Permissions(int(granted))),
        bot_granted=None if bot_granted is None else _all_of(Permissions(int(bot_granted))),
    )


def _all_of(value: Permissions) -> Permissions:
    return ALL if value & Permissions.ADMINISTRATOR else value
