"""Channels of guilds, threads and direct message channels. Called by REST, the control API and people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from migaga_emulator.world import errors, payloads
from migaga_emulator.world.core import Access, Core, audit, change
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import ALL, PRIVATE_THREAD, Permission
from migaga_emulator.world.state import Bot, Channel, Guild, Overwrite, Thread, User
from migaga_emulator.world.threads import tell_joined
from migaga_emulator.world.wire import JsonObject, optional_id

TEXT = 0
DM = 1
VOICE = 2
CATEGORY = 4
ANNOUNCEMENTS = 5
FORUMS = (15, 16)
GUILD_TYPES = (0, 2, 4, 5, 13, 15, 16)
"""Types a guild channel can be created with."""


@dataclass(slots=True)
class ChannelChange:
    """What of a channel is to change; only the keys in `given` count."""

    given: frozenset[str] = frozenset()
    name: str | None = None
    position: int | None = None
    topic: str | None = None
    nsfw: bool = False
    parent_id: int | None = None
    rate_limit_per_user: int | None = None
    bitrate: int | None = None
    user_limit: int | None = None
    overwrites: list[Overwrite] = field(default_factory=list)
    archived: bool = False
    locked: bool = False
    invitable: bool = True
    auto_archive_minutes: int | None = None


@dataclass(slots=True)
class ThreadWish:
    """What a new thread is to be. One that is started from a message has that message's id."""

    name: str
    thread_id: int | None = None
    private: bool = False
    auto_archive_minutes: int = 4320
    invitable: bool = True
    rate_limit_per_user: int = 0


