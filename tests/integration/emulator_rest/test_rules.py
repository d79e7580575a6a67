"""A client that breaks a rule of REST is treated as Discord would treat it."""

from __future__ import annotations

import aiohttp
import pytest
from tests.integration.emulator_rest.conftest import Answer, JsonObject, Site

from migaga_emulator.rules import Rules
from migaga_emulator.world.channels import ChannelChange
from migaga_emulator.world.permissions import Permission
from migaga_emulator.world.roles import RoleChange
from migaga_emulator.world.snowflakes import at


def leaf(answer: Answer, *path: str | int) -> str:
    """The first fault at a path of the error tree."""
    assert (answer.status, answer.json["code"], answer.json["message"]) == (400, 50035, "Invalid Form Body"), (
        answer.text
    )
    node = answer.json["errors"]
    for part in path:
        node = node[str(part)]
    return str(node["_errors"][0]["code"])


def no_permission(site: Site, *lost: Permission) -> None:
    """Take permissions from the bot."""
    role = next(role for role in site.guild.roles.values() if role.bot_id)
    everyone = site.guild.roles[site.guild.id]
    for bit in lost:
        role.permissions &= ~bit
        everyone.permissions &= ~bit


@pytest.mark.parametrize("token", ["", "Bot nonsense", "Bearer {token}", "{token}"])
async def test_a_wrong_token_is_answered_with_401(site: Site, token: str) -> None:
    headers = {"Authorization": token.format(token=site.bot.token)}
    answer = await site.call("GET", "/users/@me", headers=headers)
    assert (answer.status, answer.json) == (401, {"message": "401: Unauthorized", "code": 0})


async def test_a_revoked_token_is_refused_everywhere(site: Site) -> None:
    assert (await site.call("GET", "/users/@me")).status == 200
    site.bot.revoked = True
    for path in ("/users/@me", f"/guilds/{site.guild.id}", f"/channels/{site.channel.id}"):
        assert (await site.call("GET", path)).status == 401


async def test_the_content_type_is_exactly_json(site: Site) -> None:
    """discord.py reads a body as JSON only when there is nothing behind `application/json`."""
    site.faults.add(route="/users/@me/guilds", status=429)
    site.faults.add(route="/guilds/*", status=500)
    expected = {
        "/users/@me": 200,
        "/users/@me/guilds": 429,
        f"/guilds/{site.guild.id}": 500,
        f"/channels/{site.channel.id}/messages?limit=0": 400,
        "/applications/1/commands": 403,
        "/nowhere": 404,
    }
    for path, status in expected.items():
        answer = await site.call("GET", path)
        assert (answer.status, answer.headers["Content-Type"]) == (status, "application/json")
    answer = await site.call("GET", "/users/@me", headers={"Authorization": ""})
    assert (answer.status, answer.headers["Content-Type"]) == (401, "application/json")


async def test_nobody_is_muted_deafened_or_moved_who_is_in_no_voice_channel(site: Site) -> None:
    path = f"/guilds/{site.guild.id}/members/{site.ann.id}"
    changes = {
        "mute": Permission.MUTE_MEMBERS,
        "deaf": Permission.DEAFEN_MEMBERS,
        "channel_id": Permission.MOVE_MEMBERS,
    }
    for key, permission in changes.items():
        value = None if key == "channel_id" else True
        assert (await site.call("PATCH", path, {key: value})).json["code"] == 40032
        no_permission(site, permission)
        assert (await site.call("PATCH", path, {key: value})).json["code"] == 50013
    assert site.guild.members[site.ann.id].mute is False


async def test_overwrites_grant_and_deny_only_what_the_bot_may_do(site: Site) -> None:
    no_permission(site, Permission.BAN_MEMBERS, Permission.ADMINISTRATOR)
    path = f"/channels/{site.channel.id}/permissions/{site.ann.id}"

    def wish(*bits: Permission) -> JsonObject:
        return {"type": 1, "deny": "0", "allow": str(sum(bits))}

    assert (await site.call("PUT", path, wish(Permission.SEND_MESSAGES))).status == 204
    for bit in (Permission.BAN_MEMBERS, Permission.MANAGE_ROLES):
        assert (await site.call("PUT", path, wish(bit))).json["code"] == 50013
    entry = wish(Permission.BAN_MEMBERS) | {"id": str(site.ann.id)}
    changed = {"permission_overwrites": [entry]}
    assert (await site.call("PATCH", f"/channels/{site.channel.id}", changed)).json["code"] == 50013
    new = {"name": "x", **changed}
    assert (await site.call("POST", f"/guilds/{site.guild.id}/channels", new)).json["code"] == 50013
    assert site.channel.overwrites[site.ann.id].allow == Permission.SEND_MESSAGES


