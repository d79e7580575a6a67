"""Arithmetic of points: bounds of an amount, how it is shown, ranks and teams. Pure and exact: `Decimal` only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from migaga.api import UserError

PLACES = 2
"""Digits after the point that an amount may have."""

MAX_AMOUNT = Decimal(1_000_000_000)
"""Largest amount of one command."""

MAX_BALANCE = Decimal(1_000_000_000_000)
"""Largest balance of one member."""


def check_amount(amount: Decimal) -> Decimal:
    """Return the amount when it can be given: above zero, at most a billion, at most two decimals.

    Raises:
        UserError: it cannot; the message says what is allowed. Also for NaN and infinities.
    """
    if not amount.is_finite():
        raise UserError("That amount is not a number. Write something like `5` or `2.50`.")
    if amount <= 0:
        raise UserError("The amount must be above zero.")
    if amount > MAX_AMOUNT:
        raise UserError(f"The amount must be at most {MAX_AMOUNT:,}.")
    # Digits are counted instead of rounding: a number may come with a hundred decimals, more than a context holds.
    _, digits, exponent = amount.as_tuple()
    if isinstance(exponent, int) and any(digits[max(len(digits) + exponent + PLACES, 0) :]) and exponent < -PLACES:
        raise UserError(f"The amount may have at most {PLACES} digits after the point.")
    return amount.quantize(Decimal(1).scaleb(-PLACES))


def format_amount(amount: Decimal) -> str:
    """Write an amount with thousands separators and without needless zeros: `1,234.5`."""
    text = f"{amount:,.{PLACES}f}"
    return text.rstrip("0").rstrip(".")


@dataclass(frozen=True, slots=True)
class Standing:
    """One row of a leaderboard. Equal totals share a rank."""

    rank: int
    id: int
    """Of the member or role."""
    total: Decimal
    members: int = 1


def rank(totals: Mapping[int, Decimal], members: Mapping[int, int] | None = None) -> list[Standing]:
    """Order by total, the highest first; equal totals share the better rank and are ordered by id."""
    standings: list[Standing] = []
    for position, (key, total) in enumerate(sorted(totals.items(), key=lambda item: (-item[1], item[0])), start=1):
        tied = bool(standings) and standings[-1].total == total
        place = standings[-1].rank if tied else position
        standings.append(Standing(place, key, total, (members or {}).get(key, 1)))
    return standings


def rank_teams(
    teams: Sequence[int], balances: Mapping[int, Decimal], roles: Iterable[tuple[int, Collection[int]]]
) -> list[Standing]:
    """Rank teams by the points of their members.

    Args:
        teams: ids of the teams' roles.
        balances: user id -> points.
        roles: (user id, ids of their roles) of every member of the guild. A member of two teams counts for both.
    """
    totals = dict.fromkeys(teams, Decimal(0))
    members = dict.fromkeys(teams, 0)
    for user, held in roles:
        for team in totals.keys() & set(held):
            totals[team] += balances.get(user, Decimal(0))
            members[team] += 1
    return rank(totals, members)
