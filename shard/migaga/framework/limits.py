"""Limits of a parameter or an option: markers and arguments -> smallest, largest, choices; all checked.

Discord's limits: 25 choices, names of 1 to 100 characters, texts of at most 6,000, numbers within ±2^53.
Source: Discord's documentation, "Application Command Option Structure".
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from migaga.framework.annotation import TypeShape, describe_type
from migaga.framework.errors import DeclarationError, WrongArgument
from migaga.framework.markers import Choices, Length, Range
from migaga.framework.spec import Choice, OptionSpec, ParameterKind, ParameterSpec
from migaga.framework.values import check_limits

LARGEST_TEXT = 6_000
NUMBERS = frozenset({ParameterKind.INTEGER, ParameterKind.NUMBER, ParameterKind.DECIMAL})
_CHOOSABLE = frozenset({ParameterKind.TEXT, ParameterKind.INTEGER, ParameterKind.NUMBER})
_MOST_CHOICES = 25


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits as an author wrote them; numbers and lengths apart."""

    minimum: float | None = None
    maximum: float | None = None
    min_length: int | None = None
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits as the specs hold them."""

    minimum: int | float | None
    maximum: int | float | None
    choices: tuple[Choice, ...]


def bounds_of(shape: TypeShape) -> tuple[Bounds, tuple[Choice, ...]]:
    """Collect what the markers of an annotation say."""
    bounds = Bounds()
    choices: tuple[Choice, ...] = ()
    for marker in shape.markers:
        match marker:
            case Range(minimum, maximum):
                bounds = Bounds(minimum, maximum, bounds.min_length, bounds.max_length)
            case Length(minimum, maximum):
                bounds = Bounds(bounds.minimum, bounds.maximum, minimum, maximum)
            case Choices():
                choices = marker.choices
            case _:
                pass
    return bounds, choices


def apply_limits(shape: TypeShape, where: str, bounds: Bounds, choices: tuple[Choice, ...]) -> Limits:
    """Check limits against the kind of value they are for.

    Raises:
        DeclarationError: a limit that does not apply, cannot be met, or is more than Discord allows.
    """
    if (bounds.minimum is not None or bounds.maximum is not None) and shape.kind not in NUMBERS:
        raise DeclarationError(where, f"a range does not apply to a {shape.kind.value}", "Leave it out.")
    if (bounds.min_length is not None or bounds.max_length is not None) and shape.kind is not ParameterKind.TEXT:
        raise DeclarationError(where, f"a length does not apply to a {shape.kind.value}", "Leave it out.")
    is_text = shape.kind is ParameterKind.TEXT
    low = bounds.min_length if is_text else bounds.minimum
    high = bounds.max_length if is_text else bounds.maximum
    if low is not None and high is not None and low > high:
        raise DeclarationError(where, f"its smallest value {low} is over its largest {high}", "Swap them.")
    if is_text and not (0 <= (low or 0) <= LARGEST_TEXT and 1 <= (high or LARGEST_TEXT) <= LARGEST_TEXT):
        raise DeclarationError(where, "its length is out of Discord's limits", f"Use 1 to {LARGEST_TEXT}.")
    if choices and shape.choices:
        raise DeclarationError(where, "its type already has choices", "Leave `Choices(...)` out.")
    merged = choices or shape.choices
    _check_choices(merged, shape, where)
    return Limits(low, high, merged)


def _check_choices(choices: tuple[Choice, ...], shape: TypeShape, where: str) -> None:
    if not choices:
        return
    if shape.kind not in _CHOOSABLE:
        raise DeclarationError(where, f"a {shape.kind.value} cannot have choices", "Use str, int or float.")
    if len(choices) > _MOST_CHOICES:
        raise DeclarationError(
            where, f"it has {len(choices)} choices, Discord allows {_MOST_CHOICES}", "Use `Autocomplete(...)` instead."
        )
    wanted = {ParameterKind.TEXT: (str,), ParameterKind.INTEGER: (int,)}.get(shape.kind, (int, float))
    for choice in choices:
        if not isinstance(choice.value, wanted) or isinstance(choice.value, bool):
            raise DeclarationError(where, f"its choice {choice.name!r} is no {shape.kind.value}", "Change the value.")
        if not 1 <= len(choice.name) <= 100 or len(str(choice.value)) > 100:
            raise DeclarationError(
                where, f"its choice {choice.name!r} is too long or empty", "Use 1 to 100 characters."
            )
    for what, values in (("name", [c.name.casefold() for c in choices]), ("value", [c.value for c in choices])):
        if twice := first_repeated(values):
            raise DeclarationError(where, f"two of its choices have the {what} {twice!r}", "Make them differ.")


def first_repeated(values: Iterable[object]) -> object | None:
    """Return the first value that came before, or None."""
    seen: set[object] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def check_default(spec: ParameterSpec | OptionSpec, shape: TypeShape, where: str) -> None:
    """Check that a default is a value that could be given.

    Raises:
        DeclarationError: it is not.
    """
    default = spec.default
    if default is None:
        if isinstance(spec, OptionSpec) and not shape.nullable:
            raise DeclarationError(where, "its default is None, its type is not", "Write `X | None`, or a default.")
        return
    if isinstance(default, Enum):
        default = default.value
    expected = shape.base
    if inspect.isclass(expected) and not issubclass(expected, Enum):
        allowed = (int, float) if expected is float else (int, Decimal) if expected is Decimal else (expected,)
        if not isinstance(default, allowed) or (isinstance(default, bool) and expected is not bool):
            raise DeclarationError(
                where, f"its default {default!r} is no {describe_type(expected)}", "Change one of them."
            )
    if default == "" and isinstance(spec, ParameterSpec):
        return  # Stands for "left out", whatever the shortest text is.
    try:
        check_limits(spec, default)
    except WrongArgument as error:
        raise DeclarationError(
            where, f"its default {default!r} does not fit: {error.reason.rstrip('.')}", "Change one of them."
        ) from None
