"""Gateway intents: which bits let a session receive what."""

from __future__ import annotations

from enum import IntFlag


class Intent(IntFlag):
    """The bits of IDENTIFY's `intents`."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
"""Those that must be switched on for an application."""

APPLICATION_FLAGS: dict[Intent, int] = {
    Intent.GUILD_PRESENCES: 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 19,
}
"""The application flag of each privileged intent, for bots in fewer than 100 guilds (`..._LIMITED`)."""


def messages(guild_id: int | None) -> int:
    """Intents that receive messages of a guild, or direct ones."""
    return int(Intent.DIRECT_MESSAGES if guild_id is None else Intent.GUILD_MESSAGES)


def reactions(guild_id: int | None) -> int:
    """Intents that receive reactions in a guild, or in direct messages."""
    return int(Intent.DIRECT_MESSAGE_REACTIONS if guild_id is None else Intent.GUILD_MESSAGE_REACTIONS)


def typing(guild_id: int | None) -> int:
    """Intents that receive TYPING_START of a guild, or of direct messages."""
    return int(Intent.DIRECT_MESSAGE_TYPING if guild_id is None else Intent.GUILD_MESSAGE_TYPING)
