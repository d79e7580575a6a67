"""Routes about users, the bot itself, its application and its direct message channels."""

from __future__ import annotations

import hashlib

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import payloads, permissions
from migaga_emulator.world.wire import JsonObject


def add_to(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/users/@me", get_me)
    router.add("PATCH", "/users/@me", edit_me)
    router.add("GET", "/users/@me/guilds", my_guilds)
    router.add("DELETE", "/users/@me/guilds/{guild_id}", leave_guild)
    router.add("GET", "/users/@me/guilds/{guild_id}/member", my_member)
    router.add("POST", "/users/@me/channels", open_dm)
    router.add("GET", "/users/{user_id}", get_user)
    router.add("GET", "/oauth2/applications/@me", my_application)
    router.add("GET", "/applications/@me", my_application)


def get_me(call: Call) -> Reply:
    """The bot's user."""
    return Reply(payloads.own_user(call.user))


def edit_me(call: Call) -> Reply:
    """Change the bot's name or avatar."""
    body = call.body()
    username = body.text("username", minimum=2, maximum=32)
    avatar = body.text("avatar")
    checked(body)
    picture = None if avatar is None else hashlib.md5(avatar.encode(), usedforsecurity=False).hexdigest()
    call.world.guilds.rename_user(call.user, username=username, avatar=picture)
    return Reply(payloads.own_user(call.user))


def get_user(call: Call) -> Reply:
    """Any user."""
    return Reply(payloads.user(call.world.core.user(call.id("user_id"))))


def my_guilds(call: Call) -> Reply:
    """The guilds of the bot, in pages of 200, in order of their ids."""
    limit = call.query_int("limit", 200, 1, 200)
    before, after = call.query_id("before"), call.query_id("after")
    ids = call.world.guild_ids_of(call.user.id)
    if after is not None:
        ids = [item for item in ids if item > after]
    if before is not None:
        ids = [item for item in ids if item < before][-limit:]
    with_counts = call.query.get("with_counts") in ("true", "1")
    return Reply([_own_guild(call, item, with_counts) for item in ids[:limit]])


def _own_guild(call: Call, guild_id: int, with_counts: bool) -> JsonObject:
    guild = call.world.core.guild(guild_id)
    payload: JsonObject = {
        "id": str(guild.id),
        "name": guild.name,
        "icon": guild.icon,
        "banner": None,
        "owner": guild.owner_id == call.user.id,
        "permissions": str(permissions.in_guild(guild, guild.members[call.user.id])),
        "features": list(guild.features),
        "approximate_member_count": len(guild.members),
        "approximate_presence_count": len(guild.members),
    }
    if not with_counts:
        del payload["approximate_member_count"], payload["approximate_presence_count"]
    return payload


def leave_guild(call: Call) -> Reply:
    """The bot leaves a guild."""
    call.world.guilds.remove_bot(call.guild(), call.me)
    return NOTHING


def my_member(call: Call) -> Reply:
    """The bot's member in a guild."""
    return Reply(payloads.full_member(call.guild().members[call.user.id]))


def open_dm(call: Call) -> Reply:
    """The direct message channel with a person."""
    body = call.body()
    recipient_id = body.snowflake("recipient_id", required=True)
    checked(body)
    recipient = call.world.core.user(recipient_id or 0)
    return Reply(payloads.dm_channel(call.world.channels.dm(call.me, recipient), recipient))


def my_application(call: Call) -> Reply:
    """The bot's application: its flags tell which privileged intents are switched on."""
    flags = call.world.application_flags(call.user.id)
    return Reply(payloads.application(call.me, len(call.me.guild_ids), flags))
