"""Threads over REST: starting them, who is in them, archives."""

from __future__ import annotations

import pytest
from tests.integration.emulator_rest.conftest import Json, JsonObject, Site
from tests.integration.emulator_rest.test_rules import leaf, no_permission

from migaga_emulator.world.channels import ChannelChange, ThreadWish
from migaga_emulator.world.intents import PRIVILEGED, Intent
from migaga_emulator.world.permissions import Permission


async def start(site: Site, kind: int = 11, **more: object) -> Json:
    body: JsonObject = {"name": "talk", "type": kind, **more}
    answer = await site.call("POST", f"/channels/{site.channel.id}/threads", body)
    assert answer.status == 201, answer.text
    return answer.json


async def test_members_come_and_go(site: Site) -> None:
    thread = await start(site)
    path = f"/channels/{thread['id']}/thread-members"
    assert [event.name for event in site.events][:2] == ["THREAD_CREATE", "THREAD_MEMBERS_UPDATE"]
    assert thread["member"]["user_id"] == str(site.bot.user.id)
    site.events.clear()
    assert (await site.call("PUT", f"{path}/{site.ann.id}")).status == 204
    assert (await site.call("PUT", f"{path}/{site.ann.id}")).status == 204
    (update,) = site.seen("THREAD_MEMBERS_UPDATE")
    assert (update["id"], update["guild_id"], update["member_count"]) == (thread["id"], str(site.guild.id), 2)
    (added,) = update["added_members"]
    assert (added["user_id"], added["member"]["user"]["username"], added["presence"]) == (str(site.ann.id), "ann", None)
    assert site.events[0].intents == Intent.GUILD_MEMBERS
    site.events.clear()
    assert (await site.call("DELETE", f"{path}/@me")).status == 204
    (update,) = site.seen("THREAD_MEMBERS_UPDATE")
    assert (update["removed_member_ids"], site.events[0].intents) == ([str(site.bot.user.id)], Intent.GUILDS)
    assert (await site.call("GET", f"{path}/@me")).json["code"] == 10007
    assert (await site.call("PUT", f"{path}/@me")).status == 204
    assert (await site.call("DELETE", f"{path}/{site.ann.id}")).status == 204
    assert (await site.call("DELETE", f"{path}/{site.ann.id}")).json["code"] == 10007


async def test_members_are_listed_with_the_intent_and_in_pages_on_demand(site: Site) -> None:
    thread = await start(site)
    path = f"/channels/{thread['id']}/thread-members"
    await site.call("PUT", f"{path}/{site.ann.id}")
    listed = (await site.call("GET", path)).json
    assert {item["user_id"] for item in listed} == {str(site.bot.user.id), str(site.ann.id)}
    assert "member" not in listed[0]
    page = (await site.call("GET", f"{path}?with_member=true&limit=1")).json
    rest = (await site.call("GET", f"{path}?with_member=true&after={page[0]['user_id']}")).json
    assert [item["member"]["user"]["id"] for item in page + rest] == sorted(item["user_id"] for item in listed)
    site.bot.privileged_intents = int(PRIVILEGED & ~Intent.GUILD_MEMBERS)
    for refused in (path, f"/guilds/{site.guild.id}/members"):
        answer = await site.call("GET", refused)
        assert (answer.status, answer.json["code"]) == (403, 50001)
    channel = await site.call("GET", f"/channels/{site.channel.id}/thread-members/@me")
    assert channel.json["code"] == 50024


async def test_who_writes_joins(site: Site) -> None:
    thread = await start(site)
    site.events.clear()
    site.world.people.post(site.ann.id, int(thread["id"]), "hi")
    assert [event.name for event in site.events] == ["MESSAGE_CREATE", "THREAD_MEMBERS_UPDATE"]


async def test_a_thread_of_a_message_has_its_id_and_the_message_tells_of_it(site: Site) -> None:
    message = site.world.people.post(site.ann.id, site.channel.id, "start")
    path = f"{site.messages}/{message.id}/threads"
    thread = await site.call("POST", path, {"name": "talk"})
    assert (thread.json["id"], thread.json["type"]) == (str(message.id), 11)
    (update,) = site.seen("MESSAGE_UPDATE")
    assert (update["flags"], update["thread"]["id"]) == (32, str(message.id))
    assert (await site.call("POST", path, {"name": "talk"})).json["code"] == 160004


