"""What the reader of signatures must recognise without importing it: base classes of contexts, and `Annotated` markers.

`context.py` derives its classes from the bases here, so that `signature.py` knows a context argument and neither
imports the other. Module authors use the markers in `typing.Annotated[...]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import hikari

from migaga.framework.spec import Choice


class HandlerContext:
    """Base of every context. A handler's argument of such a type is given by the framework, not by people."""

    __slots__ = ()


class PersonContext(HandlerContext):
    """Base of `Context`: commands, context menus, components and modals, where a person waits for an answer."""

    __slots__ = ()


class EventHandlerContext(HandlerContext):
    """Base of `EventContext`, which listeners may take."""

    __slots__ = ()


class TaskHandlerContext(HandlerContext):
    """Base of `TaskContext`, which tasks may take."""

    __slots__ = ()


class AutocompleteHandlerContext(HandlerContext):
    """Base of `AutocompleteContext`, the first argument of methods that suggest values."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Describe:
    """A parameter's description (1 to 100 characters), and its name and description in other languages."""

    text: str
    # Not hashed: `Annotated[..., Describe("...")] | None` hashes its markers, and a mapping has no hash.
    localisations: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    """Discord locale (`de`, `en-GB`) -> (name, description)."""


@dataclass(frozen=True, slots=True)
class Range:
    """The smallest and largest number that a parameter takes, both included."""

    minimum: int | float | None = None
    maximum: int | float | None = None


@dataclass(frozen=True, slots=True)
class Length:
    """The shortest and longest text that a parameter takes, in characters."""

    minimum: int | None = None
    maximum: int | None = None


class Choices:
    """The only values that a parameter takes: `Choices("red", "blue")` or `Choices(Choice("Red", 0xFF0000))`."""

    __slots__ = ("choices",)

    def __init__(self, *choices: Choice | str | int | float) -> None:
        self.choices = tuple(c if isinstance(c, Choice) else Choice(str(c), c) for c in choices)


@dataclass(frozen=True, slots=True)
class Autocomplete:
    """The method (decorated with `@autocomplete`) that suggests values while a person types."""

    method: str


class ChannelTypes:
    """The kinds of channel that a parameter takes."""

    __slots__ = ("types",)

    def __init__(self, *types: hikari.ChannelType) -> None:
        self.types = tuple(types)


@dataclass(frozen=True, slots=True)
class Rest:
    """In the text form, this parameter takes the rest of the line. The last text parameter does so by itself."""


@dataclass(frozen=True, slots=True)
class Inject:
    """The argument is a registered service, found by its type, and nothing that people give."""


@dataclass(frozen=True, slots=True)
class Refers:
    """In options: an id names this kind of thing. Authors use `ChannelId`, `RoleId` and `UserId`."""

    kind: str
