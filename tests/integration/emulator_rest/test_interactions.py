"""Interactions from the person to the answer, over a real socket, with Discord's limits."""

from __future__ import annotations

import aiohttp
import pytest
from tests.integration.emulator_rest.conftest import Answer, Json, JsonObject, Site

from migaga_emulator.rules import Rules
from migaga_emulator.world.command_data import PersonRefused
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.state import Interaction

GREET: JsonObject = {
    "name": "greet",
    "description": "Greets",
    "options": [
        {"type": 3, "name": "word", "description": "w", "required": True, "max_length": 5, "autocomplete": True},
        {"type": 4, "name": "times", "description": "t", "min_value": 1, "max_value": 3},
        {"type": 6, "name": "who", "description": "p"},
    ],
}
BUTTON: JsonObject = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
MODAL: JsonObject = {
    "custom_id": "m",
    "title": "Tell",
    "components": [
        {"type": 1, "components": [{"type": 4, "custom_id": "t", "style": 1, "label": "T", "max_length": 5}]}
    ],
}


async def register(site: Site, command: JsonObject = GREET) -> None:
    answer = await site.call("POST", f"/applications/{site.bot.application_id}/commands", command)
    assert answer.status == 201, answer.text


def greet(site: Site, **values: object) -> Interaction:
    return site.world.people.use.slash(site.ann.id, site.bot.user.id, site.channel.id, "greet", {"word": "hi"} | values)


async def answer(site: Site, interaction: Interaction, kind: int, data: object = None, **kwargs: Json) -> Answer:
    body = {"type": kind} | ({} if data is None else {"data": data})
    return await site.call("POST", f"/interactions/{interaction.id}/{interaction.token}/callback", body, **kwargs)


def hook(site: Site, interaction: Interaction, rest: str = "") -> str:
    return f"/webhooks/{site.bot.application_id}/{interaction.token}{rest}"


async def test_a_command_reaches_the_bot_with_its_values_and_is_answered(site: Site) -> None:
    await register(site)
    interaction = greet(site, times=2, who=site.owner.id)
    (event,) = site.seen("INTERACTION_CREATE")
    assert event["data"]["options"] == [
        {"type": 3, "name": "word", "value": "hi"},
        {"type": 4, "name": "times", "value": 2},
        {"type": 6, "name": "who", "value": str(site.owner.id)},
    ]
    assert event["data"]["resolved"]["users"][str(site.owner.id)]["username"] == "owen"
    assert event["member"]["user"]["id"] == str(site.ann.id)
    done = await answer(site, interaction, 4, {"content": "hello"}, params={"with_response": "true"})
    assert done.json["resource"]["message"]["content"] == "hello"
    (message,) = site.seen("MESSAGE_CREATE")
    assert message["interaction_metadata"]["name"] == "greet"
    assert [(item.kind, item.type, item.data) for item in site.hooks.answers] == [("callback", 4, {"content": "hello"})]


async def test_the_second_answer_is_40060_and_a_late_one_10062(site: Site) -> None:
    await register(site)
    first, late = greet(site), greet(site)
    assert (await answer(site, first, 4, {"content": "x"})).status == 204
    again = await answer(site, first, 4, {"content": "x"})
    assert (again.status, again.json["code"]) == (400, 40060)
    site.clock.advance(3.1)
    too_late = await answer(site, late, 4, {"content": "x"})
    assert (too_late.status, too_late.json["code"]) == (404, 10062)


async def test_a_wrong_token_is_an_unknown_interaction(site: Site) -> None:
    await register(site)
    interaction = greet(site)
    interaction_path = f"/interactions/{interaction.id}/wrong/callback"
    assert (await site.call("POST", interaction_path, {"type": 5})).json["code"] == 10062


async def test_interactions_need_no_bot_token(site: Site) -> None:
    await register(site)
    assert (await answer(site, greet(site), 4, {"content": "x"}, headers={"Authorization": ""})).status == 204


