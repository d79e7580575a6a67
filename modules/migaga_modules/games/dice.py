"""Dice notation: reads `3d20`, `2d6+3`, `4d6k3` and rolls it. Called by the command `roll`.

An expression is a sum of terms. A term is a whole number or dice: `[count]d<sides>[k|kh|kl<kept>]`, where `k` and `kh`
keep the highest and `kl` keeps the lowest. Only kept dice count towards the total.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from migaga.api import UserError

MAX_DICE = 100
MAX_SIDES = 1_000
MAX_MODIFIER = 1_000_000
MAX_TERMS = 20

EXAMPLES = "`d6`, `3d20`, `2d6+3`, `4d6k3` (keep the highest three) or `4d6kl1` (keep the lowest)"

_TERM = re.compile(
    r"(?P<sign>[+-]?)(?:(?P<count>\d*)d(?P<sides>\d+|%)(?:(?P<keep>kh|kl|k)(?P<kept>\d*))?|(?P<number>\d+))", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Dice:
    """`count` dice of `sides` sides, of which `kept` count: the highest ones or the lowest ones."""

    count: int
    sides: int
    kept: int
    keep: Literal["all", "highest", "lowest"] = "all"
    sign: Literal[1, -1] = 1


@dataclass(frozen=True, slots=True)
class Roll:
    """Expression after its dice have fallen."""

    dice: tuple[tuple[Dice, tuple[tuple[int, bool], ...]], ...]
    """Each term of dice with its dice in the order they fell: (value, kept)."""
    modifier: int

    @property
    def total(self) -> int:
        """Sum of the kept dice and of the plain numbers."""
        return self.modifier + sum(
            term.sign * value for term, fallen in self.dice for value, is_kept in fallen if is_kept
        )


@dataclass(frozen=True, slots=True)
class Expression:
    """What was asked for, checked: at most 100 dice of at most 1,000 sides."""

    dice: tuple[Dice, ...]
    modifier: int

    def roll(self, random: Random) -> Roll:
        """Throw the dice, in the order in which they are written."""
        fallen = []
        for term in self.dice:
            values = [random.randint(1, term.sides) for _ in range(term.count)]
            fallen.append((term, tuple(zip(values, mark_kept(term, values), strict=True))))
        return Roll(tuple(fallen), self.modifier)


def mark_kept(term: Dice, values: Sequence[int]) -> list[bool]:
    """Tell for each value whether it counts; of equal values the earlier one is kept."""
    order = sorted(range(len(values)), key=lambda index: values[index], reverse=term.keep == "highest")
    kept = set(order[: term.kept])
    return [index in kept for index in range(len(values))]


def parse(text: str) -> Expression:
    """Read dice notation.

    Raises:
        UserError: the text is no dice notation, or asks for more than the bounds; the message says which.
    """
    squeezed = "".join(text.lower().split())
    dice: list[Dice] = []
    modifier = 0
    for match in _terms(squeezed):
        sign: Literal[1, -1] = -1 if match["sign"] == "-" else 1
        if match["number"] is not None:
            modifier += sign * _bounded(match["number"], "A number that is added", 0, MAX_MODIFIER)
        else:
            dice.append(_dice(match, sign))
    if not dice:
        raise UserError(f"There are no dice in that. Write something like {EXAMPLES}.")
    if sum(term.count for term in dice) > MAX_DICE:
        raise UserError(f"That is too many dice: at most {MAX_DICE} in one roll.")
    return Expression(tuple(dice), modifier)


def _terms(squeezed: str) -> Iterable[re.Match[str]]:
    found: list[re.Match[str]] = []
    position = 0
    while position < len(squeezed):
        match = _TERM.match(squeezed, position)
        if match is None or (found and not match["sign"]):
            raise UserError(f"I cannot read that as dice. Write something like {EXAMPLES}.")
        found.append(match)
        position = match.end()
        if len(found) > MAX_TERMS:
            raise UserError(f"That is too long: at most {MAX_TERMS} parts in one roll.")
    return found


def _dice(match: re.Match[str], sign: Literal[1, -1]) -> Dice:
    count = _bounded(match["count"] or "1", "The number of dice", 1, MAX_DICE)
    sides = 100 if match["sides"] == "%" else _bounded(match["sides"], "The number of sides", 1, MAX_SIDES)
    if match["keep"] is None:
        return Dice(count, sides, count, "all", sign)
    kept = _bounded(match["kept"] or "1", "The number of dice to keep", 1, count)
    return Dice(count, sides, kept, "lowest" if match["keep"] == "kl" else "highest", sign)


def _bounded(digits: str, what: str, lowest: int, highest: int) -> int:
    # A number of thousands of digits is refused by its length: converting it would take long.
    value = int(digits) if len(digits) <= 9 else highest + 1
    if not lowest <= value <= highest:
        raise UserError(f"{what} must be from {lowest:,} to {highest:,}.")
    return value


def notation(expression: Expression) -> str:
    """Write the expression in its shortest usual form: `4d6k3+2`."""
    parts = []
    for term in expression.dice:
        keep = {"all": "", "highest": f"k{term.kept}", "lowest": f"kl{term.kept}"}[term.keep]
        parts.append(f"{'-' if term.sign < 0 else '+'}{term.count}d{term.sides}{keep}")
    if expression.modifier:
        parts.append(f"{expression.modifier:+d}")
    return "".join(parts).removeprefix("+")


def describe(expression: Expression, roll: Roll) -> str:
    """Render a roll for a message: each die, dropped ones struck through, and the total. Under 2,000 characters."""
    groups = []
    for term, fallen in roll.dice:
        values = ", ".join(str(value) if is_kept else f"~~{value}~~" for value, is_kept in fallen)
        groups.append(f"{'- ' if term.sign < 0 else '+ '}({values})")
    if roll.modifier:
        groups.append(f"{'-' if roll.modifier < 0 else '+'} {abs(roll.modifier)}")
    return f"🎲 `{notation(expression)}`: {' '.join(groups).removeprefix('+ ')} = **{roll.total}**"