async def test_the_older_route_changes_the_bots_nick(site: Site) -> None:
    answer = await site.call("PATCH", f"/guilds/{site.guild.id}/members/@me/nick", {"nick": "T"})
    assert (answer.status, answer.json) == (200, {"nick": "T"})
    assert site.seen("GUILD_MEMBER_UPDATE")[0]["nick"] == "T"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, 0),
        ("PUT", "/users/@me", 405, 0),
        ("GET", "/channels/1", 404, 10003),
        ("GET", "/guilds/1", 404, 10004),
        ("GET", "/guilds/{guild}/members/1", 404, 10013),
        ("GET", "/guilds/{guild}/members/{stranger}", 404, 10007),
        ("GET", "/channels/{channel}/messages/1", 404, 10008),
        ("GET", "/guilds/{guild}/roles/1", 404, 10011),
        ("GET", "/users/1", 404, 10013),
        ("GET", "/guilds/{guild}/bans/{ann}", 404, 10026),
        ("DELETE", "/guilds/{guild}/bans/{ann}", 404, 10026),
        ("GET", "/guilds/{guild}/emojis/1", 404, 10014),
        ("GET", "/applications/{bot}/commands/1", 404, 10063),
        ("GET", "/applications/1/commands", 403, 20012),
        ("GET", "/applications/{bot}/guilds/1/commands", 403, 50001),
        ("POST", "/interactions/1/token/callback", 404, 10062),
        ("POST", "/webhooks/{bot}/token", 404, 10015),
        ("PUT", "/guilds/{guild}/members/{ann}/roles/1", 404, 10011),
        ("DELETE", "/channels/{channel}/messages/1", 404, 10008),
        ("PATCH", "/channels/{channel}/messages/1", 404, 10008),
        ("PUT", "/channels/{channel}/messages/1/reactions/%F0%9F%91%8D/@me", 404, 10008),
    ],
)
async def test_what_does_not_exist_has_its_error_code(
    site: Site, method: str, path: str, status: int, code: object
) -> None:
    stranger = site.world.guilds.create_user("stranger")
    names = {"guild": site.guild.id, "channel": site.channel.id, "ann": site.ann.id, "bot": site.bot.application_id}
    answer = await site.call(method, path.format(stranger=stranger.id, **names))
    assert (answer.status, answer.json["code"]) == (status, code)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api", 404, 0),
        ("/api/", 404, 0),
        ("/api/users/@me", 404, 0),
        ("/api/v10", 404, 0),
        ("/api/v10/", 404, 0),
        ("/api/v3/users/@me", 400, 50041),
        ("/api/v99/users/@me", 400, 50041),
    ],
)
async def test_paths_outside_the_served_versions_get_discords_json(
    site: Site, path: str, status: int, code: int
) -> None:
    url = site.url.removesuffix("/api/v10") + path
    async with site.http.post(url, headers={"Authorization": f"Bot {site.bot.token}"}) as response:
        assert (response.status, response.headers["Content-Type"]) == (status, "application/json")
        assert (await response.json())["code"] == code


