"""Members and bans of guilds. Called by REST, the control API and people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from migaga_emulator.world import errors, payloads, permissions
from migaga_emulator.world.core import Access, Core, audit, change
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.roles import Roles
from migaga_emulator.world.state import Ban, Guild, Member, User
from migaga_emulator.world.wire import JsonObject


@dataclass(slots=True)
class MemberChange:
    """What of a member is to change; only the keys in `given` count."""

    given: frozenset[str] = frozenset()
    nick: str | None = None
    roles: list[int] = field(default_factory=list)
    timeout_until: float | None = None
    mute: bool = False
    deaf: bool = False


Purge = Callable[[Guild, int, float], None]
"""Deletes what a user wrote in a guild since a time."""


class Members:
    """Changes members and bans, and tells the gateway."""

    def __init__(self, core: Core, access: Access, roles: Roles, purge: Purge) -> None:
        self._core = core
        self._access = access
        self._roles = roles
        self._purge = purge

    def join(self, guild: Guild, user: User, joined_at: float | None = None) -> Member:
        """A person joins. Raises 40007 for a banned one; joining twice changes nothing."""
        if user.id in guild.bans:
            raise errors.DiscordError(403, 40007, "The user is banned from this guild.")
        if existing := guild.members.get(user.id):
            return existing
        member = Member(user, guild.id, self._core.clock.time() if joined_at is None else joined_at)
        guild.members[user.id] = member
        payload = payloads.member_event(member)
        self._core.emit("GUILD_MEMBER_ADD", payload, intents=Intent.GUILD_MEMBERS, guild_id=guild.id)
        return member

    def leave(self, guild: Guild, user_id: int) -> None:
        """A person leaves. Raises 10007 for one who is no member."""
        member = self._core.member(guild, user_id)
        if member.premium_since is not None:
            guild.boosts = max(0, guild.boosts - 1)
        del guild.members[user_id]
        if user_id in guild.bot_ids:
            self._bot_left(guild, user_id)
        payload: JsonObject = {"guild_id": str(guild.id), "user": payloads.user(member.user)}
        self._core.emit("GUILD_MEMBER_REMOVE", payload, intents=Intent.GUILD_MEMBERS, guild_id=guild.id)

    def _bot_left(self, guild: Guild, bot_id: int) -> None:
        guild.bot_ids.discard(bot_id)
        self._core.bots[bot_id].guild_ids.discard(guild.id)
        payload: JsonObject = {"id": str(guild.id)}
        self._core.emit("GUILD_DELETE", payload, intents=Intent.GUILDS, guild_id=guild.id, bot_id=bot_id)
        for role in [role for role in guild.roles.values() if role.bot_id == bot_id]:
            self._roles.delete(None, guild, role.id)

    def kick(self, by: User | None, guild: Guild, user_id: int, reason: str | None = None) -> None:
        """Raises 10007, and 50013 without KICK_MEMBERS or for somebody who stands not below."""
        self._access.in_guild(by, guild, Permission.KICK_MEMBERS)
        member = self._core.member(guild, user_id)
        self._access.above_member(by, guild, member)
        self.leave(guild, user_id)
        audit(self._core, guild, by, 20, user_id, reason=reason)

    def ban(
        self, by: User | None, guild: Guild, user_id: int, *, delete_seconds: int = 0, reason: str | None = None
    ) -> None:
        """Ban a user, member or not, and delete what they wrote in the last `delete_seconds`."""
        self._access.in_guild(by, guild, Permission.BAN_MEMBERS)
        user = self._core.user(user_id)
        member = guild.members.get(user_id)
        if member is not None:
            self._access.above_member(by, guild, member)
        known = user_id in guild.bans
        guild.bans[user_id] = Ban(user, reason)
        if not known:
            self._emit_ban("GUILD_BAN_ADD", guild, user)
        if member is not None:
            self.leave(guild, user_id)
        if delete_seconds:
            self._purge(guild, user_id, self._core.clock.time() - delete_seconds)
        audit(self._core, guild, by, 22, user_id, reason=reason)

    def unban(self, by: User | None, guild: Guild, user_id: int, reason: str | None = None) -> None:
        """Raises 10026 for somebody who is not banned."""
        self._access.in_guild(by, guild, Permission.BAN_MEMBERS)
        ban = guild.bans.pop(user_id, None)
        if ban is None:
            raise errors.unknown("Ban")
        self._emit_ban("GUILD_BAN_REMOVE", guild, ban.user)
        audit(self._core, guild, by, 23, user_id, reason=reason)

    def edit(
        self, by: User | None, guild: Guild, user_id: int, wanted: MemberChange, reason: str | None = None
    ) -> Member:
        """Change nick, roles, time-out, mute, deaf; all checks come before the first change."""
        self._access.in_guild(by, guild)
        member = self._core.member(guild, user_id)
        self._check_nick(by, guild, member, wanted)
        self._check_roles(by, guild, member, wanted)
        self._check_timeout(by, guild, member, wanted)
        self._check_voice(by, guild, wanted)
        before = payloads.member(member)
        if "nick" in wanted.given:
            member.nick = wanted.nick or None
        if "roles" in wanted.given:
            member.role_ids = list(dict.fromkeys(wanted.roles))
        if "timeout" in wanted.given:
            member.timeout_until = wanted.timeout_until
        if "mute" in wanted.given:
            member.mute = wanted.mute
        if "deaf" in wanted.given:
            member.deaf = wanted.deaf
        self.changed(guild, member, before)
        self._audit_edit(by, guild, member, before, reason)
        return member

    def add_role(self, by: User | None, guild: Guild, user_id: int, role_id: int, reason: str | None = None) -> None:
        """Raises 10011, 10007, 50013, and 50028 for a role of an integration. Having it already changes nothing."""
        self._set_role(by, guild, (user_id, role_id), wanted=True, reason=reason)

    def remove_role(self, by: User | None, guild: Guild, user_id: int, role_id: int, reason: str | None = None) -> None:
        """Raises as `add_role`. Not having it changes nothing."""
        self._set_role(by, guild, (user_id, role_id), wanted=False, reason=reason)

    def changed(self, guild: Guild, member: Member, before: JsonObject) -> None:
        """Tell the gateway when a member looks different than `before`."""
        if payloads.member(member) != before:
            self.emit_update(guild, member)

    def emit_update(self, guild: Guild, member: Member) -> None:
        """GUILD_MEMBER_UPDATE. A bot gets that of its own member whatever its intents."""
        payload = payloads.member_event(member)
        if not member.user.bot:
            self._core.emit("GUILD_MEMBER_UPDATE", payload, intents=Intent.GUILD_MEMBERS, guild_id=guild.id)
            return
        for bot_id in guild.bot_ids:
            intents = 0 if bot_id == member.user.id else Intent.GUILD_MEMBERS
            self._core.emit("GUILD_MEMBER_UPDATE", payload, intents=intents, guild_id=guild.id, bot_id=bot_id)

    def _set_role(
        self, by: User | None, guild: Guild, ids: tuple[int, int], *, wanted: bool, reason: str | None
    ) -> None:
        user_id, role_id = ids
        self._access.in_guild(by, guild, Permission.MANAGE_ROLES)
        role = self._core.role(guild, role_id)
        member = self._core.member(guild, user_id)
        self._assignable(by, guild, role.id)
        if (role_id in member.role_ids) == wanted:
            return
        if wanted:
            member.role_ids.append(role_id)
        else:
            member.role_ids.remove(role_id)
        self.emit_update(guild, member)
        line = change("$add" if wanted else "$remove", None, [{"id": str(role.id), "name": role.name}])
        audit(self._core, guild, by, 25, user_id, reason=reason, changes=[line])

    def _assignable(self, by: User | None, guild: Guild, role_id: int) -> None:
        role = self._core.role(guild, role_id)
        if role.id == guild.id or (role.managed and by is not None):
            raise errors.DiscordError(400, 50028, "Invalid role")
        self._access.above_role(by, guild, role)

    def _check_nick(self, by: User | None, guild: Guild, member: Member, wanted: MemberChange) -> None:
        if "nick" not in wanted.given:
            return
        if by is member.user:
            self._access.in_guild(by, guild, Permission.CHANGE_NICKNAME)
            return
        self._access.in_guild(by, guild, Permission.MANAGE_NICKNAMES)
        self._access.above_member(by, guild, member)

    def _check_roles(self, by: User | None, guild: Guild, member: Member, wanted: MemberChange) -> None:
        if "roles" not in wanted.given:
            return
        self._access.in_guild(by, guild, Permission.MANAGE_ROLES)
        for role_id in set(wanted.roles) ^ set(member.role_ids):
            self._assignable(by, guild, role_id)

    def _check_timeout(self, by: User | None, guild: Guild, member: Member, wanted: MemberChange) -> None:
        if "timeout" not in wanted.given:
            return
        self._access.in_guild(by, guild, Permission.MODERATE_MEMBERS)
        self._access.above_member(by, guild, member)
        if wanted.timeout_until is None:
            return
        if permissions.in_guild(guild, member) & Permission.ADMINISTRATOR:
            raise errors.missing_permissions()
        if wanted.timeout_until > self._core.clock.time() + self._core.rules.timeout_days * 86_400:
            path = ("communication_disabled_until",)
            days = self._core.rules.timeout_days
            raise errors.invalid_form(path, "BASE_TYPE_MAX", f"Must be at most {days} days in the future.")

    def _check_voice(self, by: User | None, guild: Guild, wanted: MemberChange) -> None:
        """Nobody is ever in a voice channel here, so nobody can be muted, deafened or moved: 50013 or 40032."""
        if by is None:
            return
        needed = {
            "mute": Permission.MUTE_MEMBERS,
            "deaf": Permission.DEAFEN_MEMBERS,
            "channel_id": Permission.MOVE_MEMBERS,
        }
        for key in sorted(wanted.given & needed.keys()):
            self._access.in_guild(by, guild, needed[key])
            raise errors.DiscordError(400, 40032, "Target user is not connected to voice.")

    def _audit_edit(
        self, by: User | None, guild: Guild, member: Member, before: JsonObject, reason: str | None
    ) -> None:
        after = payloads.member(member)
        plain = [
            change(key, before[key], after[key])
            for key in ("nick", "mute", "deaf", "communication_disabled_until")
            if before[key] != after[key]
        ]
        if plain:
            audit(self._core, guild, by, 24, member.user.id, reason=reason, changes=plain)
        if before["roles"] != after["roles"]:
            audit(self._core, guild, by, 25, member.user.id, reason=reason, changes=_role_changes(guild, before, after))

    def _emit_ban(self, name: str, guild: Guild, user: User) -> None:
        payload: JsonObject = {"guild_id": str(guild.id), "user": payloads.user(user)}
        self._core.emit(name, payload, intents=Intent.GUILD_MODERATION, guild_id=guild.id)

    def boost(self, guild: Guild, user_id: int, on: bool) -> Member:
        """A member starts or ends boosting: the member and the guild change."""
        member = self._core.member(guild, user_id)
        if (member.premium_since is not None) == on:
            return member
        member.premium_since = self._core.clock.time() if on else None
        guild.boosts = max(0, guild.boosts + (1 if on else -1))
        self.emit_update(guild, member)
        self._core.emit("GUILD_UPDATE", payloads.guild_update(guild), intents=Intent.GUILDS, guild_id=guild.id)
        return member

    def ban_payload(self, ban: Ban) -> JsonObject:
        """A ban as REST lists it."""
        return {"user": payloads.user(ban.user), "reason": ban.reason}


def _role_changes(guild: Guild, before: JsonObject, after: JsonObject) -> list[JsonObject]:
    old, new = before["roles"], after["roles"]
    if not isinstance(old, list) or not isinstance(new, list):
        return []
    lines = []
    for key, ids in (("$add", [x for x in new if x not in old]), ("$remove", [x for x in old if x not in new])):
        named = [{"id": x, "name": guild.roles[int(x)].name} for x in ids if int(x) in guild.roles]
        if named:
            lines.append(change(key, None, named))
    return lines
