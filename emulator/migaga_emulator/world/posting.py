"""Who may send a message where, and what it may answer or carry on. Used by `messages.py`."""

from __future__ import annotations

from migaga_emulator.world import errors
from migaga_emulator.world.core import Access, Core
from migaga_emulator.world.drafts import MessageDraft
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.message_payloads import snapshot
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Channel, Message, User
from migaga_emulator.world.wire import JsonObject

CATEGORY = 4
FORUMS = (15, 16)


class Posting:
    """Checks of a message that is about to be sent; changes nothing."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access

    def check(self, author: User, channel: Channel, draft: MessageDraft) -> None:
        """Raises 50001, 50007, 50008, 50013, 40058 in a forum, 160005 in a locked thread."""
        if channel.type == CATEGORY:
            raise errors.DiscordError(400, 50008, "Cannot send messages in a non-text channel")
        if channel.type in FORUMS:
            raise errors.DiscordError(400, 40058, "Cannot send messages in a forum channel")
        needed = [Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS]
        if draft.embeds:
            needed.append(Permission.EMBED_LINKS)
        if draft.uploads:
            needed.append(Permission.ATTACH_FILES)
        if draft.tts:
            needed.append(Permission.SEND_TTS_MESSAGES)
        self._access.in_channel(author, channel, *needed)
        self.check_unlocked(author, channel)
        if channel.guild_id is None and author.bot:
            self._check_dm(author, channel)

    def check_unlocked(self, by: User, channel: Channel) -> None:
        """Raises 160005 in a locked thread for those without MANAGE_THREADS."""
        locked = channel.thread is not None and channel.thread.locked
        if locked and not self._access.of(by, channel) & Permission.MANAGE_THREADS:
            raise errors.DiscordError(400, 160005, "Thread is locked")

    def replied(self, author: User, channel: Channel, draft: MessageDraft) -> Message | None:
        """The message that a draft answers or forwards; None when it is gone and may be. Raises 50035, 160002."""
        if draft.reply_to is None:
            return None
        source = channel
        if draft.reply_channel is not None and draft.reply_channel != channel.id:
            if not draft.forward:
                message = "Cannot reply to a message in a different channel"
                raise errors.invalid_form(("message_reference",), "REPLIES_CANNOT_REPLY_TO_OTHER_CHANNEL", message)
            source = self._core.channel(draft.reply_channel)
        if draft.forward:
            self._access.in_channel(author, source)
        elif not self._access.of(author, source) & Permission.READ_MESSAGE_HISTORY:
            raise errors.DiscordError(403, 160002, "Cannot reply without permission to read message history")
        found = source.messages.get(draft.reply_to)
        if found is None and (draft.reply_must_exist or draft.forward):
            raise errors.invalid_form(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        if found is not None and found.system and not draft.forward:
            message = "Cannot reply to a system message"
            raise errors.invalid_form(("message_reference",), "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", message)
        return found

    def forwarded(self, author: User, source: Message) -> JsonObject:
        """The copy of a message that a forward carries. Raises 160014 for a bot that cannot read its content."""
        if source.system:
            raise errors.system_message()
        bot = self._core.bots.get(author.id)
        blind = bot is not None and not bot.privileged_intents & Intent.MESSAGE_CONTENT
        open_to_all = source.guild_id is None or source.author is author or author in source.mentions.users
        if blind and not open_to_all:
            raise errors.DiscordError(400, 160014, "You cannot forward a message whose content you cannot read")
        return snapshot(source)

    def _check_dm(self, author: User, channel: Channel) -> None:
        """A bot reaches people who allow it and share a guild with it."""
        person = next(item for item in channel.recipient_ids if item != author.id)
        shared = any(person in self._core.guilds[item].members for item in self._core.bots[author.id].guild_ids)
        if not shared or not self._core.users[person].takes_dms:
            raise errors.cannot_dm()
