"""What a message looks like to the bot that reads, edits, answers or forwards it."""

from __future__ import annotations

import pytest
from tests.integration.emulator_rest.conftest import Json, Site
from tests.integration.emulator_rest.test_rules import leaf, no_permission

from migaga_emulator.world.intents import PRIVILEGED, Intent
from migaga_emulator.world.permissions import Permission


async def send(site: Site, **body: object) -> Json:
    answer = await site.call("POST", site.messages, body)
    assert answer.status == 200, answer.text
    return answer.json


async def test_a_nonce_is_told_to_the_sender_and_never_again(site: Site) -> None:
    sent = await send(site, content="x", nonce="n")
    path = f"{site.messages}/{sent['id']}"
    assert sent["nonce"] == site.seen("MESSAGE_CREATE")[0]["nonce"] == "n"
    edited = (await site.call("PATCH", path, {"content": "y"})).json
    read = (await site.call("GET", path)).json
    listed = (await site.call("GET", site.messages)).json[0]
    reply = await send(site, content="re", message_reference={"message_id": sent["id"]})
    shown = [edited, read, listed, reply["referenced_message"], site.seen("MESSAGE_UPDATE")[0]]
    assert not any("nonce" in item for item in shown)


async def test_without_message_content_rest_shows_what_the_gateway_shows(site: Site) -> None:
    site.bot.privileged_intents = int(PRIVILEGED & ~Intent.MESSAGE_CONTENT)
    hidden = site.world.people.post(site.ann.id, site.channel.id, "secret")
    mention = site.world.people.post(site.ann.id, site.channel.id, f"<@{site.bot.user.id}> hi")
    own = await send(site, content="mine", message_reference={"message_id": str(hidden.id)})
    listed = {item["id"]: item["content"] for item in (await site.call("GET", site.messages)).json}
    assert listed == {str(hidden.id): "", str(mention.id): f"<@{site.bot.user.id}> hi", own["id"]: "mine"}
    assert own["referenced_message"]["content"] == ""
    dm = site.world.people.dm(site.ann.id, site.bot.user.id, "psst")
    assert (await site.call("GET", f"/channels/{dm.channel_id}/messages/{dm.id}")).json["content"] == "psst"
    forward = {"type": 1, "channel_id": str(site.channel.id), "message_id": str(hidden.id)}
    assert (await site.call("POST", site.messages, {"message_reference": forward})).json["code"] == 160014


async def test_mentions_are_those_that_were_allowed_and_an_edit_makes_them_anew(site: Site) -> None:
    text = f"<@{site.ann.id}> @everyone <@&{site.guild.id}>"
    quiet = await send(site, content=text, allowed_mentions={"parse": []})
    assert (quiet["mentions"], quiet["mention_everyone"], quiet["mention_roles"]) == ([], False, [])
    path = f"{site.messages}/{quiet['id']}"
    embeds = (await site.call("PATCH", path, {"embeds": [{"title": "t"}]})).json
    assert embeds["mentions"] == []
    loud = (await site.call("PATCH", path, {"content": text})).json
    assert ([user["id"] for user in loud["mentions"]], loud["mention_everyone"]) == ([str(site.ann.id)], True)
    again = (await site.call("PATCH", path, {"content": text, "allowed_mentions": {"parse": ["everyone"]}})).json
    assert (again["mentions"], again["mention_everyone"]) == ([], True)


async def test_a_message_of_components_stays_one(site: Site) -> None:
    sent = await send(site, flags=1 << 15, components=[{"type": 10, "content": f"<@{site.ann.id}>"}])
    assert [user["id"] for user in sent["mentions"]] == [str(site.ann.id)]
    path = f"{site.messages}/{sent['id']}"
    edited = (await site.call("PATCH", path, {"components": [{"type": 10, "content": "new"}]})).json
    assert (edited["components"][0]["content"], edited["mentions"]) == ("new", [])
    assert (await site.call("PATCH", path, {"flags": 0})).json["flags"] & (1 << 15)
    refused = await site.call("PATCH", path, {"content": "x"})
    assert leaf(refused, "content") == "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2"


async def test_phantom_mentions_ping_nobody(site: Site) -> None:
    sent = await send(site, content="x", allowed_mentions={"users": [str(site.ann.id)]})
    assert sent["mentions"] == []
    empty = await send(site, content=f"<@{site.ann.id}>", allowed_mentions={"parse": ["users"], "users": []})
    assert [user["id"] for user in empty["mentions"]] == [str(site.ann.id)]


