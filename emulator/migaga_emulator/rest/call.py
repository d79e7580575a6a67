"""One REST request as the route handlers see it, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from migaga_emulator.rest.hooks import RestHooks
from migaga_emulator.world import errors
from migaga_emulator.world.drafts import Upload
from migaga_emulator.world.errors import Problems
from migaga_emulator.world.fields import Body
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.message_payloads import message as message_payload
from migaga_emulator.world.message_payloads import without_content
from migaga_emulator.world.state import Bot, Channel, Guild, Message, User
from migaga_emulator.world.wire import JsonObject
from migaga_emulator.world.world import World


@dataclass(frozen=True, slots=True)
class Reply:
    """A status and a JSON body; 204 has none."""

    body: JsonObject | list[JsonObject] | None
    status: int = 200


NOTHING = Reply(None, 204)
"""Done, and nothing to say."""


@dataclass(slots=True)
class Call:
    """A request whose sender, path and body have been read."""

    world: World
    hooks: RestHooks
    bot: Bot | None
    params: dict[str, str]
    query: Mapping[str, str]
    json: object = None
    uploads: list[Upload] = field(default_factory=list)
    reason: str | None = None

    @property
    def me(self) -> Bot:
        """The bot that asks. Raises 401 when nobody does."""
        if self.bot is None:
            raise errors.unauthorized()
        return self.bot

    @property
    def user(self) -> User:
        """The user of the bot that asks."""
        return self.me.user

    @property
    def data(self) -> JsonObject:
        """The body as an object; without one it is empty. Raises 50035 for another kind of JSON."""
        if self.json is None:
            return {}
        if isinstance(self.json, dict):
            return self.json
        raise errors.invalid_form((), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")

    @property
    def items(self) -> list[object]:
        """The body as an array. Raises 50035 for another kind of JSON."""
        if isinstance(self.json, list):
            return self.json
        raise errors.invalid_form((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")

    def shown(self, message: Message, *, new: bool = False) -> JsonObject:
        """A message as this bot sees it: what others wrote in guilds is empty without MESSAGE_CONTENT."""
        payload = message_payload(message, self.user.id, new=new)
        if message.guild_id is None or self.me.privileged_intents & Intent.MESSAGE_CONTENT:
            return payload
        return without_content(payload, self.user.id)

    def needs_intent(self, intent: Intent) -> None:
        """Raises 50001 unless this privileged intent is switched on for the application."""
        if not self.me.privileged_intents & intent:
            raise errors.missing_access()

    def body(self) -> Body:
        """The body to be read; call `checked` when done."""
        return Body(self.data, Problems())

    def id(self, name: str) -> int:
        """An id of the path; `@me` is the bot. Raises 50035 for what is none."""
        value = self.params[name]
        if value == "@me":
            return self.user.id
        if value.isdecimal() and len(value) <= 20:
            return int(value)
        raise errors.invalid_form((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')

    def guild(self) -> Guild:
        """The guild of the path. Raises 10004 unless the bot is in it."""
        guild = self.world.core.guild(self.id("guild_id"))
        if self.user.id not in guild.bot_ids:
            raise errors.unknown("Guild")
        return guild

    def channel(self) -> Channel:
        """The channel of the path. Raises 10003, and 50001 when the bot cannot see it."""
        channel = self.world.core.channel(self.id("channel_id"))
        self.world.access.in_channel(self.user, channel)
        return channel

    def query_int(self, name: str, default: int, minimum: int, maximum: int) -> int:
        """A number of the query. Raises 50035 outside the bounds."""
        body = Body(self.query, Problems())
        value = body.integer(name, minimum=minimum, maximum=maximum)
        checked(body)
        return default if value is None else value

    def query_id(self, name: str) -> int | None:
        """An id of the query. Raises 50035 for what is none."""
        body = Body(self.query, Problems())
        value = body.snowflake(name)
        checked(body)
        return value


def checked(body: Body) -> None:
    """Raise 50035 when anything was wrong with a body that has been read."""
    body.problems.raise_if_any()
