"""Stock hikari reads every kind of event that the world makes."""

from __future__ import annotations

from collections.abc import Callable

import hikari
import pytest
from hikari.impl.shard import GatewayShardImpl
from tests.unit.emulator_world.conftest import Json, Place

from migaga_emulator.world.channels import ChannelChange, ThreadWish
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.emojis import EmojiChange
from migaga_emulator.world.interactions import COMMAND, Source
from migaga_emulator.world.invites import InviteWish
from migaga_emulator.world.members import MemberChange
from migaga_emulator.world.roles import RoleChange
from migaga_emulator.world.state import Overwrite

APP = hikari.GatewayBot("MTIz.abc.def", banner=None, logs=None)
SHARD = GatewayShardImpl(
    compression=None,
    intents=hikari.Intents.ALL,
    shard_id=0,
    shard_count=1,
    http_settings=APP.http_settings,
    proxy_settings=APP.proxy_settings,
    event_manager=APP.event_manager,
    event_factory=APP.event_factory,
    token="MTIz.abc.def",
    url="ws://127.0.0.1",
)
FACTORY = APP.event_factory
PLAIN: dict[str, Callable[..., Json]] = {
    "MESSAGE_CREATE": FACTORY.deserialize_message_create_event,
    "MESSAGE_UPDATE": FACTORY.deserialize_message_update_event,
    "MESSAGE_DELETE": FACTORY.deserialize_message_delete_event,
    "MESSAGE_DELETE_BULK": FACTORY.deserialize_guild_message_delete_bulk_event,
    "MESSAGE_REACTION_ADD": FACTORY.deserialize_message_reaction_add_event,
    "MESSAGE_REACTION_REMOVE": FACTORY.deserialize_message_reaction_remove_event,
    "MESSAGE_REACTION_REMOVE_ALL": FACTORY.deserialize_message_reaction_remove_all_event,
    "MESSAGE_REACTION_REMOVE_EMOJI": FACTORY.deserialize_message_reaction_remove_emoji_event,
    "GUILD_MEMBER_ADD": FACTORY.deserialize_guild_member_add_event,
    "GUILD_ROLE_CREATE": FACTORY.deserialize_guild_role_create_event,
    "GUILD_BAN_ADD": FACTORY.deserialize_guild_ban_add_event,
    "GUILD_BAN_REMOVE": FACTORY.deserialize_guild_ban_remove_event,
    "GUILD_AUDIT_LOG_ENTRY_CREATE": FACTORY.deserialize_audit_log_entry_create_event,
    "CHANNEL_CREATE": FACTORY.deserialize_guild_channel_create_event,
    "CHANNEL_DELETE": FACTORY.deserialize_guild_channel_delete_event,
    "THREAD_CREATE": FACTORY.deserialize_guild_thread_create_event,
    "THREAD_DELETE": FACTORY.deserialize_guild_thread_delete_event,
    "INTERACTION_CREATE": FACTORY.deserialize_interaction_create_event,
    "THREAD_UPDATE": FACTORY.deserialize_guild_thread_update_event,
    "THREAD_MEMBERS_UPDATE": FACTORY.deserialize_thread_members_update_event,
    "CHANNEL_PINS_UPDATE": FACTORY.deserialize_channel_pins_update_event,
    "INVITE_CREATE": FACTORY.deserialize_invite_create_event,
    "TYPING_START": FACTORY.deserialize_typing_start_event,
}
WITH_OLD: dict[str, tuple[Callable[..., Json], str]] = {
    "GUILD_MEMBER_UPDATE": (FACTORY.deserialize_guild_member_update_event, "old_member"),
    "GUILD_MEMBER_REMOVE": (FACTORY.deserialize_guild_member_remove_event, "old_member"),
    "GUILD_ROLE_UPDATE": (FACTORY.deserialize_guild_role_update_event, "old_role"),
    "GUILD_ROLE_DELETE": (FACTORY.deserialize_guild_role_delete_event, "old_role"),
    "GUILD_EMOJIS_UPDATE": (FACTORY.deserialize_guild_emojis_update_event, "old_emojis"),
    "INVITE_DELETE": (FACTORY.deserialize_invite_delete_event, "old_invite"),
    "GUILD_DELETE": (FACTORY.deserialize_guild_leave_event, "old_guild"),
    "CHANNEL_UPDATE": (FACTORY.deserialize_guild_channel_update_event, "old_channel"),
}


def read(event: Dispatch, bot_id: int) -> Json:
    """What hikari makes of an event."""
    if event.name in PLAIN:
        return PLAIN[event.name](SHARD, event.payload)
    if event.name in ("GUILD_CREATE", "GUILD_UPDATE"):
        return APP.entity_factory.deserialize_gateway_guild(event.payload, user_id=hikari.Snowflake(bot_id)).guild()
    deserialize, keyword = WITH_OLD[event.name]
    return deserialize(SHARD, event.payload, **{keyword: None})


