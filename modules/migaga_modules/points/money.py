"""Moves points. The only code that changes balances; it knows the database and nothing of Discord.

A change is one call of `move` in the caller's transaction. It first holds the balances that it changes, in the order
of the members' ids (two changes can therefore never block each other), then checks, then writes both balances and one
transaction row. The caller commits or rolls back all of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.api import UserError, upsert
from migaga_modules.points.amounts import MAX_BALANCE, Standing, check_amount, format_amount
from migaga_modules.points.tables import BALANCES, TRANSACTIONS

_NOTHING = Decimal(0)


class NotEnoughPoints(UserError):  # noqa: N818 (reads as what the person is told)
    """Somebody would have less than nothing."""

    def __init__(self, user_id: int, balance: Decimal, amount: Decimal) -> None:
        """Keep who lacks points, what they have and what was asked of them."""
        super().__init__(f"<@{user_id}> has {format_amount(balance)}, which is less than {format_amount(amount)}.")
        self.user_id = user_id
        self.balance = balance
        self.amount = amount


@dataclass(frozen=True, slots=True)
class Change:
    """Points that go from a sender to a receiver. Without a sender they are made, without a receiver they vanish."""

    guild_id: int
    amount: Decimal
    reference: int
    """The message or interaction that causes it: the same change is never made twice."""
    sender_id: int | None = None
    receiver_id: int | None = None
    moderator_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A change that was made, and the balances right after it."""

    change: Change
    sender_balance: Decimal | None
    receiver_balance: Decimal | None


async def move(session: AsyncSession, change: Change, now: datetime) -> Receipt:
    """Make a change and record it.

    Args:
        session: The caller's transaction.
        change: What to do.
        now: Stored with it.

    Raises:
        NotEnoughPoints: The sender has less than that.
        UserError: The amount is out of bounds, or the receiver would have too much.
        ValueError: Nobody, or the same member twice, is named.
    """
    amount = check_amount(change.amount)
    people = sorted({user for user in (change.sender_id, change.receiver_id) if user is not None})
    if not people or change.sender_id == change.receiver_id:
        raise ValueError("a change needs a sender or a receiver, and two different ones when it has both")
    balances = await _hold(session, change.guild_id, people)
    if change.sender_id is not None:
        if balances[change.sender_id] < amount:
            raise NotEnoughPoints(change.sender_id, balances[change.sender_id], amount)
        balances[change.sender_id] -= amount
    if change.receiver_id is not None:
        balances[change.receiver_id] += amount
        if balances[change.receiver_id] > MAX_BALANCE:
            raise UserError(f"<@{change.receiver_id}> would have more than {format_amount(MAX_BALANCE)}.")
    for user in people:
        mine = (BALANCES.c.guild_id == change.guild_id) & (BALANCES.c.user_id == user)
        await session.execute(sa.update(BALANCES).where(mine).values(balance=balances[user]))
    receipt = Receipt(change, _of(balances, change.sender_id), _of(balances, change.receiver_id))
    await _record(session, receipt, amount, now)
    return receipt


def _of(balances: dict[int, Decimal], user: int | None) -> Decimal | None:
    return None if user is None else balances[user]


async def _hold(session: AsyncSession, guild_id: int, people: Sequence[int]) -> dict[int, Decimal]:
    """Make sure that each has a row, hold the rows and read them.

    The row is written before it is read: a lock on a row that is not there yet would be a lock on the gap, which two
    transactions can share, and then each waits for the other.
    """
    balances = {}
    for user in people:
        row = {"guild_id": guild_id, "user_id": user, "balance": _NOTHING}
        await upsert(session, BALANCES, row, keep=["balance"])
        mine = (BALANCES.c.guild_id == guild_id) & (BALANCES.c.user_id == user)
        balances[user] = (
            await session.execute(sa.select(BALANCES.c.balance).where(mine).with_for_update())
        ).scalar_one()
    return balances


async def _record(session: AsyncSession, receipt: Receipt, amount: Decimal, now: datetime) -> None:
    change = receipt.change
    await session.execute(
        sa.insert(TRANSACTIONS).values(
            guild_id=change.guild_id,
            reference=change.reference,
            sender_id=change.sender_id,
            receiver_id=change.receiver_id,
            moderator_id=change.moderator_id,
            amount=amount,
            sender_balance=receipt.sender_balance,
            receiver_balance=receipt.receiver_balance,
            reason=change.reason,
            created_at=now,
        )
    )


async def find(session: AsyncSession, guild_id: int, reference: int) -> Receipt | None:
    """Find the change that a message or interaction caused; None when it caused none."""
    caused = (TRANSACTIONS.c.guild_id == guild_id) & (TRANSACTIONS.c.reference == reference)
    row = (await session.execute(sa.select(TRANSACTIONS).where(caused))).mappings().first()
    if row is None:
        return None
    fields = ("guild_id", "amount", "reference", "sender_id", "receiver_id", "moderator_id", "reason")
    return Receipt(Change(**{name: row[name] for name in fields}), row["sender_balance"], row["receiver_balance"])


async def standing(session: AsyncSession, guild_id: int, user_id: int) -> Standing:
    """Read a member's points and rank. Who has none shares the rank behind all who have some."""
    mine = (BALANCES.c.guild_id == guild_id) & (BALANCES.c.user_id == user_id)
    total = (await session.execute(sa.select(BALANCES.c.balance).where(mine))).scalar_one_or_none() or _NOTHING
    ahead = (BALANCES.c.guild_id == guild_id) & (BALANCES.c.balance > total)
    better: int = (await session.execute(sa.select(sa.func.count()).select_from(BALANCES).where(ahead))).scalar_one()
    return Standing(better + 1, user_id, total)


async def top(session: AsyncSession, guild_id: int, limit: int) -> dict[int, Decimal]:
    """Read the members with the most points, the richest first; nobody who has none."""
    query = (
        sa.select(BALANCES.c.user_id, BALANCES.c.balance)
        .where((BALANCES.c.guild_id == guild_id) & (BALANCES.c.balance > _NOTHING))
        .order_by(BALANCES.c.balance.desc(), BALANCES.c.user_id)
        .limit(limit)
    )
    return {user: balance for user, balance in await session.execute(query)}  # noqa: C416 (rows are no pairs to mypy)


async def balances_of(session: AsyncSession, guild_id: int) -> dict[int, Decimal]:
    """Read the points of everybody in a guild who has some."""
    query = sa.select(BALANCES.c.user_id, BALANCES.c.balance).where(
        (BALANCES.c.guild_id == guild_id) & (BALANCES.c.balance > _NOTHING)
    )
    return {user: balance for user, balance in await session.execute(query)}  # noqa: C416 (rows are no pairs to mypy)
