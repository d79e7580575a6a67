"""Pins over REST, by the present routes and by the older ones."""

from __future__ import annotations

import pytest
from tests.integration.emulator_rest.conftest import Site
from tests.integration.emulator_rest.test_rules import no_permission

from migaga_emulator.world.permissions import Permission


def said(site: Site, text: str = "x") -> int:
    return site.world.people.post(site.ann.id, site.channel.id, text).id


@pytest.mark.parametrize("base", ["/messages/pins", "/pins"])
async def test_a_message_is_pinned_listed_and_unpinned(site: Site, base: str) -> None:
    path, first = f"/channels/{site.channel.id}{base}", said(site)
    site.events.clear()
    headers = {"X-Audit-Log-Reason": "good"}
    assert (await site.call("PUT", f"{path}/{first}", headers=headers)).status == 204
    assert [event.name for event in site.events] == [
        *("MESSAGE_UPDATE", "CHANNEL_PINS_UPDATE", "GUILD_AUDIT_LOG_ENTRY_CREATE", "MESSAGE_CREATE"),
    ]
    assert site.seen("MESSAGE_UPDATE")[0]["pinned"] is True
    (update,) = site.seen("CHANNEL_PINS_UPDATE")
    assert set(update) == {"guild_id", "channel_id", "last_pin_timestamp"}
    (entry,) = site.seen("GUILD_AUDIT_LOG_ENTRY_CREATE")
    assert (entry["action_type"], entry["reason"], entry["options"]["message_id"]) == (74, "good", str(first))
    (notice,) = site.seen("MESSAGE_CREATE")
    assert (notice["type"], notice["message_reference"]["message_id"]) == (6, str(first))
    channel = (await site.call("GET", f"/channels/{site.channel.id}")).json
    assert channel["last_pin_timestamp"] == update["last_pin_timestamp"]
    site.events.clear()
    assert (await site.call("PUT", f"{path}/{first}")).status == 204
    assert site.events == []
    assert (await site.call("DELETE", f"{path}/{first}")).status == 204
    assert site.seen("CHANNEL_PINS_UPDATE")[0]["last_pin_timestamp"] is None
    assert site.seen("MESSAGE_CREATE") == []


async def test_pins_are_listed_in_pages_and_the_older_route_gives_plain_messages(site: Site) -> None:
    ids = [said(site, str(number)) for number in range(3)]
    for message_id in ids:
        site.clock.advance(1)
        await site.call("PUT", f"{site.messages}/pins/{message_id}")
    page = (await site.call("GET", f"{site.messages}/pins?limit=2")).json
    assert [item["message"]["id"] for item in page["items"]] == [str(ids[2]), str(ids[1])]
    assert page["has_more"] is True
    before = page["items"][-1]["pinned_at"]
    rest = (await site.call("GET", f"{site.messages}/pins", params={"before": before})).json
    assert ([item["message"]["id"] for item in rest["items"]], rest["has_more"]) == ([str(ids[0])], False)
    old = (await site.call("GET", f"/channels/{site.channel.id}/pins")).json
    assert [item["id"] for item in old] == [str(item) for item in reversed(ids)]
    assert all(item["pinned"] for item in old)
    for wrong in ("limit=0", "limit=51", "before=soon"):
        assert (await site.call("GET", f"{site.messages}/pins?{wrong}")).json["code"] == 50035


async def test_pinning_is_refused_where_discord_refuses_it(site: Site) -> None:
    first = said(site)
    assert (await site.call("PUT", f"{site.messages}/pins/1")).json["code"] == 10008
    await site.call("PUT", f"{site.messages}/pins/{first}")
    notice = site.seen("MESSAGE_CREATE")[-1]["id"]
    assert (await site.call("PUT", f"{site.messages}/pins/{notice}")).json["code"] == 50021
    for number in range(249):
        site.world.people.pin(site.owner.id, site.channel.id, said(site, str(number)))
    full = await site.call("PUT", f"{site.messages}/pins/{said(site)}")
    assert (full.status, full.json["code"]) == (400, 30003)
    no_permission(site, Permission.PIN_MESSAGES)
    assert (await site.call("DELETE", f"{site.messages}/pins/{first}")).json["code"] == 50013
    no_permission(site, Permission.READ_MESSAGE_HISTORY)
    assert (await site.call("GET", f"{site.messages}/pins")).json == {"items": [], "has_more": False}


async def test_deleting_a_pinned_message_is_no_change_of_pins(site: Site) -> None:
    first = said(site)
    await site.call("PUT", f"{site.messages}/pins/{first}")
    site.events.clear()
    assert (await site.call("DELETE", f"{site.messages}/{first}")).status == 204
    assert site.seen("CHANNEL_PINS_UPDATE") == []


async def test_direct_messages_are_pinned_too(site: Site) -> None:
    message = site.world.people.dm(site.ann.id, site.bot.user.id, "hi")
    path = f"/channels/{message.channel_id}/messages/pins/{message.id}"
    assert (await site.call("PUT", path)).status == 204
    assert "guild_id" not in site.seen("CHANNEL_PINS_UPDATE")[0]
