"""Who people are, as others ask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from migaga.testing.bot import TestBot
from migaga.testing.people import Person, Reply

pytestmark = pytest.mark.modules("people")


def fields(reply: Reply) -> dict[str, str]:
    found = reply.embed["fields"]
    assert isinstance(found, Sequence)
    return {str(field["name"]): str(field["value"]) for field in found if isinstance(field, Mapping)}


async def test_who_asks_for_nobody_sees_themselves(bot: TestBot, ann: Person) -> None:
    role = bot.guild.role("helper")
    bot.guild.give(ann, role)
    for reply in (await ann.says("!info"), await ann.slash("info")):
        assert reply.embed["title"] == "User: Ann"
        assert reply.embed["description"] == ann.mention
        assert fields(reply)["ID"] == f"`{ann.id}`"
        assert fields(reply)["Bot"] == "No"
        assert fields(reply)["Roles (1)"] == f"<@&{role}>"
        assert fields(reply)["Joined this server"].startswith("<t:")
        assert reply.pings == []


async def test_others_are_shown_in_both_forms(ann: Person, ben: Person) -> None:
    for reply in (
        await ann.says(f"!info {ben.mention}"),
        await ann.says(f"!info {ben.id}"),
        await ann.says("!info ben"),
        await ann.slash("info", who=ben),
        await ann.menu("Info", ben),
    ):
        assert reply.embed["description"] == ben.mention
        assert "Joined this server" in fields(reply)
        assert reply.pings == []


async def test_somebody_who_is_no_member_is_shown_too(bot: TestBot, ann: Person) -> None:
    stranger = bot.outsider("Stranger")
    for reply in (await ann.says(f"!info {stranger.id}"), await ann.slash("info", who=stranger)):
        assert reply.embed["title"] == "User: Stranger"
        assert "Joined this server" not in fields(reply)
        assert reply.embed["footer"] == {"text": "Not a member of this server"}


async def test_a_bot_is_shown_as_one(bot: TestBot, ann: Person) -> None:
    robot = await bot.member("Robot", is_bot=True)
    reply = await ann.says(f"!info {robot.mention}")
    assert reply.embed["title"] == "Bot: Robot"
    assert fields(reply)["Bot"] == "Yes"


@pytest.mark.parametrize("who", ["123456789012345678", "<@123456789012345678>", "nobody here", "99999999999999999999"])
async def test_somebody_who_does_not_exist_is_said_to_be_unknown(ann: Person, who: str) -> None:
    reply = await ann.says(f"!info {who}")
    assert "user" in reply.content
    assert "`!info [who]`" in reply.content or "There is no user" in reply.content
    assert reply.pings == []


async def test_names_with_markdown_and_mentions_break_nothing_and_ping_nobody(bot: TestBot, ann: Person) -> None:
    trouble = await bot.member("**@everyone** <@&1> `x`")
    bot.emulator.world.people.set_nick(trouble.id, bot.guild.id, "||@here|| __n__")
    await bot.quiet()
    for reply in (await ann.says(f"!info {trouble.mention}"), await ann.says(f"!avatar {trouble.mention}")):
        assert "\\|\\|\\@here\\|\\| \\_\\_n\\_\\_" in str(reply.embed["title"])
        assert reply.pings == []
        assert not reply.message.mentions.everyone


async def test_the_avatar_is_shown_in_full_size(bot: TestBot, ann: Person, ben: Person) -> None:
    bot.emulator.world.core.user(ben.id).avatar = "a" * 32
    for reply in (await ann.says(f"!avatar {ben.mention}"), await ann.slash("avatar", who=ben)):
        image = reply.embed["image"]
        assert isinstance(image, Mapping)
        assert f"/avatars/{ben.id}/{'a' * 32}" in str(image["url"])
        assert "size=4096" in str(image["url"])


async def test_an_avatar_for_this_server_is_shown_beside_the_other(bot: TestBot, ann: Person, ben: Person) -> None:
    bot.emulator.world.core.user(ben.id).avatar = "a" * 32
    bot.emulator.world.people.set_avatar(ben.id, bot.guild.id, "b" * 32)
    await bot.quiet()
    reply = await ann.menu("Avatar", ben)
    assert reply.ephemeral
    image, thumbnail = reply.embed["image"], reply.embed["thumbnail"]
    assert isinstance(image, Mapping)
    assert isinstance(thumbnail, Mapping)
    assert f"/guilds/{bot.guild.id}/users/{ben.id}/avatars/{'b' * 32}" in str(image["url"])
    assert f"/avatars/{ben.id}/{'a' * 32}" in str(thumbnail["url"])
