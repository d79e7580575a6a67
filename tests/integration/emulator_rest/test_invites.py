"""Invites over REST: kept, listed, used, deleted."""

from __future__ import annotations

import pytest
from tests.integration.emulator_rest.conftest import Json, Site
from tests.integration.emulator_rest.test_rules import leaf, no_permission

from migaga_emulator.world.errors import DiscordError
from migaga_emulator.world.permissions import Permission


async def create(site: Site, **wish: object) -> Json:
    answer = await site.call("POST", f"/channels/{site.channel.id}/invites", wish)
    assert answer.status == 200, answer.text
    return answer.json


async def test_an_invite_is_told_listed_and_deleted(site: Site) -> None:
    made = await create(site, max_age=60, max_uses=2, temporary=True)
    (event,) = site.seen("INVITE_CREATE")
    assert (event["code"], event["channel_id"], event["guild_id"]) == (
        made["code"],
        str(site.channel.id),
        str(site.guild.id),
    )
    assert (event["max_age"], event["max_uses"], event["temporary"], event["uses"]) == (60, 2, True, 0)
    assert event["expires_at"] == made["expires_at"]
    for path in (f"/channels/{site.channel.id}/invites", f"/guilds/{site.guild.id}/invites"):
        assert (await site.call("GET", path)).json == [made]
    one = (await site.call("GET", f"/invites/{made['code']}?with_counts=true")).json
    assert (one["guild"]["name"], one["approximate_member_count"]) == ("Guild", 3)
    assert "uses" not in one
    headers = {"X-Audit-Log-Reason": "over"}
    gone = await site.call("DELETE", f"/invites/{made['code']}", headers=headers)
    assert (gone.status, gone.json["code"]) == (200, made["code"])
    assert site.seen("INVITE_DELETE") == [
        {"channel_id": str(site.channel.id), "guild_id": str(site.guild.id), "code": made["code"]}
    ]
    assert [entry["action_type"] for entry in site.seen("GUILD_AUDIT_LOG_ENTRY_CREATE")] == [40, 42]
    for method in ("GET", "DELETE"):
        missing = await site.call(method, f"/invites/{made['code']}")
        assert (missing.status, missing.json["code"]) == (404, 10006)


async def test_an_invite_that_is_alike_is_given_out_again_unless_it_has_to_be_unique(site: Site) -> None:
    first, again = await create(site), await create(site)
    other, unique = await create(site, max_uses=1), await create(site, unique=True)
    assert first["code"] == again["code"]
    assert len({first["code"], other["code"], unique["code"]}) == 3
    assert len(site.seen("INVITE_CREATE")) == 3


async def test_an_invite_ends_by_time_by_use_and_with_its_channel(site: Site) -> None:
    timed, used, kept = await create(site, max_age=10), await create(site, max_uses=1), await create(site, max_age=0)
    assert kept["expires_at"] is None
    new = site.world.guilds.create_user("new")
    site.world.people.accept(new.id, used["code"])
    assert new.id in site.guild.members
    assert [event["code"] for event in site.seen("INVITE_DELETE")] == [used["code"]]
    with pytest.raises(DiscordError, match="Unknown Invite"):
        site.world.people.accept(site.world.guilds.create_user("late").id, used["code"])
    site.clock.advance(11)
    assert (await site.call("GET", f"/invites/{timed['code']}")).json["code"] == 10006
    site.world.channels.delete(None, site.channel)
    assert (await site.call("GET", f"/invites/{kept['code']}")).json["code"] == 10006


async def test_faulty_invites_are_refused(site: Site) -> None:
    path = f"/channels/{site.channel.id}/invites"
    assert leaf(await site.call("POST", path, {"max_age": 604_801}), "max_age") == "NUMBER_TYPE_MAX"
    assert leaf(await site.call("POST", path, {"max_uses": 101}), "max_uses") == "NUMBER_TYPE_MAX"
    assert (await site.call("POST", path)).json["code"] == 50109
    dm = site.world.people.dm_channel(site.ann.id, site.bot.user.id)
    assert (await site.call("POST", f"/channels/{dm.id}/invites", {})).json["code"] == 50003


async def test_invites_need_their_permissions(site: Site) -> None:
    made = await create(site)
    no_permission(site, Permission.MANAGE_CHANNELS)
    assert (await site.call("GET", f"/channels/{site.channel.id}/invites")).json["code"] == 50013
    assert (await site.call("GET", f"/guilds/{site.guild.id}/invites")).json[0]["uses"] == 0
    no_permission(site, Permission.MANAGE_GUILD)
    assert "uses" not in (await site.call("GET", f"/guilds/{site.guild.id}/invites")).json[0]
    assert (await site.call("DELETE", f"/invites/{made['code']}")).json["code"] == 50013
    no_permission(site, Permission.VIEW_AUDIT_LOG)
    assert (await site.call("GET", f"/guilds/{site.guild.id}/invites")).json["code"] == 50013
