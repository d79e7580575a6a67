"""Permission bits and their arithmetic: pure functions over the state."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntFlag

from migaga_emulator.world.state import Channel, Guild, Member, Role


class Permission(IntFlag):
    """The bits of Discord's permissions."""

    CREATE_INSTANT_INVITE = 1 << 0
    KICK_MEMBERS = 1 << 1
    BAN_MEMBERS = 1 << 2
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_AUDIT_LOG = 1 << 7
    PRIORITY_SPEAKER = 1 << 8
    STREAM = 1 << 9
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    SEND_TTS_MESSAGES = 1 << 12
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    VIEW_GUILD_INSIGHTS = 1 << 19
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    MANAGE_WEBHOOKS = 1 << 29
    MANAGE_GUILD_EXPRESSIONS = 1 << 30
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    MANAGE_EVENTS = 1 << 33
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    CREATE_PRIVATE_THREADS = 1 << 36
    USE_EXTERNAL_STICKERS = 1 << 37
    SEND_MESSAGES_IN_THREADS = 1 << 38
    USE_EMBEDDED_ACTIVITIES = 1 << 39
    MODERATE_MEMBERS = 1 << 40
    VIEW_CREATOR_MONETIZATION_ANALYTICS = 1 << 41
    USE_SOUNDBOARD = 1 << 42
    CREATE_GUILD_EXPRESSIONS = 1 << 43
    CREATE_EVENTS = 1 << 44
    USE_EXTERNAL_SOUNDS = 1 << 45
    SEND_VOICE_MESSAGES = 1 << 46
    SEND_POLLS = 1 << 49
    USE_EXTERNAL_APPS = 1 << 50
    PIN_MESSAGES = 1 << 51
    BYPASS_SLOWMODE = 1 << 52


ALL = int(sum(Permission))
"""Every bit there is."""

EVERYONE_DEFAULT = int(
    Permission.CREATE_INSTANT_INVITE
    | Permission.ADD_REACTIONS
    | Permission.STREAM
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.CREATE_PUBLIC_THREADS
    | Permission.SEND_MESSAGES_IN_THREADS
)
"""What @everyone of a new guild may do."""

DM = int(
    Permission.ADD_REACTIONS
    | Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.PIN_MESSAGES
)
"""What both sides of a direct message channel may do."""

PRIVATE_THREAD = 12
"""The type of threads that only their members and moderators see."""

# Plain numbers: the arithmetic below runs for every event and bot, and operators of IntFlag are many times slower.
_ADMINISTRATOR = int(Permission.ADMINISTRATOR)
_VIEW_CHANNEL = int(Permission.VIEW_CHANNEL)
_MANAGE_THREADS = int(Permission.MANAGE_THREADS)
_TIMED_OUT = int(Permission.VIEW_CHANNEL | Permission.READ_MESSAGE_HISTORY)


def in_guild(guild: Guild, member: Member) -> int:
    """A member's permissions in the guild, before any channel. The owner and administrators have all."""
    if guild.owner_id == member.user.id:
        return ALL
    bits = guild.roles[guild.id].permissions
    for role_id in member.role_ids:
        bits |= guild.roles[role_id].permissions
    return ALL if bits & _ADMINISTRATOR else bits


def in_channel(guild: Guild, channel: Channel, member: Member, now: float) -> int:
    """A member's permissions in a channel (a thread takes its parent's), time-outs included."""
    bits = in_guild(guild, member)
    if bits & _ADMINISTRATOR:
        return ALL
    bits = _overwritten(guild, _overwrite_source(guild, channel), member, bits)
    if not bits & _VIEW_CHANNEL or _closed(channel, member, bits):
        return 0
    if member.timeout_until is not None and member.timeout_until > now:
        return bits & _TIMED_OUT
    return bits


def _closed(channel: Channel, member: Member, bits: int) -> bool:
    """Whether this is a private thread that the member was not added to and does not moderate."""
    if channel.type != PRIVATE_THREAD or channel.thread is None:
        return False
    return member.user.id not in channel.thread.member_ids and not bits & _MANAGE_THREADS


def _overwrite_source(guild: Guild, channel: Channel) -> Channel:
    if channel.thread is not None and channel.parent_id is not None:
        return guild.channels.get(channel.parent_id, channel)
    return channel


def _overwritten(guild: Guild, channel: Channel, member: Member, bits: int) -> int:
    """@everyone's overwrite first, then all of the member's roles together, then the member's own."""
    overwrites = channel.overwrites
    if everyone := overwrites.get(guild.id):
        bits = bits & ~everyone.deny | everyone.allow
    allow = deny = 0
    for role_id in member.role_ids:
        if overwrite := overwrites.get(role_id):
            allow |= overwrite.allow
            deny |= overwrite.deny
    bits = bits & ~deny | allow
    if own := overwrites.get(member.user.id):
        bits = bits & ~own.deny | own.allow
    return bits


def standing(guild: Guild, member: Member) -> tuple[int, int]:
    """The member's highest role as (position, minus id): larger stands higher. The owner stands above all."""
    if guild.owner_id == member.user.id:
        return (1 << 31, 0)
    return max((rank(guild.roles[role_id]) for role_id in member.role_ids), default=(0, -guild.id))


def rank(role: Role) -> tuple[int, int]:
    """A role's place in the hierarchy; of two at the same position the older one stands higher."""
    return role.position, -role.id


def names(bits: int) -> list[str]:
    """The names of the set bits, for messages to people."""
    return [item.name or str(int(item)) for item in Permission if bits & item]


def combine(flags: Iterable[Permission]) -> int:
    """All bits of several permissions."""
    bits = 0
    for flag in flags:
        bits |= flag
    return int(bits)
