"""What a module is after its class has been read: plain data.

`declare.py` makes these from a decorated class. The recorder, the slash payload builder, the text parser, help and
the router work from them and never look at the class again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import hikari
import sqlalchemy as sa


class ParameterKind(Enum):
    """What a parameter takes. The value is how usage texts and errors name it."""

    TEXT = "text"
    INTEGER = "whole number"
    NUMBER = "number"
    DECIMAL = "amount"
    BOOLEAN = "yes or no"
    USER = "user"
    MEMBER = "member"
    ROLE = "role"
    CHANNEL = "channel"
    MENTIONABLE = "user or role"
    EMOJI = "emoji"
    ATTACHMENT = "attachment"
    DURATION = "duration"
    SNOWFLAKE = "id"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values that a parameter may take."""

    name: str
    value: str | int | float
    localisations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """One parameter of a command, read from the handler's signature and docstring."""

    name: str
    """As people see it: lower case, words joined by `-` as Discord wants it."""
    argument: str
    """The name of the handler's argument."""
    kind: ParameterKind
    description: str
    required: bool
    default: Any = None
    choices: tuple[Choice, ...] = ()
    minimum: int | float | None = None
    """Smallest number, or shortest text in characters."""
    maximum: int | float | None = None
    rest: bool = False
    """In the text form it takes the rest of the line. Set for the last TEXT parameter."""
    channel_types: tuple[hikari.ChannelType, ...] = ()
    autocomplete: str | None = None
    """Name of the method that suggests values."""
    convert: Callable[[Any], Any] | None = None
    """Last step: an Enum or Literal from the choice's value."""
    localisations: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Locale -> (name, description)."""


@dataclass(frozen=True, slots=True)
class Cooldown:
    """At most `uses` uses in `per`, counted for each `scope`."""

    uses: int
    per: timedelta
    scope: Literal["user", "member", "channel", "guild", "bot"] = "user"


@dataclass(frozen=True, slots=True)
class Requirements:
    """What must hold before a handler runs."""

    permissions: hikari.Permissions = hikari.Permissions.NONE
    """Of the person, in the channel."""
    bot_permissions: hikari.Permissions = hikari.Permissions.NONE
    """Of the bot, in the channel."""
    owner_only: bool = False
    guild_only: bool = True
    cooldown: Cooldown | None = None
    checks: tuple[Callable[..., Any], ...] = ()
    """Own checks: `check(ctx) -> bool | str` or awaitable; a text is the reason of the refusal."""


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """One command: a slash command and a text command from one declaration."""

    handler: str
    """Name of the method."""
    path: tuple[str, ...]
    """Slash path: `("points", "give")`; one to three words."""
    text_names: tuple[tuple[str, ...], ...]
    """Words that call it as text, the main name first: `(("points", "give"), ("points", "add"))`."""
    description: str
    """First line of the docstring, at most 100 characters."""
    help: str
    """The whole docstring without its argument section."""
    parameters: tuple[ParameterSpec, ...]
    requirements: Requirements
    ephemeral: bool = False
    slash: bool = True
    text: bool = True
    nsfw: bool = False
    localisations: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    group_descriptions: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    """Description of each group above this command."""


@dataclass(frozen=True, slots=True)
class MenuSpec:
    """A command in the context menu of a user or a message."""

    handler: str
    name: str
    type: Literal["user", "message"]
    requirements: Requirements
    ephemeral: bool = False
    localisations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListenerSpec:
    """A method that is called for events."""

    handler: str
    events: tuple[type[hikari.Event], ...]
    """hikari's event classes. `hikari.ShardPayloadEvent` gets every event raw, with no object built."""
    bots: bool = True
    """False: messages, reactions and members that are bots never reach it, and cost no object."""
    guild_only: bool = False


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """A method that runs again and again."""

    handler: str
    every: timedelta
    once_per: Literal["fleet", "shard", "process"]


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """A method that answers presses of components, or submitted modals, with a certain custom id."""

    handler: str
    name: str
    """Custom ids are `<module>:<name>:<arguments>`."""
    modal: bool
    requirements: Requirements
    parameters: tuple[str, ...] = ()
    """Names of the handler's arguments that are filled from the custom id, in order."""
    arguments: tuple[ParameterSpec, ...] = ()
    """The same arguments with their types: see `custom_ids.component_arguments`."""


@dataclass(frozen=True, slots=True)
class OptionSpec:
    """One per-guild option of a module."""

    name: str
    kind: ParameterKind
    default: Any
    description: str
    minimum: int | float | None = None
    maximum: int | float | None = None
    choices: tuple[Choice, ...] = ()
    nullable: bool = False
    """It may be unset (`X | None`)."""
    convert: Callable[[Any], Any] | None = None
    """Last step: an Enum or Literal from the choice's value."""
    check: Callable[[Any], object] | None = None
    """Raises UserError for a value that cannot be, though its type and limits allow it."""


@dataclass(frozen=True, slots=True)
class InjectedSpec:
    """A handler's argument that is filled by its type.

    In listeners and tasks this includes the context (`EventContext`, `TaskContext`), because they need not take one.
    Commands, menus, components, modals and autocompletes always take theirs as first argument; it is not listed.
    """

    argument: str
    type: Any


@dataclass(frozen=True, slots=True)
class ModuleSpec:
    """Everything about one module."""

    name: str
    """Lower case, words joined by `_`: the key in the database, in `config.ini` and in commands."""
    title: str
    description: str
    source: Path | None
    """The file or folder it was read from, for reload and for messages."""
    commands: tuple[CommandSpec, ...] = ()
    menus: tuple[MenuSpec, ...] = ()
    listeners: tuple[ListenerSpec, ...] = ()
    tasks: tuple[TaskSpec, ...] = ()
    components: tuple[ComponentSpec, ...] = ()
    autocompletes: tuple[str, ...] = ()
    options: tuple[OptionSpec, ...] = ()
    options_type: type | None = None
    injected: Mapping[str, tuple[InjectedSpec, ...]] = field(default_factory=dict)
    """Handler -> arguments filled by type (`AsyncSession`, options, services)."""
    metadata: sa.MetaData | None = None
    """The module's tables."""
    migrations: Path | None = None
    """Folder of its Alembic revisions."""
    intents: hikari.Intents = hikari.Intents.NONE
    """What its listeners and text commands need."""
