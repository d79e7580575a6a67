"""Roles of guilds: create, change, order, delete. Called by REST and the control API."""

from __future__ import annotations

from dataclasses import dataclass

from migaga_emulator.world import errors, payloads, permissions
from migaga_emulator.world.core import Access, Core, audit, change
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Guild, Member, Role, User
from migaga_emulator.world.wire import JsonObject


@dataclass(slots=True)
class RoleChange:
    """What of a role is to change; None leaves it."""

    name: str | None = None
    permissions: int | None = None
    color: int | None = None
    hoist: bool | None = None
    mentionable: bool | None = None
    position: int | None = None


class Roles:
    """Changes roles and tells the gateway."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access

    def create(self, by: User | None, guild: Guild, wanted: RoleChange, reason: str | None = None) -> Role:
        """A new role at position 1. Raises 50013 without MANAGE_ROLES or when it gave more than `by` has."""
        self._access.in_guild(by, guild, Permission.MANAGE_ROLES)
        bits = guild.roles[guild.id].permissions if wanted.permissions is None else wanted.permissions
        self._may_grant(by, guild, 0 if wanted.permissions is None else bits)
        if len(guild.roles) >= 250:
            raise errors.DiscordError(400, 30005, "Maximum number of guild roles reached (250)")
        position = 1 if wanted.position is None else wanted.position
        role = Role(self._core.ids.next(), wanted.name or "new role", bits, position)
        _apply(role, wanted)
        guild.roles[role.id] = role
        self._emit("GUILD_ROLE_CREATE", guild, role)
        audit(self._core, guild, by, 30, role.id, reason=reason, changes=[change("name", None, role.name)])
        return role

    def edit(self, by: User | None, guild: Guild, role_id: int, wanted: RoleChange, reason: str | None = None) -> Role:
        """Change a role. Raises 10011, 50013 for a role that stands not below `by`."""
        self._access.in_guild(by, guild, Permission.MANAGE_ROLES)
        role = self._core.role(guild, role_id)
        self._access.above_role(by, guild, role)
        if wanted.permissions is not None:
            self._may_grant(by, guild, wanted.permissions & ~role.permissions)
        before = payloads.role(role)
        _apply(role, wanted)
        after = payloads.role(role)
        changes = [change(key, before[key], value) for key, value in after.items() if before[key] != value]
        if changes:
            self._emit("GUILD_ROLE_UPDATE", guild, role)
            audit(self._core, guild, by, 31, role.id, reason=reason, changes=changes)
        return role

    def move(self, by: User | None, guild: Guild, positions: dict[int, int], reason: str | None = None) -> None:
        """Put roles at positions. Raises 10011 for a role that is gone, 50013 for one that stands too high."""
        for role_id, position in positions.items():
            self.edit(by, guild, role_id, RoleChange(position=position), reason)

    def delete(self, by: User | None, guild: Guild, role_id: int, reason: str | None = None) -> None:
        """Delete a role and take it from its members. Raises 50028 for @everyone and roles of integrations."""
        self._access.in_guild(by, guild, Permission.MANAGE_ROLES)
        role = self._core.role(guild, role_id)
        if role.id == guild.id or (role.managed and by is not None):
            raise errors.DiscordError(400, 50028, "Invalid role")
        self._access.above_role(by, guild, role)
        del guild.roles[role_id]
        for member in guild.members.values():
            if role_id in member.role_ids:
                member.role_ids.remove(role_id)
        for channel in guild.channels.values():
            channel.overwrites.pop(role_id, None)
        payload: JsonObject = {"guild_id": str(guild.id), "role_id": str(role_id)}
        self._core.emit("GUILD_ROLE_DELETE", payload, intents=Intent.GUILDS, guild_id=guild.id)
        audit(self._core, guild, by, 32, role_id, reason=reason, changes=[change("name", role.name, None)])

    def add_for_bot(self, guild: Guild, member: Member, name: str, bits: int, position: int | None) -> Role:
        """The managed role that a bot gets when it joins with permissions."""
        top = max(role.position for role in guild.roles.values()) + 1
        role = Role(self._core.ids.next(), name, bits, top if position is None else position)
        role.managed, role.bot_id = True, member.user.id
        guild.roles[role.id] = role
        member.role_ids.append(role.id)
        self._emit("GUILD_ROLE_CREATE", guild, role)
        return role

    def _may_grant(self, by: User | None, guild: Guild, bits: int) -> None:
        if by is not None and bits & ~permissions.in_guild(guild, guild.members[by.id]):
            raise errors.missing_permissions()

    def _emit(self, name: str, guild: Guild, role: Role) -> None:
        payload: JsonObject = {"guild_id": str(guild.id), "role": payloads.role(role)}
        self._core.emit(name, payload, intents=Intent.GUILDS, guild_id=guild.id)


def _apply(role: Role, wanted: RoleChange) -> None:
    for key in ("name", "permissions", "color", "hoist", "mentionable", "position"):
        value = getattr(wanted, key)
        if value is not None:
            setattr(role, key, value)
