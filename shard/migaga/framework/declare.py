"""A decorated class -> its `ModuleSpec`. The loader and the test fixtures call `read_module`.

All faults of a class are found before any of it runs, and reported together.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import hikari
import sqlalchemy as sa
from hikari.events.base_events import get_required_intents_for

from migaga.framework.annotation import describe_type, strip
from migaga.framework.declare_commands import Method, read_autocomplete, read_command, read_component, read_menu
from migaga.framework.decorators import (
    AutocompleteNote,
    CommandNote,
    ComponentNote,
    Group,
    ListenNote,
    MenuNote,
    Note,
    TaskNote,
    notes_of,
)
from migaga.framework.docstrings import read_docstring
from migaga.framework.errors import DeclarationError
from migaga.framework.markers import EventHandlerContext, TaskHandlerContext
from migaga.framework.module import BaseModule
from migaga.framework.naming import check_module_name, is_a, snake_case, title_of
from migaga.framework.options import GuildOptions, read_options
from migaga.framework.signature import Argument, arguments_of, injected, require_type
from migaga.framework.spec import (
    CommandSpec,
    ComponentSpec,
    InjectedSpec,
    ListenerSpec,
    MenuSpec,
    ModuleSpec,
    TaskSpec,
)
from migaga.framework.uncalled import UnknownCommandEvent

LONGEST_HANDLER = 64
"""Characters of a handler's name."""
_DIRECT = hikari.Intents.ALL_DMS


@dataclass(slots=True)
class _Found:
    commands: list[CommandSpec] = field(default_factory=list)
    menus: list[MenuSpec] = field(default_factory=list)
    listeners: list[ListenerSpec] = field(default_factory=list)
    tasks: list[TaskSpec] = field(default_factory=list)
    components: list[ComponentSpec] = field(default_factory=list)
    autocompletes: list[str] = field(default_factory=list)
    filled: dict[str, tuple[InjectedSpec, ...]] = field(default_factory=dict)


class FaultyModuleError(DeclarationError):
    """A module's class has one fault or several; `faults` holds each."""

    def __init__(self, faults: tuple[DeclarationError, ...]) -> None:
        """Join what the faults say: several stand below each other."""
        super().__init__(faults[0].where, faults[0].reason, faults[0].hint)
        self.faults = faults
        self.args = ("\n".join(str(fault) for fault in faults),)


def read_module(cls: type[BaseModule], source: Path | None = None) -> ModuleSpec:
    """Read a module's class.

    Args:
        cls: A class that inherits from `BaseModule`.
        source: The file or folder it was loaded from.

    Raises:
        FaultyModuleError: something in it is not written as it can be used.
    """
    faults: list[DeclarationError] = []
    found = _Found()
    for method, note in _decorated(cls):
        try:
            _check_free(method)
            _check_length(method)
            _read_note(method, note, found)
        except DeclarationError as fault:
            faults.append(fault)
    name = ""
    options_type: type[GuildOptions] | None = None
    try:
        name = check_module_name(cls.__dict__.get("name") or snake_case(cls.__name__), cls.__qualname__)
        options_type = _options_type(cls)
        if options_type is not None:
            options_type.module_name, options_type.specs = name, read_options(options_type)
        _check_tables(cls)
    except DeclarationError as fault:
        faults.append(fault)
    faults.extend(_relations(cls, found))
    if faults:
        raise FaultyModuleError(tuple(faults))
    return _spec(cls, source or _file_of(cls), found, name, options_type)


def _spec(
    cls: type[BaseModule],
    source: Path | None,
    found: _Found,
    name: str,
    options_type: type[GuildOptions] | None,
) -> ModuleSpec:
    doc = read_docstring(cls.__doc__ if cls.__doc__ != BaseModule.__doc__ else None)
    return ModuleSpec(
        name=name,
        title=title_of(name),
        description=doc.help,
        source=source,
        commands=tuple(found.commands),
        menus=tuple(found.menus),
        listeners=tuple(found.listeners),
        tasks=tuple(found.tasks),
        components=tuple(found.components),
        autocompletes=tuple(found.autocompletes),
        options=options_type.specs if options_type is not None else (),
        options_type=options_type,
        injected=found.filled,
        metadata=cls.metadata,
        migrations=cls.migrations or _migrations_beside(cls),
        intents=_intents(found),
    )


