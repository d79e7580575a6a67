"""Routes about reactions."""

from __future__ import annotations

from migaga_emulator.rest.call import NOTHING, Call, Reply
from migaga_emulator.rest.router import Router
from migaga_emulator.world import payloads
from migaga_emulator.world.state import Channel, Message


def add_to(router: Router) -> None:
    """Add the routes."""
    base = "/channels/{channel_id}/messages/{message_id}/reactions"
    router.add("DELETE", base, clear)
    router.add("GET", f"{base}/{{emoji}}", list_users)
    router.add("DELETE", f"{base}/{{emoji}}", clear_emoji)
    router.add("PUT", f"{base}/{{emoji}}/@me", add)
    router.add("DELETE", f"{base}/{{emoji}}/{{user_id}}", remove)


def _target(call: Call) -> tuple[Channel, Message]:
    channel = call.channel()
    return channel, call.world.messages.get(channel, call.id("message_id"))


def add(call: Call) -> Reply:
    """React as the bot."""
    channel, message = _target(call)
    call.world.reactions.add(call.user, channel, message, call.params["emoji"])
    return NOTHING


def remove(call: Call) -> Reply:
    """Take a reaction away: the bot's own (`@me`) or somebody's."""
    channel, message = _target(call)
    call.world.reactions.remove(call.user, channel, message, call.params["emoji"], call.id("user_id"))
    return NOTHING


def clear(call: Call) -> Reply:
    """Take all reactions away."""
    channel, message = _target(call)
    call.world.reactions.clear(call.user, channel, message)
    return NOTHING


def clear_emoji(call: Call) -> Reply:
    """Take all reactions of one emoji away."""
    channel, message = _target(call)
    call.world.reactions.clear_emoji(call.user, channel, message, call.params["emoji"])
    return NOTHING


def list_users(call: Call) -> Reply:
    """Who reacted with an emoji, in pages of up to 100."""
    channel, message = _target(call)
    limit = call.query_int("limit", 25, 1, 100)
    after = call.query_id("after") or 0
    users = call.world.reactions.users(call.user, channel, message, call.params["emoji"])
    wanted = sorted((user for user in users if user.id > after), key=lambda user: user.id)[:limit]
    return Reply([payloads.user(user) for user in wanted])
