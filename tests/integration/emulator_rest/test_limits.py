"""Limits that belong to an address, a webhook, an application or a request: what happens to those who go over them."""

from __future__ import annotations

import io

import aiohttp
import pytest
from tests.integration.emulator_rest.conftest import Answer, JsonObject, Site

from migaga_emulator.rest.limits import RateLimits
from migaga_emulator.rules import Rules
from migaga_emulator.world.clock import ManualClock
from migaga_emulator.world.permissions import Permission

DEAD = "/webhooks/{bot}/no-such-token/messages/@original"
BANNED = (429, None, "error code: 1015")


def shape(answer: Answer) -> tuple[int, object, str]:
    return answer.status, answer.json, answer.text


async def test_not_found_never_counts_as_invalid(site: Site) -> None:
    for number in range(25):
        assert (await site.call("GET", f"/channels/{number + 1}")).status == 404
        assert (await site.call("GET", "/nowhere")).status == 404
        site.clock.advance(1)
    assert site.limits.invalid_count("127.0.0.1") == 0


async def test_each_of_401_403_and_429_counts_once(site: Site) -> None:
    role = next(role for role in site.guild.roles.values() if role.bot_id)
    role.permissions &= ~Permission.BAN_MEMBERS
    assert (await site.call("GET", f"/guilds/{site.guild.id}/bans")).status == 403
    assert (await site.call("GET", "/users/@me", headers={"Authorization": "Bot x"})).status == 401
    site.faults.add(status=429, scope="user", times=1)
    assert (await site.call("GET", "/users/@me")).status == 429
    assert site.limits.invalid_count("127.0.0.1") == 3


def test_the_budget_of_an_address_is_ten_thousand_in_ten_minutes() -> None:
    clock = ManualClock()
    limits = RateLimits(Rules(), clock)
    for number in range(9_999):
        limits.invalid("a")
        clock.advance(0.01)
        assert number or limits.banned_for("b") is None
    assert limits.banned_for("a") is None
    limits.invalid("a")
    banned = limits.banned_for("a") or 0.0
    assert banned == pytest.approx(600 - 99.99)
    assert limits.banned_for("b") is None
    clock.advance(banned + 0.001)
    assert limits.banned_for("a") is None


def test_a_steady_run_with_some_refusals_stays_below_the_budget() -> None:
    clock = ManualClock()
    limits = RateLimits(Rules(), clock)
    for _ in range(36_000):
        limits.invalid("a")
        clock.advance(0.1)
        assert limits.banned_for("a") is None
    assert limits.invalid_count("a") <= 6_000


@pytest.mark.parametrize("rules", [Rules(rest_dead_webhook_calls=3)])
async def test_who_goes_on_calling_a_dead_webhook_is_restricted_for_a_while(site: Site, rules: Rules) -> None:
    path = DEAD.format(bot=site.bot.application_id)
    for _ in range(4):
        refused = await site.call("PATCH", path, {"content": "x"})
        assert (refused.status, refused.json["code"]) == (404, 10015)
    restricted = await site.call("GET", "/users/@me")
    assert shape(restricted) == BANNED
    assert "X-RateLimit-Scope" not in restricted.headers
    assert site.limits.invalid_count("127.0.0.1") == 0
    site.clock.advance(rules.rest_dead_webhook_s)
    assert (await site.call("GET", "/users/@me")).status == 200


async def test_single_calls_to_many_dead_webhooks_are_no_abuse(site: Site) -> None:
    for number in range(30):
        path = f"/webhooks/{site.bot.application_id}/token-{number}"
        assert (await site.call("POST", path, {"content": "x"})).json["code"] == 10015
    assert (await site.call("GET", "/users/@me")).status == 200


async def test_who_goes_on_after_401_is_banned(site: Site) -> None:
    site.bot.revoked = True
    for _ in range(10_000 - site.limits.invalid_count("127.0.0.1") - 3):
        site.limits.invalid("127.0.0.1")
    answers = [await site.call("GET", "/users/@me") for _ in range(4)]
    assert [answer.status for answer in answers] == [401, 401, 401, 429]
    assert shape(answers[-1]) == BANNED


async def test_each_scope_of_a_429_has_discords_headers_and_words(site: Site) -> None:
    site.faults.add(status=429, scope="shared", times=1, retry_after_s=1.5)
    shared = await site.call("GET", "/users/@me")
    site.faults.add(status=429, scope="user", times=1, retry_after_s=1.5)
    user = await site.call("GET", "/users/@me")
    site.faults.add(status=429, scope="global", times=1, retry_after_s=1.5)
    everywhere = await site.call("GET", "/users/@me")
    assert shared.json == {"message": "The resource is being rate limited.", "retry_after": 1.5, "global": False}
    assert user.json == {"message": "You are being rate limited.", "retry_after": 1.5, "global": False}
    assert everywhere.json == {"message": "You are being rate limited.", "retry_after": 1.5, "global": True}
    for answer in (shared, user):
        assert answer.headers["X-RateLimit-Bucket"]
        assert float(answer.headers["X-RateLimit-Reset-After"]) == 1.5
        assert "X-RateLimit-Global" not in answer.headers
    assert (int(shared.headers["X-RateLimit-Remaining"]) > 0, user.headers["X-RateLimit-Remaining"]) == (True, "0")
    assert "X-RateLimit-Bucket" not in everywhere.headers