class Channels:
    """Changes channels and tells the gateway."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access
        self._dms: dict[tuple[int, int], Channel] = {}

    def create(
        self, by: User | None, guild: Guild, kind: int, wanted: ChannelChange, reason: str | None = None
    ) -> Channel:
        """A new guild channel. Raises 50013 without MANAGE_CHANNELS, 50035 for a parent that is no category."""
        self._access.in_guild(by, guild, Permission.MANAGE_CHANNELS)
        if len(guild.channels) >= 500:
            raise errors.DiscordError(400, 30013, "Maximum number of guild channels reached (500)")
        channel = Channel(self._core.ids.next(), kind, guild.id, position=len(guild.channels))
        self._may_overwrite(by, guild, channel, wanted.overwrites)
        self._apply(guild, channel, wanted)
        guild.channels[channel.id] = self._core.channels[channel.id] = channel
        self._emit("CHANNEL_CREATE", channel)
        audit(self._core, guild, by, 10, channel.id, reason=reason, changes=[change("name", None, channel.name)])
        return channel

    def edit(self, by: User | None, channel: Channel, wanted: ChannelChange, reason: str | None = None) -> Channel:
        """Change a guild channel or thread. Raises 50001, 50013, 50024 for a direct message channel."""
        guild = self._core.guild_of(channel)
        if guild is None:
            raise errors.DiscordError(400, 50024, "Cannot execute action on this channel type")
        if channel.thread is None:
            self._access.in_channel(by, channel, Permission.MANAGE_CHANNELS)
        elif by is not None:
            self._access.in_channel(by, channel, *_needed_for_thread(by, channel.thread, wanted))
        if "permission_overwrites" in wanted.given:
            self._access.in_channel(by, channel, Permission.MANAGE_ROLES)
            self._may_overwrite(by, guild, channel, wanted.overwrites)
        before = payloads.guild_channel(channel)
        self._apply(guild, channel, wanted)
        after = payloads.guild_channel(channel)
        changes = [change(key, before.get(key), after[key]) for key in after if before.get(key) != after[key]]
        if changes:
            self._emit("CHANNEL_UPDATE" if channel.thread is None else "THREAD_UPDATE", channel)
            action = 11 if channel.thread is None else 111
            audit(self._core, guild, by, action, channel.id, reason=reason, changes=changes)
        return channel

    def delete(self, by: User | None, channel: Channel, reason: str | None = None) -> None:
        """Delete a guild channel with its threads, or a thread; closing a direct message channel keeps it."""
        guild = self._core.guild_of(channel)
        if guild is None:
            return
        thread = channel.thread is not None
        self._access.in_channel(by, channel, Permission.MANAGE_THREADS if thread else Permission.MANAGE_CHANNELS)
        for inner in [item for item in guild.channels.values() if item.parent_id == channel.id]:
            if inner.thread is not None:
                self.delete(None, inner)
            else:
                inner.parent_id = None
                self._emit("CHANNEL_UPDATE", inner)
        # Told while it is still there: who may see it decides who hears of it.
        self._emit("THREAD_DELETE" if thread else "CHANNEL_DELETE", channel)
        del guild.channels[channel.id], self._core.channels[channel.id]
        changes = [change("name", channel.name, None)]
        audit(self._core, guild, by, 112 if thread else 12, channel.id, reason=reason, changes=changes)

    def set_overwrite(self, by: User | None, channel: Channel, wanted: Overwrite, reason: str | None = None) -> None:
        """Put one permission overwrite. Raises 50013 without MANAGE_ROLES, 10009 for an unknown target."""
        guild = self._guild(channel)
        self._access.in_channel(by, channel, Permission.MANAGE_ROLES)
        if wanted.id not in (guild.roles if wanted.type == 0 else guild.members):
            raise errors.unknown("Permission Overwrite")
        self._may_overwrite(by, guild, channel, [wanted])
        action = 14 if wanted.id in channel.overwrites else 13
        channel.overwrites[wanted.id] = wanted
        self._emit("CHANNEL_UPDATE", channel)
        audit(self._core, guild, by, action, channel.id, reason=reason, options=_overwrite_options(guild, wanted))

    def delete_overwrite(self, by: User | None, channel: Channel, target_id: int, reason: str | None = None) -> None:
        """Take one permission overwrite away. Raises 10009 when there is none."""
        guild = self._guild(channel)
        self._access.in_channel(by, channel, Permission.MANAGE_ROLES)
        overwrite = channel.overwrites.pop(target_id, None)
        if overwrite is None:
            raise errors.unknown("Permission Overwrite")
        self._emit("CHANNEL_UPDATE", channel)
        audit(self._core, guild, by, 15, channel.id, reason=reason, options=_overwrite_options(guild, overwrite))

    def start_thread(self, by: User, parent: Channel, wish: ThreadWish) -> Channel:
        """A thread in a channel, or a post in a forum. Raises 50001, 50013, 50024."""
        guild = self._guild(parent)
        if parent.type not in (TEXT, ANNOUNCEMENTS, *FORUMS):
            raise errors.DiscordError(400, 50024, "Cannot execute action on this channel type")
        needed = Permission.CREATE_PRIVATE_THREADS if wish.private else Permission.CREATE_PUBLIC_THREADS
        self._access.in_channel(by, parent, Permission.SEND_MESSAGES if parent.type in FORUMS else needed)
        kind = PRIVATE_THREAD if wish.private else (10 if parent.type == ANNOUNCEMENTS else 11)
        now = self._core.clock.time()
        channel = Channel(wish.thread_id or self._core.ids.next(), kind, guild.id, wish.name, parent_id=parent.id)
        channel.rate_limit_per_user = wish.rate_limit_per_user
        minutes, members = wish.auto_archive_minutes, {by.id: now}
        channel.thread = Thread(by.id, False, False, minutes, now, members, wish.invitable)
        guild.channels[channel.id] = self._core.channels[channel.id] = channel
        payload = payloads.channel(channel) | {"newly_created": True}
        self._core.emit("THREAD_CREATE", payload, intents=Intent.GUILDS, guild_id=guild.id, channel_id=channel.id)
        tell_joined(self._core, guild, channel, guild.members[by.id])
        return channel

    def dm(self, bot: Bot, user: User) -> Channel:
        """The direct message channel of a bot and a person; made when first asked for. Raises 50007 for a bot."""
        if user.bot:
            raise errors.cannot_dm()
        key = (bot.user.id, user.id)
        channel = self._dms.get(key)
        if channel is None:
            channel = Channel(self._core.ids.next(), DM, None, recipient_ids=key, bot_id=bot.user.id)
            self._dms[key] = self._core.channels[channel.id] = channel
        return channel

    def _may_overwrite(self, by: User | None, guild: Guild, channel: Channel, wanted: Iterable[Overwrite]) -> None:
        """Only what somebody may do in the guild can they allow or deny: 50013.

        MANAGE_ROLES in an overwrite is for administrators; who has it by an overwrite here may set every other bit.
        """
        if by is None:
            return
        bits = self._access.of_guild(by, guild)
        own = channel.overwrites.get(by.id)
        if own is not None and own.allow & Permission.MANAGE_ROLES:
            bits = ALL
        elif not bits & Permission.ADMINISTRATOR:
            bits &= ~Permission.MANAGE_ROLES
        for item in wanted:
            before = channel.overwrites.get(item.id) or Overwrite(item.id, item.type, 0, 0)
            if ((before.allow ^ item.allow) | (before.deny ^ item.deny)) & ~bits:
                raise errors.missing_permissions()

    def _guild(self, channel: Channel) -> Guild:
        guild = self._core.guild_of(channel)
        if guild is None or channel.thread is not None:
            raise errors.DiscordError(400, 50024, "Cannot execute action on this channel type")
        return guild

    def _apply(self, guild: Guild, channel: Channel, wanted: ChannelChange) -> None:
        if wanted.parent_id is not None:
            parent = guild.channels.get(wanted.parent_id)
            if parent is None or parent.type != CATEGORY:
                raise errors.invalid_form(("parent_id",), "CHANNEL_PARENT_INVALID_TYPE", "Not a category")
        for key in ("parent_id", "topic", "nsfw"):
            if key in wanted.given:
                setattr(channel, key, getattr(wanted, key))
        if "permission_overwrites" in wanted.given:
            channel.overwrites = {item.id: item for item in wanted.overwrites}
        for key in ("name", "position", "rate_limit_per_user", "bitrate", "user_limit"):
            value = getattr(wanted, key)
            if value is not None:
                setattr(channel, key, value)
        if channel.type in (0, 5) and wanted.name is not None:
            channel.name = wanted.name.strip().lower().replace(" ", "-")
        if channel.thread is not None:
            self._apply_thread(channel.thread, wanted)

    def _apply_thread(self, thread: Thread, wanted: ChannelChange) -> None:
        if "archived" in wanted.given:
            thread.archived, thread.archived_at = wanted.archived, self._core.clock.time()
        if "locked" in wanted.given:
            thread.locked = wanted.locked
        if "invitable" in wanted.given:
            thread.invitable = wanted.invitable
        if wanted.auto_archive_minutes is not None:
            thread.auto_archive_minutes = wanted.auto_archive_minutes

    def _emit(self, name: str, channel: Channel) -> None:
        payload = payloads.channel(channel)
        if name == "THREAD_DELETE":
            payload = {key: payload[key] for key in ("id", "guild_id", "parent_id", "type")}
        self._core.emit(name, payload, intents=Intent.GUILDS, guild_id=channel.guild_id, channel_id=channel.id)


def _needed_for_thread(by: User, thread: Thread, wanted: ChannelChange) -> tuple[Permission, ...]:
    """What a change of a thread asks for (topics/threads, "Editing & Deleting Threads")."""
    owner = thread.owner_id == by.id
    if wanted.given & {"locked", "rate_limit_per_user"}:
        return (Permission.MANAGE_THREADS,)
    if wanted.given == {"archived"} and not wanted.archived and not thread.locked and by.id in thread.member_ids:
        return ()
    return () if owner else (Permission.MANAGE_THREADS,)


def _overwrite_options(guild: Guild, overwrite: Overwrite) -> JsonObject:
    options: JsonObject = {"id": optional_id(overwrite.id), "type": str(overwrite.type)}
    if overwrite.type == 0 and overwrite.id in guild.roles:
        options["role_name"] = guild.roles[overwrite.id].name
    return options
