"""The decorators with which authors mark the methods of a module.

They only note what was written on the function (and keep its type); `declare.py` reads the notes when the module is
loaded, so that every fault is found and named at one place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import Literal, TypedDict, TypeVar, Unpack, overload

import hikari

from migaga.framework.errors import DeclarationError
from migaga.framework.spec import Cooldown, Requirements

F = TypeVar("F", bound=Callable[..., object])
ATTRIBUTE = "__migaga__"


class RequirementArguments(TypedDict, total=False):
    """What must hold before a handler runs. Every key may be left out."""

    permissions: hikari.Permissions
    """Permissions that the person needs in the channel."""
    bot_permissions: hikari.Permissions
    """Permissions that the bot needs in the channel."""
    owner_only: bool
    """Only the bot's owners."""
    guild_only: bool
    """Not in direct messages. True when left out."""
    cooldown: Cooldown | None
    checks: Sequence[Callable[..., object]]
    """Own checks: `check(ctx) -> bool | str`, or awaitable; a text is the reason of the refusal."""


class MenuArguments(RequirementArguments, total=False):
    """What context menu commands may say."""

    ephemeral: bool
    """Answers are seen by the person alone."""
    localisations: Mapping[str, str] | None
    """Locale -> name."""


class CommandArguments(RequirementArguments, total=False):
    """What commands may say."""

    aliases: Sequence[str]
    """Further text names, whole: `"points add"`."""
    text: str | None
    """The text form, when it differs from the slash path."""
    ephemeral: bool
    """Answers of the slash form are seen by the person alone."""
    slash: bool
    """False: text only."""
    as_text: bool
    """False: slash only."""
    nsfw: bool
    """Only in channels with an age limit."""
    localisations: Mapping[str, tuple[str, str]] | None
    """Locale -> (name, description)."""


@dataclass(frozen=True, slots=True)
class CommandNote:
    """`@command` or `@group.command`."""

    name: str | None
    group: Group | None
    requirements: Requirements
    aliases: tuple[str, ...] = ()
    text: str | None = None
    ephemeral: bool = False
    slash: bool = True
    as_text: bool = True
    nsfw: bool = False
    localisations: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MenuNote:
    """`@user_command` or `@message_command`."""

    name: str
    type: Literal["user", "message"]
    requirements: Requirements
    ephemeral: bool = False
    localisations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListenNote:
    """`@listen`."""

    events: tuple[type[hikari.Event], ...]
    bots: bool
    guild_only: bool


@dataclass(frozen=True, slots=True)
class TaskNote:
    """`@task`."""

    every: timedelta
    once_per: Literal["fleet", "shard", "process"]


@dataclass(frozen=True, slots=True)
class ComponentNote:
    """`@component` or `@modal`."""

    name: str
    modal: bool
    requirements: Requirements


@dataclass(frozen=True, slots=True)
class AutocompleteNote:
    """`@autocomplete`."""


Note = CommandNote | MenuNote | ListenNote | TaskNote | ComponentNote | AutocompleteNote


def notes_of(attribute: object) -> tuple[Note, ...]:
    """Return what decorators have noted on an attribute of a class, the innermost first."""
    notes = getattr(attribute, ATTRIBUTE, ())
    return notes if isinstance(notes, tuple) else ()


def _note(function: F, note: Note) -> F:
    setattr(function, ATTRIBUTE, (*notes_of(function), note))
    return function


def _check_names(decorator: str, function: Callable[..., object], given: Mapping[str, object], shape: type) -> None:
    known = shape.__annotations__ if shape is RequirementArguments else _keys(shape)
    for name in given:
        if name not in known:
            close = get_close_matches(name, known, 1)
            hint = f"Did you mean {close[0]!r}?" if close else f"It takes: {', '.join(known)}."
            raise DeclarationError(
                f"{getattr(function, '__qualname__', function)}", f"@{decorator} takes no {name!r}", hint
            )


def _keys(shape: type) -> Mapping[str, object]:
    return dict.fromkeys([*RequirementArguments.__annotations__, *shape.__annotations__])


def _requirements(given: RequirementArguments) -> Requirements:
    return Requirements(
        permissions=given.get("permissions", hikari.Permissions.NONE),
        bot_permissions=given.get("bot_permissions", hikari.Permissions.NONE),
        owner_only=given.get("owner_only", False),
        guild_only=given.get("guild_only", True),
        cooldown=given.get("cooldown"),
        checks=tuple(given.get("checks", ())),
    )


