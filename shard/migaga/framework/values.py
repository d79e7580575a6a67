"""Values at rest and the last check of every value: limits, choices, conversion to the author's type.

Both forms of a command, custom ids and options end here, so they accept and refuse the same.
"""

from __future__ import annotations

import math
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from enum import Enum

import hikari

from migaga.framework.emoji import Emoji
from migaga.framework.errors import UserError, WrongArgument
from migaga.framework.spec import OptionSpec, ParameterKind, ParameterSpec

LARGEST_NUMBER = 2**53
"""Discord's numbers are doubles; the text form keeps to the same limit."""

_IDS = frozenset(
    {
        ParameterKind.SNOWFLAKE,
        ParameterKind.CHANNEL,
        ParameterKind.ROLE,
        ParameterKind.USER,
        ParameterKind.MEMBER,
        ParameterKind.MENTIONABLE,
    }
)
Json = str | int | float | bool | None


def shown(number: float | Decimal) -> str:
    """Write a number as people do: no exponent, no `.0`."""
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    return f"{number:,}" if isinstance(number, int) else str(number)


def check_limits(spec: ParameterSpec | OptionSpec, value: object) -> None:
    """Check smallest, largest, length and choices.

    Raises:
        WrongArgument: the value is outside of them.
    """
    match value:
        case str() if spec.kind is ParameterKind.TEXT:
            _check_length(spec, value)
        case bool():
            pass
        case int() | float() | Decimal() if spec.kind not in _IDS:
            _check_range(spec, value)
        case _:
            pass
    if spec.choices and value not in [choice.value for choice in spec.choices]:
        names = ", ".join(choice.name for choice in spec.choices)
        raise WrongArgument(spec.name, str(value), f"`{spec.name}` must be one of: {names}.")


def _check_length(spec: ParameterSpec | OptionSpec, value: str) -> None:
    length = len(value)
    if spec.minimum is not None and length < spec.minimum:
        reason = f"`{spec.name}` needs at least {shown(spec.minimum)} characters; this has {length:,}."
        raise WrongArgument(spec.name, value, reason)
    if spec.maximum is not None and length > spec.maximum:
        reason = f"`{spec.name}` may have at most {shown(spec.maximum)} characters; this has {length:,}."
        raise WrongArgument(spec.name, value, reason)


def _check_range(spec: ParameterSpec | OptionSpec, value: float | Decimal) -> None:
    if not math.isfinite(value):
        raise WrongArgument(spec.name, str(value), f"`{spec.name}` must be a number.")
    low = -LARGEST_NUMBER if spec.minimum is None and spec.kind is not ParameterKind.DECIMAL else spec.minimum
    high = LARGEST_NUMBER if spec.maximum is None and spec.kind is not ParameterKind.DECIMAL else spec.maximum
    if low is not None and value < low:
        raise WrongArgument(spec.name, str(value), f"`{spec.name}` must be at least {shown(low)}.")
    if high is not None and value > high:
        raise WrongArgument(spec.name, str(value), f"`{spec.name}` must be at most {shown(high)}.")


def finish(spec: ParameterSpec | OptionSpec, value: object) -> object:
    """Check a value and turn it into the author's type (an Enum).

    Raises:
        WrongArgument: it does not fit.
    """
    check_limits(spec, value)
    return spec.convert(value) if spec.convert is not None else value


def encode(spec: OptionSpec, value: object) -> Json:
    """Make a value storable as JSON: ids, amounts and emoji as text, durations in seconds."""
    if isinstance(value, Enum):
        value = value.value
    match value:
        case timedelta():
            return value.total_seconds()
        case None | str() | bool() | float():
            return value
        case int() if spec.kind not in _IDS:
            return value
        case _:
            return str(value)


def decode(spec: OptionSpec, stored: object) -> object:
    """Read a stored value back.

    Raises:
        ValueError: it does not fit (any more).
    """
    if stored is None:
        if spec.nullable:
            return None
        raise ValueError(f"{spec.name} cannot be unset")
    value = _decode(spec.kind, stored)
    try:
        finished = finish(spec, value)
        if spec.check is not None:
            spec.check(finished)
    except WrongArgument as error:
        raise ValueError(error.reason) from None
    except UserError as error:
        raise ValueError(str(error)) from None
    return finished


def _decode(kind: ParameterKind, stored: object) -> object:
    value: object = None
    match kind, stored:
        case (ParameterKind.TEXT, str()) | (ParameterKind.BOOLEAN, bool()):
            value = stored
        case (_, bool()):
            pass
        case (ParameterKind.INTEGER, int()):
            value = stored
        case (ParameterKind.NUMBER, int() | float()):
            value = float(stored)
        case (ParameterKind.DURATION, int() | float()):
            value = timedelta(seconds=stored)
        case (ParameterKind.EMOJI, str()):
            value = Emoji.parse(stored)
        case (ParameterKind.DECIMAL, str() | int()):
            value = _amount(stored)
        case (_, str() | int()) if kind in _IDS:
            value = hikari.Snowflake(stored)
        case _:
            pass
    if value is None:
        raise ValueError(f"{stored!r} is no {kind.value}")
    return value


def _amount(stored: str | int) -> Decimal:
    try:
        return Decimal(stored)
    except InvalidOperation:
        raise ValueError(f"{stored!r} is no amount") from None
