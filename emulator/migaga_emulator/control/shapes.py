"""What the control client gives back: typed, ids as numbers; `raw` is the whole of it as Discord would send it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import TypeVar, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BotInfo:
    """A bot and its token."""

    id: int
    application_id: int
    name: str
    token: str
    revoked: bool
    privileged_intents: int
    owner: int
    guilds: Sequence[int]


@dataclass(frozen=True, slots=True)
class UserInfo:
    """A person or a bot user."""

    id: int
    username: str
    global_name: str | None
    bot: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A role, channel or emoji of a guild."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class GuildInfo:
    """A guild: ids of what is in it."""

    id: int
    name: str
    owner: int
    unavailable: bool
    channels: Sequence[Named]
    roles: Sequence[Named]
    members: Sequence[int]
    bots: Sequence[int]
    bans: Sequence[int]
    emojis: Sequence[Named]

    def channel(self, name: str) -> int:
        """The id of a channel by name. KeyError when there is none."""
        return {item.name: item.id for item in self.channels}[name]

    def role(self, name: str) -> int:
        """The id of a role by name. KeyError when there is none."""
        return {item.name: item.id for item in self.roles}[name]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Guilds made at once, and the people who are in all of them; the first person owns them."""

    guilds: Sequence[GuildInfo]
    users: Sequence[UserInfo]


@dataclass(frozen=True, slots=True)
class MemberInfo:
    """A member of a guild."""

    user: UserInfo
    nick: str | None
    roles: Sequence[int]
    premium_since: str | None
    communication_disabled_until: str | None


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """A message."""

    id: int
    channel_id: int
    author_id: int
    content: str
    embeds: Sequence[Mapping[str, object]]
    components: Sequence[Mapping[str, object]]
    flags: int
    raw: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a bot made of an interaction or a text command."""

    id: int
    """Of the interaction, or of the message that asked."""
    answered: bool
    """There is content: a deferred answer counts when it has been filled."""
    acknowledged: bool
    late: bool
    type: int | None
    """The type of the first answer to an interaction."""
    deferred: bool
    ephemeral: bool
    latency: float | None
    """Seconds to the first answer."""
    message: MessageInfo | None
    followups: Sequence[MessageInfo]
    choices: Sequence[Mapping[str, object]]
    """Suggestions of an autocomplete."""
    modal: Mapping[str, object] | None
    calls: int = 0
    """How often the bot has tried to answer an interaction, or to say more about it."""

    @property
    def content(self) -> str:
        """The text of the answer; empty without one."""
        return "" if self.message is None else self.message.content

    @property
    def embeds(self) -> Sequence[Mapping[str, object]]:
        """The embeds of the answer."""
        return () if self.message is None else self.message.embeds

    @property
    def components(self) -> Sequence[Mapping[str, object]]:
        """The component rows of the answer."""
        return () if self.message is None else self.message.components

    @property
    def flags(self) -> int:
        """The message flags of the answer."""
        return 0 if self.message is None else self.message.flags


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A gateway session."""

    bot: int
    shard_id: int
    shard_count: int
    intents: int
    seq: int
    replay_floor: int
    connected: bool
    presence: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LedgerEvent:
    """A key that is not as it should be."""

    key: str
    name: str
    sent: int
    handled: int
    lost: int
    repeated: int
    unexpected: int
    undeliverable: int


def read(shape: type[T], value: object) -> T:
    """Make `shape` of JSON: ids become numbers, fields it lacks are left out. TypeError when it does not fit."""
    return cast(T, _read(shape, value))


def read_many(shape: type[T], value: object) -> list[T]:
    """A list of them."""
    if not isinstance(value, list):
        raise TypeError(f"expected a list of {shape.__name__}, not {type(value).__name__}")
    return [read(shape, item) for item in value]


def _read(shape: object, value: object) -> object:
    if isinstance(shape, type) and is_dataclass(shape):
        return _read_dataclass(shape, value)
    if shape is int and isinstance(value, str):
        return int(value)
    arguments = get_args(shape)
    origin = get_origin(shape)
    if origin is not None and isinstance(value, list):
        return [_read(arguments[0], item) for item in value]
    if origin is not None and isinstance(value, Mapping) and len(arguments) == 2 and arguments[0] is str:
        return {key: _read(arguments[1], item) for key, item in value.items()}
    if type(None) in arguments and value is not None:
        return _read(next(item for item in arguments if item is not type(None)), value)
    return value


def _read_dataclass(shape: type, value: object) -> object:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected an object for {shape.__name__}, not {type(value).__name__}")
    given = dict(value)
    if shape is MessageInfo:
        author = given.get("author")
        given |= {"raw": value, "author_id": author.get("id", "0") if isinstance(author, Mapping) else "0"}
    hints = _hints(shape)
    return shape(**{field.name: _read(hints[field.name], given.get(field.name)) for field in fields(shape)})


@cache
def _hints(shape: type) -> dict[str, object]:
    return get_type_hints(shape)
