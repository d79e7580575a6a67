"""Routes about channels and permission overwrites."""

from __future__ import annotations

from migaga_emulator.rest.call import NOTHING, Call, Reply, checked
from migaga_emulator.rest.router import Router
from migaga_emulator.world import errors, payloads
from migaga_emulator.world.channels import GUILD_TYPES, ChannelChange
from migaga_emulator.world.errors import Problems
from migaga_emulator.world.fields import Body
from migaga_emulator.world.state import Channel, Overwrite
from migaga_emulator.world.wire import JsonObject


def add_to(router: Router) -> None:
    """Add the routes."""
    router.add("GET", "/guilds/{guild_id}/channels", list_channels)
    router.add("POST", "/guilds/{guild_id}/channels", create_channel)
    router.add("PATCH", "/guilds/{guild_id}/channels", move_channels)
    router.add("GET", "/channels/{channel_id}", get_channel)
    router.add("PATCH", "/channels/{channel_id}", edit_channel)
    router.add("DELETE", "/channels/{channel_id}", delete_channel)
    router.add("PUT", "/channels/{channel_id}/permissions/{overwrite_id}", set_overwrite)
    router.add("DELETE", "/channels/{channel_id}/permissions/{overwrite_id}", delete_overwrite)


def list_channels(call: Call) -> Reply:
    """All channels of a guild but threads."""
    return Reply([payloads.channel(item) for item in call.guild().channels.values() if item.thread is None])


def _payload(call: Call, channel: Channel) -> JsonObject:
    if channel.guild_id is not None:
        return payloads.channel(channel)
    recipient = next(item for item in channel.recipient_ids if item != call.user.id)
    return payloads.dm_channel(channel, call.world.core.user(recipient))


def get_channel(call: Call) -> Reply:
    """A channel."""
    return Reply(_payload(call, call.channel()))


def _read_overwrite(item: Body, key: str = "id") -> Overwrite | None:
    target = item.snowflake(key, required=True)
    kind = item.choice("type", (0, 1)) or 0
    allow, deny = item.permissions("allow") or 0, item.permissions("deny") or 0
    return None if target is None else Overwrite(target, kind, allow, deny)


def _read_change(body: Body, *, new: bool) -> ChannelChange:
    overwrites = [_read_overwrite(item) for item in body.bodies("permission_overwrites", maximum=100)]
    wanted = ChannelChange(
        frozenset(body.data),
        name=body.text("name", minimum=1, maximum=100, required=new),
        position=body.integer("position", minimum=0),
        topic=body.text("topic", maximum=1024),
        nsfw=body.boolean("nsfw"),
        parent_id=body.snowflake("parent_id"),
        rate_limit_per_user=body.integer("rate_limit_per_user", minimum=0, maximum=21_600),
        bitrate=body.integer("bitrate", minimum=8_000, maximum=384_000),
        user_limit=body.integer("user_limit", minimum=0, maximum=99),
        overwrites=[item for item in overwrites if item is not None],
        archived=body.boolean("archived"),
        locked=body.boolean("locked"),
        invitable=body.boolean("invitable", default=True),
        auto_archive_minutes=body.choice("auto_archive_duration", (60, 1440, 4320, 10080)),
    )
    checked(body)
    return wanted


def create_channel(call: Call) -> Reply:
    """A new channel."""
    guild, body = call.guild(), call.body()
    kind = body.choice("type", GUILD_TYPES) or 0
    channel = call.world.channels.create(call.user, guild, kind, _read_change(body, new=True), call.reason)
    return Reply(payloads.channel(channel), 201)


def move_channels(call: Call) -> Reply:
    """Put channels at other positions."""
    guild = call.guild()
    body = Body({"channels": call.items}, Problems())
    for item in body.bodies("channels"):
        channel_id = item.snowflake("id", required=True)
        position = item.integer("position", minimum=0)
        checked(body)
        channel = guild.channels.get(channel_id or 0)
        if channel is None:
            raise errors.unknown("Channel")
        call.world.channels.edit(call.user, channel, ChannelChange(position=position), call.reason)
    return NOTHING


def edit_channel(call: Call) -> Reply:
    """Change a channel."""
    channel, wanted = call.channel(), _read_change(call.body(), new=False)
    return Reply(payloads.channel(call.world.channels.edit(call.user, channel, wanted, call.reason)))


def delete_channel(call: Call) -> Reply:
    """Delete a channel, or close a direct message channel."""
    channel = call.channel()
    payload = _payload(call, channel)
    call.world.channels.delete(call.user, channel, call.reason)
    return Reply(payload)


def set_overwrite(call: Call) -> Reply:
    """Put a permission overwrite."""
    channel, body = call.channel(), call.body()
    body.data = {**body.data, "id": str(call.id("overwrite_id"))}
    wanted = _read_overwrite(body)
    checked(body)
    if wanted is not None:
        call.world.channels.set_overwrite(call.user, channel, wanted, call.reason)
    return NOTHING


def delete_overwrite(call: Call) -> Reply:
    """Take a permission overwrite away."""
    call.world.channels.delete_overwrite(call.user, call.channel(), call.id("overwrite_id"), call.reason)
    return NOTHING
