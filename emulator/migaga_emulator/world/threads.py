"""Who is in a thread: joining, leaving, adding and removing. Called by REST and by whatever makes somebody join."""

from __future__ import annotations

from migaga_emulator.world import errors, payloads
from migaga_emulator.world.core import Access, Core
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import PRIVATE_THREAD, Permission
from migaga_emulator.world.state import Channel, Guild, Member, Thread, User
from migaga_emulator.world.wire import JsonObject

MOST_MEMBERS = 1_000
COUNTED_MEMBERS = 50
"""`member_count` counts no further."""


class Threads:
    """Changes the members of threads and tells the gateway."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access

    def thread_of(self, channel: Channel) -> tuple[Guild, Thread]:
        """Raises 50024 for a channel that is no thread."""
        guild = self._core.guild_of(channel)
        if guild is None or channel.thread is None:
            raise errors.DiscordError(400, 50024, "Cannot execute action on this channel type")
        return guild, channel.thread

    def join(self, by: User, channel: Channel) -> None:
        """Join a thread that one can see. Raises 50001, 50083 for an archived one."""
        guild, _ = self._active(channel)
        self._access.in_channel(by, channel)
        join(self._core, guild, channel, by)

    def add(self, by: User, channel: Channel, user_id: int) -> None:
        """Add somebody. Raises 50013 when `by` may not write there, or not invite to this private thread."""
        guild, thread = self._active(channel)
        needed = [Permission.SEND_MESSAGES_IN_THREADS]
        if channel.type == PRIVATE_THREAD and not thread.invitable and thread.owner_id != by.id:
            needed.append(Permission.MANAGE_THREADS)
        self._access.in_channel(by, channel, *needed)
        member = self._core.member(guild, user_id)
        if len(thread.member_ids) >= MOST_MEMBERS and user_id not in thread.member_ids:
            message = f"Maximum number of thread participants has been reached ({MOST_MEMBERS})"
            raise errors.DiscordError(400, 30033, message)
        join(self._core, guild, channel, member.user)

    def leave(self, by: User, channel: Channel) -> None:
        """Leave a thread; one who is not in it changes nothing."""
        self._active(channel)
        self._access.in_channel(by, channel)
        self._take_out(channel, by.id)

    def remove(self, by: User, channel: Channel, user_id: int) -> None:
        """Take somebody out. Raises 50013 without MANAGE_THREADS, but for the owner of a private thread."""
        _, thread = self._active(channel)
        owned = channel.type == PRIVATE_THREAD and thread.owner_id == by.id
        self._access.in_channel(by, channel, *(() if owned else (Permission.MANAGE_THREADS,)))
        if user_id not in thread.member_ids:
            raise errors.unknown("Member")
        self._take_out(channel, user_id)

    def payload(self, channel: Channel, user_id: int, *, with_member: bool) -> JsonObject:
        """One member of a thread. Raises 10007 for somebody who is not in it."""
        guild, thread = self.thread_of(channel)
        if user_id not in thread.member_ids:
            raise errors.unknown("Member")
        payload = payloads.thread_member(channel.id, user_id, thread.member_ids[user_id])
        if with_member and user_id in guild.members:
            payload["member"] = payloads.full_member(guild.members[user_id])
        return payload

    def _active(self, channel: Channel) -> tuple[Guild, Thread]:
        guild, thread = self.thread_of(channel)
        if thread.archived:
            raise errors.archived()
        return guild, thread

    def _take_out(self, channel: Channel, user_id: int) -> None:
        guild, thread = self.thread_of(channel)
        if thread.member_ids.pop(user_id, None) is not None:
            _tell(self._core, guild, channel, {"removed_member_ids": [str(user_id)]}, user_id)


def join(core: Core, guild: Guild, channel: Channel, user: User) -> None:
    """Put somebody into a thread, and tell; one who is in it already changes nothing.

    A bot that is added to a private thread gets THREAD_CREATE first: it could not see the thread until then.
    """
    thread, member = channel.thread, guild.members.get(user.id)
    if thread is None or member is None or user.id in thread.member_ids:
        return
    thread.member_ids[user.id] = core.clock.time()
    own = payloads.thread_member(channel.id, user.id, thread.member_ids[user.id])
    if channel.type == PRIVATE_THREAD and user.id in guild.bot_ids:
        payload = payloads.channel(channel) | {"member": own}
        core.emit(
            "THREAD_CREATE",
            payload,
            intents=Intent.GUILDS,
            guild_id=guild.id,
            channel_id=channel.id,
            bot_id=user.id,
        )
    tell_joined(core, guild, channel, member)


def tell_joined(core: Core, guild: Guild, channel: Channel, member: Member) -> None:
    """THREAD_MEMBERS_UPDATE for somebody who is in the thread by now."""
    thread = channel.thread
    if thread is None:
        return
    own = payloads.thread_member(channel.id, member.user.id, thread.member_ids[member.user.id])
    added = own | {"member": payloads.full_member(member), "presence": None}
    _tell(core, guild, channel, {"added_members": [added]}, member.user.id)


def _tell(core: Core, guild: Guild, channel: Channel, change: JsonObject, user_id: int) -> None:
    """Each bot that sees the thread; of itself a bot hears without GUILD_MEMBERS, and also when it cannot see it."""
    if channel.thread is None:
        return
    access = Access(core)
    payload: JsonObject = {
        "id": str(channel.id),
        "guild_id": str(guild.id),
        "member_count": min(COUNTED_MEMBERS, len(channel.thread.member_ids)),
    } | change
    for bot_id in sorted(guild.bot_ids):
        own = bot_id == user_id
        if own or access.of(core.users[bot_id], channel) & Permission.VIEW_CHANNEL:
            core.emit(
                "THREAD_MEMBERS_UPDATE",
                payload,
                intents=Intent.GUILDS if own else Intent.GUILD_MEMBERS,
                guild_id=guild.id,
                channel_id=channel.id,
                bot_id=bot_id,
            )
