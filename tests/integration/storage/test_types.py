"""Column types hold the same values in the same order on every database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from migaga.storage.database import Database, open_database
from migaga.storage.types import Amount, Digest, Folded, Json, JsonValue, Snowflake, Text, UtcDateTime

things = sa.Table(
    "things",
    sa.MetaData(),
    sa.Column("n", sa.Integer, primary_key=True),
    sa.Column("id", Snowflake, unique=True),
    sa.Column("at", UtcDateTime),
    sa.Column("amount", Amount),
    sa.Column("text", Text(20), unique=True),
    sa.Column("name", Folded(20), unique=True),
    sa.Column("long", Text()),
    sa.Column("digest", Digest),
    sa.Column("json", Json),
)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        async with database.maintenance_engine.begin() as connection:
            await connection.run_sync(things.metadata.create_all)
        yield database


async def insert(store: Database, column: str, *values: object) -> None:
    async with store.transaction() as session:
        await session.execute(sa.insert(things), [{"json": None, column: value} for value in values])


async def stored(store: Database, column: str) -> list[object]:
    async with store.read() as session:
        return list(await session.scalars(sa.select(things.c[column]).order_by(things.c[column])))


async def test_ids_of_64_bit_come_back_in_order(store: Database) -> None:
    ids = [0, 1, 2**53 + 1, 175928847299117063, 2**63 - 1, 2**63, 2**63 + 1, 10**19, 2**64 - 1]
    await insert(store, "id", *reversed(ids))
    assert await stored(store, "id") == ids
    async with store.read() as session:
        above = await session.scalars(sa.select(things.c.id).where(things.c.id > 2**63 - 1).order_by(things.c.id))
        assert list(above) == ids[5:]
        assert await session.scalar(sa.select(sa.func.max(things.c.id))) == 2**64 - 1
        assert await session.scalar(sa.select(things.c.id).where(things.c.id == 2**63 + 1)) == 2**63 + 1


@pytest.mark.parametrize("value", [-1, 2**64, "5", 5.0, True])
async def test_what_is_no_id_is_refused(store: Database, value: object) -> None:
    with pytest.raises((exc.StatementError, TypeError)):
        await insert(store, "id", value)


async def test_times_keep_microseconds_and_come_back_in_utc(store: Database) -> None:
    at = datetime(2026, 3, 29, 2, 30, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    late = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    await insert(store, "at", late, at, at + timedelta(microseconds=1))
    found = await stored(store, "at")
    assert found == [at, at + timedelta(microseconds=1), late]
    assert all(isinstance(one, datetime) and one.tzinfo is UTC for one in found)


async def test_a_naive_time_is_refused(store: Database) -> None:
    with pytest.raises(exc.StatementError, match="no time zone"):
        await insert(store, "at", datetime(2026, 1, 1))  # noqa: DTZ001


async def test_amounts_are_exact_and_add_up_in_sql(store: Database) -> None:
    amounts = [Decimal("-99999999999999.9999"), Decimal("0.1"), Decimal("0.2"), Decimal("99999999999999.9999")]
    await insert(store, "amount", *amounts)
    assert await stored(store, "amount") == amounts
    async with store.transaction() as session:
        assert await session.scalar(sa.select(sa.func.sum(things.c.amount))) == Decimal("0.3")
        poor = things.c.amount < Decimal("0.2")
        await session.execute(
            sa.update(things).where(poor, things.c.amount > 0).values(amount=things.c.amount + Decimal("0.0001"))
        )
        assert await session.scalar(sa.select(things.c.amount).where(poor, things.c.amount > 0)) == Decimal("0.1001")


@pytest.mark.parametrize(
    "value", [Decimal("0.00001"), Decimal(10) ** 14, Decimal("NaN"), Decimal("-Infinity"), 0.5, True, "1"]
)
async def test_an_amount_that_would_be_rounded_is_refused(store: Database, value: object) -> None:
    with pytest.raises((exc.StatementError, TypeError)):
        await insert(store, "amount", value)


async def test_texts_hold_emoji_and_compare_exactly(store: Database) -> None:
    texts = ["A", "a", "a ", "á", "ß", "ss", "👩‍👩‍👧‍👦", "🫠", "", "%_\\'\"", "\N{NULL}"]
    await insert(store, "text", *texts)
    assert sorted(map(str, await stored(store, "text"))) == sorted(texts)
    async with store.read() as session:
        for text in texts:
            assert list(await session.scalars(sa.select(things.c.text).where(things.c.text == text))) == [text]


async def test_texts_sort_by_code_points(store: Database) -> None:
    texts = ["Z", "a", "b", "ä", "🫠"]
    await insert(store, "text", *reversed(texts))
    assert await stored(store, "text") == texts


async def test_a_text_that_is_too_long_is_refused_everywhere(store: Database) -> None:
    await insert(store, "text", "🫠" * 20)
    with pytest.raises(exc.StatementError, match="20 at most"):
        await insert(store, "text", "x" * 21)
    await insert(store, "long", "🫠" * 100_000)


async def test_folded_names_are_found_in_any_case_and_are_unique(store: Database) -> None:
    await insert(store, "name", "Straße")
    async with store.read() as session:
        assert await session.scalar(sa.select(things.c.name).where(things.c.name == "STRASSE")) == "strasse"
    with pytest.raises(exc.IntegrityError):
        await insert(store, "name", "strasse")


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "🫠\n\u2028", [], [None], {"b": [1, {"a": "ä"}]}, 2**63])
async def test_json_comes_back_as_it_went_in(store: Database, value: JsonValue) -> None:
    await insert(store, "json", value)
    found = await stored(store, "json")
    assert found == [value]
    assert type(found[0]) is type(value)


async def test_digests_come_back(store: Database) -> None:
    await insert(store, "digest", b"\x00\xff" * 16)
    assert await stored(store, "digest") == [b"\x00\xff" * 16]
    with pytest.raises(exc.StatementError, match="32 at most"):
        await insert(store, "digest", b"x" * 33)
