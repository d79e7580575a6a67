"""Pinned messages of channels. Called by REST and people."""

from __future__ import annotations

from migaga_emulator.world import errors
from migaga_emulator.world.core import Access, Core, audit
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.messages import Messages
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Channel, Message, User
from migaga_emulator.world.wire import JsonObject, optional_timestamp

MOST_PINS = 250
PINNED = 6
"""Type of the message in which the system says that somebody pinned one."""
_PIN, _UNPIN = 74, 75
"""Actions of the audit log."""


class Pins:
    """Pins messages and tells the gateway."""

    def __init__(self, core: Core, access: Access, messages: Messages) -> None:
        self._core = core
        self._access = access
        self._messages = messages

    def of(self, by: User, channel: Channel) -> list[Message]:
        """The pinned messages, the last pinned first. Without READ_MESSAGE_HISTORY there are none."""
        self._access.in_channel(by, channel)
        if not self._access.of(by, channel) & Permission.READ_MESSAGE_HISTORY:
            return []
        return _pinned(channel)

    def pin(self, by: User, channel: Channel, message: Message, reason: str | None = None) -> None:
        """Pin a message; a pinned one stays as it is. Raises 50013 without PIN_MESSAGES, 30003, 50021."""
        self._access.in_channel(by, channel, Permission.PIN_MESSAGES)
        if message.pinned_at is not None:
            return
        if message.system:
            raise errors.system_message()
        if len(_pinned(channel)) >= MOST_PINS:
            raise errors.DiscordError(400, 30003, f"Maximum number of pins reached for the channel ({MOST_PINS})")
        message.pinned_at = channel.last_pin_at = self._core.clock.time()
        self._tell(channel, message)
        self._audit(_PIN, by, channel, message, reason)
        self._messages.system(channel, by, PINNED, about=message)

    def unpin(self, by: User, channel: Channel, message: Message, reason: str | None = None) -> None:
        """Take a pin away. Raises 50013 without PIN_MESSAGES."""
        self._access.in_channel(by, channel, Permission.PIN_MESSAGES)
        if message.pinned_at is None:
            return
        message.pinned_at = None
        left = _pinned(channel)
        channel.last_pin_at = left[0].pinned_at if left else None
        self._tell(channel, message)
        self._audit(_UNPIN, by, channel, message, reason)

    def _tell(self, channel: Channel, message: Message) -> None:
        self._messages.emit_update(channel, message)
        payload: JsonObject = {
            "channel_id": str(channel.id),
            "last_pin_timestamp": optional_timestamp(channel.last_pin_at),
        }
        if channel.guild_id is not None:
            payload["guild_id"] = str(channel.guild_id)
        self._core.emit(
            "CHANNEL_PINS_UPDATE",
            payload,
            intents=Intent.DIRECT_MESSAGES if channel.guild_id is None else Intent.GUILDS,
            guild_id=channel.guild_id,
            channel_id=channel.id,
            bot_id=channel.bot_id,
        )

    def _audit(self, action: int, by: User, channel: Channel, message: Message, reason: str | None) -> None:
        guild = self._core.guild_of(channel)
        if guild is not None:
            options: JsonObject = {"channel_id": str(channel.id), "message_id": str(message.id)}
            audit(self._core, guild, by, action, message.author.id, reason=reason, options=options)


def _pinned(channel: Channel) -> list[Message]:
    found = [message for message in channel.messages.values() if message.pinned_at is not None]
    return sorted(found, key=lambda message: (message.pinned_at or 0.0, message.id), reverse=True)