async def test_text_to_speech_needs_its_permission_and_updates_are_silent(site: Site) -> None:
    sent = await send(site, content="x", tts=True)
    assert sent["tts"] is True
    await site.call("PATCH", f"{site.messages}/{sent['id']}", {"content": "y"})
    assert site.seen("MESSAGE_UPDATE")[0]["tts"] is False
    no_permission(site, Permission.SEND_TTS_MESSAGES)
    assert (await site.call("POST", site.messages, {"content": "x", "tts": True})).json["code"] == 50013


async def test_replies_go_to_what_somebody_wrote_in_the_same_channel(site: Site) -> None:
    site.guild.system_channel_id = site.channel.id
    site.world.people.join(site.world.guilds.create_user("new").id, site.guild.id)
    notice = site.seen("MESSAGE_CREATE")[0]["id"]
    body = {"content": "x", "message_reference": {"message_id": notice}}
    answer = await site.call("POST", site.messages, body)
    assert leaf(answer, "message_reference") == "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE"
    gone = {"message_id": "5", "fail_if_not_exists": False}
    assert (await send(site, content="x", message_reference=gone))["referenced_message"] is None
    no_permission(site, Permission.READ_MESSAGE_HISTORY)
    assert (await site.call("POST", site.messages, body)).json["code"] == 160002


async def test_a_forward_carries_a_copy_without_its_author(site: Site) -> None:
    original = site.world.people.post(site.ann.id, site.channel.id, "look")
    reference = {"type": 1, "channel_id": str(site.channel.id), "message_id": str(original.id)}
    forward = await send(site, message_reference=reference)
    (carried,) = forward["message_snapshots"]
    assert (carried["message"]["content"], "author" in carried["message"]) == ("look", False)
    assert "referenced_message" not in forward
    site.world.people.edit(site.ann.id, site.channel.id, original.id, "changed")
    read = (await site.call("GET", f"{site.messages}/{forward['id']}")).json
    assert read["message_snapshots"] == forward["message_snapshots"]
    del reference["channel_id"]
    answer = await site.call("POST", site.messages, {"message_reference": reference})
    assert leaf(answer, "message_reference", "channel_id") == "BASE_TYPE_REQUIRED"


async def test_a_message_named_twice_is_not_deleted_in_bulk(site: Site) -> None:
    message = site.world.people.post(site.ann.id, site.channel.id, "x")
    answer = await site.call("POST", f"{site.messages}/bulk-delete", {"messages": [str(message.id)] * 2})
    assert (answer.status, answer.json["code"]) == (400, 50035)
    assert message.id in site.channel.messages


async def test_typing_is_told_and_needs_the_right_to_write(site: Site) -> None:
    path = f"/channels/{site.channel.id}/typing"
    assert (await site.call("POST", path)).status == 204
    (event,) = site.seen("TYPING_START")
    assert (event["user_id"], event["timestamp"], event["member"]["user"]["id"]) == (
        str(site.bot.user.id),
        int(site.clock.time()),
        str(site.bot.user.id),
    )
    no_permission(site, Permission.SEND_MESSAGES)
    assert (await site.call("POST", path)).json["code"] == 50013


async def test_permissions_of_commands_are_read_and_not_written_by_bots(site: Site) -> None:
    base = f"/applications/{site.bot.application_id}"
    guild = f"{base}/guilds/{site.guild.id}/commands"
    command = (await site.call("POST", f"{base}/commands", {"name": "ping", "description": "d"})).json
    assert (await site.call("GET", f"{guild}/permissions")).json == []
    assert (await site.call("GET", f"{guild}/{command['id']}/permissions")).json["code"] == 10066
    assert (await site.call("GET", f"{guild}/1/permissions")).json["code"] == 10063
    refused = await site.call("PUT", f"{guild}/{command['id']}/permissions", {"permissions": []})
    assert (refused.status, refused.json["code"]) == (403, 20001)
    assert (await site.call("PUT", f"{guild}/permissions", [])).status == 405
    assert (await site.call("GET", f"{base}/commands/permissions")).json["code"] == 50035


@pytest.mark.parametrize("translated", [True, False])
async def test_translations_of_commands_come_on_demand(site: Site, translated: bool) -> None:
    path = f"/applications/{site.bot.application_id}/commands"
    option = {"type": 3, "name": "word", "description": "d", "name_localizations": {"de": "wort"}}
    command = {"name": "ping", "description": "d", "description_localizations": {"de": "D"}, "options": [option]}
    await site.call("POST", path, command)
    query = {"with_localizations": "true"} if translated else {}
    (listed,) = (await site.call("GET", path, params=query)).json
    assert ("description_localizations" in listed) == translated
    assert ("name_localizations" in listed["options"][0]) == translated