async def test_a_faulty_answer_is_told_under_data_and_may_be_repeated(site: Site) -> None:
    await register(site)
    interaction = greet(site)
    refused = await answer(site, interaction, 4, {"content": "x" * 2001})
    assert refused.json["errors"]["data"]["content"]["_errors"][0]["code"] == "BASE_TYPE_MAX_LENGTH"
    assert (await answer(site, interaction, 4, {})).json["code"] == 50006
    assert (await answer(site, interaction, 4, {"content": "x"})).status == 204


@pytest.mark.parametrize("kind", [2, 6, 7, 8, 99])
async def test_a_command_takes_no_answer_of_another_kind(site: Site, kind: int) -> None:
    await register(site)
    refused = await answer(site, greet(site), kind, {"content": "x"})
    assert (refused.status, refused.json["code"]) == (400, 50035)


async def test_a_deferred_answer_is_resolved_by_an_edit(site: Site) -> None:
    await register(site)
    interaction = greet(site)
    early = await site.call("PATCH", hook(site, interaction, "/messages/@original"), {"content": "x"})
    assert early.json["code"] == 10015
    await answer(site, interaction, 5)
    assert site.seen("MESSAGE_CREATE")[0]["flags"] == 128
    site.clock.advance(800)
    edited = await site.call("PATCH", hook(site, interaction, "/messages/@original"), {"content": "done"})
    assert (edited.json["content"], edited.json["flags"]) == ("done", 0)
    assert site.seen("MESSAGE_UPDATE")[0]["content"] == "done"
    site.clock.advance(101)
    late = await site.call("PATCH", hook(site, interaction, "/messages/@original"), {"content": "x"})
    assert (late.status, late.json["code"]) == (401, 50027)


async def test_the_first_follow_up_takes_the_place_of_a_deferred_answer(site: Site) -> None:
    await register(site)
    interaction = greet(site)
    assert (await site.call("POST", hook(site, interaction), {"content": "x"})).json["code"] == 10015
    await answer(site, interaction, 5)
    first = await site.call("POST", hook(site, interaction), {"content": "one"})
    second = await site.call("POST", hook(site, interaction), {"content": "two"})
    assert interaction.response is not None
    assert first.json["id"] == str(interaction.response.id)
    assert second.json["id"] != first.json["id"]
    one = hook(site, interaction, f"/messages/{second.json['id']}")
    assert (await site.call("PATCH", one, {"content": "2"})).json["content"] == "2"
    assert (await site.call("DELETE", one)).status == 204
    assert (await site.call("GET", one)).json["code"] == 10008


async def test_ephemeral_answers_are_seen_by_nobody_else(site: Site) -> None:
    await register(site)
    interaction = greet(site)
    await answer(site, interaction, 4, {"content": "psst", "flags": 64, "components": [BUTTON]})
    (told,) = [event for event in site.events if event.name == "MESSAGE_CREATE"]
    assert (told.guild_id, told.bot_id, told.intents) == (None, site.bot.user.id, Intent.DIRECT_MESSAGES)
    assert not {"guild_id", "member"} & told.payload.keys()
    original = await site.call("GET", hook(site, interaction, "/messages/@original"))
    assert original.json["flags"] == 64
    assert (await site.call("GET", f"{site.messages}/{original.json['id']}")).json["code"] == 10008
    use = site.world.people.use
    with pytest.raises(PersonRefused, match="somebody else"):
        use.press(site.owner.id, site.channel.id, int(original.json["id"]), "go")
    pressed = use.press(site.ann.id, site.channel.id, int(original.json["id"]), "go")
    assert (await answer(site, pressed, 7, {"content": "pressed", "components": []})).status == 204
    assert (await site.call("GET", hook(site, interaction, "/messages/@original"))).json["content"] == "pressed"
    assert [("guild_id" in event, event["content"]) for event in site.seen("MESSAGE_UPDATE")] == [(False, "pressed")]


@pytest.mark.parametrize(("deferred", "followed"), [(64, 0), (0, 64)])
async def test_deferring_decides_who_sees_the_first_follow_up(site: Site, deferred: int, followed: int) -> None:
    await register(site)
    interaction = greet(site)
    await answer(site, interaction, 5, {"flags": deferred})
    first = await site.call("POST", hook(site, interaction), {"content": "one", "flags": followed})
    assert first.json["flags"] & 64 == deferred
    original = (await site.call("GET", hook(site, interaction, "/messages/@original"))).json
    assert original["id"] == first.json["id"]
    readable = await site.call("GET", f"{site.messages}/{first.json['id']}")
    assert readable.status == (404 if deferred else 200)


