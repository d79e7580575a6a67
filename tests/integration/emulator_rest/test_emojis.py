"""Custom emoji over REST."""

from __future__ import annotations

import base64

import pytest
from tests.integration.emulator_rest.conftest import Json, Site
from tests.integration.emulator_rest.test_rules import leaf, no_permission

from migaga_emulator.world.permissions import Permission


def image(kind: str = "png", size: int = 10) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(b'x' * size).decode()}"


async def create(site: Site, name: str = "blob", kind: str = "png") -> Json:
    answer = await site.call("POST", f"/guilds/{site.guild.id}/emojis", {"name": name, "image": image(kind)})
    assert answer.status == 201, answer.text
    return answer.json


async def test_an_emoji_is_made_renamed_and_deleted_and_each_change_is_told(site: Site) -> None:
    made = await create(site)
    assert (made["name"], made["animated"], made["user"]["id"]) == ("blob", False, str(site.bot.user.id))
    path = f"/guilds/{site.guild.id}/emojis/{made['id']}"
    edited = await site.call("PATCH", path, {"name": "blobby", "roles": [str(site.guild.id)]})
    assert (edited.json["name"], edited.json["roles"]) == ("blobby", [str(site.guild.id)])
    assert (await site.call("GET", path)).json == edited.json
    assert (await site.call("DELETE", path)).status == 204
    assert (await site.call("GET", path)).json["code"] == 10014
    told = [[emoji["name"] for emoji in event["emojis"]] for event in site.seen("GUILD_EMOJIS_UPDATE")]
    assert told == [["blob"], ["blobby"], []]
    assert not any("user" in emoji for event in site.seen("GUILD_EMOJIS_UPDATE") for emoji in event["emojis"])
    assert [entry["action_type"] for entry in site.seen("GUILD_AUDIT_LOG_ENTRY_CREATE")] == [60, 61, 62]


@pytest.mark.parametrize(
    ("change", "path", "code"),
    [
        ({"name": "x"}, ("name",), "BASE_TYPE_BAD_LENGTH"),
        ({"name": "x" * 33}, ("name",), "BASE_TYPE_BAD_LENGTH"),
        ({"name": "no space"}, ("name",), "STRING_TYPE_REGEX"),
        ({"name": None}, ("name",), "BASE_TYPE_REQUIRED"),
        ({"image": None}, ("image",), "BASE_TYPE_REQUIRED"),
        ({"image": image(size=256 * 1024 + 1)}, ("image",), "BINARY_TYPE_MAX_SIZE"),
    ],
)
async def test_a_faulty_emoji_is_refused(site: Site, change: Json, path: tuple[str], code: str) -> None:
    body = {"name": "blob", "image": image()} | change
    assert leaf(await site.call("POST", f"/guilds/{site.guild.id}/emojis", body), *path) == code


@pytest.mark.parametrize("wrong", ["x", "data:image/png;base64,???", "data:text/plain;base64,eA=="])
async def test_what_is_no_image_is_refused(site: Site, wrong: str) -> None:
    answer = await site.call("POST", f"/guilds/{site.guild.id}/emojis", {"name": "blob", "image": wrong})
    assert (answer.status, answer.json["code"]) == (400, 50046)


async def test_a_guild_has_room_for_fifty_of_each_kind(site: Site) -> None:
    for number in range(50):
        site.world.guilds.add_emoji(site.guild, f"e{number}")
    path, body = f"/guilds/{site.guild.id}/emojis", {"name": "blob", "image": image()}
    assert (await site.call("POST", path, body)).json["code"] == 30008
    assert (await create(site, kind="gif"))["animated"] is True
    for number in range(49):
        site.world.guilds.add_emoji(site.guild, f"a{number}", animated=True)
    assert (await site.call("POST", path, body | {"image": image("gif")})).json["code"] == 30018


async def test_emoji_need_their_permissions(site: Site) -> None:
    own = await create(site)
    others = site.world.guilds.add_emoji(site.guild, "other", creator=site.owner)
    base = f"/guilds/{site.guild.id}/emojis"
    no_permission(site, Permission.MANAGE_GUILD_EXPRESSIONS)
    assert (await site.call("PATCH", f"{base}/{own['id']}", {"name": "mine"})).status == 200
    assert (await site.call("DELETE", f"{base}/{others.id}")).json["code"] == 50013
    assert "user" not in (await site.call("GET", f"{base}/{others.id}")).json
    no_permission(site, Permission.CREATE_GUILD_EXPRESSIONS)
    assert (await site.call("DELETE", f"{base}/{own['id']}")).json["code"] == 50013
    assert (await site.call("POST", base, {"name": "blob", "image": image()})).json["code"] == 50013


async def test_bots_react_with_emoji_of_their_guilds_only(site: Site) -> None:
    message = site.world.people.post(site.ann.id, site.channel.id, "x")
    foreign_guild = site.world.guilds.create("Foreign", site.owner)
    foreign = site.world.guilds.add_emoji(foreign_guild, "far")
    path = f"{site.messages}/{message.id}/reactions/far:{foreign.id}/@me"
    assert (await site.call("PUT", path)).json["code"] == 10014
    site.world.guilds.add_bot(foreign_guild, site.bot)
    no_permission(site, Permission.USE_EXTERNAL_EMOJIS)
    site.clock.advance(1)
    assert (await site.call("PUT", path)).json["code"] == 50013