EMBED_BASE = {"description": "x"}


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        ({"content": "x" * 2001}, ("content",), "BASE_TYPE_MAX_LENGTH"),
        ({"content": ["x"]}, ("content",), "STRING_TYPE_CONVERT"),
        ({"embeds": [EMBED_BASE] * 11}, ("embeds",), "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": ["x"]}, ("embeds", 0), "MODEL_TYPE_CONVERT"),
        ({"embeds": [{"title": "x" * 257}]}, ("embeds", 0, "title"), "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"description": "x" * 4097}]}, ("embeds", 0, "description"), "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"description": "x" * 4000}] * 2}, ("embeds",), "MAX_EMBED_SIZE_EXCEEDED"),
        ({"embeds": [{"fields": [{"name": "a", "value": "b"}] * 26}]}, ("embeds", 0, "fields"), "BASE_TYPE_MAX_LENGTH"),
        (
            {"embeds": [{"fields": [{"name": "", "value": "b"}]}]},
            ("embeds", 0, "fields", 0, "name"),
            "BASE_TYPE_REQUIRED",
        ),
        (
            {"embeds": [{"fields": [{"name": "a", "value": "b" * 1025}]}]},
            ("embeds", 0, "fields", 0, "value"),
            "BASE_TYPE_BAD_LENGTH",
        ),
        ({"embeds": [{"footer": {"text": "x" * 2049}}]}, ("embeds", 0, "footer", "text"), "BASE_TYPE_BAD_LENGTH"),
        ({"embeds": [{"author": {"name": "x" * 257}}]}, ("embeds", 0, "author", "name"), "BASE_TYPE_BAD_LENGTH"),
        ({"embeds": [{"url": "ftp://x", "title": "t"}]}, ("embeds", 0, "url"), "URL_TYPE_INVALID_SCHEME"),
        ({"embeds": [{"timestamp": "soon"}]}, ("embeds", 0, "timestamp"), "DATE_TIME_TYPE_PARSE"),
        ({"embeds": [{"color": 1 << 24}]}, ("embeds", 0, "color"), "NUMBER_TYPE_MAX"),
        ({"content": "x", "nonce": "n" * 26}, ("nonce",), "NONCE_TYPE_TOO_LONG"),
        ({"content": "x", "tts": "yes"}, ("tts",), "BOOLEAN_TYPE_CONVERT"),
        (
            {"content": "x", "allowed_mentions": {"parse": ["all"]}},
            ("allowed_mentions", "parse", 0),
            "BASE_TYPE_CHOICES",
        ),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            ("allowed_mentions",),
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (
            {"content": "x", "allowed_mentions": {"users": [str(n) for n in range(101)]}},
            ("allowed_mentions", "users"),
            "BASE_TYPE_MAX_LENGTH",
        ),
        ({"content": "x", "message_reference": {"message_id": "5"}}, ("message_reference",), "REPLIES_UNKNOWN_MESSAGE"),
    ],
)
async def test_a_faulty_message_is_refused_where_it_is_wrong(site: Site, body: object, path: str, code: object) -> None:
    assert leaf(await site.call("POST", site.messages, body), *path) == code
    assert site.seen("MESSAGE_CREATE") == []


def row(*components: JsonObject) -> JsonObject:
    return {"content": "x", "components": [{"type": 1, "components": list(components)}]}


def button(**changes: object) -> JsonObject:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": "go"} | changes


