"""Roman numerals. It stands for any package that a module needs and Migaga does not."""

from __future__ import annotations

LARGEST = 3_999
"""Above it, the Romans wrote lines over their letters."""

_SIGNS = {
    1000: "M",
    900: "CM",
    500: "D",
    400: "CD",
    100: "C",
    90: "XC",
    50: "L",
    40: "XL",
    10: "X",
    9: "IX",
    5: "V",
    4: "IV",
    1: "I",
}


def write(number: int) -> str:
    """Return a number from 1 to `LARGEST` in Roman numerals. Raises ValueError for any other."""
    if not 1 <= number <= LARGEST:
        raise ValueError(f"{number} cannot be written: the Romans had signs for 1 to {LARGEST}")
    text = ""
    for value, sign in _SIGNS.items():
        count, number = divmod(number, value)
        text += sign * count
    return text
