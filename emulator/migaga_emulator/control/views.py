"""State as the control API shows it: ids are text; members, roles, channels, messages look as in Discord's REST API."""

from __future__ import annotations

from migaga_emulator.gateway.session import Session
from migaga_emulator.ledger.answers import Asked, TextCommand
from migaga_emulator.world import message_payloads, payloads
from migaga_emulator.world.state import Bot, Guild, Member, Message, User
from migaga_emulator.world.wire import JsonObject


def bot(source: Bot) -> JsonObject:
    """A bot with its token: this is the side of its owner."""
    return {
        "id": str(source.user.id),
        "application_id": str(source.application_id),
        "name": source.name,
        "token": source.token,
        "revoked": source.revoked,
        "privileged_intents": source.privileged_intents,
        "owner": str(source.owner.id),
        "guilds": [str(guild_id) for guild_id in sorted(source.guild_ids)],
    }


def user(source: User) -> JsonObject:
    """A person."""
    return {"id": str(source.id), "username": source.username, "global_name": source.global_name, "bot": source.bot}


def guild(source: Guild) -> JsonObject:
    """A guild in short: ids of what is in it."""
    return {
        "id": str(source.id),
        "name": source.name,
        "owner": str(source.owner_id),
        "unavailable": source.unavailable,
        "channels": [{"id": str(item.id), "name": item.name, "type": item.type} for item in source.channels.values()],
        "roles": [{"id": str(item.id), "name": item.name} for item in source.roles.values()],
        "members": [str(user_id) for user_id in source.members],
        "bots": [str(bot_id) for bot_id in sorted(source.bot_ids)],
        "bans": [str(user_id) for user_id in source.bans],
        "emojis": [{"id": str(item.id), "name": item.name} for item in source.emojis.values()],
    }


def member(source: Member) -> JsonObject:
    """A member as in REST."""
    return payloads.full_member(source)


def message(source: Message) -> JsonObject:
    """A message as in REST."""
    return message_payloads.message(source)


def session(source: Session) -> JsonObject:
    """A gateway session. Its id is a secret of the bot and not shown."""
    generation = source.generation
    return {
        "bot": str(source.bot_id),
        "shard_id": generation.shard_id,
        "shard_count": generation.shard_count,
        "intents": generation.intents,
        "seq": source.seq,
        "replay_floor": source.replay_floor,
        "connected": source.connected,
        "presence": source.presence,
    }


def interaction_answer(asked: Asked) -> JsonObject:
    """What became of an interaction."""
    source = asked.interaction
    response = source.response
    shown = None if response is None else message(response)
    latency = None if source.answered_at is None else source.answered_at - source.created_at
    return {
        "id": str(source.id),
        "answered": asked.answered,
        "acknowledged": asked.acknowledged,
        "late": asked.late and not asked.acknowledged,
        "type": source.answer_type,
        "deferred": source.deferred,
        "ephemeral": source.ephemeral,
        "latency": latency,
        "message": shown,
        "followups": [message(item) for item in source.followups],
        "choices": source.answer_data.get("choices", []) if source.answer_type == 8 else [],
        "modal": source.answer_data if source.answer_type == 9 else None,
        "calls": asked.calls,
    }


def command_answer(command: TextCommand) -> JsonObject:
    """What became of a text command; the first message is the answer, the others are follow-ups."""
    first = command.answers[0] if command.answers else None
    latency = None if command.answered_at is None else command.answered_at - command.at
    return {
        "id": str(command.message_id),
        "answered": first is not None,
        "acknowledged": first is not None,
        "late": False,
        "type": None,
        "deferred": False,
        "ephemeral": False,
        "latency": latency,
        "message": None if first is None else message(first),
        "followups": [message(item) for item in command.answers[1:]],
        "choices": [],
        "modal": None,
        "calls": len(command.answers),
    }
