from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.emulator_world.conftest import JsonObject, Place

from migaga_emulator.rules import Rules
from migaga_emulator.world.drafts import read_new_draft
from migaga_emulator.world.errors import DiscordError
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.messages import page_of
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.reactions import is_emoji
from migaga_emulator.world.roles import RoleChange


def test_text_that_mentions_pings_unless_it_is_not_allowed(place: Place) -> None:
    text = f"<@{place.ann.id}> @everyone"
    loud = place.send(place.bot.user, {"content": text})
    quiet = place.send(place.bot.user, {"content": text, "allowed_mentions": {"parse": []}})
    some = place.send(place.bot.user, {"content": text, "allowed_mentions": {"users": [str(place.ann.id)]}})
    assert (loud.mentions.users, loud.mentions.everyone) == ((place.ann,), True)
    assert (quiet.mentions.users, quiet.mentions.everyone) == ((), False)
    assert (some.mentions.users, some.mentions.everyone) == ((place.ann,), False)


def test_people_without_the_permission_ping_neither_everyone_nor_closed_roles(place: Place) -> None:
    closed = place.world.roles.create(None, place.guild, RoleChange(name="closed"))
    opened = place.world.roles.create(None, place.guild, RoleChange(name="open", mentionable=True))
    message = place.send(place.ann, {"content": f"@everyone @here <@&{closed.id}> <@&{opened.id}>"})
    assert (message.mentions.everyone, message.mentions.role_ids) == (False, (opened.id,))


def test_mentions_in_code_ping_nobody(place: Place) -> None:
    assert place.send(place.ann, {"content": f"`<@{place.owner.id}>`"}).mentions.users == ()


def test_a_reply_pings_its_author_unless_it_is_told_not_to(place: Place) -> None:
    first = place.send(place.ann, {"content": "hi"})
    reference = {"message_reference": {"message_id": str(first.id)}}
    assert place.send(place.bot.user, {"content": "x"} | reference).mentions.users == (place.ann,)
    quiet = {"content": "x", "allowed_mentions": {"parse": []}} | reference
    message = place.send(place.bot.user, quiet)
    assert (message.mentions.users, message.type, message.referenced) == ((), 19, first)


def test_answers_to_interactions_ping_users_only() -> None:
    draft = read_new_draft({"content": "x"}, Rules(), by_webhook=True)
    assert draft.allowed.parse == frozenset(("users",))


def test_without_message_content_only_own_and_mentioning_messages_are_full(place: Place) -> None:
    bot_id = place.bot.user.id
    for author, text, full in (
        (place.ann, "secret", False),
        (place.ann, f"<@{bot_id}> hi", True),
        (place.bot.user, "mine", True),
    ):
        place.send(author, {"content": text, "embeds": [{"title": "t"}]})
        event = place.events[-1]
        stripped: JsonObject = place.world.strip_content(event, bot_id)
        assert stripped["content"] == (text if full else "")
        assert bool(stripped["embeds"]) == full
        assert event.payload["content"] == text


def test_a_message_that_is_answered_is_stripped_on_its_own(place: Place) -> None:
    secret = place.send(place.ann, {"content": "secret"})
    place.send(place.bot.user, {"content": "re", "message_reference": {"message_id": str(secret.id)}})
    stripped: JsonObject = place.world.strip_content(place.events[-1], place.bot.user.id)
    assert (stripped["content"], stripped["referenced_message"]["content"]) == ("re", "")


def test_direct_messages_go_to_their_bot_and_are_never_stripped(place: Place) -> None:
    place.world.people.dm(place.ann.id, place.bot.user.id, "psst")
    event = place.events[-1]
    assert (event.guild_id, event.bot_id, event.intents) == (None, place.bot.user.id, Intent.DIRECT_MESSAGES)
    assert place.world.strip_content(event, place.other_bot.user.id)["content"] == "psst"


@given(
    st.lists(st.integers(1, 400), unique=True, max_size=30),
    st.integers(1, 100),
    st.one_of(st.none(), st.integers(0, 400)),
    st.sampled_from(["before", "after"]),
)
def test_pages_are_what_a_sorted_list_would_give(ids: list[int], limit: int, pivot: int | None, side: str) -> None:
    ids = sorted(ids)
    before, after = (pivot, None) if side == "before" else (None, pivot)
    low, high = page_of(ids, limit, before, after, None)
    if pivot is None:
        expected = ids[-limit:]
    elif side == "before":
        expected = [item for item in ids if item < pivot][-limit:]
    else:
        expected = [item for item in ids if item > pivot][:limit]
    assert ids[low:high] == expected


def test_old_messages_are_forgotten(place: Place) -> None:
    limit = place.world.rules.messages_kept_per_channel
    first = place.send(place.ann, {"content": "x"})
    for _ in range(limit):
        place.send(place.ann, {"content": "x"})
    assert len(place.channel.messages) == limit
    assert first.id not in place.channel.messages


@pytest.mark.parametrize("text", ["👍", "❤️", "🇩🇪", "👨‍👩‍👧", "1️⃣", "™️"])
def test_emoji_are_emoji(text: str) -> None:
    assert is_emoji(text)


@pytest.mark.parametrize("text", ["", "a", "ab", "1", " ", "👍 👍", "日", "x" * 40])
def test_other_texts_are_not(text: str) -> None:
    assert not is_emoji(text)


def test_reactions_come_and_go_once(place: Place) -> None:
    message = place.send(place.ann, {"content": "x"})
    people = place.world.people
    place.events.clear()
    people.react(place.ann.id, place.channel.id, message.id, "👍")
    people.react(place.ann.id, place.channel.id, message.id, "👍")
    people.unreact(place.ann.id, place.channel.id, message.id, "👍")
    assert place.names() == ["MESSAGE_REACTION_ADD", "MESSAGE_REACTION_REMOVE"]
    assert message.reactions == {}
    with pytest.raises(DiscordError, match="Unknown Emoji"):
        people.unreact(place.ann.id, place.channel.id, message.id, "👍")


def test_a_deleted_emoji_can_still_be_taken_away_but_not_added(place: Place) -> None:
    emoji = place.world.guilds.add_emoji(place.guild, "blob")
    message = place.send(place.ann, {"content": "x"})
    people, text = place.world.people, f"blob:{emoji.id}"
    people.react(place.ann.id, place.channel.id, message.id, text)
    place.world.guilds.remove_emoji(place.guild, emoji.id)
    with pytest.raises(DiscordError, match="Unknown Emoji"):
        people.react(place.owner.id, place.channel.id, message.id, text)
    people.unreact(place.ann.id, place.channel.id, message.id, text)


def test_a_person_is_checked_like_any_client(place: Place) -> None:
    everyone = place.guild.roles[place.guild.id]
    everyone.permissions &= ~Permission.SEND_MESSAGES
    with pytest.raises(DiscordError, match="Missing Permissions"):
        place.world.people.post(place.ann.id, place.channel.id, "x")
    everyone.permissions &= ~Permission.VIEW_CHANNEL
    with pytest.raises(DiscordError, match="Missing Access"):
        place.world.people.post(place.ann.id, place.channel.id, "x")
    assert place.world.people.post(place.owner.id, place.channel.id, "x").content == "x"
