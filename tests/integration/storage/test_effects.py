"""Effects that must happen once, transactions that are run again, rows that are locked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.common.errors import UnavailableError
from migaga.storage.database import Database, open_database
from migaga.storage.effects import once
from migaga.storage.failures import is_temporary_conflict
from migaga.storage.portable import (
    delete_batch,
    execute_count,
    insert_all_ignore,
    insert_ignore,
    lock_rows,
    retrying,
    upsert,
)
from migaga.storage.schema import upgrade
from migaga.storage.tables import effect, guild
from migaga.storage.types import Amount

METADATA = sa.MetaData()
accounts = sa.Table(
    "accounts",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("balance", Amount, nullable=False),
    sa.Column("note", sa.String(20)),
)


async def make_accounts(database: Database, *balances: int) -> None:
    async with database.maintenance_engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    async with database.transaction() as session:
        rows = [{"id": number, "balance": balance} for number, balance in enumerate(balances)]
        if rows:
            await session.execute(sa.insert(accounts), rows)


async def balances(database: Database) -> list[int]:
    async with database.read() as session:
        return [int(one) for one in await session.scalars(sa.select(accounts.c.balance).order_by(accounts.c.id))]


async def test_an_effect_is_new_once_for_each_event_module_and_handler(database: Database) -> None:
    async with database.transaction() as session:
        assert await once(session, "MESSAGE_CREATE:1", "points", "gift")
        assert not await once(session, "MESSAGE_CREATE:1", "points", "gift")
        assert await once(session, "MESSAGE_CREATE:2", "points", "gift")
        assert await once(session, "MESSAGE_CREATE:1", "games", "gift")
        assert await once(session, "MESSAGE_CREATE:1", "points", "take")
    async with database.transaction() as session:
        assert not await once(session, "MESSAGE_CREATE:1", "points", "gift")


async def test_an_effect_that_is_rolled_back_is_new_again(database: Database) -> None:
    async with database.session() as session:
        assert await once(session, "k", "m", "h")
        await session.rollback()
        assert await once(session, "k", "m", "h")


async def test_keys_differ_by_case_blanks_and_their_far_end(database: Database) -> None:
    async with database.transaction() as session:
        for key in ("k", "K", "k ", "", "ä", "a", "x" * 500 + "1", "x" * 500 + "2"):
            assert await once(session, key, "m", "h")
        assert not await once(session, "x" * 500 + "2", "m", "h")


async def test_of_many_at_the_same_time_one_has_the_effect(database: Database) -> None:
    await make_accounts(database, 0)

    async def work(session: AsyncSession) -> bool:
        if not await once(session, "event", "points", "gift"):
            return False
        await session.execute(sa.update(accounts).values(balance=accounts.c.balance + 1))
        return True

    results = await asyncio.gather(*(retrying(database, work) for _ in range(20)))
    assert sorted(results) == [False] * 19 + [True]
    assert await balances(database) == [1]


@pytest.mark.mariadb
async def test_a_lock_timeout_is_an_error_never_taken_for_done(mariadb_url: str) -> None:
    async with open_database(mariadb_url) as database:
        await upgrade(database)
        async with database.transaction() as holder:
            assert await once(holder, "event", "m", "h")
            async with database.session() as waiting:
                await waiting.execute(sa.text("SET SESSION innodb_lock_wait_timeout = 1"))
                with pytest.raises(exc.OperationalError) as caught:
                    await once(waiting, "event", "m", "h")
                assert is_temporary_conflict(caught.value)
                await waiting.invalidate()


@pytest.mark.mariadb
async def test_a_deadlock_is_run_again_until_both_are_done(mariadb_url: str) -> None:
    async with open_database(mariadb_url) as database:
        await make_accounts(database, 10, 10)
        both_hold_one = asyncio.Barrier(2)
        attempts = 0

        async def move(source: int, target: int) -> None:
            first = True

            async def work(session: AsyncSession) -> None:
                nonlocal attempts, first
                attempts += 1
                change = sa.update(accounts).where(accounts.c.id == source)
                await session.execute(change.values(balance=accounts.c.balance - 1))
                if first:
                    first = False
                    await both_hold_one.wait()
                change = sa.update(accounts).where(accounts.c.id == target)
                await session.execute(change.values(balance=accounts.c.balance + 1))

            await retrying(database, work)

        await asyncio.gather(move(0, 1), move(1, 0))
        assert attempts == 3
        assert await balances(database) == [10, 10]


async def test_locks_that_never_end_are_told(database: Database) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def work(session: AsyncSession) -> None:
        raise exc.OperationalError("UPDATE", {}, Exception("database is locked"))

    with pytest.raises(UnavailableError, match="4 attempts"):
        await retrying(database, work, attempts=4, sleep=pause)
    assert len(pauses) == 3


async def test_another_error_is_not_tried_again(database: Database) -> None:
    calls = 0

    async def work(session: AsyncSession) -> None:
        nonlocal calls
        calls += 1
        await session.execute(sa.insert(guild), {"id": 1, "joined_at": None})

    with pytest.raises(exc.IntegrityError):
        await retrying(database, work)
    assert calls == 1


async def test_gifts_between_many_lose_nothing_and_never_overdraw(database: Database) -> None:
    await make_accounts(database, *[5] * 4)

    async def gift(number: int) -> None:
        source, target = number % 4, (number * 7 + 1) % 4
        if source == target:
            return

        async def work(session: AsyncSession) -> None:
            query = sa.select(accounts.c.id).where(accounts.c.id.in_([source, target])).order_by(accounts.c.id)
            assert list(await lock_rows(session, query)) == sorted([source, target])
            enough = sa.and_(accounts.c.id == source, accounts.c.balance >= 2)
            taken = sa.update(accounts).where(enough).values(balance=accounts.c.balance - 2)
            if await execute_count(session, taken):
                given = sa.update(accounts).where(accounts.c.id == target)
                await session.execute(given.values(balance=accounts.c.balance + 2))

        await retrying(database, work)

    await asyncio.gather(*(gift(number) for number in range(80)))
    after = await balances(database)
    assert sum(after) == 20
    assert min(after) >= 0


@pytest.mark.mariadb
async def test_rows_that_others_hold_can_be_left_out(mariadb_url: str) -> None:
    async with open_database(mariadb_url) as database:
        await make_accounts(database, 1, 2, 3)
        query = sa.select(accounts.c.id).order_by(accounts.c.id)
        async with database.transaction() as one, database.transaction() as other:
            assert list(await lock_rows(one, query.where(accounts.c.id < 2), skip_locked=True)) == [0, 1]
            assert list(await lock_rows(other, query, skip_locked=True)) == [2]


async def test_an_upsert_inserts_updates_and_keeps_what_it_is_told_to(database: Database) -> None:
    await make_accounts(database)
    async with database.transaction() as session:
        await upsert(session, accounts, {"id": 1, "balance": 5, "note": "first"})
        await upsert(session, accounts, {"id": 1, "balance": 6, "note": "second"}, keep=["note"])
        await upsert(session, accounts, {"id": 1, "balance": 6, "note": "second"}, keep=["note", "balance"])
        assert (await session.execute(sa.select(accounts.c.balance, accounts.c.note))).all() == [(6, "first")]


async def test_many_rows_are_inserted_at_once_and_those_that_are_there_stay(database: Database) -> None:
    await make_accounts(database)
    async with database.transaction() as session:
        await insert_ignore(session, accounts, {"id": 150, "balance": 5})
        await insert_all_ignore(session, accounts, [{"id": one, "balance": 7} for one in range(1, 251)])
    async with database.read() as session:
        rows = (await session.execute(sa.select(accounts.c.id, accounts.c.balance))).all()
    assert sorted(tuple(row) for row in rows) == [(one, 5 if one == 150 else 7) for one in range(1, 251)]


async def test_insert_ignore_hides_duplicates_only(database: Database) -> None:
    await make_accounts(database)
    async with database.transaction() as session:
        assert await insert_ignore(session, accounts, {"id": 1, "balance": 5})
        assert not await insert_ignore(session, accounts, {"id": 1, "balance": 6})
        with pytest.raises(exc.IntegrityError):
            await insert_ignore(session, accounts, {"id": 2, "balance": None})
        assert await session.scalar(sa.select(accounts.c.balance)) == 5


async def test_a_batch_deletes_no_more_than_its_size(database: Database) -> None:
    await make_accounts(database, *range(10))
    async with database.transaction() as session:
        assert await delete_batch(session, accounts, accounts.c.balance >= 2, 3) == 3
        assert await delete_batch(session, accounts, accounts.c.balance >= 2, 100) == 5
    assert await balances(database) == [0, 1]


async def test_effects_have_a_time_for_purging(database: Database) -> None:
    async with database.transaction() as session:
        await once(session, "k", "m", "h")
        at = await session.scalar(sa.select(effect.c.created_at))
    assert at is not None
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
