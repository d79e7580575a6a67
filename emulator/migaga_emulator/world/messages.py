"""Messages: posting, editing, deleting. Called by REST, interactions and people."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass

from migaga_emulator.world import errors, intents, snowflakes
from migaga_emulator.world.core import Access, Core, audit
from migaga_emulator.world.drafts import (
    COMPONENTS_V2,
    EPHEMERAL,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    MessageDraft,
    Upload,
)
from migaga_emulator.world.mentions import find_mentions
from migaga_emulator.world.message_payloads import message_event
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.state import Attachment, Channel, Guild, Message, Thread, User
from migaga_emulator.world.wire import JsonObject

SILENT_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
"""Flags that a sender may set on any message."""


@dataclass(slots=True)
class Origin:
    """What a message has more when it answers an interaction."""

    interaction_id: int
    application_id: int
    token_holder: int
    metadata: JsonObject
    type: int = 20
    ephemeral: bool = False
    loading: bool = False


class Messages:
    """Changes messages and tells the gateway."""

    def __init__(self, core: Core, access: Access) -> None:
        self._core = core
        self._access = access
        self._nonces: dict[tuple[int, str], Message] = {}

    def get(self, channel: Channel, message_id: int) -> Message:
        """Raises 10008."""
        if found := channel.messages.get(message_id):
            return found
        raise errors.unknown("Message")

    def read(
        self, by: User, channel: Channel, *, limit: int, before: int | None, after: int | None, around: int | None
    ) -> list[Message]:
        """A page of messages, newest first. Without READ_MESSAGE_HISTORY it is empty, as Discord answers."""
        self._access.in_channel(by, channel)
        if not self._access.of(by, channel) & Permission.READ_MESSAGE_HISTORY:
            return []
        ids = list(channel.messages)
        low, high = page_of(ids, limit, before, after, around)
        return [channel.messages[item] for item in reversed(ids[low:high])]

    def post(self, author: User, channel: Channel, draft: MessageDraft, origin: Origin | None = None) -> Message:
        """Send a message. Raises 50001, 50013, 50007, 50008, 50035; a known enforced nonce gives the old message."""
        bits = self._check_post(author, channel, draft, origin)
        key = (author.id, str(draft.nonce))
        if draft.nonce is not None and draft.enforce_nonce and (earlier := self._by_nonce(key)):
            return earlier
        replied = self._replied(author, channel, draft)
        guild = self._core.guild_of(channel)
        message = Message(
            self._core.ids.next(),
            channel.id,
            channel.guild_id,
            author,
            draft.content,
            self._core.clock.time(),
            embeds=draft.embeds,
            components=draft.components,
            flags=draft.flags & SILENT_FLAGS,
            nonce=draft.nonce,
            tts=draft.tts,
        )
        message.attachments = self._store(channel, message.id, draft)
        message.mentions = find_mentions(draft, self._core.users, guild, bits, replied)
        if draft.reply_to is not None:
            _refer(message, channel, draft, replied)
        if origin is not None:
            _originate(message, origin, replied)
        if draft.nonce is not None:
            self._nonces[key] = message
        self._publish(channel, guild, message)
        return message

    def system(self, channel: Channel, author: User, kind: int) -> Message:
        """A message of the system: 7 somebody joined, 8 somebody boosted."""
        message = Message(
            self._core.ids.next(), channel.id, channel.guild_id, author, "", self._core.clock.time(), type=kind
        )
        self._publish(channel, self._core.guild_of(channel), message)
        return message

    def edit(self, by: User, channel: Channel, message: Message, draft: MessageDraft) -> Message:
        """Change what was sent again. Raises 50005 for a message of somebody else, but for hiding its embeds."""
        if message.author is not by:
            if draft.given - {"flags"}:
                raise errors.DiscordError(403, 50005, "Cannot edit a message authored by another user")
            self._access.in_channel(by, channel, Permission.MANAGE_MESSAGES)
        self.apply(channel, message, draft)
        return message

    def apply(self, channel: Channel, message: Message, draft: MessageDraft) -> None:
        """Put the given parts of a checked draft into a message and tell the gateway. Raises 50006."""
        attachments = self._edited_attachments(channel, message, draft)
        if not self._shows(message, draft, attachments):
            raise errors.empty_message()
        for key in ("content", "embeds", "components"):
            if key in draft.given:
                setattr(message, key, getattr(draft, key))
        message.attachments = attachments
        if "flags" in draft.given:
            message.flags = message.flags & ~SILENT_FLAGS | draft.flags & SILENT_FLAGS
        guild = self._core.guild_of(channel)
        if "content" in draft.given or "allowed_mentions" in draft.given:
            draft.content = message.content
            bits = self._access.of(message.author, channel)
            message.mentions = find_mentions(draft, self._core.users, guild, bits, message.referenced)
        message.edited_at = self._core.clock.time()
        self.emit_update(channel, message)

    def emit_update(self, channel: Channel, message: Message) -> None:
        """MESSAGE_UPDATE, but for messages that only one person sees."""
        if message.flags & EPHEMERAL:
            return
        self._emit("MESSAGE_UPDATE", channel, message)

    def delete(self, by: User | None, channel: Channel, message_id: int, reason: str | None = None) -> None:
        """Delete a message. Raises 10008, and 50013 without MANAGE_MESSAGES for one of somebody else."""
        self._access.in_channel(by, channel)
        message = self.get(channel, message_id)
        others = by is not None and message.author is not by
        if others:
            if channel.guild_id is None:
                raise errors.DiscordError(403, 50003, "Cannot execute action on a DM channel")
            self._access.in_channel(by, channel, Permission.MANAGE_MESSAGES)
        self.remove(channel, message)
        guild = self._core.guild_of(channel)
        if guild is not None and others:
            options: JsonObject = {"channel_id": str(channel.id), "count": "1"}
            audit(self._core, guild, by, 72, message.author.id, reason=reason, options=options)

    def remove(self, channel: Channel, message: Message) -> None:
        """Take a message away and tell the gateway (not for one that only one person saw)."""
        if channel.messages.pop(message.id, None) is None:
            return
        payload = self._place(channel) | {"id": str(message.id)}
        self._core.emit(
            "MESSAGE_DELETE",
            payload,
            intents=intents.messages(channel.guild_id),
            guild_id=channel.guild_id,
            channel_id=channel.id,
            bot_id=channel.bot_id,
        )

    def delete_many(self, by: User | None, channel: Channel, ids: list[int], reason: str | None = None) -> None:
        """Delete 2 to 100 messages at once. Raises 50034 when one is two weeks old; unknown ones are passed over."""
        guild = self._core.guild_of(channel)
        if guild is None:
            raise errors.DiscordError(403, 50003, "Cannot execute action on a DM channel")
        self._access.in_channel(by, channel, Permission.MANAGE_MESSAGES)
        oldest = snowflakes.at(self._core.clock.time() - self._core.rules.bulk_delete_days * 86_400)
        if any(item < oldest for item in ids):
            days = self._core.rules.bulk_delete_days
            message = f"You can only bulk delete messages that are under {days} days old."
            raise errors.DiscordError(400, 50034, message)
        gone = self._drop(channel, ids)
        if gone:
            options: JsonObject = {"count": str(gone)}
            audit(self._core, guild, by, 73, channel.id, reason=reason, options=options)

    def purge(self, guild: Guild, user_id: int, since: float) -> None:
        """Delete everything that a user wrote in a guild since a time."""
        oldest = snowflakes.at(since)
        for channel in list(guild.channels.values()):
            messages = channel.messages.values()
            self._drop(channel, [item.id for item in messages if item.author.id == user_id and item.id >= oldest])

    def _drop(self, channel: Channel, ids: Iterable[int]) -> int:
        gone = [str(item) for item in dict.fromkeys(ids) if channel.messages.pop(item, None) is not None]
        if gone:
            payload = self._place(channel) | {"ids": gone}
            wanted = intents.messages(channel.guild_id)
            self._core.emit(
                "MESSAGE_DELETE_BULK", payload, intents=wanted, guild_id=channel.guild_id, channel_id=channel.id
            )
        return len(gone)

    def _publish(self, channel: Channel, guild: Guild | None, message: Message) -> None:
        if message.flags & EPHEMERAL:
            return
        channel.messages[message.id] = message
        channel.last_message_id = message.id
        if channel.thread is not None:
            _join_thread(channel.thread, message.author)
        if len(channel.messages) > self._core.rules.messages_kept_per_channel:
            del channel.messages[next(iter(channel.messages))]
        self._emit("MESSAGE_CREATE", channel, message)

    def _emit(self, name: str, channel: Channel, message: Message) -> None:
        guild = self._core.guild_of(channel)
        member = None if guild is None else guild.members.get(message.author.id)
        payload = message_event(message, guild, member)
        self._core.emit(
            name,
            payload,
            intents=intents.messages(channel.guild_id),
            guild_id=channel.guild_id,
            channel_id=channel.id,
            bot_id=channel.bot_id,
        )

    def _check_post(self, author: User, channel: Channel, draft: MessageDraft, origin: Origin | None) -> int:
        bits = self._access.of(author, channel)
        if origin is not None:
            return bits
        if channel.type == 4:
            raise errors.DiscordError(400, 50008, "Cannot send messages in a non-text channel")
        needed = [Permission.SEND_MESSAGES if channel.thread is None else Permission.SEND_MESSAGES_IN_THREADS]
        if draft.embeds:
            needed.append(Permission.EMBED_LINKS)
        if draft.uploads:
            needed.append(Permission.ATTACH_FILES)
        self._access.in_channel(author, channel, *needed)
        if channel.guild_id is None and author.bot:
            self._check_dm(author, channel)
        return bits

    def _check_dm(self, author: User, channel: Channel) -> None:
        """A bot reaches people who allow it and share a guild with it."""
        person = next(item for item in channel.recipient_ids if item != author.id)
        shared = any(person in self._core.guilds[item].members for item in self._core.bots[author.id].guild_ids)
        if not shared or not self._core.users[person].takes_dms:
            raise errors.cannot_dm()

    def _by_nonce(self, key: tuple[int, str]) -> Message | None:
        oldest = self._core.clock.time() - self._core.rules.nonce_s
        while self._nonces:
            first = next(iter(self._nonces))
            if self._nonces[first].created_at >= oldest:
                break
            del self._nonces[first]
        return self._nonces.get(key)

    def _replied(self, author: User, channel: Channel, draft: MessageDraft) -> Message | None:
        if draft.reply_to is None:
            return None
        source = channel
        if draft.reply_channel is not None and draft.reply_channel != channel.id:
            if not draft.forward:
                message = "Cannot reply to a message in a different channel"
                raise errors.invalid_form(("message_reference",), "REPLIES_CANNOT_REPLY_TO_OTHER_CHANNEL", message)
            source = self._core.channel(draft.reply_channel)
        if not self._access.of(author, source) & Permission.READ_MESSAGE_HISTORY:
            raise errors.DiscordError(403, 160002, "Cannot reply without permission to read message history")
        replied = source.messages.get(draft.reply_to)
        if replied is None and (draft.reply_must_exist or draft.forward):
            raise errors.invalid_form(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
        return replied

    def _store(self, channel: Channel, message_id: int, draft: MessageDraft) -> list[Attachment]:
        return [self._attachment(channel, message_id, upload, draft) for upload in draft.uploads]

    def _attachment(self, channel: Channel, message_id: int, upload: Upload, draft: MessageDraft) -> Attachment:
        new_id = self._core.ids.next()
        url = f"{self._core.file_base}/attachments/{channel.id}/{new_id}/{upload.filename}"
        description = draft.descriptions.get(upload.key)
        ephemeral = bool(draft.flags & EPHEMERAL)
        return self._core.keep_file(
            Attachment(new_id, upload.filename, upload.content_type, upload.data, url, description, ephemeral)
        )

    def _edited_attachments(self, channel: Channel, message: Message, draft: MessageDraft) -> list[Attachment]:
        kept = message.attachments
        if "attachments" in draft.given:
            wanted = draft.kept_attachments or frozenset()
            kept = [item for item in kept if item.id in wanted]
        return [*kept, *self._store(channel, message.id, draft)]

    def _shows(self, message: Message, draft: MessageDraft, attachments: list[Attachment]) -> bool:
        def after(key: str) -> object:
            return getattr(draft if key in draft.given else message, key)

        return bool(after("content") or after("embeds") or after("components") or attachments or message.type == 7)

    @staticmethod
    def _place(channel: Channel) -> JsonObject:
        payload: JsonObject = {"channel_id": str(channel.id)}
        return payload if channel.guild_id is None else payload | {"guild_id": str(channel.guild_id)}


def page_of(ids: list[int], limit: int, before: int | None, after: int | None, around: int | None) -> tuple[int, int]:
    """The slice of growing `ids` that a page shows."""
    if around is not None:
        middle = bisect.bisect_left(ids, around)
        low = max(0, middle - limit // 2)
        return low, min(len(ids), low + limit)
    if after is not None:
        low = bisect.bisect_right(ids, after)
        return low, min(len(ids), low + limit)
    high = len(ids) if before is None else bisect.bisect_left(ids, before)
    return max(0, high - limit), high


def _refer(message: Message, channel: Channel, draft: MessageDraft, replied: Message | None) -> None:
    reference: JsonObject = {
        "type": 1 if draft.forward else 0,
        "message_id": str(draft.reply_to),
        "channel_id": str(draft.reply_channel or channel.id),
    }
    if channel.guild_id is not None:
        reference["guild_id"] = str(channel.guild_id)
    message.reference = reference
    if not draft.forward:
        message.type, message.referenced = 19, replied


def _originate(message: Message, origin: Origin, replied: Message | None) -> None:
    message.webhook_id = message.application_id = origin.application_id
    message.interaction_id = origin.interaction_id
    message.interaction_metadata = origin.metadata
    message.type = origin.type
    message.referenced = replied
    if origin.ephemeral:
        message.flags |= EPHEMERAL
        message.ephemeral_to = origin.token_holder
    if origin.loading:
        message.flags |= 1 << 7


def _join_thread(thread: Thread, author: User) -> None:
    thread.message_count += 1
    thread.member_ids.add(author.id)