def _note_command(function: F, name: str | None, parent: Group | None, given: CommandArguments) -> F:
    _check_names("command", function, given, CommandArguments)
    aliases = given.get("aliases", ())
    note = CommandNote(
        name=name,
        group=parent,
        requirements=_requirements(given),
        # A lone text is one alias, and not one for each of its letters.
        aliases=(aliases,) if isinstance(aliases, str) else tuple(aliases),
        text=given.get("text"),
        ephemeral=given.get("ephemeral", False),
        slash=given.get("slash", True),
        as_text=given.get("as_text", True),
        nsfw=given.get("nsfw", False),
        localisations=given.get("localisations") or {},
    )
    return _note(function, note)


@dataclass(frozen=True, slots=True)
class Group:
    """Commands under one word: `points = group("points", "Points of members")`."""

    name: str
    description: str
    parent: Group | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The words that lead here."""
        return (*(self.parent.path if self.parent else ()), self.name)

    def group(self, name: str, description: str) -> Group:
        """Make a group inside this one. Discord allows no third level."""
        return Group(name, description, self)

    def command(self, name: str | None = None, **arguments: Unpack[CommandArguments]) -> Callable[[F], F]:
        """Mark a method as a command of this group; arguments as of `command`."""

        def mark(function: F) -> F:
            return _note_command(function, name, self, arguments)

        return mark


def group(name: str, description: str) -> Group:
    """Make a group of commands. Assign it to an attribute of the module's class, then use `@that.command()`."""
    return Group(name, description)


@overload
def command(name: F, /) -> F: ...
@overload
def command(name: str | None = None, **arguments: Unpack[CommandArguments]) -> Callable[[F], F]: ...
def command(name: F | str | None = None, **arguments: Unpack[CommandArguments]) -> F | Callable[[F], F]:
    """Mark a method as a command: one declaration, a slash command and a text command.

    Args:
        name: Its name; the method's, with `_` as `-`, when left out.
        arguments: See `CommandArguments` and `RequirementArguments`.
    """
    if callable(name):
        return _note_command(name, None, None, arguments)
    chosen = name

    def mark(function: F) -> F:
        return _note_command(function, chosen, None, arguments)

    return mark


def _menu(name: str, kind: Literal["user", "message"], given: MenuArguments) -> Callable[[F], F]:
    def mark(function: F) -> F:
        _check_names(f"{kind}_command", function, given, MenuArguments)
        names = given.get("localisations") or {}
        return _note(function, MenuNote(name, kind, _requirements(given), given.get("ephemeral", False), names))

    return mark


def user_command(name: str, **arguments: Unpack[MenuArguments]) -> Callable[[F], F]:
    """Mark `async def f(self, ctx, target: hikari.User)` as a command in the context menu of users."""
    return _menu(name, "user", arguments)


def message_command(name: str, **arguments: Unpack[MenuArguments]) -> Callable[[F], F]:
    """Mark `async def f(self, ctx, target: hikari.Message)` as a command in the context menu of messages."""
    return _menu(name, "message", arguments)


def listen(*events: type[hikari.Event], bots: bool = True, guild_only: bool = False) -> Callable[[F], F]:
    """Mark a method that is called for each of these events.

    Args:
        events: hikari's event classes; those that inherit from one are meant as well.
        bots: False: what bots do never reaches it.
        guild_only: True: not in direct messages.
    """

    def mark(function: F) -> F:
        return _note(function, ListenNote(events, bots, guild_only))

    return mark


def task(*, every: timedelta, once_per: Literal["fleet", "shard", "process"] = "fleet") -> Callable[[F], F]:
    """Mark a method that runs again and again, once at a time in the fleet, for each shard or for each process."""

    def mark(function: F) -> F:
        return _note(function, TaskNote(every, once_per))

    return mark


def _component(name: str, *, modal: bool, given: RequirementArguments) -> Callable[[F], F]:
    def mark(function: F) -> F:
        _check_names("modal" if modal else "component", function, given, RequirementArguments)
        return _note(function, ComponentNote(name, modal, _requirements(given)))

    return mark


def component(name: str, **requirements: Unpack[RequirementArguments]) -> Callable[[F], F]:
    """Mark a method that answers buttons and menus whose custom id is `self.custom_id(name, ...)`."""
    return _component(name, modal=False, given=requirements)


def modal(name: str, **requirements: Unpack[RequirementArguments]) -> Callable[[F], F]:
    """Mark a method that answers submitted modals whose custom id is `self.custom_id(name, ...)`."""
    return _component(name, modal=True, given=requirements)


@overload
def autocomplete(function: F, /) -> F: ...
@overload
def autocomplete() -> Callable[[F], F]: ...
def autocomplete(function: F | None = None, /) -> F | Callable[[F], F]:
    """Mark `async def f(self, ctx, value)` as a method that suggests values, named in `Autocomplete("f")`."""

    def mark(marked: F) -> F:
        return _note(marked, AutocompleteNote())

    return mark if function is None else mark(function)