def select(**changes: object) -> JsonObject:
    return {
        "type": 3,
        "custom_id": "s",
        "options": [{"label": "a", "value": "a"}, {"label": "b", "value": "b"}],
    } | changes


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        (
            {"content": "x", "components": [{"type": 1, "components": [button()]}] * 6},
            ("components",),
            "BASE_TYPE_MAX_LENGTH",
        ),
        ({"content": "x", "components": [button()]}, ("components", 0, "type"), "BASE_TYPE_CHOICES"),
        (row(), ("components", 0, "components"), "BASE_TYPE_BAD_LENGTH"),
        (row(*[button(custom_id=str(n)) for n in range(6)]), ("components", 0, "components"), "BASE_TYPE_BAD_LENGTH"),
        (row(button(label="x" * 81)), ("components", 0, "components", 0, "label"), "BASE_TYPE_MAX_LENGTH"),
        (row(button(label="")), ("components", 0, "components", 0, "label"), "BUTTON_COMPONENT_EMPTY"),
        (row(button(custom_id="x" * 101)), ("components", 0, "components", 0, "custom_id"), "BASE_TYPE_BAD_LENGTH"),
        (row(button(custom_id=None)), ("components", 0, "components", 0, "custom_id"), "BASE_TYPE_REQUIRED"),
        (row(button(style=9)), ("components", 0, "components", 0, "style"), "BASE_TYPE_CHOICES"),
        (row(button(style=5)), ("components", 0, "components", 0, "url"), "BASE_TYPE_REQUIRED"),
        (row(button(), button()), ("components", 0, "components", 1, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED"),
        (row(select(), button()), ("components", 0, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED"),
        (row(select(options=[])), ("components", 0, "components", 0, "options"), "BASE_TYPE_BAD_LENGTH"),
        (
            row(select(options=[{"label": "a", "value": "a"}] * 2)),
            ("components", 0, "components", 0, "options", 1, "value"),
            "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
        ),
        (
            row(select(max_values=3)),
            ("components", 0, "components", 0, "max_values"),
            "SELECT_COMPONENT_MAX_VALUES_TOO_LARGE",
        ),
        (row(select(placeholder="x" * 151)), ("components", 0, "components", 0, "placeholder"), "BASE_TYPE_MAX_LENGTH"),
    ],
)
async def test_faulty_components_are_refused_where_they_are_wrong(
    site: Site, body: object, path: str, code: object
) -> None:
    assert leaf(await site.call("POST", site.messages, body), *path) == code


async def test_several_faults_are_told_together(site: Site) -> None:
    answer = await site.call("POST", site.messages, {"content": "x" * 2001, "embeds": [{"title": "x" * 257}]})
    assert set(answer.json["errors"]) == {"content", "embeds"}


@pytest.mark.parametrize("body", [{}, {"content": ""}, {"content": "  \n"}, {"embeds": []}])
async def test_an_empty_message_is_50006(site: Site, body: object) -> None:
    answer = await site.call("POST", site.messages, body)
    assert (answer.status, answer.json["code"]) == (400, 50006)


async def test_a_body_that_is_no_json_is_told_so(site: Site) -> None:
    headers = {"Authorization": f"Bot {site.bot.token}", "Content-Type": "application/json"}
    async with site.http.post(site.url + site.messages, data=b"{nope", headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (400, 50109)
    headers["Content-Type"] = "text/plain"
    async with site.http.post(site.url + site.messages, data=b"{}", headers=headers) as response:
        assert response.status == 400


@pytest.mark.parametrize(
    ("lost", "method", "path", "body", "code"),
    [
        (Permission.VIEW_CHANNEL, "GET", "/channels/{channel}", None, 50001),
        (Permission.VIEW_CHANNEL, "POST", "/channels/{channel}/messages", {"content": "x"}, 50001),
        (Permission.SEND_MESSAGES, "POST", "/channels/{channel}/messages", {"content": "x"}, 50013),
        (Permission.EMBED_LINKS, "POST", "/channels/{channel}/messages", {"embeds": [EMBED_BASE]}, 50013),
        (Permission.MANAGE_MESSAGES, "DELETE", "/channels/{channel}/messages/{message}", None, 50013),
        (Permission.MANAGE_MESSAGES, "DELETE", "/channels/{channel}/messages/{message}/reactions", None, 50013),
        (
            Permission.ADD_REACTIONS,
            "PUT",
            "/channels/{channel}/messages/{message}/reactions/%E2%9D%A4/@me",
            None,
            50013,
        ),
        (Permission.MANAGE_ROLES, "POST", "/guilds/{guild}/roles", {}, 50013),
        (Permission.MANAGE_ROLES, "PUT", "/guilds/{guild}/members/{ann}/roles/{role}", None, 50013),
        (Permission.KICK_MEMBERS, "DELETE", "/guilds/{guild}/members/{ann}", None, 50013),
        (Permission.BAN_MEMBERS, "PUT", "/guilds/{guild}/bans/{ann}", {}, 50013),
        (Permission.BAN_MEMBERS, "GET", "/guilds/{guild}/bans", None, 50013),
        (Permission.MANAGE_NICKNAMES, "PATCH", "/guilds/{guild}/members/{ann}", {"nick": "x"}, 50013),
        (
            Permission.MODERATE_MEMBERS,
            "PATCH",
            "/guilds/{guild}/members/{ann}",
            {"communication_disabled_until": None},
            50013,
        ),
        (Permission.MANAGE_CHANNELS, "PATCH", "/channels/{channel}", {"topic": "x"}, 50013),
        (Permission.MANAGE_CHANNELS, "POST", "/guilds/{guild}/channels", {"name": "x"}, 50013),
        (Permission.MANAGE_GUILD, "PATCH", "/guilds/{guild}", {"name": "xx"}, 50013),
        (Permission.VIEW_AUDIT_LOG, "GET", "/guilds/{guild}/audit-logs", None, 50013),
        (Permission.CREATE_INSTANT_INVITE, "POST", "/channels/{channel}/invites", {}, 50013),
    ],
)
async def test_a_missing_permission_is_refused(
    site: Site, lost: Permission, method: str, path: str, body: object, code: object
) -> None:
    message = site.world.people.post(site.ann.id, site.channel.id, "hi")
    role = site.world.roles.create(None, site.guild, RoleChange(name="r"))
    names = {"guild": site.guild.id, "channel": site.channel.id, "ann": site.ann.id, "message": message.id}
    path = path.format(role=role.id, **names)
    no_permission(site, lost)
    answer = await site.call(method, path, body)
    assert (answer.status, answer.json["code"]) == (403, code)


async def test_nobody_acts_on_the_owner_or_on_roles_above(site: Site) -> None:
    owner = f"/guilds/{site.guild.id}/members/{site.owner.id}"
    assert (await site.call("DELETE", owner)).json["code"] == 50013
    assert (await site.call("PATCH", owner, {"nick": "x"})).json["code"] == 50013
    high = site.world.roles.create(None, site.guild, RoleChange(name="high", position=50))
    path = f"/guilds/{site.guild.id}/members/{site.ann.id}/roles/{high.id}"
    assert (await site.call("PUT", path)).json["code"] == 50013
    managed = next(role for role in site.guild.roles.values() if role.bot_id)
    path = f"/guilds/{site.guild.id}/members/{site.ann.id}/roles/{managed.id}"
    assert (await site.call("PUT", path)).json["code"] == 50028


async def test_messages_of_others_cannot_be_edited(site: Site) -> None:
    message = site.world.people.post(site.ann.id, site.channel.id, "hi")
    answer = await site.call("PATCH", f"{site.messages}/{message.id}", {"content": "x"})
    assert (answer.status, answer.json["code"]) == (403, 50005)
    assert (await site.call("PATCH", f"{site.messages}/{message.id}", {"flags": 4})).status == 200


async def test_bulk_delete_takes_two_to_a_hundred_young_messages(site: Site) -> None:
    path = f"{site.messages}/bulk-delete"
    ids = [str(site.world.people.post(site.ann.id, site.channel.id, "hi").id) for _ in range(3)]
    assert leaf(await site.call("POST", path, {"messages": ids[:1]}), "messages") == "BASE_TYPE_BAD_LENGTH"
    site.clock.advance(4)
    assert leaf(await site.call("POST", path, {"messages": ["1"] * 101}), "messages") == "BASE_TYPE_BAD_LENGTH"
    site.clock.advance(4)
    old = str(at(site.clock.time() - 15 * 86_400))
    assert (await site.call("POST", path, {"messages": [*ids, old]})).json["code"] == 50034
    site.clock.advance(4)
    assert (await site.call("POST", path, {"messages": ids})).status == 204
    assert site.seen("MESSAGE_DELETE_BULK")[0]["ids"] == ids


@pytest.mark.parametrize(
    ("path", "body", "fault"),
    [
        ("/guilds/{guild}/members/{ann}", {"nick": "x" * 33}, ("nick",)),
        (
            "/guilds/{guild}/members/{ann}",
            {"communication_disabled_until": "2100-01-01T00:00:00Z"},
            ("communication_disabled_until",),
        ),
        ("/guilds/{guild}/members/{ann}", {"roles": ["x"]}, ("roles", 0)),
        ("/channels/{channel}", {"rate_limit_per_user": 21_601}, ("rate_limit_per_user",)),
        ("/channels/{channel}", {"topic": "x" * 1025}, ("topic",)),
        ("/guilds/{guild}", {"name": "x"}, ("name",)),
    ],
)
async def test_faulty_changes_are_refused(site: Site, path: str, body: object, fault: tuple[str | int, ...]) -> None:
    path = path.format(guild=site.guild.id, channel=site.channel.id, ann=site.ann.id)
    assert leaf(await site.call("PATCH", path, body), *fault)


async def test_a_ban_deletes_messages_of_at_most_a_week(site: Site) -> None:
    path = f"/guilds/{site.guild.id}/bans/{site.ann.id}"
    answer = await site.call("PUT", path, {"delete_message_seconds": 604_801})
    assert leaf(answer, "delete_message_seconds") == "NUMBER_TYPE_MAX"
    old = site.world.people.post(site.ann.id, site.channel.id, "old")
    site.clock.advance(100)
    new = site.world.people.post(site.ann.id, site.channel.id, "new")
    assert (await site.call("PUT", path, {"delete_message_seconds": 50})).status == 204
    assert (old.id in site.channel.messages, new.id in site.channel.messages) == (True, False)


async def test_people_who_take_no_direct_messages_get_none(site: Site) -> None:
    dm = (await site.call("POST", "/users/@me/channels", {"recipient_id": str(site.ann.id)})).json
    path = f"/channels/{dm['id']}/messages"
    assert (await site.call("POST", path, {"content": "x"})).status == 200
    site.ann.takes_dms = False
    assert (await site.call("POST", path, {"content": "x"})).json["code"] == 50007
    site.ann.takes_dms = True
    site.world.people.leave(site.ann.id, site.guild.id)
    assert (await site.call("POST", path, {"content": "x"})).json["code"] == 50007


async def test_an_unknown_emoji_is_10014_and_the_21st_is_refused(site: Site) -> None:
    message = site.world.people.post(site.ann.id, site.channel.id, "hi")
    base = f"{site.messages}/{message.id}/reactions"
    for emoji in ("abc", "gone:123", "%20"):
        assert (await site.call("PUT", f"{base}/{emoji}/@me")).json["code"] == 10014
        site.clock.advance(1)
    for number in range(20):
        site.world.people.react(site.ann.id, site.channel.id, message.id, chr(0x1F600 + number))
    assert (await site.call("PUT", f"{base}/%F0%9F%91%8D/@me")).json["code"] == 30010


async def test_a_route_limit_is_told_and_enforced_per_channel(site: Site) -> None:
    other = site.world.channels.create(None, site.guild, 0, ChannelChange(name="other"))
    for left in (4, 3, 2, 1, 0):
        answer = await site.call("POST", site.messages, {"content": "x"})
        assert answer.headers["X-RateLimit-Limit"] == "5"
        assert answer.headers["X-RateLimit-Remaining"] == str(left)
        assert float(answer.headers["X-RateLimit-Reset"]) == pytest.approx(site.clock.time() + 5)
    refused = await site.call("POST", site.messages, {"content": "x"})
    assert (refused.status, refused.headers["X-RateLimit-Scope"], refused.headers["Retry-After"]) == (429, "user", "5")
    assert refused.json == {"message": "You are being rate limited.", "retry_after": 5.0, "global": False}
    elsewhere = await site.call("POST", f"/channels/{other.id}/messages", {"content": "x"})
    assert elsewhere.status == 200
    assert elsewhere.headers["X-RateLimit-Bucket"] == refused.headers["X-RateLimit-Bucket"]
    site.clock.advance(5)
    assert (await site.call("POST", site.messages, {"content": "x"})).status == 200


@pytest.mark.parametrize("rules", [Rules(rest_global_per_s=3, rest_default_limit=100)])
async def test_the_global_limit_counts_all_routes_of_a_bot_but_interactions(site: Site, rules: Rules) -> None:
    for path in ("/users/@me", f"/guilds/{site.guild.id}", f"/channels/{site.channel.id}"):
        assert (await site.call("GET", path)).status == 200
    refused = await site.call("GET", "/users/@me")
    assert (refused.status, refused.json["global"]) == (429, True)
    assert (refused.headers["X-RateLimit-Global"], refused.headers["X-RateLimit-Scope"]) == ("true", "global")
    assert (await site.call("POST", "/interactions/1/t/callback", {"type": 4})).status == 404
    site.clock.advance(1)
    assert (await site.call("GET", "/users/@me")).status == 200


@pytest.mark.parametrize("rules", [Rules(rest_invalid_per_10_min=3)])
async def test_an_address_with_too_many_invalid_requests_is_banned(site: Site, rules: Rules) -> None:
    for _ in range(3):
        assert (await site.call("GET", "/users/@me", headers={"Authorization": "Bot x"})).status == 401
    banned = await site.call("GET", "/users/@me")
    assert (banned.status, banned.json) == (429, None)
    assert "X-RateLimit-Scope" not in banned.headers
    site.clock.advance(600)
    assert (await site.call("GET", "/users/@me")).status == 200


@pytest.mark.parametrize("rules", [Rules(rest_invalid_per_10_min=2)])
async def test_shared_limits_do_not_count_as_invalid(site: Site, rules: Rules) -> None:
    site.faults.add(status=429, scope="shared", times=3)
    for _ in range(3):
        assert (await site.call("GET", "/users/@me")).headers["X-RateLimit-Scope"] == "shared"
    assert (await site.call("GET", "/users/@me")).status == 200


async def test_faults_fit_routes_and_end(site: Site) -> None:
    site.faults.add(route="/channels/*/messages", method="POST", status=500, times=2)
    assert (await site.call("GET", site.messages)).status == 200
    assert [(await site.call("POST", site.messages, {"content": "x"})).status for _ in range(3)] == [500, 500, 200]
    site.faults.add(status=503, seconds=10)
    assert (await site.call("GET", "/users/@me")).status == 503
    site.clock.advance(10)
    assert (await site.call("GET", "/users/@me")).status == 200
    fault = site.faults.add(status=429, retry_after_s=2.5, scope="global", bot_id=site.bot.user.id)
    answer = await site.call("GET", "/users/@me")
    assert (answer.json["retry_after"], answer.json["global"], answer.headers["Retry-After"]) == (2.5, True, "3")
    assert site.faults.remove(fault.id)
    slow = site.faults.add(latency_s=0.05)
    assert (await site.call("GET", "/users/@me")).status == 200
    assert slow.hits == 1


@pytest.mark.parametrize("wrong", [{}, {"status": 200}, {"status": 429, "scope": "mine"}])
async def test_a_fault_that_cannot_be_is_refused(site: Site, wrong: JsonObject) -> None:
    with pytest.raises(ValueError, match=r"fault|no error|scope"):
        site.faults.add(**wrong)


async def test_an_enforced_nonce_sends_once(site: Site) -> None:
    body = {"content": "x", "nonce": "n1", "enforce_nonce": True}
    first, second = await site.call("POST", site.messages, body), await site.call("POST", site.messages, body)
    assert first.json["id"] == second.json["id"]
    assert len(site.seen("MESSAGE_CREATE")) == 1
    free = await site.call("POST", site.messages, {"content": "x", "nonce": "n1"})
    assert free.json["id"] != first.json["id"]
    site.clock.advance(301)
    late = await site.call("POST", site.messages, body)
    assert late.json["id"] != first.json["id"]


async def test_files_come_with_a_message_and_are_kept_or_dropped_by_an_edit(site: Site) -> None:
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"content": "see", "attachments": [{"id": 0, "description": "d"}]}')
    form.add_field("files[0]", b"data", filename="a.txt", content_type="text/plain")
    form.add_field("files[1]", b"more", filename="b.txt", content_type="text/plain")
    sent = await site.call("POST", site.messages, data=form)
    assert [(item["filename"], item["size"]) for item in sent.json["attachments"]] == [("a.txt", 4), ("b.txt", 4)]
    assert sent.json["attachments"][0]["description"] == "d"
    async with site.http.get(sent.json["attachments"][0]["url"]) as response:
        assert (response.content_type, await response.read()) == ("text/plain", b"data")
    async with site.http.get(sent.json["attachments"][0]["url"] + "x") as response:
        assert response.status == 404
    keep = {"attachments": [{"id": sent.json["attachments"][1]["id"]}]}
    edited = await site.call("PATCH", f"{site.messages}/{sent.json['id']}", keep)
    assert [item["filename"] for item in edited.json["attachments"]] == ["b.txt"]
    empty = await site.call("PATCH", f"{site.messages}/{sent.json['id']}", {"content": "", "attachments": []})
    assert empty.json["code"] == 50006


async def test_reasons_are_decoded_and_kept(site: Site) -> None:
    headers = {"X-Audit-Log-Reason": "Grund%20%C3%A9"}
    await site.call("PUT", f"/guilds/{site.guild.id}/bans/{site.ann.id}", {}, headers=headers)
    log = await site.call("GET", f"/guilds/{site.guild.id}/audit-logs?action_type=22")
    assert [entry["reason"] for entry in log.json["audit_log_entries"]] == ["Grund é"]
    assert site.guild.bans[site.ann.id].reason == "Grund é"


async def test_what_rest_changes_is_what_the_gateway_tells(site: Site) -> None:
    await site.call("POST", site.messages, {"content": "x"})
    await site.call("PUT", f"/guilds/{site.guild.id}/bans/{site.ann.id}", {})
    names = [event.name for event in site.events]
    assert names == ["MESSAGE_CREATE", "GUILD_BAN_ADD", "GUILD_MEMBER_REMOVE", "GUILD_AUDIT_LOG_ENTRY_CREATE"]
    assert site.seen("MESSAGE_CREATE")[0]["guild_id"] == str(site.guild.id)


async def test_requests_and_messages_are_told_to_the_hooks(site: Site) -> None:
    await site.call("POST", site.messages, {"content": "x"})
    bot = site.bot.user.id
    assert site.hooks.requests == [(bot, "POST", "/channels/{channel_id}/messages", 200)]
    assert [message.content for message in site.hooks.messages] == ["x"]