async def test_ephemeral_follow_ups_are_edited_and_deleted_by_their_token_only(site: Site) -> None:
    await register(site)
    interaction = greet(site)
    await answer(site, interaction, 4, {"content": "public"})
    form = aiohttp.FormData()
    form.add_field("payload_json", '{"content": "secret", "flags": 64}')
    form.add_field("files[0]", b"data", filename="a.txt", content_type="text/plain")
    sent = (await site.call("POST", hook(site, interaction), data=form)).json
    (file,) = sent["attachments"]
    assert (sent["flags"], file["ephemeral"], "/ephemeral-attachments/" in file["url"]) == (64, True, True)
    async with site.http.get(file["url"]) as response:
        assert await response.read() == b"data"
    path = hook(site, interaction, f"/messages/{sent['id']}")
    assert (await site.call("GET", path)).json["content"] == "secret"
    assert (await site.call("PATCH", path, {"content": "changed", "flags": 0})).json["flags"] == 64
    for method, target in (("PATCH", f"{site.messages}/{sent['id']}"), ("DELETE", f"{site.messages}/{sent['id']}")):
        assert (await site.call(method, target, {"content": "x"})).json["code"] == 10008
    assert [item["content"] for item in (await site.call("GET", site.messages)).json] == ["public"]
    assert (await site.call("DELETE", path)).status == 204
    assert (await site.call("GET", path)).json["code"] == 10008
    told = [(event.name, event.guild_id) for event in site.events if event.name.startswith("MESSAGE_")]
    assert told == [("MESSAGE_CREATE", site.guild.id), ("MESSAGE_CREATE", None), ("MESSAGE_UPDATE", None)]


async def test_a_webhook_is_dead_until_it_is_answered_and_after_its_time(site: Site) -> None:
    await register(site)
    interaction, late = greet(site), greet(site)
    for method, rest in (("GET", "/messages/@original"), ("DELETE", "/messages/@original"), ("POST", "")):
        body = {"content": "x"} if method == "POST" else None
        assert (await site.call(method, hook(site, interaction, rest), body)).json["code"] == 10015
    await answer(site, interaction, 4, {"content": "x"})
    site.clock.advance(899)
    assert (await site.call("POST", hook(site, interaction), {"content": "y"})).status == 200
    assert (await site.call("POST", hook(site, late), {"content": "y"})).json["code"] == 10015
    site.clock.advance(2)
    over = await site.call("POST", hook(site, interaction), {"content": "z"})
    assert (over.status, over.json["code"]) == (401, 50027)
    other = f"/webhooks/1/{interaction.token}"
    assert (await site.call("POST", other, {"content": "x"})).json["code"] == 10015


async def test_a_button_updates_its_message_or_defers(site: Site) -> None:
    sent = await site.call("POST", site.messages, {"content": "x", "components": [BUTTON]})
    use, message_id = site.world.people.use, int(sent.json["id"])
    pressed = use.press(site.ann.id, site.channel.id, message_id, "Go")
    assert site.seen("INTERACTION_CREATE")[0]["message"]["id"] == sent.json["id"]
    await answer(site, pressed, 6)
    await site.call("PATCH", hook(site, pressed, "/messages/@original"), {"content": "y"})
    assert site.channel.messages[message_id].content == "y"
    followed = await site.call("POST", hook(site, pressed), {"content": "z"})
    assert followed.json["id"] != sent.json["id"]
    again = use.press(site.ann.id, site.channel.id, message_id, "go")
    await answer(site, again, 7, {"components": []})
    with pytest.raises(PersonRefused, match="no component"):
        use.press(site.ann.id, site.channel.id, message_id, "go")


