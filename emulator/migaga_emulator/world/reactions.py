"""Reactions to messages and the typing indicator. Called by REST and people."""

from __future__ import annotations

import re

from migaga_emulator.world import errors, intents, payloads
from migaga_emulator.world.core import Access, Core
from migaga_emulator.world.message_payloads import reaction_emoji
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Channel, Message, Reaction, User
from migaga_emulator.world.wire import JsonObject

_CUSTOM = re.compile(r"(?:a:)?(\w{2,32}):([0-9]{1,20})\Z")


class Reactions:
    """Changes reactions and tells the gateway."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access

    def add(self, by: User, channel: Channel, message: Message, emoji: str) -> None:
        """React. `emoji`: a character, or `name:id`. Raises 10014, 50013, 30010 above 20 different ones."""
        if channel.thread is not None and channel.thread.archived:
            raise errors.archived()
        reaction = self._parse(emoji)
        key = _key(reaction)
        if reaction.emoji_id is not None and key not in message.reactions:
            self._check_custom(by, channel, reaction.emoji_id)
        needed = [Permission.READ_MESSAGE_HISTORY]
        if key not in message.reactions:
            needed.append(Permission.ADD_REACTIONS)
        self._access.in_channel(by, channel, *needed)
        maximum = self._core.rules.reactions_per_message
        if key not in message.reactions and len(message.reactions) >= maximum:
            raise errors.DiscordError(403, 30010, f"Maximum number of reactions reached ({maximum})")
        reaction = message.reactions.setdefault(key, reaction)
        if by.id in reaction.user_ids:
            return
        reaction.user_ids[by.id] = None
        payload = self._event(channel, message, reaction, by.id) | {"message_author_id": str(message.author.id)}
        guild = self._core.guild_of(channel)
        if guild is not None:
            payload["member"] = payloads.full_member(guild.members[by.id])
        self._emit("MESSAGE_REACTION_ADD", channel, payload)

    def remove(self, by: User, channel: Channel, message: Message, emoji: str, user_id: int) -> None:
        """Take a user's reaction away; for others' MANAGE_MESSAGES is needed. Raises 10014 when there is none."""
        self._access.in_channel(by, channel, *((Permission.MANAGE_MESSAGES,) if user_id != by.id else ()))
        key = _wanted_key(emoji)
        reaction = message.reactions.get(key)
        if reaction is None or user_id not in reaction.user_ids:
            raise errors.unknown("Emoji")
        del reaction.user_ids[user_id]
        if not reaction.user_ids:
            del message.reactions[key]
        self._emit("MESSAGE_REACTION_REMOVE", channel, self._event(channel, message, reaction, user_id))

    def clear(self, by: User, channel: Channel, message: Message) -> None:
        """Take all reactions away."""
        self._access.in_channel(by, channel, Permission.MANAGE_MESSAGES)
        message.reactions.clear()
        self._emit("MESSAGE_REACTION_REMOVE_ALL", channel, self._place(channel, message))

    def clear_emoji(self, by: User, channel: Channel, message: Message, emoji: str) -> None:
        """Take all reactions of one emoji away. Raises 10014 when there are none."""
        self._access.in_channel(by, channel, Permission.MANAGE_MESSAGES)
        reaction = message.reactions.pop(_wanted_key(emoji), None)
        if reaction is None:
            raise errors.unknown("Emoji")
        payload = self._place(channel, message) | {"emoji": reaction_emoji(reaction)}
        self._emit("MESSAGE_REACTION_REMOVE_EMOJI", channel, payload)

    def users(self, by: User, channel: Channel, message: Message, emoji: str) -> list[User]:
        """Who reacted with an emoji, in order."""
        self._access.in_channel(by, channel, Permission.READ_MESSAGE_HISTORY)
        reaction = message.reactions.get(_wanted_key(emoji))
        return [] if reaction is None else [self._core.users[item] for item in reaction.user_ids]

    def typing(self, by: User, channel: Channel) -> None:
        """TYPING_START."""
        needed = Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS
        self._access.in_channel(by, channel, needed)
        payload: JsonObject = {
            "channel_id": str(channel.id),
            "user_id": str(by.id),
            "timestamp": int(self._core.clock.time()),
        }
        guild = self._core.guild_of(channel)
        if guild is not None:
            payload |= {"guild_id": str(guild.id), "member": payloads.full_member(guild.members[by.id])}
        self._core.emit(
            "TYPING_START",
            payload,
            intents=intents.typing(channel.guild_id),
            guild_id=channel.guild_id,
            channel_id=channel.id,
            bot_id=channel.bot_id,
        )

    def _parse(self, emoji: str) -> Reaction:
        if match := _CUSTOM.match(emoji):
            emoji_id = int(match.group(2))
            if known := self._core.emojis.get(emoji_id):
                return Reaction(known.id, known.name, known.animated)
            raise errors.unknown("Emoji")
        if not is_emoji(emoji):
            raise errors.unknown("Emoji")
        return Reaction(None, emoji)

    def _check_custom(self, by: User, channel: Channel, emoji_id: int) -> None:
        """Bots use the emoji of guilds that they are in: 10014; elsewhere only by USE_EXTERNAL_EMOJIS: 50013."""
        home = self._core.emojis[emoji_id].guild_id
        bot = self._core.bots.get(by.id)
        if bot is not None and home not in bot.guild_ids:
            raise errors.unknown("Emoji")
        if home != channel.guild_id:
            self._access.in_channel(by, channel, Permission.USE_EXTERNAL_EMOJIS)

    def _event(self, channel: Channel, message: Message, reaction: Reaction, user_id: int) -> JsonObject:
        return self._place(channel, message) | {
            "user_id": str(user_id),
            "emoji": reaction_emoji(reaction),
            "burst": False,
            "type": 0,
        }

    @staticmethod
    def _place(channel: Channel, message: Message) -> JsonObject:
        payload: JsonObject = {"channel_id": str(channel.id), "message_id": str(message.id)}
        return payload if channel.guild_id is None else payload | {"guild_id": str(channel.guild_id)}

    def _emit(self, name: str, channel: Channel, payload: JsonObject) -> None:
        self._core.emit(
            name,
            payload,
            intents=intents.reactions(channel.guild_id),
            guild_id=channel.guild_id,
            channel_id=channel.id,
            bot_id=channel.bot_id,
        )


def is_emoji(text: str) -> bool:
    """Whether a text looks like one emoji: short, no letters, and a pictograph, flag or keycap in it."""
    if not 0 < len(text) <= 16 or any(character.isalpha() or character.isspace() for character in text):
        return False
    return "\u20e3" in text or any(ord(character) > 0x203B or ord(character) in (0xA9, 0xAE) for character in text)


def _key(reaction: Reaction) -> str:
    return str(reaction.emoji_id or reaction.emoji_name)


def _wanted_key(emoji: str) -> str:
    """The key of an emoji that may have been deleted since somebody reacted with it."""
    match = _CUSTOM.match(emoji)
    return match.group(2) if match else emoji
