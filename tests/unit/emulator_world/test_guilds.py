from __future__ import annotations

import base64

import pytest
from tests.unit.emulator_world.conftest import Json, JsonObject, Place

from migaga_emulator.world.channels import ChannelChange, ThreadWish
from migaga_emulator.world.errors import DiscordError
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.members import MemberChange
from migaga_emulator.world.roles import RoleChange
from migaga_emulator.world.state import Overwrite
from migaga_emulator.world.world import World


def test_the_first_part_of_a_token_is_the_id(place: Place) -> None:
    head = place.bot.token.split(".")[0]
    assert base64.b64decode(head + "=" * (-len(head) % 4)).decode() == str(place.bot.user.id)
    assert place.world.bot_by_token(place.bot.token) is place.bot
    place.bot.revoked = True
    assert place.world.bot_by_token(place.bot.token) is None


def test_guilds_spread_evenly_over_shards(place: Place) -> None:
    ids = [place.world.guilds.create("g", place.owner).id for _ in range(40)]
    for shards in (2, 4, 8):
        counts = [sum((item >> 22) % shards == shard for item in ids) for shard in range(shards)]
        assert counts == [40 // shards] * shards


def test_two_worlds_of_one_seed_are_alike(place: Place) -> None:
    again = World(place.world.rules, clock=place.clock, seed=7)
    assert again.guilds.create_bot("Testy").token.split(".")[1:] == place.bot.token.split(".")[1:]


def test_without_the_members_intent_a_guild_lists_only_the_bot(place: Place) -> None:
    few: JsonObject = place.world.guild_create(place.guild.id, place.bot.user.id, intents=int(Intent.GUILDS))
    every: JsonObject = place.world.guild_create(place.guild.id, place.bot.user.id, intents=int(Intent.GUILD_MEMBERS))
    assert [item["user"]["id"] for item in few["members"]] == [str(place.bot.user.id)]
    assert (len(every["members"]), few["member_count"]) == (4, 4)


def test_an_outage_and_its_end_are_told_to_each_bot(place: Place) -> None:
    place.world.guilds.set_available(place.guild, False)
    assert {event.bot_id for event in place.named("GUILD_DELETE")} == {place.bot.user.id, place.other_bot.user.id}
    assert place.events[0].payload["unavailable"] is True
    assert place.world.guild_create(place.guild.id, place.bot.user.id, intents=0)["unavailable"] is True
    place.world.guilds.set_available(place.guild, True)
    assert len(place.named("GUILD_CREATE")) == 2


def test_a_kicked_bot_gets_guild_delete_and_is_gone(place: Place) -> None:
    place.world.members.kick(place.owner, place.guild, place.bot.user.id)
    (event,) = place.named("GUILD_DELETE")
    assert (event.bot_id, event.payload) == (place.bot.user.id, {"id": str(place.guild.id)})
    assert place.world.guild_ids_of(place.bot.user.id) == []
    assert not any(role.bot_id == place.bot.user.id for role in place.guild.roles.values())
    place.world.guilds.add_bot(place.guild, place.bot)
    assert place.world.guild_ids_of(place.bot.user.id) == [place.guild.id]


def test_a_bot_hears_of_its_own_member_whatever_its_intents(place: Place) -> None:
    wanted = MemberChange(frozenset(("nick",)), nick="T")
    place.world.members.edit(None, place.guild, place.bot.user.id, wanted)
    told = {event.bot_id: event.intents for event in place.named("GUILD_MEMBER_UPDATE")}
    assert told == {place.bot.user.id: 0, place.other_bot.user.id: Intent.GUILD_MEMBERS}


def test_boosting_changes_member_and_guild(place: Place) -> None:
    place.world.people.boost(place.ann.id, place.guild.id)
    place.world.people.boost(place.ann.id, place.guild.id)
    assert place.names() == ["GUILD_MEMBER_UPDATE", "GUILD_UPDATE"]
    assert place.events[1].payload["premium_subscription_count"] == 1
    place.world.people.boost(place.ann.id, place.guild.id, on=False)
    assert place.guild.boosts == 0


def test_joins_are_announced_in_the_system_channel(place: Place) -> None:
    place.guild.system_channel_id = place.channel.id
    new = place.world.guilds.create_user("new")
    place.world.people.join(new.id, place.guild.id)
    assert place.names() == ["GUILD_MEMBER_ADD", "MESSAGE_CREATE"]
    assert place.events[1].payload["type"] == 7


def test_a_banned_person_cannot_come_back(place: Place) -> None:
    place.world.members.ban(place.owner, place.guild, place.ann.id, reason="r")
    with pytest.raises(DiscordError, match="banned"):
        place.world.people.join(place.ann.id, place.guild.id)
    place.world.members.unban(place.owner, place.guild, place.ann.id)
    place.world.people.join(place.ann.id, place.guild.id)


def test_audit_entries_go_to_bots_that_may_see_them_with_the_reason(place: Place) -> None:
    place.world.members.kick(place.owner, place.guild, place.ann.id, "rude")
    entries = place.named("GUILD_AUDIT_LOG_ENTRY_CREATE")
    assert {event.bot_id for event in entries} == {place.bot.user.id, place.other_bot.user.id}
    assert (entries[0].payload["action_type"], entries[0].payload["reason"]) == (20, "rude")


def test_a_deleted_role_leaves_members_and_channels(place: Place) -> None:
    role = place.world.roles.create(None, place.guild, RoleChange(name="r"))
    place.world.members.add_role(None, place.guild, place.ann.id, role.id)
    place.world.channels.set_overwrite(None, place.channel, Overwrite(role.id, 0, 0, 1024))
    place.world.roles.delete(None, place.guild, role.id)
    assert place.guild.members[place.ann.id].role_ids == []
    assert role.id not in place.channel.overwrites
    with pytest.raises(DiscordError, match="Unknown Role"):
        place.world.members.add_role(None, place.guild, place.ann.id, role.id)


def test_nobody_grants_what_they_lack(place: Place) -> None:
    admin = RoleChange(name="admin", permissions=8)
    with pytest.raises(DiscordError, match="Missing Permissions"):
        place.world.roles.create(place.bot.user, place.guild, admin)
    assert place.world.roles.create(place.owner, place.guild, admin).name == "admin"


def test_deleting_a_channel_takes_its_threads(place: Place) -> None:
    thread = place.world.channels.start_thread(place.ann, place.channel, ThreadWish("talk"))
    place.world.people.post(place.owner.id, thread.id, "x")
    assert thread.thread is not None
    assert set(thread.thread.member_ids) == {place.ann.id, place.owner.id}
    place.world.channels.delete(place.owner, place.channel)
    assert [name for name in place.names() if name.endswith("_DELETE")] == ["THREAD_DELETE", "CHANNEL_DELETE"]
    assert thread.id not in place.world.core.channels


def test_a_parent_has_to_be_a_category(place: Place) -> None:
    with pytest.raises(DiscordError, match="Invalid Form Body"):
        place.world.channels.create(None, place.guild, 0, ChannelChange(name="x", parent_id=place.channel.id))


def test_a_new_name_is_told_in_every_guild(place: Place) -> None:
    place.world.people.rename(place.ann.id, username="anna")
    assert place.payloads("GUILD_MEMBER_UPDATE")[0]["user"]["username"] == "anna"


def test_members_are_found_by_name_display_name_and_nick(place: Place) -> None:
    place.world.people.set_nick(place.ann.id, place.guild.id, "Zed")
    for query in ("AN", "zed"):
        found: Json = place.world.request_members(place.guild.id, query=query)
        assert [item["user"]["id"] for item in found] == [str(place.ann.id)]
    assert len(place.world.request_members(place.guild.id, query="", limit=2)) == 2
    assert place.world.request_members(place.guild.id, user_ids=[1]) == []