async def test_a_modal_is_shown_filled_and_answered(site: Site) -> None:
    await register(site)
    interaction = greet(site)
    use = site.world.people.use
    with pytest.raises(PersonRefused, match="no modal"):
        use.submit(site.ann.id, interaction.id, {"t": "x"})
    assert (await answer(site, interaction, 9, MODAL)).status == 204
    for values, problem in (({"t": "x" * 6}, "at most 5"), ({"t": ""}, "at least 1"), ({"u": "x"}, "no input")):
        with pytest.raises(PersonRefused, match=problem):
            use.submit(site.ann.id, interaction.id, values)
    with pytest.raises(PersonRefused, match="no modal"):
        use.submit(site.owner.id, interaction.id, {"t": "x"})
    submitted = use.submit(site.ann.id, interaction.id, {"t": "five5"})
    event = site.seen("INTERACTION_CREATE")[-1]
    assert (event["type"], event["data"]["custom_id"]) == (5, "m")
    assert event["data"]["components"][0]["components"][0]["value"] == "five5"
    assert (await answer(site, submitted, 4, {"content": "thanks"})).status == 204
    with pytest.raises(PersonRefused, match="no modal"):
        use.submit(site.ann.id, interaction.id, {"t": "x"})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"title": "x" * 46}, ("title",)),
        ({"custom_id": ""}, ("custom_id",)),
        ({"components": []}, ("components",)),
        ({"components": [BUTTON]}, ("components", "0", "components", "0", "type")),
    ],
)
async def test_a_faulty_modal_is_refused(site: Site, change: JsonObject, path: str) -> None:
    await register(site)
    refused = await answer(site, greet(site), 9, MODAL | change)
    node = refused.json["errors"]["data"]
    for part in path:
        node = node[part]
    assert node["_errors"]


async def test_autocomplete_is_answered_with_at_most_25_choices(site: Site) -> None:
    await register(site)
    use = site.world.people.use
    typed = use.autocomplete(
        site.ann.id, site.bot.user.id, site.channel.id, "greet", focused="word", values={"word": "h"}
    )
    assert site.seen("INTERACTION_CREATE")[0]["data"]["options"] == [
        {"type": 3, "name": "word", "value": "h", "focused": True}
    ]
    many = [{"name": str(n), "value": str(n)} for n in range(26)]
    assert (await answer(site, typed, 8, {"choices": many})).json["code"] == 50035
    assert (await answer(site, typed, 4, {"content": "x"})).json["code"] == 50035
    assert (await answer(site, typed, 8, {"choices": many[:25]})).status == 204
    assert site.hooks.answers[0].data["choices"] == many[:25]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"word": "toolong"}, "at most 5"),
        ({"word": 3}, "has to be text"),
        ({"times": 4}, "at most 3"),
        ({"times": 0}, "at least 1"),
        ({"times": 1.5}, "whole number"),
        ({"times": "two"}, "whole number"),
        ({"who": "nobody"}, "an id"),
        ({"who": 1}, "can see"),
        ({"other": 1}, "no option"),
    ],
)
async def test_the_client_refuses_wrong_values_before_anything_is_sent(
    site: Site, values: dict[str, object], problem: str
) -> None:
    await register(site)
    with pytest.raises(PersonRefused, match=problem):
        greet(site, **values)
    assert site.seen("INTERACTION_CREATE") == []


async def test_commands_are_offered_by_permission_and_place(site: Site) -> None:
    await register(site, GREET | {"default_member_permissions": "8192", "contexts": [0]})
    with pytest.raises(PersonRefused, match="MANAGE_MESSAGES"):
        greet(site)
    use = site.world.people.use
    assert use.slash(site.owner.id, site.bot.user.id, site.channel.id, "greet", {"word": "x"}).user is site.owner
    dm = site.world.people.dm_channel(site.ann.id, site.bot.user.id)
    with pytest.raises(PersonRefused, match="direct message"):
        use.slash(site.ann.id, site.bot.user.id, dm.id, "greet", {"word": "x"})
    with pytest.raises(PersonRefused, match="no command"):
        use.slash(site.ann.id, site.bot.user.id, site.channel.id, "other")


