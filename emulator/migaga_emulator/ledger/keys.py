"""Natural keys: one name for one event, made of ids that Discord sends anyway.

A bot that tells the ledger what it has handled computes the same key from what it received. The same thing may happen
twice (a reaction that comes, goes and comes again), so keys are counted, not collected.
The full table is in docs/emulator.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PER_SESSION: Final = frozenset(
    {
        "READY",
        "RESUMED",
        "GUILD_MEMBERS_CHUNK",
        "RATE_LIMITED",
        "SOUNDBOARD_SOUNDS",
        "VOICE_SERVER_UPDATE",
        "PRESENCES_REPLACE",
    }
)
"""Events that belong to one session, not to the bot: never counted as sent, ignored when told as handled."""

_BY_ID: Final = ("id",)
_BY_GUILD: Final = ("guild_id",)
_BY_MEMBER: Final = ("guild_id", "user.id")
_BY_GUILD_USER: Final = ("guild_id", "user_id")
_BY_REACTION: Final = ("message_id", "user_id", "emoji")

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "MESSAGE_REACTION_ADD": _BY_REACTION,
    "MESSAGE_REACTION_REMOVE": _BY_REACTION,
    "MESSAGE_REACTION_REMOVE_ALL": ("message_id",),
    "MESSAGE_REACTION_REMOVE_EMOJI": ("message_id", "emoji"),
    "MESSAGE_DELETE_BULK": ("channel_id", "ids"),
    "MESSAGE_POLL_VOTE_ADD": ("message_id", "user_id", "answer_id"),
    "MESSAGE_POLL_VOTE_REMOVE": ("message_id", "user_id", "answer_id"),
    "GUILD_MEMBER_ADD": _BY_MEMBER,
    "GUILD_MEMBER_UPDATE": _BY_MEMBER,
    "GUILD_MEMBER_REMOVE": _BY_MEMBER,
    "GUILD_BAN_ADD": _BY_MEMBER,
    "GUILD_BAN_REMOVE": _BY_MEMBER,
    "PRESENCE_UPDATE": _BY_MEMBER,
    "GUILD_ROLE_CREATE": ("guild_id", "role.id"),
    "GUILD_ROLE_UPDATE": ("guild_id", "role.id"),
    "GUILD_ROLE_DELETE": ("guild_id", "role_id"),
    "GUILD_EMOJIS_UPDATE": _BY_GUILD,
    "GUILD_STICKERS_UPDATE": _BY_GUILD,
    "GUILD_INTEGRATIONS_UPDATE": _BY_GUILD,
    "GUILD_SOUNDBOARD_SOUNDS_UPDATE": _BY_GUILD,
    "GUILD_SOUNDBOARD_SOUND_CREATE": ("guild_id", "sound_id"),
    "GUILD_SOUNDBOARD_SOUND_UPDATE": ("guild_id", "sound_id"),
    "GUILD_SOUNDBOARD_SOUND_DELETE": ("guild_id", "sound_id"),
    "GUILD_SCHEDULED_EVENT_USER_ADD": ("guild_scheduled_event_id", "user_id"),
    "GUILD_SCHEDULED_EVENT_USER_REMOVE": ("guild_scheduled_event_id", "user_id"),
    "CHANNEL_PINS_UPDATE": ("channel_id",),
    "WEBHOOKS_UPDATE": ("channel_id",),
    "THREAD_LIST_SYNC": _BY_GUILD,
    "THREAD_MEMBER_UPDATE": _BY_ID,
    "THREAD_MEMBERS_UPDATE": _BY_ID,
    "TYPING_START": ("channel_id", "user_id"),
    "VOICE_STATE_UPDATE": _BY_GUILD_USER,
    "VOICE_CHANNEL_EFFECT_SEND": ("channel_id", "user_id"),
    "INVITE_CREATE": ("code",),
    "INVITE_DELETE": ("code",),
    "AUTO_MODERATION_ACTION_EXECUTION": ("guild_id", "rule_id", "user_id", "message_id"),
}
"""The fields that name an event. Every other event is named by its `id`: messages, interactions, guilds, channels,
threads, USER_UPDATE, audit log entries, scheduled events, stage instances, integrations, entitlements and others."""

_FALLBACK: Final = ("guild_id", "channel_id", "message_id", "user_id")


def natural_key(name: str, payload: Mapping[str, object]) -> str:
    """The key of an event, such as `MESSAGE_REACTION_ADD:<message>:<user>:<emoji id or name>`.

    A field that is not there reads as `-`: a payload that lacks one still has a key, and will be counted as unexpected.
    """
    fields = _KEYS.get(name)
    if fields is None:
        fields = _BY_ID if "id" in payload else tuple(field for field in _FALLBACK if field in payload)
    return ":".join((name, *(_part(payload, field) for field in fields)))


def _part(payload: Mapping[str, object], field: str) -> str:
    if field == "emoji":
        return _emoji(payload.get("emoji"))
    if field == "ids":
        return _ids(payload.get("ids"))
    outer, _, inner = field.partition(".")
    value = payload.get(outer)
    if inner:
        value = value.get(inner) if isinstance(value, Mapping) else payload.get(f"{outer}_{inner}")
    return "-" if value is None else str(value)


def _emoji(emoji: object) -> str:
    if not isinstance(emoji, Mapping):
        return "-" if emoji is None else str(emoji)
    return str(emoji.get("id") or emoji.get("name") or "-")


def _ids(ids: object) -> str:
    """Lowest id and number: a bulk deletion may name a hundred."""
    if not isinstance(ids, list) or not ids:
        return "-"
    return f"{min(int(str(item)) for item in ids)}:{len(ids)}"
