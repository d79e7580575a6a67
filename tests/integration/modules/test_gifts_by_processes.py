"""The contract of money: 1,000 gifts at once among 10 members, by 4 processes."""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
from tests.integration.modules.gifts import GUILD, MEMBERS
from tests.integration.modules.test_migrations import SCHEMAS

from migaga.storage.database import open_database
from migaga.storage.schema import upgrade
from migaga_modules.points import money
from migaga_modules.points.money import Change
from migaga_modules.points.tables import BALANCES, TRANSACTIONS

ROOT = Path(__file__).parents[3]
PROCESSES, GIFTS = 4, 250
START = Decimal("12.34")


async def run(url: str, number: int, ready: asyncio.Barrier) -> tuple[int, int]:
    """Run one process to its end; how many gifts it made and how many were refused."""
    arguments = (url, str(1_000 + number * GIFTS), str(GIFTS), str(number))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-W", "error", "-m", "tests.integration.modules.gifts", *arguments),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    await ready.wait()
    out, err = await process.communicate(b"go\n")
    assert process.returncode == 0, err.decode()
    made, refused = out.split()
    return int(made), int(refused)


@pytest.mark.mariadb
async def test_a_thousand_gifts_by_four_processes_never_overdraw_and_lose_nothing(mariadb_url: str) -> None:
    async with open_database(mariadb_url) as database:
        await upgrade(database, SCHEMAS[:1])
        for reference, member in enumerate(MEMBERS):
            async with database.transaction() as session:
                await money.move(session, Change(GUILD, START, reference, receiver_id=member), datetime.now(UTC))
        ready = asyncio.Barrier(PROCESSES)
        async with asyncio.TaskGroup() as group:
            processes = [group.create_task(run(mariadb_url, number, ready)) for number in range(PROCESSES)]
        made = sum(process.result()[0] for process in processes)
        refused = sum(process.result()[1] for process in processes)
        assert made + refused == PROCESSES * GIFTS
        assert min(made, refused) > 50, "the test must see both"
        async with database.read() as session:
            balances = (await session.execute(sa.select(BALANCES.c.balance))).scalars().all()
            rows = (await session.execute(sa.select(TRANSACTIONS))).mappings().all()
    assert sum(balances) == START * len(MEMBERS)
    assert min(balances) >= 0
    assert len(rows) == len(MEMBERS) + made
    # Replaying the book from its beginning gives each balance, and none is ever below zero.
    book = dict.fromkeys(MEMBERS, Decimal(0))
    for row in rows:
        if row["sender_id"] is not None:
            book[row["sender_id"]] -= row["amount"]
        book[row["receiver_id"]] += row["amount"]
    assert sorted(book.values()) == sorted(balances)
    assert all(row["sender_balance"] is None or row["sender_balance"] >= 0 for row in rows)
