"""Which bot hears of what: a bot that cannot see a channel hears nothing of what happens in it."""

from __future__ import annotations

import pytest
from tests.unit.emulator_world.conftest import Place

from migaga_emulator.world.channels import ChannelChange, ThreadWish
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.invites import InviteWish
from migaga_emulator.world.members import MemberChange
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.roles import RoleChange
from migaga_emulator.world.state import Overwrite


def seen(place: Place, event: Dispatch) -> tuple[bool, bool]:
    """Whether the first and the second bot hear of it."""
    return place.world.may_see(place.bot.user.id, event), place.world.may_see(place.other_bot.user.id, event)


def close(place: Place) -> None:
    """Take the channel from the first bot."""
    hidden = Overwrite(place.bot.user.id, 1, 0, int(Permission.VIEW_CHANNEL))
    place.world.channels.set_overwrite(None, place.channel, hidden)
    place.events.clear()


def chat(place: Place) -> None:
    people, channel = place.world.people, place.channel.id
    message = people.post(place.ann.id, channel, "x")
    people.edit(place.ann.id, channel, message.id, "y")
    people.type_in(place.ann.id, channel)
    people.react(place.ann.id, channel, message.id, "👍")
    people.unreact(place.ann.id, channel, message.id, "👍")
    people.pin(place.owner.id, channel, message.id)
    thread = place.world.channels.start_thread(place.owner, place.channel, ThreadWish("t"))
    place.world.channels.delete(place.owner, thread)
    place.world.messages.delete_many(place.owner, place.channel, [message.id])


def test_what_happens_in_a_channel_is_told_to_those_who_see_it(place: Place) -> None:
    close(place)
    told: list[tuple[str, tuple[bool, bool]]] = []

    def note(event: Dispatch) -> None:
        if event.bot_id is None:
            told.append((event.name, seen(place, event)))

    place.world.subscribe(note)
    chat(place)
    assert {name for name, _ in told} >= {
        *("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE_BULK", "TYPING_START", "CHANNEL_PINS_UPDATE"),
        *("MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE", "THREAD_CREATE", "THREAD_DELETE"),
    }
    assert {who for _, who in told} == {(False, True)}
    assert {event.bot_id for event in place.named("THREAD_MEMBERS_UPDATE")} == {place.other_bot.user.id}


def test_channels_themselves_are_told_to_every_bot_as_discord_does(place: Place) -> None:
    close(place)
    place.world.channels.edit(None, place.channel, ChannelChange(frozenset({"topic"}), topic="secret"))
    place.world.channels.delete(None, place.channel)
    assert place.names() == ["CHANNEL_UPDATE", "CHANNEL_DELETE"]
    assert [seen(place, event) for event in place.events] == [(True, True)] * 2


@pytest.mark.parametrize("by", ["overwrite", "role", "role overwrite", "@everyone", "administrator", "owner"])
def test_a_change_of_permissions_counts_from_the_next_event_on(place: Place, by: str) -> None:
    world, guild, bot_id = place.world, place.guild, place.bot.user.id
    close(place)
    world.people.post(place.ann.id, place.channel.id, "x")
    event = place.events[-1]
    assert seen(place, event) == (False, True)
    role = world.roles.create(None, guild, RoleChange(name="seer", permissions=0))
    world.members.add_role(None, guild, bot_id, role.id)
    assert seen(place, event) == (False, True)
    if by == "overwrite":
        world.channels.delete_overwrite(None, place.channel, bot_id)
    elif by == "role overwrite":
        world.channels.delete_overwrite(None, place.channel, bot_id)
        world.channels.set_overwrite(None, place.channel, Overwrite(role.id, 0, 0, int(Permission.VIEW_CHANNEL)))
        assert seen(place, event) == (False, True)
        world.members.remove_role(None, guild, bot_id, role.id)
    elif by == "role":
        world.channels.set_overwrite(None, place.channel, Overwrite(bot_id, 1, int(Permission.VIEW_CHANNEL), 0))
    elif by == "@everyone":
        hidden = Overwrite(guild.id, 0, 0, int(Permission.VIEW_CHANNEL))
        world.channels.set_overwrite(None, place.channel, hidden)
        assert seen(place, event) == (False, False)
        for target in (guild.id, bot_id):
            world.channels.delete_overwrite(None, place.channel, target)
    elif by == "administrator":
        world.roles.edit(None, guild, role.id, RoleChange(permissions=int(Permission.ADMINISTRATOR)))
    else:
        guild.owner_id = bot_id
    assert seen(place, event) == (True, True)


def test_a_bot_that_is_not_in_the_guild_hears_nothing_of_it(place: Place) -> None:
    world = place.world
    world.members.edit(None, place.guild, place.ann.id, MemberChange(frozenset({"nick"}), nick="n"))
    event = place.named("GUILD_MEMBER_UPDATE")[0]
    stranger = world.guilds.create_bot("Stranger")
    assert not world.may_see(stranger.user.id, event)
    world.guilds.remove_bot(place.guild, place.bot)
    assert seen(place, event) == (False, True)


def test_what_is_for_one_bot_is_for_no_other(place: Place) -> None:
    place.world.people.dm(place.ann.id, place.bot.user.id, "psst")
    assert seen(place, place.events[-1]) == (True, False)


def test_private_threads_are_told_to_their_members_and_moderators(place: Place) -> None:
    world = place.world
    role = next(role for role in place.guild.roles.values() if role.bot_id == place.bot.user.id)
    world.roles.edit(None, place.guild, role.id, RoleChange(permissions=role.permissions & ~Permission.MANAGE_THREADS))
    thread = world.channels.start_thread(place.owner, place.channel, ThreadWish("secret", private=True))
    (created,) = place.named("THREAD_CREATE")
    assert seen(place, created) == (False, True)
    assert place.world.guild_create(place.guild.id, place.bot.user.id, intents=1)["threads"] == []
    place.events.clear()
    world.threads.add(place.owner, thread, place.bot.user.id)
    assert [(event.name, event.bot_id) for event in place.events] == [
        ("THREAD_CREATE", place.bot.user.id),
        ("THREAD_MEMBERS_UPDATE", place.bot.user.id),
        ("THREAD_MEMBERS_UPDATE", place.other_bot.user.id),
    ]
    assert "member" in place.events[0].payload
    world.people.post(place.owner.id, thread.id, "x")
    assert seen(place, place.events[-1]) == (True, True)
    place.events.clear()
    world.threads.remove(place.owner, thread, place.bot.user.id)
    assert {event.bot_id for event in place.events} == {place.bot.user.id, place.other_bot.user.id}
    world.people.post(place.owner.id, thread.id, "y")
    assert seen(place, place.events[-1]) == (False, True)


def test_invites_are_told_to_those_who_manage_the_channel(place: Place) -> None:
    role = next(role for role in place.guild.roles.values() if role.bot_id == place.bot.user.id)
    bits = role.permissions & ~Permission.MANAGE_CHANNELS
    place.world.roles.edit(None, place.guild, role.id, RoleChange(permissions=bits))
    place.world.invites.create(place.owner, place.channel, InviteWish())
    assert seen(place, place.named("INVITE_CREATE")[0]) == (False, True)
