"""The state all collaborators of the world share: registries, ids, time, and the line to the subscribers."""

from __future__ import annotations

import random
from collections.abc import Callable

from migaga_emulator.rules import Rules
from migaga_emulator.world import errors, permissions
from migaga_emulator.world.clock import Clock
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.snowflakes import Snowflakes
from migaga_emulator.world.state import (
    Attachment,
    AuditEntry,
    Bot,
    Channel,
    Emoji,
    Guild,
    Invite,
    Member,
    Role,
    User,
)
from migaga_emulator.world.wire import JsonObject

Listener = Callable[[Dispatch], None]
"""Called once for each event, in the order of the mutations."""


class Core:
    """Registries and look-ups. Every look-up that fails raises the `DiscordError` that Discord answers."""

    def __init__(self, rules: Rules, clock: Clock, seed: int) -> None:
        self.rules = rules
        self.clock = clock
        self.random = random.Random(seed)
        self.ids = Snowflakes(clock)
        self.users: dict[int, User] = {}
        self.bots: dict[int, Bot] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.emojis: dict[int, Emoji] = {}
        self.invites: dict[str, Invite] = {}
        self.files: dict[int, Attachment] = {}
        self.file_base = "https://cdn.discordapp.com"
        self.listeners: list[Listener] = []

    def keep_file(self, file: Attachment) -> Attachment:
        """Keep a file so that it can be fetched from its url; the oldest goes when there are too many."""
        self.files[file.id] = file
        if len(self.files) > self.rules.files_kept:
            del self.files[next(iter(self.files))]
        return file

    def emit(
        self,
        name: str,
        payload: JsonObject,
        *,
        intents: int,
        guild_id: int | None = None,
        channel_id: int | None = None,
        bot_id: int | None = None,
    ) -> None:
        """Tell every subscriber of one event."""
        dispatch = Dispatch(name, payload, guild_id, channel_id, int(intents), bot_id)
        for listener in self.listeners:
            listener(dispatch)

    def user(self, user_id: int) -> User:
        """Raises 10013."""
        if found := self.users.get(user_id):
            return found
        raise errors.unknown("User")

    def guild(self, guild_id: int) -> Guild:
        """Raises 10004."""
        if found := self.guilds.get(guild_id):
            return found
        raise errors.unknown("Guild")

    def channel(self, channel_id: int) -> Channel:
        """Raises 10003."""
        if found := self.channels.get(channel_id):
            return found
        raise errors.unknown("Channel")

    def guild_of(self, channel: Channel) -> Guild | None:
        """The guild of a channel; None for a direct message channel."""
        return None if channel.guild_id is None else self.guild(channel.guild_id)

    def member(self, guild: Guild, user_id: int) -> Member:
        """Raises 10013 for a user who does not exist, 10007 for one who is no member."""
        if found := guild.members.get(user_id):
            return found
        self.user(user_id)
        raise errors.unknown("Member")

    def role(self, guild: Guild, role_id: int) -> Role:
        """Raises 10011."""
        if found := guild.roles.get(role_id):
            return found
        raise errors.unknown("Role")


class Access:
    """Asks whether somebody may do something. `by` None is the world itself, which may do everything."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def of(self, user: User, channel: Channel) -> int:
        """The permissions of a user in a channel; 0 for somebody who is not in it."""
        guild = self._core.guild_of(channel)
        if guild is None:
            return permissions.DM if user.id in channel.recipient_ids else 0
        member = guild.members.get(user.id)
        if member is None:
            return 0
        return permissions.in_channel(guild, channel, member, self._core.clock.time())

    def of_guild(self, user: User, guild: Guild) -> int:
        """The permissions of a user in the guild as a whole; 0 for somebody who is not in it."""
        member = guild.members.get(user.id)
        return 0 if member is None else permissions.in_guild(guild, member)

    def in_guild(self, by: User | None, guild: Guild, *needed: Permission) -> None:
        """Raises 10004 for a bot outside the guild, 50001 for a person outside, 50013 when a permission lacks."""
        if by is None:
            return
        member = guild.members.get(by.id)
        if member is None:
            raise errors.unknown("Guild") if by.bot else errors.missing_access()
        wanted = permissions.combine(needed)
        if permissions.in_guild(guild, member) & wanted != wanted:
            raise errors.missing_permissions()

    def in_channel(self, by: User | None, channel: Channel, *needed: Permission) -> None:
        """Raises 50001 when the channel cannot be seen, 50013 when another permission lacks."""
        if by is None:
            return
        bits = self.of(by, channel)
        if not bits & Permission.VIEW_CHANNEL:
            raise errors.missing_access()
        wanted = permissions.combine(needed)
        if bits & wanted != wanted:
            raise errors.missing_permissions()

    def above_member(self, by: User | None, guild: Guild, target: Member) -> None:
        """Raises 50013 unless `by` stands above the member; nobody stands above the owner."""
        if by is None:
            return
        mine = permissions.standing(guild, guild.members[by.id])
        if mine <= permissions.standing(guild, target):
            raise errors.missing_permissions()

    def above_role(self, by: User | None, guild: Guild, role: Role) -> None:
        """Raises 50013 unless `by`'s highest role stands above the role."""
        if by is None:
            return
        if permissions.standing(guild, guild.members[by.id]) <= permissions.rank(role):
            raise errors.missing_permissions()


def audit(
    core: Core,
    guild: Guild,
    by: User | None,
    action: int,
    target_id: int | None,
    *,
    reason: str | None = None,
    changes: list[JsonObject] | None = None,
    options: JsonObject | None = None,
) -> None:
    """Write an audit log entry and tell the bots that may see it. The world itself (`by` None) leaves none."""
    if by is None:
        return
    entry = AuditEntry(core.ids.next(), by.id, target_id, action, reason, changes or [], options)
    guild.audit_log.append(entry)
    if len(guild.audit_log) > core.rules.audit_entries_kept:
        guild.audit_log.popleft()
    payload = audit_entry(entry) | {"guild_id": str(guild.id)}
    for bot_id in guild.bot_ids:
        if permissions.in_guild(guild, guild.members[bot_id]) & Permission.VIEW_AUDIT_LOG:
            core.emit(
                "GUILD_AUDIT_LOG_ENTRY_CREATE",
                payload,
                intents=Intent.GUILD_MODERATION,
                guild_id=guild.id,
                bot_id=bot_id,
            )


def audit_entry(entry: AuditEntry) -> JsonObject:
    """An audit log entry as REST and the gateway send it."""
    payload: JsonObject = {
        "id": str(entry.id),
        "user_id": str(entry.user_id),
        "target_id": None if entry.target_id is None else str(entry.target_id),
        "action_type": entry.action,
    }
    if entry.changes:
        payload["changes"] = entry.changes
    if entry.reason is not None:
        payload["reason"] = entry.reason
    if entry.options is not None:
        payload["options"] = entry.options
    return payload


def change(key: str, old: object, new: object) -> JsonObject:
    """One line of an audit log entry; what was or becomes nothing is left out."""
    payload: JsonObject = {"key": key}
    if old is not None:
        payload["old_value"] = old
    if new is not None:
        payload["new_value"] = new
    return payload
