"""Amounts of resources as Kubernetes writes them: `500m`, `1.5Gi`, `2e3`. Compared by value, written in one form."""

from __future__ import annotations

import re
from decimal import Decimal

_SHAPE = re.compile(
    r"([+-]?(?:\d{1,15}(?:\.\d{0,9})?|\.\d{1,9}))(Ki|Mi|Gi|Ti|Pi|Ei|n|u|m|k|M|G|T|P|E|[eE][+-]?\d{1,2})?"
)
_BINARY = ("", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}


def amount(text: str) -> Decimal | None:
    """Return the value of an amount, or None when the text is none."""
    found = _SHAPE.fullmatch(text)
    if found is None:
        return None
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY:
        return number * Decimal(1024 ** _BINARY.index(suffix))
    return number.scaleb(_DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:]))


def same_amount(left: object, right: object) -> bool:
    """Whether two values, texts or whole numbers, are the same amount: `0.5` and `500m`, `1Gi` and `1024Mi`."""
    values = [amount(str(value)) for value in (left, right) if isinstance(value, str | int)]
    return len(values) == 2 and values[0] is not None and values[0] == values[1]
