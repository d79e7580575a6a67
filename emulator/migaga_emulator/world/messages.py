"""Messages: posting, editing, deleting. Called by REST, interactions and people."""

from __future__ import annotations

import bisect
from collections.abc import Iterable
from dataclasses import dataclass

from migaga_emulator.world import errors, intents, payloads, snowflakes
from migaga_emulator.world.core import Access, Core, audit
from migaga_emulator.world.drafts import (
    COMPONENTS_V2,
    EPHEMERAL,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    MessageDraft,
    Upload,
    check_files,
)
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.mentions import find_mentions
from migaga_emulator.world.message_payloads import message_event
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.posting import Posting
from migaga_emulator.world.state import Attachment, Channel, Guild, Message, Thread, User
from migaga_emulator.world.threads import join
from migaga_emulator.world.wire import JsonObject, optional_id

SILENT_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2
"""Flags that a sender may set on any message."""
HAS_THREAD = 1 << 5


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
        self._posting = Posting(core, access)
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

    def post(
        self,
        author: User,
        channel: Channel,
        draft: MessageDraft,
        origin: Origin | None = None,
        *,
        message_id: int | None = None,
    ) -> Message:
        """Send a message. Raises 50001, 50013, 50007, 50008, 50035; a known enforced nonce gives the old message.

        `message_id`: for the first message of a forum's post, which has the post's id.
        """
        bits = self._access.of(author, channel)
        if origin is None:
            self._posting.check(author, channel, draft)
        key = (author.id, str(draft.nonce))
        if draft.nonce is not None and draft.enforce_nonce and (earlier := self._by_nonce(key)):
            return earlier
        replied = self._posting.replied(author, channel, draft)
        carried = self._posting.forwarded(author, replied) if draft.forward and replied is not None else None
        guild = self._core.guild_of(channel)
        message = Message(
            message_id or self._core.ids.next(),
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
            snapshot=carried,
        )
        hidden = origin is not None and origin.ephemeral
        message.attachments = self._store(channel, draft, hidden=hidden)
        message.mentions = find_mentions(draft, self._core.users, guild, bits, replied)
        if draft.reply_to is not None:
            _refer(message, channel, draft, replied)
        if origin is not None:
            _originate(message, origin, replied)
        if draft.nonce is not None:
            self._nonces[key] = message
        self._publish(channel, guild, message)
        return message

    def system(self, channel: Channel, author: User, kind: int, *, about: Message | None = None) -> Message:
        """A message of the system: 6 somebody pinned `about`, 7 somebody joined, 8 somebody boosted."""
        message = Message(
            self._core.ids.next(), channel.id, channel.guild_id, author, "", self._core.clock.time(), type=kind
        )
        if about is not None:
            message.reference = _reference(channel, about.id, 0)
        self._publish(channel, self._core.guild_of(channel), message)
        return message

    def edit(self, by: User, channel: Channel, message: Message, draft: MessageDraft) -> Message:
        """Change what was sent again. Raises 50005 for a message of somebody else, but for hiding its embeds.

        Raises 50083 in an archived thread and 160005 in a locked one.
        """
        if channel.thread is not None and channel.thread.archived:
            raise errors.archived()
        self._posting.check_unlocked(by, channel)
        if message.author is not by:
            if draft.given - {"flags"}:
                raise errors.DiscordError(403, 50005, "Cannot edit a message authored by another user")
            self._access.in_channel(by, channel, Permission.MANAGE_MESSAGES)
        self.apply(channel, message, draft)
        return message

    def apply(self, channel: Channel, message: Message, draft: MessageDraft) -> None:
        """Put the given parts of a checked draft into a message and tell the gateway. Raises 50006."""
        attachments = self._edited_attachments(channel, message, draft)
        check_files(len(attachments), self._core.rules)
        if not self._shows(message, draft, attachments):
            raise errors.empty_message()
        for key in ("content", "embeds", "components"):
            if key in draft.given:
                setattr(message, key, getattr(draft, key))
        message.attachments = attachments
        if "flags" in draft.given:
            message.flags = message.flags & ~SILENT_FLAGS | draft.flags & SILENT_FLAGS
        guild = self._core.guild_of(channel)
        # Made anew "from scratch", with the allowances of this request only; what was not edited keeps its mentions.
        if ("components" if message.flags & COMPONENTS_V2 else "content") in draft.given:
            bits = self._access.of(message.author, channel)
            message.mentions = find_mentions(draft, self._core.users, guild, bits, message.referenced)
        message.edited_at = self._core.clock.time()
        self.emit_update(channel, message)

    def has_thread(self, channel: Channel, message: Message, thread: Channel) -> None:
        """A thread was started from a message."""
        message.thread = thread
        message.flags |= HAS_THREAD
        self.emit_update(channel, message)

    def emit_update(self, channel: Channel, message: Message) -> None:
        """MESSAGE_UPDATE."""
        self._emit("MESSAGE_UPDATE", channel, message)

    def delete(self, by: User | None, channel: Channel, message_id: int, reason: str | None = None) -> None:
        """Delete a message. Raises 10008, and 50013 without MANAGE_MESSAGES for one of somebody else."""
        self._access.in_channel(by, channel)
        message = self.get(channel, message_id)
        others = by is not None and message.author is not by
        if others:
            if channel.guild_id is None:
                raise errors.dm_channel()
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
        _uncount(channel, 1)
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
        """Delete 2 to 100 messages at once; unknown ones are passed over.

        Raises 50034 when one is two weeks old, 50035 when one is named twice.
        """
        guild = self._core.guild_of(channel)
        if guild is None:
            raise errors.dm_channel()
        self._access.in_channel(by, channel, Permission.MANAGE_MESSAGES)
        if len(set(ids)) < len(ids):
            message = "Must not contain the same message twice."
            raise errors.invalid_form(("messages",), "SET_TYPE_CONTAINS_DUPLICATES", message)
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
        _uncount(channel, len(gone))
        if gone:
            payload = self._place(channel) | {"ids": gone}
            wanted = intents.messages(channel.guild_id)
            self._core.emit(
                "MESSAGE_DELETE_BULK", payload, intents=wanted, guild_id=channel.guild_id, channel_id=channel.id
            )
        return len(gone)

    def _publish(self, channel: Channel, guild: Guild | None, message: Message) -> None:
        if message.flags & EPHEMERAL:
            self._emit("MESSAGE_CREATE", channel, message)
            return
        channel.messages[message.id] = message
        channel.last_message_id = message.id
        if channel.thread is not None:
            self._wake(channel, channel.thread)
        if len(channel.messages) > self._core.rules.messages_kept_per_channel:
            del channel.messages[next(iter(channel.messages))]
        self._emit("MESSAGE_CREATE", channel, message)
        if guild is not None:
            join(self._core, guild, channel, message.author)

    def _wake(self, channel: Channel, thread: Thread) -> None:
        """A message counts, and takes a thread out of the archive."""
        thread.message_count += 1
        thread.total_messages += 1
        if thread.archived:
            thread.archived, thread.archived_at = False, self._core.clock.time()
            payload = payloads.channel(channel)
            self._core.emit(
                "THREAD_UPDATE", payload, intents=Intent.GUILDS, guild_id=channel.guild_id, channel_id=channel.id
            )

    def _emit(self, name: str, channel: Channel, message: Message) -> None:
        if message.flags & EPHEMERAL:
            # Told to the bot as a direct message would be: without the guild, to shard 0. (observed)
            guild, bot_id = None, message.application_id
        else:
            guild, bot_id = self._core.guild_of(channel), channel.bot_id
        guild_id = None if guild is None else guild.id
        self._core.emit(
            name,
            message_event(message, guild, new=name == "MESSAGE_CREATE"),
            intents=intents.messages(guild_id),
            guild_id=guild_id,
            channel_id=channel.id,
            bot_id=bot_id,
        )

    def _by_nonce(self, key: tuple[int, str]) -> Message | None:
        oldest = self._core.clock.time() - self._core.rules.nonce_s
        while self._nonces:
            first = next(iter(self._nonces))
            if self._nonces[first].created_at >= oldest:
                break
            del self._nonces[first]
        return self._nonces.get(key)

    def _store(self, channel: Channel, draft: MessageDraft, *, hidden: bool) -> list[Attachment]:
        return [self._attachment(channel, upload, draft, hidden) for upload in draft.uploads]

    def _attachment(self, channel: Channel, upload: Upload, draft: MessageDraft, hidden: bool) -> Attachment:
        new_id = self._core.ids.next()
        base = "ephemeral-attachments" if hidden else "attachments"
        url = f"{self._core.file_base}/{base}/{channel.id}/{new_id}/{upload.filename}"
        description = draft.descriptions.get(upload.key)
        return self._core.keep_file(
            Attachment(new_id, upload.filename, upload.content_type, upload.data, url, description, hidden)
        )

    def _edited_attachments(self, channel: Channel, message: Message, draft: MessageDraft) -> list[Attachment]:
        kept = message.attachments
        if "attachments" in draft.given:
            wanted = draft.kept_attachments or frozenset()
            kept = [item for item in kept if item.id in wanted]
        return [*kept, *self._store(channel, draft, hidden=bool(message.flags & EPHEMERAL))]

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
    message.reference = _reference(channel, draft.reply_to, int(draft.forward)) | (
        {"channel_id": str(draft.reply_channel)} if draft.reply_channel is not None else {}
    )
    if not draft.forward:
        message.type, message.referenced = 19, replied


def _reference(channel: Channel, message_id: int | None, kind: int) -> JsonObject:
    reference: JsonObject = {"type": kind, "message_id": optional_id(message_id), "channel_id": str(channel.id)}
    return reference if channel.guild_id is None else reference | {"guild_id": str(channel.guild_id)}


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


def _uncount(channel: Channel, gone: int) -> None:
    """Deleted messages leave `message_count`, and not `total_message_sent`."""
    if channel.thread is not None:
        channel.thread.message_count = max(0, channel.thread.message_count - gone)
