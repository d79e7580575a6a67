"""`GuildOptions`: the options of a module that administrators set for their guild.

Authors write a class of typed attributes; `declare.py` reads its `OptionSpec`s, the context makes an instance with
one guild's values.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, TypeVar, cast

import hikari

from migaga.framework.annotation import TypeShape, read_annotation, resolve
from migaga.framework.errors import DeclarationError
from migaga.framework.limits import Bounds, apply_limits, check_default
from migaga.framework.markers import Refers
from migaga.framework.naming import check_description
from migaga.framework.spec import Choice, OptionSpec
from migaga.framework.values import decode

T = TypeVar("T")
O = TypeVar("O", bound="GuildOptions")  # noqa: E741 (one letter, as for every type variable here)

ChannelId = Annotated[hikari.Snowflake, Refers("channel")]
"""The id of a channel of the guild."""
RoleId = Annotated[hikari.Snowflake, Refers("role")]
"""The id of a role of the guild."""
UserId = Annotated[hikari.Snowflake, Refers("user")]
"""The id of a user."""

LONGEST_OPTION = 64
"""Characters of an option's name in the database."""


@dataclass(frozen=True, slots=True)
class _Declared:
    default: object
    description: str
    bounds: Bounds
    choices: tuple[Choice, ...]
    check: Callable[[Any], object] | None


def option(
    default: T,
    description: str,
    *,
    min: float | None = None,  # noqa: A002 (public name, as in the docs)
    max: float | None = None,  # noqa: A002 (public name, as in the docs)
    min_length: int | None = None,
    max_length: int | None = None,
    choices: Sequence[Choice | str | int | float] = (),
    check: Callable[[Any], object] | None = None,
) -> T:
    """Declare one option as the value of an annotated attribute of a `GuildOptions` class.

    Args:
        default: Its value until somebody sets one. None where the annotation is `X | None`.
        description: One line, at most 100 characters.
        min: Smallest number.
        max: Largest number.
        min_length: Shortest text, in characters.
        max_length: Longest text, in characters.
        choices: The only values that it may have.
        check: Raises UserError for a value that cannot be, though its type and limits allow it.
    """
    chosen = tuple(c if isinstance(c, Choice) else Choice(str(c), c) for c in choices)
    # The attribute's type is what an instance holds; the class holds this note until it is read.
    return cast(T, _Declared(default, description, Bounds(min, max, min_length, max_length), chosen, check))


class GuildOptions:
    """Base of the inner class `Options`. Attributes of an instance are one guild's values."""

    module_name: ClassVar[str] = ""
    """The module that these options belong to; set when the module is loaded."""
    specs: ClassVar[tuple[OptionSpec, ...]] = ()
    """Its options; set when the module is loaded."""

    def __init__(self, **values: Any) -> None:
        """Take values by name; the others are the defaults."""
        known = {spec.name: spec for spec in read_options(type(self))}
        for name in values.keys() - known.keys():
            raise TypeError(f"{type(self).__qualname__} has no option {name!r}")
        for name, spec in known.items():
            setattr(self, name, values.get(name, spec.default))

    @classmethod
    def load(cls: type[O], stored: Mapping[str, object]) -> O:
        """Make an instance from what the database holds.

        A stored value that no longer fits (the module has changed) counts as not set.
        """
        values: dict[str, object] = {}
        for spec in read_options(cls):
            if spec.name in stored:
                try:
                    values[spec.name] = decode(spec, stored[spec.name])
                except ValueError:
                    continue
        return cls(**values)

    def __repr__(self) -> str:
        values = ", ".join(f"{spec.name}={getattr(self, spec.name)!r}" for spec in read_options(type(self)))
        return f"{type(self).__qualname__}({values})"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]  # values may be changed in place


def read_options(cls: type[GuildOptions]) -> tuple[OptionSpec, ...]:
    """Return the options that a class declares, in order of writing.

    Raises:
        DeclarationError: one is written wrongly.
    """
    found = cls.__dict__.get("_read_specs")
    if found is None:
        annotated = {
            name: owner
            for owner in reversed(cls.__mro__)
            if issubclass(owner, GuildOptions) and owner is not GuildOptions
            for name in inspect.get_annotations(owner)
        }
        _check_unannotated(cls, annotated)
        found = tuple(
            _read(owner, name)
            for name, owner in annotated.items()
            if not str(owner.__annotations__[name]).startswith(("ClassVar", "typing.ClassVar"))
        )
        cls._read_specs = found  # type: ignore[attr-defined]  # a cache beside what the author wrote
    return cast("tuple[OptionSpec, ...]", found)


def _check_unannotated(cls: type[GuildOptions], annotated: Mapping[str, object]) -> None:
    for name, value in vars(cls).items():
        if isinstance(value, _Declared) and name not in annotated:
            raise DeclarationError(
                f"{cls.__qualname__}.{name}", "it has no type", f"Write `{name}: str = option(...)`, for example."
            )


def _read(owner: type[GuildOptions], name: str) -> OptionSpec:
    where = f"{owner.__qualname__}.{name}"
    declared = owner.__dict__.get(name)
    if not isinstance(declared, _Declared):
        raise DeclarationError(where, "it has no `option(...)`", 'Write `= option(default, "What it is for")`.')
    if len(name) > LONGEST_OPTION:
        raise DeclarationError(where, f"its name has {len(name)} characters", f"Use at most {LONGEST_OPTION}.")
    description = check_description(declared.description, where, hint='Write `option(default, "What it is for")`.')
    shape: TypeShape = read_annotation(resolve(owner.__annotations__[name], owner, where), where)
    limits = apply_limits(shape, where, declared.bounds, declared.choices)
    spec = OptionSpec(
        name=name,
        kind=shape.kind,
        default=declared.default,
        description=description,
        minimum=limits.minimum,
        maximum=limits.maximum,
        choices=limits.choices,
        nullable=shape.nullable,
        convert=shape.convert,
        check=declared.check,
    )
    check_default(spec, shape, where)
    return spec
