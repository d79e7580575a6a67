"""Discord's permission arithmetic on plain data. Used by the access checks and by `Context.permissions`.

Rules: Discord's developer documentation, topics/permissions ("Permission Hierarchy", "Permission Overwrites",
"Implicit Permissions", "Permissions for Timed Out Members", "Inherited Permissions (Threads)").
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from hikari import Permissions

ALL = Permissions.all_permissions()
_TIMED_OUT = Permissions.VIEW_CHANNEL | Permissions.READ_MESSAGE_HISTORY
_NEEDS_SEND = (
    Permissions.MENTION_ROLES | Permissions.SEND_TTS_MESSAGES | Permissions.ATTACH_FILES | Permissions.EMBED_LINKS
)
THREAD_TYPES = frozenset({10, 11, 12})
"""Discord's channel types of threads: announcement, public, private."""


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a channel allows and denies to one role or member."""

    allow: int
    deny: int


@dataclass(frozen=True, slots=True)
class RoleView:
    """One role of a guild."""

    id: int
    name: str
    permissions: int
    position: int
    managed: bool = False
    color: int = 0


@dataclass(frozen=True, slots=True)
class ChannelView:
    """One channel or thread of a guild. A thread has no overwrites of its own."""

    id: int
    name: str
    type: int
    parent_id: int | None = None
    nsfw: bool = False
    overwrites: Mapping[int, Overwrite] = field(default_factory=dict)
    """Role or member id -> overwrite. Ids are unique over both, so the kind need not be kept."""

    @property
    def is_thread(self) -> bool:
        """Whether this is a thread, which takes its permissions from its parent."""
        return self.type in THREAD_TYPES


def base_permissions(
    *, guild_id: int, owner_id: int, roles: Mapping[int, RoleView], member_id: int, member_roles: Collection[int]
) -> Permissions:
    """Return what a member may do in a guild before channel overwrites. Roles that are gone count nothing."""
    if member_id == owner_id:
        return ALL
    value = 0
    for role_id in (guild_id, *member_roles):
        role = roles.get(role_id)
        if role is not None:
            value |= role.permissions
    if value & Permissions.ADMINISTRATOR:
        return ALL
    return Permissions(value)


def apply_overwrites(
    base: Permissions,
    overwrites: Mapping[int, Overwrite],
    *,
    guild_id: int,
    member_id: int,
    member_roles: Collection[int],
) -> Permissions:
    """Apply a channel's overwrites: everyone, then all roles together (allow wins), then the member."""
    value = int(base)
    everyone = overwrites.get(guild_id)
    if everyone is not None:
        value = (value & ~everyone.deny) | everyone.allow
    allow = deny = 0
    for role_id in member_roles:
        overwrite = overwrites.get(role_id)
        if overwrite is not None and role_id != guild_id:
            allow |= overwrite.allow
            deny |= overwrite.deny
    value = (value & ~deny) | allow
    member = overwrites.get(member_id)
    if member is not None:
        value = (value & ~member.deny) | member.allow
    return Permissions(value)


def implied(value: Permissions, *, thread: bool) -> Permissions:
    """Take away what Discord takes away implicitly: nothing without view, no files or embeds without send."""
    if not value & Permissions.VIEW_CHANNEL:
        return Permissions.NONE
    send = Permissions.SEND_MESSAGES_IN_THREADS if thread else Permissions.SEND_MESSAGES
    if not value & send:
        value &= ~_NEEDS_SEND
    return value


def channel_permissions(
    *,
    guild_id: int,
    owner_id: int,
    roles: Mapping[int, RoleView],
    channel: ChannelView,
    parent: ChannelView | None,
    member_id: int,
    member_roles: Collection[int],
    timed_out: bool = False,
) -> Permissions:
    """Return what a member may do in a channel. For a thread pass its parent, whose overwrites count."""
    base = base_permissions(
        guild_id=guild_id, owner_id=owner_id, roles=roles, member_id=member_id, member_roles=member_roles
    )
    if base & Permissions.ADMINISTRATOR:
        return ALL
    source = parent if channel.is_thread and parent is not None else channel
    value = apply_overwrites(base, source.overwrites, guild_id=guild_id, member_id=member_id, member_roles=member_roles)
    value = implied(value, thread=channel.is_thread)
    return value & _TIMED_OUT if timed_out else value


_NAMES = {
    Permissions.MANAGE_GUILD: "Manage Server",
    Permissions.MODERATE_MEMBERS: "Timeout Members",
    Permissions.MENTION_ROLES: "Mention Everyone",
    Permissions.MANAGE_GUILD_EXPRESSIONS: "Manage Expressions",
}


def listed(missing: Permissions) -> str:
    """Return missing permissions as part of a sentence: `the permissions Ban Members and Kick Members`."""
    names = permission_names(missing)
    if len(names) == 1:
        return f"the permission {names[0]}"
    return f"the permissions {', '.join(names[:-1])} and {names[-1]}"


def permission_names(value: Permissions) -> list[str]:
    """Return the names of the permissions in `value` as Discord's settings show them, sorted."""
    names = [_NAMES.get(flag) or str(flag.name).replace("_", " ").title() for flag in value]
    return sorted(names)
