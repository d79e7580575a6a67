"""Routes about threads: starting and listing them, and who is in them."""

from __future__ import annotations

from collections.abc import Iterable

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors, payloads
from migaga_emulator.world.channels import FORUMS, ThreadWish
from migaga_emulator.world.drafts import read_new_draft
from migaga_emulator.world.errors import Problems
from migaga_emulator.world.fields import Body
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.permissions import PRIVATE_THREAD, Permission
from migaga_emulator.world.state import Channel
from migaga_emulator.world.wire import JsonObject, json_object

ARCHIVE_MINUTES = (60, 1440, 4320, 10080)
_ALREADY = "A thread has already been created for this message"


def add_to(router: Router) -> None:
    """Add the routes."""
    channel = "/channels/{channel_id}"
    router.add("GET", "/guilds/{guild_id}/threads/active", active)
    router.add("POST", f"{channel}/threads", start)
    router.add("POST", f"{channel}/messages/{{message_id}}/threads", start_from_message)
    router.add("GET", f"{channel}/threads/archived/public", archived_public)
    router.add("GET", f"{channel}/threads/archived/private", archived_private)
    router.add("GET", f"{channel}/users/@me/threads/archived/private", archived_joined)
    router.add("GET", f"{channel}/thread-members", list_members)
    router.add("PUT", f"{channel}/thread-members/@me", join)
    router.add("DELETE", f"{channel}/thread-members/@me", leave)
    router.add("GET", f"{channel}/thread-members/{{user_id}}", get_member)
    router.add("PUT", f"{channel}/thread-members/{{user_id}}", add_member)
    router.add("DELETE", f"{channel}/thread-members/{{user_id}}", remove_member)


def _read_wish(body: Body) -> ThreadWish:
    wish = ThreadWish(
        name=body.text("name", minimum=1, maximum=100, required=True) or "",
        auto_archive_minutes=body.choice("auto_archive_duration", ARCHIVE_MINUTES) or 4320,
        invitable=body.boolean("invitable", default=True),
        rate_limit_per_user=body.integer("rate_limit_per_user", minimum=0, maximum=21_600) or 0,
    )
    wish.private = body.choice("type", (10, 11, PRIVATE_THREAD)) in (None, PRIVATE_THREAD)
    checked(body)
    return wish


def start(call: Call) -> Reply:
    """A thread in a channel (private unless `type` says otherwise), or a post of a forum with its first message."""
    channel = call.channel()
    wish = _read_wish(call.body())
    if channel.type not in FORUMS:
        return Reply(_thread(call, call.world.channels.start_thread(call.user, channel, wish)), 201)
    wish.private = False
    body = call.body()
    body.required("message")
    checked(body)
    draft = read_new_draft(json_object(call.data["message"]), call.world.rules, call.uploads)
    thread = call.world.channels.start_thread(call.user, channel, wish)
    first = call.world.messages.post(call.user, thread, draft, message_id=thread.id)
    call.hooks.message_created(call.user.id, first)
    return Reply(_thread(call, thread) | {"message": call.shown(first, new=True)}, 201)


def start_from_message(call: Call) -> Reply:
    """A public thread that begins with a message and has its id. Raises 160004 for the second one."""
    channel = call.channel()
    wish = _read_wish(call.body())
    source = call.world.messages.get(channel, call.id("message_id"))
    if source.id in call.world.core.channels:
        raise errors.DiscordError(400, 160004, _ALREADY)
    wish.thread_id, wish.private = source.id, False
    thread = call.world.channels.start_thread(call.user, channel, wish)
    call.world.messages.has_thread(channel, source, thread)
    return Reply(_thread(call, thread), 201)


def _thread(call: Call, channel: Channel) -> JsonObject:
    """A thread, with the bot's own place in it when it has one."""
    payload = payloads.channel(channel)
    if channel.thread is None or call.user.id not in channel.thread.member_ids:
        return payload
    return payload | {"member": call.world.threads.payload(channel, call.user.id, with_member=False)}


