"""Invites to channels. Called by REST and people."""

from __future__ import annotations

import string
from dataclasses import dataclass

from migaga_emulator.world import errors, payloads
from migaga_emulator.world.core import Access, Core, audit, change
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Channel, Guild, Invite, User
from migaga_emulator.world.wire import JsonObject, optional_timestamp, timestamp

MOST_INVITES = 1_000
_ALPHABET = string.ascii_letters + string.digits
_CREATED, _DELETED = 40, 42
"""Actions of the audit log."""
_PARTIAL_GUILD = (
    *("id", "name", "icon", "splash", "banner", "description", "features", "verification_level"),
    *("vanity_url_code", "nsfw_level", "premium_subscription_count"),
)


@dataclass(slots=True)
class InviteWish:
    """What an invite is to be. `unique`: do not give out one that is alike and unused."""

    max_age: int = 86_400
    max_uses: int = 0
    temporary: bool = False
    unique: bool = False


class Invites:
    """Keeps the invites and tells the gateway."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access

    def create(self, by: User, channel: Channel, wish: InviteWish, reason: str | None = None) -> Invite:
        """A new invite, or one that is alike. Raises 50003, 50013 without CREATE_INSTANT_INVITE, 30016."""
        guild = self._core.guild_of(channel)
        if guild is None:
            raise errors.dm_channel()
        self._access.in_channel(by, channel, Permission.CREATE_INSTANT_INVITE)
        if not wish.unique and (alike := self._alike(by, channel, wish)):
            return alike
        if len(self.of_guild(guild)) >= MOST_INVITES:
            raise errors.DiscordError(400, 30016, f"Maximum number of invites reached ({MOST_INVITES})")
        code = "".join(self._core.random.choices(_ALPHABET, k=8))
        now = self._core.clock.time()
        invite = Invite(code, guild.id, channel.id, by, now, wish.max_age, wish.max_uses, wish.temporary)
        self._core.invites[code] = invite
        payload = _metadata(invite) | {
            "type": 0,
            "code": code,
            "channel_id": str(channel.id),
            "guild_id": str(guild.id),
            "inviter": payloads.user(by),
            "expires_at": optional_timestamp(invite.expires_at),
        }
        self._emit("INVITE_CREATE", invite, payload)
        lines = [change(key, None, value) for key, value in _audited(invite).items()]
        audit(self._core, guild, by, _CREATED, None, reason=reason, changes=lines)
        return invite

    def get(self, code: str) -> Invite:
        """Raises 10006 for a code that does not exist or has expired."""
        self._forget_expired()
        if found := self._core.invites.get(code):
            return found
        raise errors.unknown("Invite")

    def of_guild(self, guild: Guild) -> list[Invite]:
        """The invites of a guild, oldest first."""
        self._forget_expired()
        return [item for item in self._core.invites.values() if item.guild_id == guild.id]

    def of_channel(self, by: User, channel: Channel) -> list[Invite]:
        """The invites to a channel. Raises 50003, 50013 without MANAGE_CHANNELS."""
        guild = self._core.guild_of(channel)
        if guild is None:
            raise errors.dm_channel()
        self._access.in_channel(by, channel, Permission.MANAGE_CHANNELS)
        return [item for item in self.of_guild(guild) if item.channel_id == channel.id]

    def delete(self, by: User, code: str, reason: str | None = None) -> Invite:
        """Delete an invite. Raises 10006, and 50013 without MANAGE_CHANNELS there and without MANAGE_GUILD."""
        invite = self.get(code)
        guild, channel = self._core.guild(invite.guild_id), self._core.channel(invite.channel_id)
        if not self._access.of(by, channel) & Permission.MANAGE_CHANNELS:
            self._access.in_guild(by, guild, Permission.MANAGE_GUILD)
        self._remove(invite)
        lines = [change(key, value, None) for key, value in _audited(invite).items()]
        audit(self._core, guild, by, _DELETED, None, reason=reason, changes=lines)
        return invite

    def use(self, code: str) -> Guild:
        """Somebody accepts an invite; one that is used up goes. Raises 10006."""
        invite = self.get(code)
        invite.uses += 1
        if invite.max_uses and invite.uses >= invite.max_uses:
            self._remove(invite)
        return self._core.guild(invite.guild_id)

    def payload(self, invite: Invite, *, metadata: bool, counts: bool = False) -> JsonObject:
        """An invite as REST answers it."""
        guild, channel = self._core.guild(invite.guild_id), self._core.channel(invite.channel_id)
        whole = payloads.guild(guild)
        payload: JsonObject = {
            "type": 0,
            "code": invite.code,
            "guild": {key: whole[key] for key in _PARTIAL_GUILD},
            "channel": {"id": str(channel.id), "name": channel.name, "type": channel.type},
            "inviter": payloads.user(invite.inviter),
            "expires_at": optional_timestamp(invite.expires_at),
        }
        if counts:
            size = len(guild.members)
            payload |= {"approximate_member_count": size, "approximate_presence_count": size}
        return payload | _metadata(invite) if metadata else payload

    def _alike(self, by: User, channel: Channel, wish: InviteWish) -> Invite | None:
        wanted = (by, channel.id, wish.max_age, wish.max_uses, wish.temporary, 0)
        self._forget_expired()
        for item in self._core.invites.values():
            if (item.inviter, item.channel_id, item.max_age, item.max_uses, item.temporary, item.uses) == wanted:
                return item
        return None

    def _remove(self, invite: Invite) -> None:
        del self._core.invites[invite.code]
        payload: JsonObject = {
            "channel_id": str(invite.channel_id),
            "guild_id": str(invite.guild_id),
            "code": invite.code,
        }
        self._emit("INVITE_DELETE", invite, payload)

    def _forget_expired(self) -> None:
        """Those whose time is over, or whose channel is gone; no event tells of them. (observed)"""
        now, channels = self._core.clock.time(), self._core.channels
        for invite in list(self._core.invites.values()):
            if invite.channel_id not in channels or (invite.expires_at is not None and invite.expires_at <= now):
                del self._core.invites[invite.code]

    def _emit(self, name: str, invite: Invite, payload: JsonObject) -> None:
        self._core.emit(
            name, payload, intents=Intent.GUILD_INVITES, guild_id=invite.guild_id, channel_id=invite.channel_id
        )


def _metadata(invite: Invite) -> JsonObject:
    return {
        "uses": invite.uses,
        "max_uses": invite.max_uses,
        "max_age": invite.max_age,
        "temporary": invite.temporary,
        "created_at": timestamp(invite.created_at),
    }


def _audited(invite: Invite) -> JsonObject:
    return {
        "code": invite.code,
        "channel_id": str(invite.channel_id),
        "inviter_id": str(invite.inviter.id),
        "uses": invite.uses,
        "max_uses": invite.max_uses,
        "max_age": invite.max_age,
        "temporary": invite.temporary,
    }
