"""Routes about members and bans."""

from __future__ import annotations

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors, payloads
from migaga_emulator.world.errors import DiscordError
from migaga_emulator.world.fields import Body
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.members import MemberChange
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.wire import JsonObject


def add_to(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/guilds/{guild_id}/members", list_members)
    router.add("GET", "/guilds/{guild_id}/members/search", search_members)
    router.add("PATCH", "/guilds/{guild_id}/members/@me", edit_me)
    router.add("PATCH", "/guilds/{guild_id}/members/@me/nick", edit_my_nick)
    router.add("GET", "/guilds/{guild_id}/members/{user_id}", get_member)
    router.add("PATCH", "/guilds/{guild_id}/members/{user_id}", edit_member)
    router.add("DELETE", "/guilds/{guild_id}/members/{user_id}", kick)
    router.add("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", add_role)
    router.add("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}", remove_role)
    router.add("GET", "/guilds/{guild_id}/bans", list_bans)
    router.add("GET", "/guilds/{guild_id}/bans/{user_id}", get_ban)
    router.add("PUT", "/guilds/{guild_id}/bans/{user_id}", ban)
    router.add("DELETE", "/guilds/{guild_id}/bans/{user_id}", unban)
    router.add("POST", "/guilds/{guild_id}/bulk-ban", bulk_ban)


def get_member(call: Call) -> Reply:
    """One member."""
    return Reply(payloads.full_member(call.world.core.member(call.guild(), call.id("user_id"))))


def list_members(call: Call) -> Reply:
    """Members in order of their ids, in pages of up to 1,000. Needs the privileged intent GUILD_MEMBERS."""
    guild = call.guild()
    call.needs_intent(Intent.GUILD_MEMBERS)
    limit = call.query_int("limit", 1, 1, 1000)
    after = call.query_id("after") or 0
    ids = sorted(item for item in guild.members if item > after)[:limit]
    return Reply([payloads.full_member(guild.members[item]) for item in ids])


def search_members(call: Call) -> Reply:
    """Members whose name or nick starts with the query."""
    guild = call.guild()
    limit = call.query_int("limit", 1, 1, 1000)
    query = call.query.get("query", "")
    if not query:
        raise errors.invalid_form(("query",), "BASE_TYPE_REQUIRED", "This field is required")
    return Reply([payloads.full_member(item) for item in call.world.find_members(guild, query)[:limit]])


def _read_change(body: Body) -> MemberChange:
    wanted = MemberChange(
        nick=body.text("nick", maximum=32),
        roles=body.snowflakes("roles"),
        timeout_until=body.time("communication_disabled_until"),
        mute=body.boolean("mute"),
        deaf=body.boolean("deaf"),
    )
    names = {"communication_disabled_until": "timeout"}
    keys = ("nick", "roles", "communication_disabled_until", "mute", "deaf", "channel_id")
    wanted.given = frozenset(names.get(key, key) for key in keys if body.has(key))
    checked(body)
    return wanted


def edit_member(call: Call) -> Reply:
    """Change a member: nick, roles, time-out, mute, deaf."""
    guild, wanted = call.guild(), _read_change(call.body())
    member = call.world.members.edit(call.user, guild, call.id("user_id"), wanted, call.reason)
    return Reply(payloads.full_member(member))


def edit_me(call: Call) -> Reply:
    """Change the bot's own nick."""
    guild, body = call.guild(), call.body()
    wanted = MemberChange(frozenset(("nick",)) if body.has("nick") else frozenset(), nick=body.text("nick", maximum=32))
    checked(body)
    return Reply(payloads.full_member(call.world.members.edit(call.user, guild, call.user.id, wanted, call.reason)))


def edit_my_nick(call: Call) -> Reply:
    """The older way to change the bot's own nick; answers the nick alone."""
    changed = call.world.core.member(call.guild(), call.user.id)
    edit_me(call)
    return Reply({"nick": changed.nick})


def kick(call: Call) -> Reply:
    """Kick a member."""
    call.world.members.kick(call.user, call.guild(), call.id("user_id"), call.reason)
    return NOTHING


def add_role(call: Call) -> Reply:
    """Give a role."""
    guild, user_id, role_id = call.guild(), call.id("user_id"), call.id("role_id")
    call.world.members.add_role(call.user, guild, user_id, role_id, call.reason)
    return NOTHING


def remove_role(call: Call) -> Reply:
    """Take a role."""
    guild, user_id, role_id = call.guild(), call.id("user_id"), call.id("role_id")
    call.world.members.remove_role(call.user, guild, user_id, role_id, call.reason)
    return NOTHING


def list_bans(call: Call) -> Reply:
    """Bans in order of user ids, in pages of up to 1,000."""
    guild = call.guild()
    call.world.access.in_guild(call.user, guild, Permission.BAN_MEMBERS)
    limit = call.query_int("limit", 1000, 1, 1000)
    before, after = call.query_id("before"), call.query_id("after")
    ids = sorted(guild.bans)
    if before is not None:
        ids = [item for item in ids if item < before][-limit:]
    elif after is not None:
        ids = [item for item in ids if item > after]
    return Reply([call.world.members.ban_payload(guild.bans[item]) for item in ids[:limit]])


def get_ban(call: Call) -> Reply:
    """One ban."""
    guild = call.guild()
    call.world.access.in_guild(call.user, guild, Permission.BAN_MEMBERS)
    found = guild.bans.get(call.id("user_id"))
    if found is None:
        raise errors.unknown("Ban")
    return Reply(call.world.members.ban_payload(found))


def _read_delete_seconds(call: Call, body: Body) -> int:
    """`delete_message_seconds`, or the older `delete_message_days`."""
    seconds = body.integer("delete_message_seconds", minimum=0, maximum=call.world.rules.ban_delete_seconds)
    days = body.integer("delete_message_days", minimum=0, maximum=7)
    checked(body)
    return seconds if seconds is not None else (days or 0) * 86_400


def ban(call: Call) -> Reply:
    """Ban a user."""
    guild = call.guild()
    seconds = _read_delete_seconds(call, call.body())
    call.world.members.ban(call.user, guild, call.id("user_id"), delete_seconds=seconds, reason=call.reason)
    return NOTHING


def unban(call: Call) -> Reply:
    """Lift a ban."""
    call.world.members.unban(call.user, call.guild(), call.id("user_id"), call.reason)
    return NOTHING


def bulk_ban(call: Call) -> Reply:
    """Ban up to 200 users; says which worked. Raises 500000 when none did."""
    guild, body = call.guild(), call.body()
    call.world.access.in_guild(call.user, guild, Permission.BAN_MEMBERS, Permission.MANAGE_GUILD)
    user_ids = body.snowflakes("user_ids", minimum=1, maximum=200)
    seconds = _read_delete_seconds(call, body)
    done: list[str] = []
    failed: list[str] = []
    for user_id in dict.fromkeys(user_ids):
        try:
            if user_id in guild.bans:
                failed.append(str(user_id))
                continue
            call.world.members.ban(call.user, guild, user_id, delete_seconds=seconds, reason=call.reason)
            done.append(str(user_id))
        except DiscordError:
            failed.append(str(user_id))
    if not done:
        raise DiscordError(400, 500000, "Failed to ban users")
    body_out: JsonObject = {"banned_users": done, "failed_users": failed}
    return Reply(body_out)