def _listed(call: Call, found: Iterable[Channel], limit: int | None = None) -> JsonObject:
    threads = list(found)
    page = threads if limit is None else threads[:limit]
    own = [item for item in page if item.thread is not None and call.user.id in item.thread.member_ids]
    members = [call.world.threads.payload(item, call.user.id, with_member=False) for item in own]
    body: JsonObject = {"threads": [payloads.channel(item) for item in page], "members": members}
    return body if limit is None else body | {"has_more": len(threads) > limit}


def active(call: Call) -> Reply:
    """The threads of a guild that are not archived and that the bot sees, newest first."""
    found = [item for item in call.guild().channels.values() if item.thread is not None and not item.thread.archived]
    seen = [item for item in found if call.world.access.of(call.user, item) & Permission.VIEW_CHANNEL]
    return Reply(_listed(call, sorted(seen, key=lambda item: item.id, reverse=True)))


def _archived(call: Call, *, private: bool, joined: bool) -> list[Channel]:
    """The archived threads of a channel, in the order of the route: by time of archiving, joined ones by id."""
    parent = call.channel()
    guild = call.world.core.guild_of(parent)
    needed = [Permission.READ_MESSAGE_HISTORY]
    if private and not joined:
        needed.append(Permission.MANAGE_THREADS)
    call.world.access.in_channel(call.user, parent, *needed)
    found = []
    for item in guild.channels.values() if guild is not None else ():
        if item.parent_id == parent.id and item.thread is not None and item.thread.archived:
            mine = call.user.id in item.thread.member_ids
            if (item.type == PRIVATE_THREAD) == private and (mine or not joined):
                found.append(item)
    return sorted(found, key=lambda item: item.id if joined else _archived_at(item), reverse=True)


def _archived_at(channel: Channel) -> float:
    return 0.0 if channel.thread is None else channel.thread.archived_at


def _archived_page(call: Call, *, private: bool) -> Reply:
    found = _archived(call, private=private, joined=False)
    query = Body(call.query, Problems())
    before = query.time("before")
    checked(query)
    limit = call.query_int("limit", 50, 2, 100)
    return Reply(_listed(call, (x for x in found if before is None or _archived_at(x) < before), limit))


def archived_public(call: Call) -> Reply:
    """Archived public threads of a channel."""
    return _archived_page(call, private=False)


def archived_private(call: Call) -> Reply:
    """Archived private threads of a channel. Needs MANAGE_THREADS."""
    return _archived_page(call, private=True)


def archived_joined(call: Call) -> Reply:
    """Archived private threads that the bot is in."""
    found = _archived(call, private=True, joined=True)
    before, limit = call.query_id("before"), call.query_int("limit", 50, 2, 100)
    return Reply(_listed(call, (item for item in found if before is None or item.id < before), limit))


def list_members(call: Call) -> Reply:
    """Who is in a thread. Needs the privileged intent GUILD_MEMBERS; in pages when `with_member` is asked for."""
    channel = call.channel()
    _, thread = call.world.threads.thread_of(channel)
    call.needs_intent(Intent.GUILD_MEMBERS)
    ids = sorted(thread.member_ids)
    with_member = call.query.get("with_member") in ("true", "1")
    if with_member:
        after, limit = call.query_id("after") or 0, call.query_int("limit", 100, 1, 100)
        ids = [item for item in ids if item > after][:limit]
    return Reply([call.world.threads.payload(channel, item, with_member=with_member) for item in ids])


def get_member(call: Call) -> Reply:
    """One member of a thread."""
    with_member = call.query.get("with_member") in ("true", "1")
    return Reply(call.world.threads.payload(call.channel(), call.id("user_id"), with_member=with_member))


def join(call: Call) -> Reply:
    """The bot joins."""
    call.world.threads.join(call.user, call.channel())
    return NOTHING


def leave(call: Call) -> Reply:
    """The bot leaves."""
    call.world.threads.leave(call.user, call.channel())
    return NOTHING


def add_member(call: Call) -> Reply:
    """Add somebody."""
    call.world.threads.add(call.user, call.channel(), call.id("user_id"))
    return NOTHING


def remove_member(call: Call) -> Reply:
    """Take somebody out."""
    call.world.threads.remove(call.user, call.channel(), call.id("user_id"))
    return NOTHING
