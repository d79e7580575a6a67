"""Routes about pinned messages: the present ones, and the older ones that libraries still use."""

from __future__ import annotations

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world.errors import Problems
from migaga_emulator.world.fields import Body
from migaga_emulator.world.wire import JsonObject, optional_timestamp

_OLD_PAGE = 50


def add_to(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/channels/{channel_id}/messages/pins", list_pins)
    router.add("PUT", "/channels/{channel_id}/messages/pins/{message_id}", pin)
    router.add("DELETE", "/channels/{channel_id}/messages/pins/{message_id}", unpin)
    router.add("GET", "/channels/{channel_id}/pins", list_pinned_messages)
    router.add("PUT", "/channels/{channel_id}/pins/{message_id}", pin)
    router.add("DELETE", "/channels/{channel_id}/pins/{message_id}", unpin)


def list_pins(call: Call) -> Reply:
    """A page of pins, the last pinned first, and whether there are more."""
    channel = call.channel()
    limit = call.query_int("limit", 50, 1, 50)
    query = Body(call.query, Problems())
    before = query.time("before")
    checked(query)
    found = call.world.pins.of(call.user, channel)
    if before is not None:
        found = [item for item in found if (item.pinned_at or 0.0) < before]
    items: list[JsonObject] = [
        {"pinned_at": optional_timestamp(item.pinned_at), "message": call.shown(item)} for item in found[:limit]
    ]
    body: JsonObject = {"items": items, "has_more": len(found) > limit}
    return Reply(body)


def list_pinned_messages(call: Call) -> Reply:
    """The older form: the last 50, as plain messages."""
    return Reply([call.shown(item) for item in call.world.pins.of(call.user, call.channel())[:_OLD_PAGE]])


def pin(call: Call) -> Reply:
    """Pin a message."""
    channel = call.channel()
    found = call.world.messages.get(channel, call.id("message_id"))
    call.world.pins.pin(call.user, channel, found, call.reason)
    return NOTHING


def unpin(call: Call) -> Reply:
    """Take a pin away."""
    channel = call.channel()
    found = call.world.messages.get(channel, call.id("message_id"))
    call.world.pins.unpin(call.user, channel, found, call.reason)
    return NOTHING
