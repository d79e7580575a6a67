"""Dice notation, and the sum of kept dice."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import UserError
from migaga_modules.games.dice import (
    MAX_DICE,
    MAX_MODIFIER,
    MAX_SIDES,
    Dice,
    Expression,
    Roll,
    describe,
    mark_kept,
    notation,
    parse,
)


class Scripted(random.Random):
    """Random numbers that were decided beforehand."""

    def __init__(self, *values: int) -> None:
        super().__init__(0)
        self._values = list(values)

    def randint(self, a: int, b: int) -> int:
        """Give the next number, which must be possible."""
        value = self._values.pop(0)
        assert a <= value <= b
        return value


def rolled(text: str, *values: int) -> Roll:
    return parse(text).roll(Scripted(*values))


@pytest.mark.parametrize(
    ("text", "values", "total"),
    [
        ("d6", (4,), 4),
        ("3d20", (1, 20, 7), 28),
        ("2d6+3", (2, 5), 10),
        ("2d6-3", (1, 1), -1),
        ("4d6k3", (6, 1, 5, 4), 15),
        ("4d6kh3", (6, 1, 5, 4), 15),
        ("4d6kl1", (6, 1, 5, 4), 1),
        ("4d6kl2", (6, 1, 5, 4), 5),
        ("2d20k", (3, 18), 18),
        ("2d20kl", (3, 18), 3),
        ("3d6k2", (4, 4, 4), 8),
        ("1d4+1d6", (2, 3), 5),
        ("10-1d4", (3,), 7),
        ("-d6", (3,), -3),
        ("1D20 + 5", (10,), 15),
        ("4 d 6 k 3", (6, 1, 5, 4), 15),
        ("d%", (77,), 77),
        ("100d1", (1,) * 100, 100),
    ],
)
def test_the_total_is_the_sum_of_the_kept_dice_and_the_numbers(text: str, values: tuple[int, ...], total: int) -> None:
    assert rolled(text, *values).total == total


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no dice"),
        ("7", "no dice"),
        ("five", "cannot read"),
        ("2d", "cannot read"),
        ("d", "cannot read"),
        ("2d6++3", "cannot read"),
        ("2d6+", "cannot read"),
        ("2d6 3d4", "cannot read"),
        ("2d6k2k1", "cannot read"),
        ("2d6.5", "cannot read"),
        ("d6; drop table", "cannot read"),
        ("0d6", "number of dice must be from 1 to 100"),
        ("101d6", "number of dice must be from 1 to 100"),
        ("60d6+60d6", "too many dice"),
        ("d0", "sides must be from 1 to 1,000"),
        ("d1001", "sides must be from 1 to 1,000"),
        ("d" + "9" * 4000, "sides must be from 1 to 1,000"),
        ("9" * 4000 + "d6", "number of dice must be"),
        ("3d6k4", "to keep must be from 1 to 3"),
        ("3d6k0", "to keep must be from 1 to 3"),
        ("d6+1000001", "added must be from 0 to 1,000,000"),
        ("+".join(["1d1"] * 21), "too long"),
        ("²d6", "cannot read"),
        ("d٣", "cannot read"),
    ],
)
def test_what_is_no_dice_notation_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        parse(text)


TERMS = st.integers(1, 5).flatmap(
    lambda count: st.builds(
        Dice,
        count=st.just(count),
        sides=st.integers(1, MAX_SIDES),
        kept=st.integers(1, count),
        keep=st.sampled_from(["highest", "lowest"]),
        sign=st.sampled_from([1, -1]),
    )
)
EXPRESSIONS = st.builds(
    Expression,
    dice=st.lists(TERMS, min_size=1, max_size=6).map(tuple),
    modifier=st.integers(-MAX_MODIFIER, MAX_MODIFIER),
)


@given(EXPRESSIONS)
def test_an_expression_is_read_back_from_its_notation(expression: Expression) -> None:
    assert parse(notation(expression)) == expression


@given(EXPRESSIONS, st.integers())
def test_kept_dice_are_the_best_ones_and_only_they_count(expression: Expression, seed: int) -> None:
    roll = expression.roll(random.Random(seed))
    total = expression.modifier
    for term, fallen in roll.dice:
        ordered = sorted((value for value, _ in fallen), reverse=term.keep == "highest")
        assert len(fallen) == term.count
        assert sorted(value for value, kept in fallen if kept) == sorted(ordered[: term.kept])
        total += term.sign * sum(ordered[: term.kept])
    assert roll.total == total


@given(st.lists(st.integers(1, 6), min_size=1, max_size=20), st.data())
def test_exactly_as_many_dice_are_kept_as_asked(values: list[int], data: st.DataObject) -> None:
    kept = data.draw(st.integers(1, len(values)))
    assert sum(mark_kept(Dice(len(values), 6, kept, "highest"), values)) == kept


@given(st.text(alphabet="0123456789dkhl+-% ", max_size=30))
def test_any_text_is_rolled_or_refused(text: str) -> None:
    try:
        expression = parse(text)
    except UserError:
        return
    assert 1 <= sum(term.count for term in expression.dice) <= MAX_DICE


def test_dropped_dice_are_struck_through() -> None:
    expression = parse("4d6k3 + 2")
    assert describe(expression, expression.roll(Scripted(6, 1, 5, 4))) == "🎲 `4d6k3+2`: (6, ~~1~~, 5, 4) + 2 = **17**"


def test_the_largest_roll_fits_into_a_message() -> None:
    expression = parse("100d1000kl1-1000000")
    assert len(describe(expression, expression.roll(Scripted(*[1000] * 100)))) < 2_000
