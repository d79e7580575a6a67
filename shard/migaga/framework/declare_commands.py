"""What decorators noted on methods -> specs of commands, menus, components and methods that suggest values.

`declare.py` calls these for each note that it finds on a class.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import hikari

from migaga.framework.annotation import describe_type, strip
from migaga.framework.decorators import CommandNote, ComponentNote, Group, MenuNote
from migaga.framework.docstrings import Docstring, read_docstring
from migaga.framework.errors import DeclarationError
from migaga.framework.markers import AutocompleteHandlerContext, PersonContext
from migaga.framework.naming import LONGEST_NAME, check_description, check_locale, check_name, is_a
from migaga.framework.signature import (
    Argument,
    arguments_of,
    injected,
    read_parameters,
    require_type,
    take_context,
)
from migaga.framework.spec import (
    CommandSpec,
    ComponentSpec,
    Cooldown,
    InjectedSpec,
    MenuSpec,
    ParameterKind,
    Requirements,
)

_IN_CUSTOM_IDS = frozenset(
    {
        ParameterKind.TEXT,
        ParameterKind.INTEGER,
        ParameterKind.NUMBER,
        ParameterKind.DECIMAL,
        ParameterKind.BOOLEAN,
        ParameterKind.DURATION,
        ParameterKind.EMOJI,
        ParameterKind.SNOWFLAKE,
    }
)


@dataclass(frozen=True, slots=True)
class Method:
    """A decorated method."""

    owner: type
    name: str

    @property
    def where(self) -> str:
        """How messages name it."""
        return f"{self.owner.__qualname__}.{self.name}"

    @property
    def doc(self) -> Docstring:
        """Its docstring, also when it is inherited from a base class's method."""
        return read_docstring(inspect.getdoc(getattr(self.owner, self.name, None)))


def check_requirements(requirements: Requirements, where: str) -> Requirements:
    """Check the values of a decorator's arguments, which nothing else looks at before somebody uses the command.

    Raises:
        DeclarationError: one is of another type, or a cooldown is empty.
    """
    for what, value in (
        ("permissions", requirements.permissions),
        ("bot_permissions", requirements.bot_permissions),
    ):
        if not isinstance(value, hikari.Permissions):
            raise DeclarationError(where, f"{what}={value!r} are no permissions", "Write `hikari.Permissions.X`.")
    cooldown = requirements.cooldown
    if cooldown is not None:
        if not is_a(cooldown, Cooldown) or not is_a(cooldown.per, timedelta):
            raise DeclarationError(
                where, f"cooldown={cooldown!r} is none", "Write `Cooldown(1, timedelta(seconds=30))`."
            )
        if cooldown.uses < 1 or cooldown.per <= timedelta(0):
            raise DeclarationError(where, "its cooldown allows nothing", "Allow at least one use in some time.")
    for check in requirements.checks:
        if not callable(check):
            raise DeclarationError(where, f"its check {check!r} cannot be called", "Give a function of the context.")
    return requirements


def _group_descriptions(group: Group | None, where: str) -> Mapping[tuple[str, ...], str]:
    described: dict[tuple[str, ...], str] = {}
    while group is not None:
        place = f"{where}, group {' '.join(map(str, group.path))!r}"
        check_name(group.name, place)
        described[group.path] = check_description(
            group.description, place, hint='Write `group("name", "What its commands are for")`.'
        )
        group = group.parent
    return described


def _words(text: object, where: str, what: str) -> tuple[str, ...]:
    words = tuple(text.casefold().split()) if isinstance(text, str) else ()
    if not words:
        raise DeclarationError(where, f"its {what} {text!r} is empty", "Write the words that people type.")
    if any(character in word for word in words for character in '"“”„`'):
        raise DeclarationError(where, f"its {what} {text!r} has a quotation mark", "Leave it out.")
    return words


