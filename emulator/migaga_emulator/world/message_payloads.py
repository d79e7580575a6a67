"""How messages, reactions and attachments look on the wire."""

from __future__ import annotations

from migaga_emulator.world import payloads
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.state import Attachment, Guild, Message, Reaction
from migaga_emulator.world.wire import JsonObject, objects, optional_timestamp, timestamp


def attachment(source: Attachment) -> JsonObject:
    """A file of a message."""
    payload: JsonObject = {
        "id": str(source.id),
        "filename": source.filename,
        "size": len(source.data),
        "url": source.url,
        "proxy_url": source.url,
        "content_type": source.content_type,
    }
    if source.description is not None:
        payload["description"] = source.description
    return payload | {"ephemeral": True} if source.ephemeral else payload


def reaction_emoji(source: Reaction) -> JsonObject:
    """The partial emoji of a reaction."""
    payload: JsonObject = {"id": None if source.emoji_id is None else str(source.emoji_id), "name": source.emoji_name}
    return payload | {"animated": source.animated} if source.emoji_id is not None else payload


def message(source: Message, viewer_id: int | None = None, *, new: bool = False) -> JsonObject:
    """A message as REST answers it; `viewer_id` decides whose reactions are `me`.

    `new`: it has just been sent. Only then its nonce is shown, so that the sender knows the message again.
    """
    payload: JsonObject = {
        "id": str(source.id),
        "channel_id": str(source.channel_id),
        "author": payloads.user(source.author),
        "content": source.content,
        "timestamp": timestamp(source.created_at),
        "edited_timestamp": optional_timestamp(source.edited_at),
        "tts": source.tts,
        "mention_everyone": source.mentions.everyone,
        "mentions": [payloads.user(user) for user in source.mentions.users],
        "mention_roles": [str(role_id) for role_id in source.mentions.role_ids],
        "attachments": [attachment(item) for item in source.attachments],
        "embeds": source.embeds,
        "components": source.components,
        "pinned": source.pinned_at is not None,
        "type": source.type,
        "flags": source.flags,
    }
    if source.reactions:
        payload["reactions"] = [_reaction(item, viewer_id) for item in source.reactions.values()]
    _add_origin(payload, source)
    if source.reference is not None:
        payload["message_reference"] = source.reference
    if source.type == 19:
        payload["referenced_message"] = None if source.referenced is None else _referenced(source.referenced)
    if source.thread is not None:
        payload["thread"] = payloads.channel(source.thread)
    if source.snapshot is not None:
        payload["message_snapshots"] = [{"message": source.snapshot}]
    if new and source.nonce is not None:
        payload["nonce"] = source.nonce
    return payload


def _add_origin(payload: JsonObject, source: Message) -> None:
    if source.webhook_id is not None:
        payload["webhook_id"] = str(source.webhook_id)
    if source.application_id is not None:
        payload["application_id"] = str(source.application_id)
    if source.interaction_metadata is not None:
        payload["interaction_metadata"] = source.interaction_metadata


def _referenced(source: Message) -> JsonObject:
    """The message that was answered, without the one that it may answer itself."""
    payload = message(source)
    payload.pop("referenced_message", None)
    return payload


def _reaction(source: Reaction, viewer_id: int | None) -> JsonObject:
    count = len(source.user_ids)
    return {
        "emoji": reaction_emoji(source),
        "count": count,
        "count_details": {"burst": 0, "normal": count},
        "me": viewer_id in source.user_ids,
        "me_burst": False,
        "burst_colors": [],
    }


_SNAPSHOT = (
    *("type", "content", "embeds", "attachments", "timestamp", "edited_timestamp"),
    *("flags", "mentions", "mention_roles", "components"),
)


def snapshot(source: Message) -> JsonObject:
    """What a forward copies of a message: not who wrote it, and nothing that it forwarded itself."""
    payload = message(source)
    return {key: payload[key] for key in _SNAPSHOT}


def message_event(source: Message, guild: Guild | None, *, new: bool) -> JsonObject:
    """A message as MESSAGE_CREATE (`new`) and MESSAGE_UPDATE carry it: with the guild and members."""
    payload = message(source, new=new)
    if not new:
        payload["tts"] = False
    if guild is None:
        return payload
    payload["guild_id"] = str(guild.id)
    member = guild.members.get(source.author.id)
    if member is not None and source.webhook_id is None:
        payload["member"] = payloads.member(member)
    payload["mentions"] = [
        payloads.user(user) | ({"member": payloads.member(guild.members[user.id])} if user.id in guild.members else {})
        for user in source.mentions.users
    ]
    return payload


def strip_content(dispatch: Dispatch, bot_id: int) -> JsonObject:
    """The payload of MESSAGE_CREATE or MESSAGE_UPDATE for a session without MESSAGE_CONTENT.

    Content, embeds, attachments and components are emptied, but for direct messages, the bot's own and those that
    mention it. A message that was answered is looked at on its own.
    """
    if dispatch.guild_id is None or not dispatch.name.startswith("MESSAGE_") or "author" not in dispatch.payload:
        return dispatch.payload
    return without_content(dispatch.payload, bot_id)


def without_content(payload: JsonObject, bot_id: int) -> JsonObject:
    """A message of a guild as a bot sees it that may not read messages."""
    payload = _stripped(payload, str(bot_id))
    referenced = payload.get("referenced_message")
    if isinstance(referenced, dict):
        payload = payload | {"referenced_message": _stripped(referenced, str(bot_id))}
    return payload


def _stripped(payload: JsonObject, bot_id: str) -> JsonObject:
    author = payload.get("author")
    if isinstance(author, dict) and author.get("id") == bot_id:
        return payload
    if any(user.get("id") == bot_id for user in objects(payload.get("mentions"))):
        return payload
    return payload | {"content": "", "embeds": [], "attachments": [], "components": []}