async def test_a_forum_takes_posts_and_no_messages(site: Site) -> None:
    forum = site.world.channels.create(None, site.guild, 15, ChannelChange(name="forum"))
    assert (await site.call("POST", f"/channels/{forum.id}/messages", {"content": "x"})).json["code"] == 40058
    path = f"/channels/{forum.id}/threads"
    assert leaf(await site.call("POST", path, {"name": "post"}), "message") == "BASE_TYPE_REQUIRED"
    post = (await site.call("POST", path, {"name": "post", "message": {"content": "first"}})).json
    assert (post["type"], post["message"]["id"], post["message"]["content"]) == (11, post["id"], "first")


async def test_nobody_acts_in_archived_threads_and_writing_wakes_them(site: Site) -> None:
    thread = await start(site)
    path = f"/channels/{thread['id']}"
    first = (await site.call("POST", f"{path}/messages", {"content": "x"})).json
    assert (await site.call("PATCH", path, {"archived": True})).json["thread_metadata"]["archived"] is True
    reaction = f"{path}/messages/{first['id']}/reactions/%F0%9F%91%8D/@me"
    for method, target, body in (
        ("PUT", f"{path}/thread-members/{site.ann.id}", None),
        ("PUT", reaction, None),
        ("PATCH", f"{path}/messages/{first['id']}", {"content": "y"}),
    ):
        assert (await site.call(method, target, body)).json["code"] == 50083
    archived = (await site.call("GET", f"/channels/{site.channel.id}/threads/archived/public")).json
    assert ([item["id"] for item in archived["threads"]], archived["has_more"]) == ([thread["id"]], False)
    assert [item["user_id"] for item in archived["members"]] == [str(site.bot.user.id)]
    site.events.clear()
    await site.call("POST", f"{path}/messages", {"content": "wake"})
    assert [event.name for event in site.events] == ["THREAD_UPDATE", "MESSAGE_CREATE"]
    active = (await site.call("GET", f"/guilds/{site.guild.id}/threads/active")).json
    assert [item["id"] for item in active["threads"]] == [thread["id"]]


async def test_locked_threads_are_for_moderators(site: Site) -> None:
    thread = await start(site)
    path = f"/channels/{thread['id']}"
    await site.call("PATCH", path, {"locked": True})
    assert (await site.call("POST", f"{path}/messages", {"content": "x"})).status == 200
    no_permission(site, Permission.MANAGE_THREADS)
    assert (await site.call("POST", f"{path}/messages", {"content": "x"})).json["code"] == 160005
    assert (await site.call("PATCH", path, {"locked": False})).json["code"] == 50013
    assert (await site.call("PATCH", path, {"name": "mine"})).status == 200


async def test_private_threads_are_seen_by_members_and_moderators(site: Site) -> None:
    thread = site.world.channels.start_thread(
        site.owner, site.channel, ThreadWish("secret", private=True, invitable=False)
    )
    path = f"/channels/{thread.id}"
    assert (await site.call("GET", path)).status == 200
    no_permission(site, Permission.MANAGE_THREADS)
    assert (await site.call("GET", path)).json["code"] == 50001
    assert (await site.call("GET", f"/guilds/{site.guild.id}/threads/active")).json["threads"] == []
    site.world.threads.add(site.owner, thread, site.bot.user.id)
    assert (await site.call("GET", path)).status == 200
    assert (await site.call("PUT", f"{path}/thread-members/{site.ann.id}")).json["code"] == 50013
    private = f"/channels/{site.channel.id}/threads/archived/private"
    assert (await site.call("GET", private)).json["code"] == 50013
    site.world.channels.edit(None, thread, ChannelChange(frozenset({"archived"}), archived=True))
    joined = await site.call("GET", f"/channels/{site.channel.id}/users/@me/threads/archived/private")
    assert [item["id"] for item in joined.json["threads"]] == [str(thread.id)]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, ("name",)),
        ({"name": "x" * 101}, ("name",)),
        ({"name": "x", "auto_archive_duration": 61}, ("auto_archive_duration",)),
        ({"name": "x", "rate_limit_per_user": 21_601}, ("rate_limit_per_user",)),
        ({"name": "x", "type": 1}, ("type",)),
    ],
)
async def test_faulty_threads_are_refused(site: Site, body: JsonObject, path: tuple[str]) -> None:
    assert leaf(await site.call("POST", f"/channels/{site.channel.id}/threads", body), *path)