def _decorated(cls: type[BaseModule]) -> Iterable[tuple[Method, Note]]:
    names = dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base))
    for name in names:
        for note in notes_of(inspect.getattr_static(cls, name)):
            yield Method(cls, name), note


def _check_free(method: Method) -> None:
    """Refuse a handler that replaces what every module has, such as the hook `start`."""
    if hasattr(BaseModule, method.name) or method.name in BaseModule.__annotations__:
        raise DeclarationError(
            method.where,
            f"{method.name!r} is a name that every module has already",
            f'Rename the method; the command can keep its name: `@command("{method.name}")`.',
        )


def _check_length(method: Method) -> None:
    """Refuse a name that does not fit where the database keeps what a handler did once."""
    if len(method.name) > LONGEST_HANDLER:
        raise DeclarationError(
            method.where, f"its name has {len(method.name)} characters", f"Use at most {LONGEST_HANDLER}."
        )


def _read_note(method: Method, note: Note, found: _Found) -> None:
    filled: tuple[InjectedSpec, ...] = ()
    match note:
        case CommandNote():
            command, filled = read_command(method, note)
            found.commands.append(command)
        case MenuNote():
            menu, filled = read_menu(method, note)
            found.menus.append(menu)
        case ComponentNote():
            component, filled = read_component(method, note)
            found.components.append(component)
        case ListenNote():
            listener, filled = _read_listener(method, note)
            found.listeners.append(listener)
        case TaskNote():
            task, filled = _read_task(method, note)
            found.tasks.append(task)
        case AutocompleteNote():
            read_autocomplete(method)
            found.autocompletes.append(method.name)
    if filled:
        found.filled[method.name] = filled


def _read_listener(method: Method, note: ListenNote) -> tuple[ListenerSpec, tuple[InjectedSpec, ...]]:
    where = method.where
    if not note.events:
        raise DeclarationError(where, "it listens to nothing", "Write `@listen(hikari.GuildMessageCreateEvent)`.")
    for event in note.events:
        if not is_a(event, type) or not issubclass(event, hikari.Event):
            raise DeclarationError(where, f"{describe_type(event)} is no event of hikari", "Name an event's class.")
    arguments = arguments_of(method.owner, method.name)
    if not arguments:
        raise DeclarationError(where, "it does not take the event", "Write `self, event: hikari.SomeEvent`.")
    _check_event(arguments[0], note.events)
    filled = tuple(_service(argument, EventHandlerContext) for argument in arguments[1:])
    return ListenerSpec(method.name, note.events, note.bots, note.guild_only), filled


def _check_event(argument: Argument, events: tuple[type[hikari.Event], ...]) -> None:
    base = strip(argument.annotation).base
    if not argument.annotated or not inspect.isclass(base):
        return
    for event in events:
        if not issubclass(event, base) and not issubclass(base, event):
            raise DeclarationError(
                argument.where, f"it is a {describe_type(base)}, but gets a {event.__name__}", "Make them agree."
            )


def _read_task(method: Method, note: TaskNote) -> tuple[TaskSpec, tuple[InjectedSpec, ...]]:
    where = method.where
    if not is_a(note.every, timedelta) or note.every <= timedelta(0):
        raise DeclarationError(where, f"every={note.every!r} is no time", "Write `every=timedelta(minutes=5)`.")
    if note.once_per not in {"fleet", "shard", "process"}:
        raise DeclarationError(where, f"once_per={note.once_per!r}", 'Write "fleet", "shard" or "process".')
    filled = tuple(_service(argument, TaskHandlerContext) for argument in arguments_of(method.owner, method.name))
    return TaskSpec(method.name, note.every, note.once_per), filled


def _service(argument: Argument, context: type) -> InjectedSpec:
    require_type(argument)
    found = injected(argument, services=True)
    if found is None:
        raise DeclarationError(
            argument.where,
            f"nothing gives a {describe_type(argument.annotation)}",
            "Take the context, the options, an `AsyncSession` or a service.",
        )
    if issubclass(found.type, (EventHandlerContext, TaskHandlerContext)) and not issubclass(found.type, context):
        raise DeclarationError(argument.where, f"it gets no {describe_type(found.type)}", "Take the other context.")
    return found


