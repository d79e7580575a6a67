"""Routes about invites."""

from __future__ import annotations

from migaga_emulator.rest.call import Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors
from migaga_emulator.world.invites import InviteWish
from migaga_emulator.world.permissions import Permission


def add_to(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/channels/{channel_id}/invites", list_of_channel)
    router.add("POST", "/channels/{channel_id}/invites", create)
    router.add("GET", "/guilds/{guild_id}/invites", list_of_guild)
    router.add("GET", "/invites/{code}", get)
    router.add("DELETE", "/invites/{code}", delete)


def create(call: Call) -> Reply:
    """An invite to a channel. Everything in the body may be left out, the body may not."""
    channel = call.channel()
    if call.json is None:
        raise errors.invalid_json()
    body = call.body()
    max_age = body.integer("max_age", minimum=0, maximum=604_800)
    wish = InviteWish(
        max_age=86_400 if max_age is None else max_age,
        max_uses=body.integer("max_uses", minimum=0, maximum=100) or 0,
        temporary=body.boolean("temporary"),
        unique=body.boolean("unique"),
    )
    checked(body)
    invite = call.world.invites.create(call.user, channel, wish, call.reason)
    return Reply(call.world.invites.payload(invite, metadata=True))


def list_of_channel(call: Call) -> Reply:
    """The invites to a channel."""
    invites = call.world.invites
    return Reply([invites.payload(item, metadata=True) for item in invites.of_channel(call.user, call.channel())])


def list_of_guild(call: Call) -> Reply:
    """The invites of a guild; how often they were used is told to those with MANAGE_GUILD."""
    guild, invites = call.guild(), call.world.invites
    bits = call.world.access.of_guild(call.user, guild)
    if not bits & (Permission.MANAGE_GUILD | Permission.VIEW_AUDIT_LOG):
        raise errors.missing_permissions()
    metadata = bool(bits & Permission.MANAGE_GUILD)
    return Reply([invites.payload(item, metadata=metadata) for item in invites.of_guild(guild)])


def get(call: Call) -> Reply:
    """Any invite by its code."""
    invites = call.world.invites
    counts = call.query.get("with_counts") in ("true", "1")
    return Reply(invites.payload(invites.get(call.params["code"]), metadata=False, counts=counts))


def delete(call: Call) -> Reply:
    """Delete an invite; it is answered once more."""
    invites = call.world.invites
    return Reply(invites.payload(invites.delete(call.user, call.params["code"], call.reason), metadata=False))
