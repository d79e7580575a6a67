"""Routes about application commands, global and of a guild."""

from __future__ import annotations

from migaga_emulator.rest.call import NOTHING, Call, Reply
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors
from migaga_emulator.world.commands import Scope
from migaga_emulator.world.wire import JsonObject, objects


def add_to(router: Router) -> None:
    """Add the routes of both scopes."""
    for base in (
        "/applications/{application_id}/commands",
        "/applications/{application_id}/guilds/{guild_id}/commands",
    ):
        router.add("GET", base, list_commands)
        router.add("POST", base, create_command)
        router.add("PUT", base, overwrite_commands)
        router.add("GET", f"{base}/{{command_id}}", get_command)
        router.add("PATCH", f"{base}/{{command_id}}", edit_command)
        router.add("DELETE", f"{base}/{{command_id}}", delete_command)
    guild = "/applications/{application_id}/guilds/{guild_id}/commands"
    router.add("GET", f"{guild}/permissions", list_permissions)
    router.add("GET", f"{guild}/{{command_id}}/permissions", get_permissions)
    router.add("PUT", f"{guild}/{{command_id}}/permissions", edit_permissions)


def _scope(call: Call) -> Scope:
    """Which commands are meant. Raises 20012 for those of another application, 50001 for a guild without the bot."""
    application_id = call.id("application_id")
    if application_id != call.me.application_id:
        raise errors.DiscordError(403, 20012, "You are not authorized to perform this action on this application")
    if "guild_id" not in call.params:
        return application_id, None
    guild = call.world.core.guilds.get(call.id("guild_id"))
    if guild is None or call.user.id not in guild.bot_ids:
        raise errors.missing_access()
    return application_id, guild.id


def list_commands(call: Call) -> Reply:
    """All commands of a scope; with their translations only when they are asked for."""
    commands = call.world.commands
    payloads = [commands.payload(item) for item in commands.all(_scope(call))]
    translated = call.query.get("with_localizations") in ("true", "1")
    return Reply(payloads if translated else [_untranslated(item) for item in payloads])


def _untranslated(payload: JsonObject) -> JsonObject:
    kept: JsonObject = {key: value for key, value in payload.items() if not key.endswith("_localizations")}
    for key in ("options", "choices"):
        if isinstance(kept.get(key), list):
            kept[key] = [_untranslated(item) for item in objects(kept[key])]
    return kept


def get_command(call: Call) -> Reply:
    """One command."""
    commands = call.world.commands
    return Reply(commands.payload(commands.get(_scope(call), call.id("command_id"))))


def create_command(call: Call) -> Reply:
    """Register a command: 201 when it is new, 200 when one of its name was replaced."""
    command, new = call.world.commands.create(_scope(call), call.data)
    return Reply(call.world.commands.payload(command), 201 if new else 200)


def edit_command(call: Call) -> Reply:
    """Change a command."""
    command = call.world.commands.edit(_scope(call), call.id("command_id"), call.data)
    return Reply(call.world.commands.payload(command))


def delete_command(call: Call) -> Reply:
    """Delete a command."""
    call.world.commands.delete(_scope(call), call.id("command_id"))
    return NOTHING


def overwrite_commands(call: Call) -> Reply:
    """Replace all commands of a scope."""
    commands = call.world.commands
    return Reply([commands.payload(item) for item in commands.overwrite(_scope(call), call.items)])


def list_permissions(call: Call) -> Reply:
    """The permissions of all commands in a guild that people have changed: none, as nobody can here."""
    _scope(call)
    return Reply([])


def get_permissions(call: Call) -> Reply:
    """The permissions of one command in a guild. Raises 10063, and 10066 while nobody has changed them."""
    application_id, guild_id = _scope(call)
    command_id = call.id("command_id")
    scopes: list[Scope] = [(application_id, None), (application_id, guild_id)]
    known = {item.id for scope in scopes for item in call.world.commands.all(scope)}
    raise errors.unknown("application command permissions" if command_id in known else "application command")


def edit_permissions(call: Call) -> Reply:
    """Only people change them, with a Bearer token. Raises 20001."""
    _scope(call)
    raise errors.DiscordError(403, 20001, "Bots cannot use this endpoint")
