"""Whatever JSON a bot sends, it gets an answer of Discord's: a result or an error, never a fault of the emulator."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.emulator_world.conftest import Place

from migaga_emulator.rest.app import make_router
from migaga_emulator.rest.call import Call
from migaga_emulator.rest.hooks import NoHooks
from migaga_emulator.rest.router import Handler
from migaga_emulator.world.errors import DiscordError

ROUTER = make_router()
KEYS = (
    *("content", "embeds", "components", "type", "custom_id", "label", "style", "options", "name", "description"),
    *("title", "fields", "value", "id", "flags", "nonce", "enforce_nonce", "allowed_mentions", "parse", "users"),
    *("message_reference", "message_id", "attachments", "choices", "required", "min_value", "accessory", "component"),
    *("permission_overwrites", "allow", "deny", "roles", "nick", "communication_disabled_until", "color", "data"),
    *("contexts", "name_localizations", "min_values", "max_values", "url", "emoji", "parent_id", "messages", "max_age"),
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 40),
    st.integers(0, 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=5),
)
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=25,
)
bodies = st.one_of(st.dictionaries(st.sampled_from(KEYS), documents, max_size=8), documents)
PATHS = (
    ("POST", "/channels/{channel}/messages"),
    ("PATCH", "/channels/{channel}/messages/{message}"),
    ("POST", "/channels/{channel}/messages/bulk-delete"),
    ("PATCH", "/channels/{channel}"),
    ("POST", "/channels/{channel}/invites"),
    ("POST", "/channels/{channel}/threads"),
    ("PUT", "/channels/{channel}/permissions/{ann}"),
    ("POST", "/channels/{channel}/messages/{message}/threads"),
    ("POST", "/guilds/{guild}/emojis"),
    ("PUT", "/applications/{bot}/guilds/{guild}/commands/1/permissions"),
    ("POST", "/guilds/{guild}/channels"),
    ("PATCH", "/guilds/{guild}/channels"),
    ("PATCH", "/guilds/{guild}"),
    ("POST", "/guilds/{guild}/roles"),
    ("PATCH", "/guilds/{guild}/roles"),
    ("PATCH", "/guilds/{guild}/members/{ann}"),
    ("PUT", "/guilds/{guild}/bans/{ann}"),
    ("POST", "/guilds/{guild}/bulk-ban"),
    ("POST", "/applications/{bot}/commands"),
    ("PUT", "/applications/{bot}/commands"),
    ("PUT", "/applications/{bot}/guilds/{guild}/commands"),
    ("PATCH", "/users/@me"),
    ("POST", "/users/@me/channels"),
)


def answered(handler: Handler, call: Call) -> tuple[int, object]:
    """Status and body."""
    try:
        reply = handler(call)
    except DiscordError as error:
        return error.status, error.body()
    return reply.status, reply.body


@pytest.mark.parametrize(("method", "path"), PATHS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=bodies)
def test_any_body_gets_an_answer(place: Place, method: str, path: str, body: object) -> None:
    if place.bot.user.id not in place.guild.bot_ids or place.channel.id not in place.world.core.channels:
        return
    message = place.send(place.bot.user, {"content": "x"})
    names = {"guild": place.guild.id, "channel": place.channel.id, "ann": place.ann.id, "bot": place.bot.user.id}
    segments = path.format(message=message.id, **names).strip("/").split("/")
    route, params = ROUTER.find(method, segments)
    call = Call(place.world, NoHooks(), place.bot, params, {}, orjson.loads(orjson.dumps(body)))
    status, answer = answered(route.handler, call)
    assert 200 <= status < 500
    orjson.dumps(answer)
    for event in place.events:
        orjson.dumps(event.payload)
    place.events.clear()
    place.channel.messages.clear()
