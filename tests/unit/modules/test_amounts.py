"""Arithmetic of points."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migaga.api import Emoji, UserError
from migaga_modules.points import texts
from migaga_modules.points.amounts import MAX_AMOUNT, Standing, check_amount, format_amount, rank, rank_teams
from migaga_modules.points.boards import check_name
from migaga_modules.points.money import Change, Receipt

CENTS = st.integers(1, 10**11).map(lambda cents: Decimal(cents) / 100)


@given(CENTS)
def test_an_amount_within_the_bounds_is_kept_exactly(amount: Decimal) -> None:
    assert check_amount(amount) == amount
    assert Decimal(format_amount(amount).replace(",", "")) == amount


@pytest.mark.parametrize(
    ("amount", "reason"),
    [
        ("0", "above zero"),
        ("0.00", "above zero"),
        ("-3", "above zero"),
        ("1000000000.01", "at most 1,000,000,000"),
        ("1E+900", "at most 1,000,000,000"),
        ("0.001", "at most 2 digits"),
        ("1.999", "at most 2 digits"),
        ("0." + "0" * 40 + "1", "at most 2 digits"),
        ("1.00" + "0" * 40 + "1", "at most 2 digits"),
        ("NaN", "not a number"),
        ("sNaN", "not a number"),
        ("Infinity", "not a number"),
        ("-Infinity", "not a number"),
    ],
)
def test_an_amount_out_of_bounds_is_refused_with_the_reason(amount: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        check_amount(Decimal(amount))


@pytest.mark.parametrize("amount", ["5", "5.0", "5.00", "5.0000000000000000000000000000000000000", "0.5E+1", "500E-2"])
def test_needless_zeros_are_no_decimals(amount: str) -> None:
    assert check_amount(Decimal(amount)) == 5


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("5", "5"),
        ("1234.5", "1,234.5"),
        ("0.10", "0.1"),
        ("100", "100"),
        ("0", "0"),
        (str(MAX_AMOUNT), "1,000,000,000"),
    ],
)
def test_amounts_are_written_as_people_do(amount: str, text: str) -> None:
    assert format_amount(Decimal(amount)) == text


def test_equal_totals_share_a_rank() -> None:
    standings = rank({5: Decimal(1), 4: Decimal(9), 3: Decimal("1.00"), 2: Decimal("0.5")})
    assert [(each.rank, each.id) for each in standings] == [(1, 4), (2, 3), (2, 5), (4, 2)]


@given(st.dictionaries(st.integers(1, 50), st.integers(0, 5).map(Decimal)))
def test_a_rank_is_one_more_than_the_number_of_those_ahead(totals: dict[int, Decimal]) -> None:
    for standing in rank(totals):
        assert standing.rank == 1 + sum(total > standing.total for total in totals.values())


def test_a_team_has_the_points_of_its_members() -> None:
    balances = {1: Decimal(5), 2: Decimal("2.5"), 3: Decimal(100)}
    roles = [(1, {10}), (2, {10, 20}), (3, {30}), (4, {20}), (5, set[int]())]
    assert rank_teams([10, 20, 40], balances, roles) == [
        Standing(1, 10, Decimal("7.5"), 2),
        Standing(2, 20, Decimal("2.5"), 2),
        Standing(3, 40, Decimal(0), 0),
    ]


def receipt(**change: object) -> Receipt:
    made = Change(1, Decimal("1234.50"), 9, **change)  # type: ignore[arg-type]
    return Receipt(
        made, Decimal("0.5") if made.sender_id else None, Decimal(2000) if made.receiver_id is not None else None
    )


def test_each_kind_of_change_is_told() -> None:
    gem = Emoji("💎")
    assert texts.describe_receipt(receipt(sender_id=1, receiver_id=2), "gems", gem) == (
        "<@1> gifted 💎 **1,234.5** gems to <@2>.\n<@1> now has **0.5**, <@2> now has **2,000**."
    )
    assert texts.describe_receipt(
        receipt(receiver_id=2, moderator_id=3, reason="*well* done @everyone"), "gems", None
    ) == ("<@3> gave **1,234.5** gems to <@2> (\\*well\\* done \\@everyone).\n<@2> now has **2,000**.")
    assert texts.describe_receipt(receipt(sender_id=1, moderator_id=3), "a_b", None) == (
        "<@3> took **1,234.5** a\\_b from <@1>.\n<@1> now has **0.5**."
    )


def test_the_longest_change_fits_into_a_message() -> None:
    longest = receipt(sender_id=2**63, receiver_id=2**63 + 1, reason="*" * 512)
    assert len(texts.describe_receipt(longest, "_" * 30, Emoji("n" * 32, 2**63))) <= 2_000  # type: ignore[arg-type]


def test_a_leaderboard_has_a_line_for_each_rank() -> None:
    standings = [Standing(1, 5, Decimal(3)), Standing(2, 6, Decimal(1))]
    assert texts.describe_standings(standings, "<@&{}>", "points", None) == (
        "**#1** <@&5>: **3** points\n**#2** <@&6>: **1** points"
    )
    assert texts.describe_standings([], "<@{}>", "points", None) == "Nobody has any yet."


def test_names_of_leaderboards_have_single_spaces_and_a_length() -> None:
    assert check_name("  House   cup ") == "House cup"
    for wrong in ("", "   ", "x" * 51):
        with pytest.raises(UserError, match="1 to 50 characters"):
            check_name(wrong)