def read_command(method: Method, note: CommandNote) -> tuple[CommandSpec, tuple[InjectedSpec, ...]]:
    """Read a method marked as a command.

    Raises:
        DeclarationError: its signature, names or description cannot be used.
    """
    where, doc = method.where, method.doc
    name = note.name if note.name is not None else method.name.strip("_").replace("_", "-").lower()
    check_name(name, where)
    path = (*(note.group.path if note.group else ()), name)
    if len(path) > 3:
        raise DeclarationError(
            where, f"its groups {' '.join(path[:-1])!r} are nested too deep", "Discord allows a group inside a group."
        )
    if not note.slash and not note.as_text:
        raise DeclarationError(where, "it is neither a slash nor a text command", "Remove one of the two `False`.")
    descriptions = _group_descriptions(note.group, where)
    main = path if note.text is None else _words(note.text, where, "text name")
    text_names = (main, *(_words(alias, where, "alias") for alias in note.aliases))
    if len(set(text_names)) < len(text_names):
        raise DeclarationError(where, "two of its text names are the same", "Remove one.")
    description = check_description(doc.summary, where, hint="Write a docstring; its first line is the description.")
    rest = take_context(arguments_of(method.owner, method.name), PersonContext, "Context", where)
    parameters, filled = read_parameters(rest, doc)
    return (
        CommandSpec(
            handler=method.name,
            path=path,
            text_names=text_names if note.as_text else (),
            description=description,
            help=doc.help,
            parameters=parameters,
            requirements=check_requirements(note.requirements, where),
            ephemeral=note.ephemeral,
            slash=note.slash,
            text=note.as_text,
            nsfw=note.nsfw,
            localisations=_localised(note.localisations, where),
            group_descriptions=descriptions,
        ),
        filled,
    )


def _localised(given: Mapping[str, tuple[str, str]], where: str) -> Mapping[str, tuple[str, str]]:
    for locale, pair in given.items():
        check_locale(locale, where)
        if not is_a(pair, tuple) or len(pair) != 2:
            raise DeclarationError(where, f"its {locale} localisation is no pair", "Write `(name, description)`.")
        check_name(pair[0], where, f"name for {locale}")
        check_description(pair[1], where, f"description for {locale}")
    return given


def read_menu(method: Method, note: MenuNote) -> tuple[MenuSpec, tuple[InjectedSpec, ...]]:
    """Read a method marked as a context menu command.

    Raises:
        DeclarationError: its name or signature cannot be used.
    """
    where = method.where
    if not is_a(note.name, str) or not 1 <= len(note.name.strip()) <= LONGEST_NAME:
        raise DeclarationError(where, f"its name {note.name!r} does not fit", f"Use 1 to {LONGEST_NAME} characters.")
    for locale in note.localisations:
        check_locale(locale, where)
    wanted: type = hikari.PartialUser if note.type == "user" else hikari.PartialMessage
    example = "hikari.User" if note.type == "user" else "hikari.Message"
    rest = take_context(arguments_of(method.owner, method.name), PersonContext, "Context", where)
    if not rest:
        raise DeclarationError(where, "it does not take its target", f"Write `self, ctx: Context, target: {example}`.")
    target = rest[0]
    if target.annotated and not target.is_a(wanted):
        raise DeclarationError(
            target.where, f"the target is no {describe_type(strip(target.annotation).base)}", f"Write `{example}`."
        )
    filled = tuple(_must_be_filled(argument) for argument in rest[1:])
    requirements = check_requirements(note.requirements, where)
    return MenuSpec(method.name, note.name.strip(), note.type, requirements, note.ephemeral, note.localisations), filled


def _must_be_filled(argument: Argument) -> InjectedSpec:
    require_type(argument)
    found = injected(argument, services=False)
    if found is None:
        raise DeclarationError(argument.where, "nobody gives a value for it", "Remove it.")
    return found


def read_component(method: Method, note: ComponentNote) -> tuple[ComponentSpec, tuple[InjectedSpec, ...]]:
    """Read a method marked as the answer to a component or modal.

    Raises:
        DeclarationError: its name or signature cannot be used.
    """
    where = method.where
    if not is_a(note.name, str) or not note.name or ":" in note.name or len(note.name) > 40:
        raise DeclarationError(
            where, f"its name {note.name!r} does not fit in a custom id", "Use 1 to 40 characters without `:`."
        )
    rest = take_context(arguments_of(method.owner, method.name), PersonContext, "Context", where)
    parameters, filled = read_parameters(rest, method.doc)
    places = {argument.name: argument.where for argument in rest}
    for parameter in parameters:
        if parameter.kind not in _IN_CUSTOM_IDS:
            raise DeclarationError(
                places[parameter.argument],
                f"a custom id cannot hold a {parameter.kind.value}",
                "Take a `hikari.Snowflake` and look it up.",
            )
    requirements = check_requirements(note.requirements, where)
    names = tuple(parameter.argument for parameter in parameters)
    return ComponentSpec(method.name, note.name, note.modal, requirements, names, parameters), filled


def read_autocomplete(method: Method) -> None:
    """Check a method that suggests values.

    Raises:
        DeclarationError: it does not take the context and the value that was typed so far.
    """
    hint = "Write `async def f(self, ctx: AutocompleteContext, value: str) -> list[str]`."
    arguments = arguments_of(method.owner, method.name)
    rest = take_context(arguments, AutocompleteHandlerContext, "AutocompleteContext", method.where)
    if len(rest) != 1:
        raise DeclarationError(method.where, "it must take the context and the value, nothing else", hint)
