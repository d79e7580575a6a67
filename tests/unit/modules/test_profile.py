"""How a person is shown."""

from __future__ import annotations

from typing import cast

import hikari
import pytest
from hikari.impl import EntityFactoryImpl
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import RoleView
from migaga_modules.people.profile import avatar_embed, info_embed, join_mentions, sort_roles

GUILD = 100_000_000_000_000_001
CREATED = 175_928_847_299_117_063  # made at 1,462,015,105.796 s (Discord's documentation of snowflakes)
USER = {
    "id": str(CREATED),
    "username": "ann_*bold*",
    "global_name": "@everyone <@1>",
    "discriminator": "0",
    "avatar": "a" * 32,
    "bot": False,
}
MEMBER: dict[str, object] = {
    "nick": "**Annie**",
    "roles": ["5", "6", "7", str(GUILD)],
    "joined_at": "2020-01-02T03:04:05+00:00",
    "deaf": False,
    "mute": False,
    "flags": 0,
    "avatar": None,
}
ROLES = [
    RoleView(GUILD, "@everyone", 0, 0),
    RoleView(5, "low", 0, 1),
    RoleView(6, "high", 0, 9),
    RoleView(8, "not theirs", 0, 3),
]


def user(**changes: object) -> hikari.User:
    return factory().deserialize_user(USER | changes)


def member(**changes: object) -> hikari.Member:
    return factory().deserialize_member(MEMBER | changes, user=user(), guild_id=hikari.Snowflake(GUILD))


def factory() -> EntityFactoryImpl:
    # Objects only pass their client on; nothing here calls Discord.
    return EntityFactoryImpl(cast("hikari.RESTAware", None))


def fields(embed: hikari.Embed) -> dict[str, str]:
    return {field.name: field.value for field in embed.fields}


def test_a_member_is_shown_with_account_membership_and_roles() -> None:
    embed = info_embed(user(), member(), ROLES)
    assert embed.title == "User: \\*\\*Annie\\*\\*"
    assert embed.description == f"<@{CREATED}>"
    assert fields(embed) == {
        "Username": "ann\\_\\*bold\\*",
        "ID": f"`{CREATED}`",
        "Bot": "No",
        "Account created": "<t:1462015105:F> (<t:1462015105:R>)",
        "Nickname": "\\*\\*Annie\\*\\*",
        "Joined this server": "<t:1577934245:F> (<t:1577934245:R>)",
        "Roles (2)": "<@&6> <@&5>",
    }


def test_somebody_who_is_no_member_is_shown_without_membership() -> None:
    embed = info_embed(user(bot=True), None, [])
    assert embed.title == "Bot: \\@everyone \\<\\@1\\>"
    assert "Joined this server" not in fields(embed)
    assert fields(embed)["Bot"] == "Yes"
    assert embed.footer is not None
    assert embed.footer.text == "Not a member of this server"


def test_roles_that_are_gone_and_everyone_are_left_out() -> None:
    assert sort_roles(member(), ROLES) == ["<@&6>", "<@&5>"]
    assert fields(info_embed(user(), member(roles=[]), ROLES))["Roles (0)"] == "None"


@given(st.integers(0, 250))
def test_a_list_of_roles_fits_into_a_field_and_counts_the_rest(count: int) -> None:
    mentions = [f"<@&{10**18 + number}>" for number in range(count)]
    text = join_mentions(mentions)
    assert len(text) <= 1_024
    shown = text.count("<@&")
    assert shown == count or text.endswith(f" and {count - shown} more")


@pytest.mark.parametrize("name", ["x" * 500, "*" * 300])
def test_a_long_name_fits_into_the_title(name: str) -> None:
    assert len(avatar_embed(user(global_name=name), None).title or "") <= 256


def test_the_avatar_is_shown_in_full_size() -> None:
    embed = avatar_embed(user(), member())
    assert embed.image is not None
    assert embed.image.url == f"https://cdn.discordapp.com/avatars/{CREATED}/{'a' * 32}.png?size=4096"


def test_an_animated_avatar_moves() -> None:
    embed = avatar_embed(user(avatar="a_" + "b" * 32), None)
    assert embed.image is not None
    assert f"/avatars/{CREATED}/a_" in embed.image.url


def test_of_a_member_with_an_avatar_for_this_guild_both_are_shown() -> None:
    embed = avatar_embed(user(), member(avatar="c" * 32))
    assert embed.image is not None
    assert embed.thumbnail is not None
    assert f"/guilds/{GUILD}/users/{CREATED}/avatars/{'c' * 32}" in embed.image.url
    assert f"/avatars/{CREATED}/{'a' * 32}" in embed.thumbnail.url
    assert embed.image.url in (embed.description or "")


def test_who_has_no_avatar_is_shown_the_usual_one() -> None:
    embed = avatar_embed(user(avatar=None), None)
    assert embed.image is not None
    assert "/embed/avatars/" in embed.image.url