def moderate(place: Place) -> None:
    world, guild = place.world, place.guild
    role = world.roles.create(place.owner, guild, RoleChange(name="r"), "why")
    world.roles.edit(place.owner, guild, role.id, RoleChange(color=5))
    world.members.add_role(place.owner, guild, place.ann.id, role.id)
    world.members.edit(place.owner, guild, place.ann.id, MemberChange(frozenset(("nick",)), nick="n"))
    world.roles.delete(place.owner, guild, role.id)
    world.members.ban(place.owner, guild, place.ann.id, delete_seconds=100)
    world.members.unban(place.owner, guild, place.ann.id)
    world.people.join(place.ann.id, guild.id)
    world.people.boost(place.ann.id, guild.id)
    world.guilds.add_emoji(guild, "blob")
    world.guilds.edit(place.owner, guild, {"name": "New"})


def talk(place: Place) -> None:
    world, channel = place.world, place.channel
    first = place.send(place.ann, {"content": f"<@{place.bot.user.id}>", "embeds": [{"title": "t"}]})
    place.send(place.bot.user, {"content": "re", "message_reference": {"message_id": str(first.id)}})
    world.people.edit(place.ann.id, channel.id, first.id, "changed")
    world.people.type_in(place.ann.id, channel.id)
    for emoji in ("👍", "👎"):
        world.people.react(place.ann.id, channel.id, first.id, emoji)
    world.people.unreact(place.ann.id, channel.id, first.id, "👎")
    world.reactions.clear_emoji(place.bot.user, channel, first, "👍")
    world.reactions.clear(place.bot.user, channel, first)
    other = place.send(place.ann, {"content": "x"})
    world.messages.delete_many(place.bot.user, channel, [first.id, other.id])
    world.people.delete(place.ann.id, channel.id, place.send(place.ann, {"content": "x"}).id)
    world.people.dm(place.ann.id, place.bot.user.id, "psst")


def gather(place: Place) -> None:
    world, guild, channel, bot = place.world, place.guild, place.channel, place.bot.user
    message = place.send(place.ann, {"content": "x"})
    for pinned in (message, world.people.dm(place.ann.id, bot.id, "psst")):
        place_of = world.core.channel(pinned.channel_id)
        world.pins.pin(bot, place_of, pinned)
        world.pins.unpin(bot, place_of, pinned)
    for uses in (0, 1):
        invite = world.invites.create(bot, channel, InviteWish(max_age=60 * uses, max_uses=uses))
        world.invites.delete(bot, invite.code)
    thread = world.channels.start_thread(bot, channel, ThreadWish("secret", private=True))
    world.threads.add(bot, thread, place.ann.id)
    world.threads.add(bot, thread, place.other_bot.user.id)
    world.threads.remove(bot, thread, place.ann.id)
    world.channels.edit(None, thread, ChannelChange(frozenset({"archived"}), archived=True))
    place.send(place.ann, {"content": "see", "message_reference": _forward(channel.id, message.id)})
    emoji = world.emojis.create(bot, guild, EmojiChange(name="blob"), animated=False)
    world.emojis.edit(bot, guild, emoji.id, EmojiChange(frozenset({"name"}), name="blobby"))


def _forward(channel_id: int, message_id: int) -> dict[str, object]:
    return {"type": 1, "channel_id": str(channel_id), "message_id": str(message_id)}


def build(place: Place) -> None:
    world, guild = place.world, place.guild
    channel = world.channels.create(place.owner, guild, 0, ChannelChange(name="c"))
    world.channels.create(place.owner, guild, 2, ChannelChange(name="voice"))
    world.channels.create(place.owner, guild, 15, ChannelChange(name="forum"))
    world.channels.set_overwrite(place.owner, channel, Overwrite(place.ann.id, 1, 0, 1024))
    world.channels.delete_overwrite(place.owner, channel, place.ann.id)
    world.channels.start_thread(place.ann, channel, ThreadWish("talk"))
    world.channels.delete(place.owner, channel)
    third = world.guilds.create_bot("Third")
    world.guilds.add_bot(guild, third)
    world.guilds.remove_bot(guild, third)


@pytest.mark.parametrize("act", [moderate, talk, gather, build])
def test_hikari_reads_what_happens(place: Place, act: Callable[[Place], None]) -> None:
    act(place)
    assert len(place.events) >= 10
    for event in place.events:
        assert read(event, place.bot.user.id) is not None, event.name


def test_hikari_reads_the_whole_guild(place: Place) -> None:
    place.world.people.boost(place.ann.id, place.guild.id)
    place.world.guilds.add_emoji(place.guild, "blob")
    place.world.channels.start_thread(place.ann, place.channel, ThreadWish("talk"))
    payload = place.world.guild_create(place.guild.id, place.bot.user.id, intents=(1 << 26) - 1)
    guild = APP.entity_factory.deserialize_gateway_guild(payload, user_id=hikari.Snowflake(place.bot.user.id))
    assert len(guild.members()) == 4
    assert len(guild.channels()) == 1
    assert len(guild.threads()) == 1
    assert len(guild.emojis()) == 1
    assert guild.guild().name == "Guild"


def test_hikari_reads_interactions_of_guilds_and_direct_messages(place: Place) -> None:
    data = {"id": "1", "name": "x", "type": 1}
    dm = place.world.people.dm_channel(place.ann.id, place.bot.user.id)
    for channel in (place.channel, dm):
        place.world.interactions.begin(place.bot, place.ann, channel, Source(COMMAND, data, "x"))
        event = read(place.events[-1], place.bot.user.id)
        assert isinstance(event.interaction, hikari.CommandInteraction)
        assert event.interaction.user.id == place.ann.id