@pytest.mark.parametrize("rules", [Rules(rest_limits=(), rest_default_limit=2)])
async def test_buckets_are_counted_apart_by_guild_webhook_and_bot(site: Site, rules: Rules) -> None:
    second = site.world.guilds.create("Second", site.owner)
    site.world.guilds.add_bot(second, site.bot)
    for guild in (site.guild, second):
        answers = [await site.call("GET", f"/guilds/{guild.id}/roles") for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 429]
    for token in ("one", "two"):
        path = f"/webhooks/{site.bot.application_id}/{token}"
        assert [(await site.call("POST", path, {"content": "x"})).status for _ in range(3)] == [404, 404, 429]
    other = site.world.guilds.create_bot("Other")
    site.world.guilds.add_bot(site.guild, other)
    headers = {"Authorization": f"Bot {other.token}"}
    assert (await site.call("GET", f"/guilds/{site.guild.id}/roles", headers=headers)).status == 200


@pytest.mark.parametrize("rules", [Rules(rest_global_per_s=2)])
async def test_answers_to_interactions_are_outside_the_global_limit(site: Site, rules: Rules) -> None:
    for _ in range(2):
        assert (await site.call("GET", "/users/@me")).status == 200
    for method, path in (("POST", f"/webhooks/{site.bot.application_id}/t"), ("POST", "/interactions/1/t/callback")):
        assert (await site.call(method, path, {"type": 4, "content": "x"})).status == 404
    assert (await site.call("GET", "/users/@me")).json["global"] is True


@pytest.mark.parametrize("rules", [Rules(command_creates_per_day=3)])
async def test_new_commands_are_counted_by_day_and_replaced_ones_are_not(site: Site, rules: Rules) -> None:
    path = f"/applications/{site.bot.application_id}/commands"
    commands = [{"name": f"c{number}", "description": "d"} for number in range(4)]
    assert (await site.call("PUT", path, commands[:3])).status == 200
    changed: list[JsonObject] = [command | {"description": "e"} for command in commands[:3]]
    assert (await site.call("PUT", path, changed)).status == 200
    refused = await site.call("POST", path, commands[3])
    assert (refused.status, refused.json["code"], refused.json["global"]) == (429, 30034, False)
    assert refused.json["retry_after"] == 86_400.0
    assert refused.headers["Retry-After"] == "86400"
    assert len((await site.call("GET", path)).json) == 3
    guild = f"/applications/{site.bot.application_id}/guilds/{site.guild.id}/commands"
    assert (await site.call("POST", guild, commands[3])).status == 201
    site.clock.advance(86_400)
    assert (await site.call("POST", path, commands[3])).status == 201


def files(*sizes: int) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("payload_json", "{}")
    for number, size in enumerate(sizes):
        form.add_field(f"files[{number}]", io.BytesIO(b"x" * size), filename=f"{number}.txt", content_type="text/plain")
    return form


MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("sizes", "status", "code"),
    [
        ((10 * MIB,), 200, None),
        ((10 * MIB + 1,), 413, 40005),
        ((9 * MIB, 9 * MIB, 8 * MIB), 413, 40005),
        ((1,) * 10, 200, None),
        ((1,) * 11, 400, 30015),
    ],
)
async def test_files_are_bounded_in_size_number_and_all_together(
    site: Site, sizes: tuple[int, ...], status: int, code: int | None
) -> None:
    answer = await site.call("POST", site.messages, data=files(*sizes))
    assert (answer.status, answer.json.get("code")) == (status, code)
    assert (await site.call("GET", "/users/@me")).status == 200


async def test_a_body_without_files_is_bounded_too(site: Site) -> None:
    body = io.BytesIO(b'{"content": "%s"}' % (b"x" * 26 * MIB))
    answer = await site.call("POST", site.messages, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["code"]) == (413, 40005)


async def test_an_edit_may_not_bring_the_files_above_ten(site: Site) -> None:
    sent = (await site.call("POST", site.messages, data=files(*(1,) * 8))).json
    path = f"{site.messages}/{sent['id']}"
    assert (await site.call("PATCH", path, data=files(*(1,) * 3))).json["code"] == 30015
    assert len((await site.call("PATCH", path, data=files(*(1,) * 2))).json["attachments"]) == 10


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"x"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data; name=payload_json\r\n\r\n{\r\n--b--",
        ),
        ("text/plain", b"x"),
    ],
)
async def test_a_body_that_cannot_be_read_is_a_bad_request(site: Site, kind: str, body: bytes) -> None:
    answer = await site.call("POST", site.messages, data=body, headers={"Content-Type": kind})
    assert answer.status == 400
    assert answer.json["code"] in (50006, 50035, 50109)


@pytest.mark.parametrize(
    ("given", "kept"),
    [("my file.txt", "my_file.txt"), ("../../etc/passwd", "passwd"), ("größe.png", "größe.png"), ("???", "_")],
)
async def test_file_names_hold_nothing_that_a_url_has_to_encode(site: Site, given: str, kept: str) -> None:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", "{}")
    form.add_field("files[0]", b"x", filename=given, content_type="text/plain")
    sent = await site.call("POST", site.messages, data=form)
    assert sent.json["attachments"][0]["filename"] == kept
