"""Points are moved exactly, completely or not at all, on every database."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import sqlalchemy as sa
from tests.integration.modules.test_migrations import SCHEMAS

from migaga.api import UserError
from migaga.storage.database import Database
from migaga.storage.portable import retrying
from migaga.storage.schema import upgrade
from migaga_modules.points import amounts, money
from migaga_modules.points.money import Change, NotEnoughPoints, Receipt
from migaga_modules.points.tables import BALANCES, TRANSACTIONS

GUILD, ANN, BEN, CAT = 2**63 + 5, 2**53 + 1, 2**64 - 1, 200_000_000_000_000_003
NOW = datetime(2026, 3, 4, 5, 6, 7, 890, tzinfo=UTC)


@pytest.fixture
async def bank(database: Database) -> Database:
    await upgrade(database, SCHEMAS[:1])
    return database


def change(amount: str, reference: int, sender: int | None = None, receiver: int | None = None) -> Change:
    return Change(GUILD, Decimal(amount), reference, sender, receiver, reason="why 💎")


async def make(bank: Database, wanted: Change) -> Receipt:
    async with bank.transaction() as session:
        return await money.move(session, wanted, NOW)


async def balances(bank: Database, guild: int = GUILD) -> dict[int, Decimal]:
    async with bank.read() as session:
        return await money.balances_of(session, guild)


async def test_points_that_are_given_and_gifted_add_up(bank: Database) -> None:
    await make(bank, change("10.10", 1, receiver=ANN))
    receipt = await make(bank, change("0.20", 2, sender=ANN, receiver=BEN))
    assert (receipt.sender_balance, receipt.receiver_balance) == (Decimal("9.9"), Decimal("0.2"))
    assert await balances(bank) == {ANN: Decimal("9.9"), BEN: Decimal("0.2")}


async def test_nobody_can_give_more_than_they_have(bank: Database) -> None:
    await make(bank, change("5", 1, receiver=ANN))
    with pytest.raises(NotEnoughPoints, match=f"<@{ANN}> has 5, which is less than 5.01") as refused:
        await make(bank, change("5.01", 2, sender=ANN, receiver=BEN))
    assert (refused.value.user_id, refused.value.balance) == (ANN, Decimal(5))
    with pytest.raises(NotEnoughPoints):
        await make(bank, change("1", 3, sender=CAT))
    assert await balances(bank) == {ANN: Decimal(5)}


async def test_the_last_point_can_be_given(bank: Database) -> None:
    await make(bank, change("5", 1, receiver=ANN))
    await make(bank, change("5", 2, sender=ANN, receiver=BEN))
    assert await balances(bank) == {BEN: Decimal(5)}


async def test_a_refused_change_leaves_no_trace(bank: Database) -> None:
    with pytest.raises(NotEnoughPoints):
        await make(bank, change("1", 1, sender=ANN, receiver=BEN))
    async with bank.read() as session:
        assert await money.find(session, GUILD, 1) is None
        assert (await session.execute(sa.select(sa.func.count()).select_from(TRANSACTIONS))).scalar_one() == 0


@pytest.mark.parametrize(
    "amount", ["0", "-1", "NaN", "sNaN", "Infinity", "-Infinity", "0.001", "1000000000.01", "1E+30"]
)
async def test_an_amount_out_of_bounds_is_refused(bank: Database, amount: str) -> None:
    with pytest.raises(UserError):
        await make(bank, change(amount, 1, receiver=ANN))
    assert await balances(bank) == {}


async def test_nobody_can_have_more_than_the_most(bank: Database) -> None:
    await make(bank, change("1000000000", 1, receiver=ANN))
    async with bank.transaction() as session:
        await session.execute(sa.update(BALANCES).values(balance=amounts.MAX_BALANCE - 1))
    with pytest.raises(UserError, match="more than 1,000,000,000,000"):
        await make(bank, change("1.01", 5_000, receiver=ANN))
    await make(bank, change("1", 5_001, receiver=ANN))
    assert await balances(bank) == {ANN: amounts.MAX_BALANCE}


async def test_a_change_needs_two_different_people(bank: Database) -> None:
    for sender, receiver in ((ANN, ANN), (None, None)):
        with pytest.raises(ValueError, match="two different ones"):
            await make(bank, change("1", 1, sender=sender, receiver=receiver))


async def test_what_was_changed_is_found_by_what_caused_it(bank: Database) -> None:
    await make(bank, change("7", 2**63 + 1, receiver=ANN))
    wanted = Change(GUILD, Decimal("2.50"), 2**63 + 2, ANN, BEN, CAT, "thanks 🎉")
    made = await make(bank, wanted)
    async with bank.read() as session:
        assert await money.find(session, GUILD, 2**63 + 2) == made
        assert await money.find(session, GUILD + 1, 2**63 + 2) is None
        stored = (await session.execute(sa.select(TRANSACTIONS.c.created_at))).scalars().all()
    assert set(stored) == {NOW}


async def test_points_of_one_guild_are_worth_nothing_in_another(bank: Database) -> None:
    await make(bank, change("7", 1, receiver=ANN))
    with pytest.raises(NotEnoughPoints):
        await make(bank, Change(GUILD - 1, Decimal(1), 1, ANN, BEN))
    assert await balances(bank, GUILD - 1) == {}


async def test_ranks_and_the_top_follow_the_points(bank: Database) -> None:
    for reference, (who, amount) in enumerate(((ANN, "9.99"), (BEN, "10"), (CAT, "9.99"), (7, "100"))):
        await make(bank, change(amount, reference, receiver=who))
    await make(bank, change("100", 99, sender=7))
    async with bank.read() as session:
        ranks = {who: (await money.standing(session, GUILD, who)).rank for who in (ANN, BEN, CAT, 7, 8)}
        top = await money.top(session, GUILD, 2)
    assert ranks == {BEN: 1, ANN: 2, CAT: 2, 7: 4, 8: 4}
    assert list(top.items()) == [(BEN, Decimal(10)), (min(ANN, CAT), Decimal("9.99"))]


async def test_gifts_at_the_same_time_never_overdraw(bank: Database) -> None:
    await make(bank, change("10", 1, receiver=ANN))

    async def gift(reference: int) -> bool:
        try:
            await retrying(bank, lambda session: money.move(session, change("1", reference, ANN, BEN), NOW))
        except NotEnoughPoints:
            return False
        return True

    done = await asyncio.gather(*(gift(reference) for reference in range(100, 115)))
    assert sum(done) == 10
    assert await balances(bank) == {BEN: Decimal(10)}
