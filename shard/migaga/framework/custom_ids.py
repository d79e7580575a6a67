"""Custom ids of components and modals: `<module>:<name>:<arguments>`, at most Discord's 100 characters.

They outlive the process and the version of the module that made them, so reading one back never trusts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from enum import Enum
from urllib.parse import quote, unquote

import hikari

from migaga.framework.convert import plain_value
from migaga.framework.emoji import Emoji
from migaga.framework.errors import UserError
from migaga.framework.spec import ComponentSpec

LONGEST = 100
OUTDATED = "This button or menu is from an older version and no longer works. Use the command again."


def _write(value: object) -> str:
    match value:
        case Enum():
            return _write(value.value)
        case bool():
            return "yes" if value else "no"
        case timedelta():
            return f"{value // timedelta(seconds=1)}s"
        case hikari.Unique():
            return str(int(value.id))
        case None:
            return ""
        case str() | int() | float() | Decimal() | Emoji():
            return str(value)
        case _:
            raise ValueError(f"a custom id cannot hold {value!r}: use texts, numbers, ids, yes or no")


def make_custom_id(module: str, name: str, arguments: Sequence[object]) -> str:
    """Join module, handler and arguments.

    Raises:
        ValueError: it would be longer than 100 characters, or an argument has no text form.
    """
    made = ":".join((module, name, *(quote(_write(argument), safe=" !#$&'()*+,/;=?@[]") for argument in arguments)))
    if len(made) > LONGEST:
        raise ValueError(f"the custom id {made!r} has {len(made)} characters, Discord allows {LONGEST}")
    return made


def split_custom_id(custom_id: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Return module, handler and arguments as texts; None when the id is not one of ours."""
    module, separator, rest = custom_id.partition(":")
    if not separator or not module or not rest:
        return None
    name, *arguments = rest.split(":")
    return module, name, tuple(unquote(argument) for argument in arguments)


def component_arguments(spec: ComponentSpec, given: Sequence[str]) -> dict[str, object]:
    """Turn the texts of a custom id into the handler's arguments.

    Raises:
        UserError: they no longer fit the handler; the message is for the person who pressed.
    """
    if len(given) > len(spec.arguments):
        raise UserError(OUTDATED)
    values: dict[str, object] = {}
    for parameter, text in zip(spec.arguments, given, strict=False):
        if text == "" and not parameter.required:
            values[parameter.argument] = parameter.default
            continue
        try:
            values[parameter.argument] = plain_value(parameter, text)
        except UserError:
            raise UserError(OUTDATED) from None
    for parameter in spec.arguments[len(given) :]:
        if parameter.required:
            raise UserError(OUTDATED)
        values[parameter.argument] = parameter.default
    return values
