"""Routes about guilds as a whole: the guild, its roles and audit log."""

from __future__ import annotations

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors, payloads
from migaga_emulator.world.core import audit_entry
from migaga_emulator.world.fields import Body
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.roles import RoleChange
from migaga_emulator.world.wire import JsonObject


def add_to(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/guilds/{guild_id}", get_guild)
    router.add("PATCH", "/guilds/{guild_id}", edit_guild)
    router.add("GET", "/guilds/{guild_id}/roles", list_roles)
    router.add("POST", "/guilds/{guild_id}/roles", create_role)
    router.add("PATCH", "/guilds/{guild_id}/roles", move_roles)
    router.add("GET", "/guilds/{guild_id}/roles/{role_id}", get_role)
    router.add("PATCH", "/guilds/{guild_id}/roles/{role_id}", edit_role)
    router.add("DELETE", "/guilds/{guild_id}/roles/{role_id}", delete_role)
    router.add("GET", "/guilds/{guild_id}/audit-logs", audit_log)


def get_guild(call: Call) -> Reply:
    """A guild."""
    return Reply(payloads.guild(call.guild(), with_counts=call.query.get("with_counts") in ("true", "1")))


def edit_guild(call: Call) -> Reply:
    """Change a guild."""
    guild, body = call.guild(), call.body()
    changes: JsonObject = {
        "name": body.text("name", minimum=2, maximum=100),
        "description": body.text("description", maximum=300),
        "verification_level": body.integer("verification_level", minimum=0, maximum=4),
        "default_message_notifications": body.integer("default_message_notifications", minimum=0, maximum=1),
        "explicit_content_filter": body.integer("explicit_content_filter", minimum=0, maximum=2),
        "afk_channel_id": body.snowflake("afk_channel_id"),
        "afk_timeout": body.integer("afk_timeout"),
        "system_channel_id": body.snowflake("system_channel_id"),
        "preferred_locale": body.text("preferred_locale"),
    }
    checked(body)
    nullable = ("description", "afk_channel_id", "system_channel_id")
    given = {key: value for key, value in changes.items() if value is not None or (key in nullable and body.has(key))}
    return Reply(payloads.guild(call.world.guilds.edit(call.user, guild, given, call.reason)))


def list_roles(call: Call) -> Reply:
    """All roles."""
    return Reply([payloads.role(role) for role in call.guild().roles.values()])


def get_role(call: Call) -> Reply:
    """One role."""
    return Reply(payloads.role(call.world.core.role(call.guild(), call.id("role_id"))))


def _read_role(call: Call) -> RoleChange:
    body = call.body()
    colors = body.body("colors")
    color = body.integer("color", minimum=0, maximum=0xFFFFFF)
    wanted = RoleChange(
        name=body.text("name", maximum=100),
        permissions=body.permissions("permissions"),
        color=color if colors is None else colors.integer("primary_color", minimum=0, maximum=0xFFFFFF),
        hoist=body.boolean("hoist") if body.given("hoist") else None,
        mentionable=body.boolean("mentionable") if body.given("mentionable") else None,
    )
    checked(body)
    return wanted


def create_role(call: Call) -> Reply:
    """A new role."""
    return Reply(payloads.role(call.world.roles.create(call.user, call.guild(), _read_role(call), call.reason)))


def edit_role(call: Call) -> Reply:
    """Change a role."""
    guild = call.guild()
    role = call.world.roles.edit(call.user, guild, call.id("role_id"), _read_role(call), call.reason)
    return Reply(payloads.role(role))


def move_roles(call: Call) -> Reply:
    """Put roles at other positions."""
    guild = call.guild()
    positions: dict[int, int] = {}
    body = Body({"roles": call.items}, errors.Problems())
    for item in body.bodies("roles"):
        role_id = item.snowflake("id", required=True)
        position = item.integer("position", minimum=0)
        if role_id is not None and position is not None:
            positions[role_id] = position
    checked(body)
    call.world.roles.move(call.user, guild, positions, call.reason)
    return list_roles(call)


def delete_role(call: Call) -> Reply:
    """Delete a role."""
    call.world.roles.delete(call.user, call.guild(), call.id("role_id"), call.reason)
    return NOTHING


def audit_log(call: Call) -> Reply:
    """The audit log, newest first; by user, action, before, after."""
    guild = call.guild()
    call.world.access.in_guild(call.user, guild, Permission.VIEW_AUDIT_LOG)
    limit = call.query_int("limit", 50, 1, 100)
    user_id, before, after = call.query_id("user_id"), call.query_id("before"), call.query_id("after")
    action = call.query_int("action_type", 0, 0, 1000)
    entries = [
        entry
        for entry in reversed(guild.audit_log)
        if user_id in (None, entry.user_id)
        and action in (0, entry.action)
        and (before is None or entry.id < before)
        and (after is None or entry.id > after)
    ]
    entries = entries[::-1][:limit] if after is not None else entries[:limit]
    people = {entry.user_id for entry in entries} | {entry.target_id for entry in entries}
    users = call.world.core.users
    body: JsonObject = {
        "audit_log_entries": [audit_entry(entry) for entry in entries],
        "users": [payloads.user(users[item]) for item in people if item in users],
        "application_commands": [],
        "auto_moderation_rules": [],
        "guild_scheduled_events": [],
        "integrations": [],
        "threads": [],
        "webhooks": [],
    }
    return Reply(body)
