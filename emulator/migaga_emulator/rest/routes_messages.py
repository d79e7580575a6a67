"""Routes about messages."""

from __future__ import annotations

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors
from migaga_emulator.world.drafts import read_draft, read_new_draft
from migaga_emulator.world.permissions import Permission


def add_to(router: Router) -> None:
    """Add the routes."""
    base = "/channels/{channel_id}/messages"
    router.add("GET", base, list_messages)
    router.add("POST", base, create_message)
    router.add("POST", f"{base}/bulk-delete", bulk_delete)
    router.add("GET", f"{base}/{{message_id}}", get_message)
    router.add("PATCH", f"{base}/{{message_id}}", edit_message)
    router.add("DELETE", f"{base}/{{message_id}}", delete_message)
    router.add("POST", "/channels/{channel_id}/typing", typing)


def list_messages(call: Call) -> Reply:
    """A page of messages, newest first."""
    channel = call.channel()
    limit = call.query_int("limit", 50, 1, 100)
    before, after, around = call.query_id("before"), call.query_id("after"), call.query_id("around")
    found = call.world.messages.read(call.user, channel, limit=limit, before=before, after=after, around=around)
    return Reply([call.shown(item) for item in found])


def get_message(call: Call) -> Reply:
    """One message."""
    channel = call.channel()
    call.world.access.in_channel(call.user, channel, Permission.READ_MESSAGE_HISTORY)
    return Reply(call.shown(call.world.messages.get(channel, call.id("message_id"))))


def create_message(call: Call) -> Reply:
    """Send a message."""
    channel = call.channel()
    draft = read_new_draft(call.data, call.world.rules, call.uploads)
    sent = call.world.messages.post(call.user, channel, draft)
    call.hooks.message_created(call.user.id, sent)
    return Reply(call.shown(sent, new=True))


def edit_message(call: Call) -> Reply:
    """Change a message."""
    channel = call.channel()
    found = call.world.messages.get(channel, call.id("message_id"))
    draft = read_draft(call.data, call.world.rules, call.uploads, old_flags=found.flags)
    return Reply(call.shown(call.world.messages.edit(call.user, channel, found, draft)))


def delete_message(call: Call) -> Reply:
    """Delete a message."""
    call.world.messages.delete(call.user, call.channel(), call.id("message_id"), call.reason)
    return NOTHING


def bulk_delete(call: Call) -> Reply:
    """Delete 2 to 100 messages."""
    channel, body = call.channel(), call.body()
    ids = body.snowflakes("messages", minimum=2, maximum=100)
    checked(body)
    if not ids:
        raise errors.invalid_form(("messages",), "BASE_TYPE_REQUIRED", "This field is required")
    call.world.messages.delete_many(call.user, channel, ids, call.reason)
    return NOTHING


def typing(call: Call) -> Reply:
    """Show that the bot types."""
    call.world.reactions.typing(call.user, call.channel())
    return NOTHING