async def test_sub_commands_and_menus_are_built_as_discord_builds_them(site: Site) -> None:
    nested = {
        "name": "config",
        "description": "c",
        "options": [
            {
                "type": 2,
                "name": "role",
                "description": "r",
                "options": [
                    {
                        "type": 1,
                        "name": "set",
                        "description": "s",
                        "options": [{"type": 8, "name": "r", "description": "r", "required": True}],
                    }
                ],
            }
        ],
    }
    await register(site, nested)
    await register(site, {"name": "Wave At", "type": 2})
    await register(site, {"name": "Quote It", "type": 3})
    use, bot, channel = site.world.people.use, site.bot.user.id, site.channel.id
    use.slash(site.ann.id, bot, channel, "config role set", {"r": site.guild.id})
    data = site.seen("INTERACTION_CREATE")[-1]["data"]
    assert data["options"][0]["options"][0]["options"] == [{"type": 8, "name": "r", "value": str(site.guild.id)}]
    assert str(site.guild.id) in data["resolved"]["roles"]
    for words in ("config", "config role", "config role get", "config role set more"):
        with pytest.raises(PersonRefused):
            use.slash(site.ann.id, bot, channel, words)
    use.user_menu(site.ann.id, bot, channel, "Wave At", site.owner.id)
    data = site.seen("INTERACTION_CREATE")[-1]["data"]
    assert (data["target_id"], set(data["resolved"])) == (str(site.owner.id), {"users", "members"})
    said = site.world.people.post(site.ann.id, channel, "words")
    use.message_menu(site.ann.id, bot, channel, "Quote It", said.id)
    data = site.seen("INTERACTION_CREATE")[-1]["data"]
    assert data["resolved"]["messages"][str(said.id)]["content"] == "words"


@pytest.mark.parametrize("rules", [Rules(commands_per_scope=2)])
async def test_registered_commands_are_counted_and_replaced_by_name(site: Site, rules: Rules) -> None:
    path = f"/applications/{site.bot.application_id}/guilds/{site.guild.id}/commands"
    one = await site.call("POST", path, {"name": "one", "description": "d"})
    again = await site.call("POST", path, {"name": "one", "description": "e"})
    assert (one.status, again.status, again.json["id"]) == (201, 200, one.json["id"])
    assert again.json["version"] != one.json["version"]
    await site.call("POST", path, {"name": "two", "description": "d"})
    assert (await site.call("POST", path, {"name": "three", "description": "d"})).json["code"] == 30032
    twice = [{"name": "one", "description": "d"}] * 2
    refused = await site.call("PUT", path, twice)
    assert refused.json["errors"]["1"]["name"]["_errors"][0]["code"] == "APPLICATION_COMMANDS_DUPLICATE_NAME"
    patched = await site.call("PATCH", f"{path}/{one.json['id']}", {"description": "f"})
    assert patched.json["description"] == "f"
    assert (await site.call("DELETE", f"{path}/{one.json['id']}")).status == 204
    assert [item["name"] for item in (await site.call("GET", path)).json] == ["two"]


async def test_selects_carry_values_and_things(site: Site) -> None:
    components = [
        {
            "type": 1,
            "components": [
                {
                    "type": 3,
                    "custom_id": "s",
                    "max_values": 2,
                    "options": [
                        {"label": "A", "value": "a"},
                        {"label": "B", "value": "b"},
                        {"label": "C", "value": "c"},
                    ],
                }
            ],
        },
        {"type": 1, "components": [{"type": 5, "custom_id": "u"}]},
    ]
    sent = await site.call("POST", site.messages, {"content": "x", "components": components})
    use, message_id = site.world.people.use, int(sent.json["id"])
    use.choose(site.ann.id, site.channel.id, message_id, "s", ["A", "b"])
    assert site.seen("INTERACTION_CREATE")[-1]["data"]["values"] == ["a", "b"]
    use.choose(site.ann.id, site.channel.id, message_id, "u", [str(site.owner.id)])
    assert str(site.owner.id) in site.seen("INTERACTION_CREATE")[-1]["data"]["resolved"]["members"]
    for values in ([], ["a", "b", "c"], ["d"]):
        with pytest.raises(PersonRefused):
            use.choose(site.ann.id, site.channel.id, message_id, "s", values)