def _options_type(cls: type[BaseModule]) -> type[GuildOptions] | None:
    declared = getattr(cls, "Options", None)
    if declared is None:
        return None
    if not inspect.isclass(declared) or not issubclass(declared, GuildOptions):
        raise DeclarationError(f"{cls.__qualname__}.Options", "it is no `GuildOptions`", "Inherit from `GuildOptions`.")
    return declared


def _check_tables(cls: type[BaseModule]) -> None:
    if cls.metadata is not None and not isinstance(cls.metadata, sa.MetaData):
        raise DeclarationError(f"{cls.__qualname__}.metadata", "it is no `sqlalchemy.MetaData`", "Set the MetaData.")


def _relations(cls: type[BaseModule], found: _Found) -> Iterable[DeclarationError]:
    """Find what no method has wrong by itself: unknown names of autocompletes, names taken twice, forgotten calls."""
    for command in found.commands:
        for parameter in command.parameters:
            if parameter.autocomplete is not None and parameter.autocomplete not in found.autocompletes:
                yield DeclarationError(
                    f"{cls.__qualname__}.{command.handler}({parameter.argument})",
                    f"there is no method {parameter.autocomplete!r} decorated with `@autocomplete`",
                    "Write it, or correct the name.",
                )
    taken: dict[object, str] = {}
    for what, handler in _names(found):
        if what in taken:
            yield DeclarationError(
                f"{cls.__qualname__}.{handler}", f"its {what} is taken by {taken[what]!r}", "Choose another name."
            )
        taken.setdefault(what, handler)
    groups = {part for command in found.commands for part in command.group_descriptions}
    for command in found.commands:
        if command.slash and command.path in groups:
            yield DeclarationError(
                f"{cls.__qualname__}.{command.handler}",
                f"{' '.join(command.path)!r} is the name of a group as well",
                "Discord takes one of the two: rename it, or make it text only (`slash=False`).",
            )
    for name, value in vars(cls).items():
        if (
            isinstance(value, Group)
            and value.path[:1]
            and not any(value.path in c.group_descriptions for c in found.commands)
        ):
            yield DeclarationError(
                f"{cls.__qualname__}.{name}", "the group has no command", f"Use `@{name}.command()`."
            )


def _names(found: _Found) -> Iterable[tuple[str, str]]:
    for command in found.commands:
        if command.slash:
            yield f"slash name {' '.join(command.path)!r}", command.handler
        for words in command.text_names:
            yield f"text name {' '.join(words)!r}", command.handler
    for menu in found.menus:
        yield f"{menu.type} menu name {menu.name!r}", menu.handler
    for component in found.components:
        yield f"{'modal' if component.modal else 'component'} name {component.name!r}", component.handler


def _intents(found: _Found) -> hikari.Intents:
    intents = hikari.Intents.NONE
    for listener in found.listeners:
        for event in listener.events:
            needed = hikari.Intents.NONE
            for alternative in get_required_intents_for(event):
                needed |= alternative
            intents |= needed & ~_DIRECT if listener.guild_only and needed & ~_DIRECT else needed
            if issubclass(event, UnknownCommandEvent):
                intents |= hikari.Intents.GUILD_MESSAGES
            if issubclass(event, (hikari.MessageEvent, UnknownCommandEvent)):
                intents |= hikari.Intents.MESSAGE_CONTENT
    for command in found.commands:
        if command.text:
            intents |= hikari.Intents.GUILD_MESSAGES | hikari.Intents.MESSAGE_CONTENT
            if not command.requirements.guild_only:
                intents |= hikari.Intents.DM_MESSAGES
    return intents


def _file_of(cls: type) -> Path | None:
    try:
        return Path(inspect.getfile(cls))
    except (TypeError, OSError):
        return None


def _migrations_beside(cls: type) -> Path | None:
    file = _file_of(cls)
    folder = file.parent / "migrations" if file else None
    return folder if folder is not None and folder.is_dir() else None
