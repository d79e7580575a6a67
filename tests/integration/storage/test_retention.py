"""What is deleted when a guild is left or a person asks, in tables of the core and of modules."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from migaga.storage.access import AccessRule, AccessStore
from migaga.storage.database import Database, open_database
from migaga.storage.effects import once
from migaga.storage.options import OptionStore
from migaga.storage.retention import BATCH, Retention
from migaga.storage.schema import ModuleSchema, upgrade
from migaga.storage.tables import effect, guild
from migaga.storage.types import Amount, Snowflake, UtcDateTime

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
metadata = sa.MetaData()
purse = sa.Table(
    "purse",
    metadata,
    sa.Column("guild_id", Snowflake, primary_key=True, autoincrement=False),
    sa.Column("user_id", Snowflake, primary_key=True, autoincrement=False),
    sa.Column("balance", Amount, nullable=False),
)
gift = sa.Table(
    "gift",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guild_id", Snowflake, nullable=False),
    sa.Column("giver", Snowflake, nullable=False, info={"user": True}),
    sa.Column("taker", Snowflake, nullable=False, info={"user": True}),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.ForeignKeyConstraint(["guild_id", "giver"], ["purse.guild_id", "purse.user_id"]),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("guild_id", Snowflake, nullable=False),
    sa.Column("user_id", Snowflake, nullable=False),
    info={"keep": "the law wants it for ten years"},
)
SCHEMA = ModuleSchema("money", metadata)
HOME, LEFT, PERSON, OTHER = 2**63 + 7, 20, 5, 6


@pytest.fixture
async def filled(migrated_url: str) -> AsyncIterator[Database]:
    async with open_database(migrated_url) as database:
        await upgrade(database, [SCHEMA])
        async with database.transaction() as session:
            for guild_id in (HOME, LEFT):
                for user in (PERSON, OTHER):
                    await session.execute(
                        sa.insert(purse), {"guild_id": guild_id, "user_id": user, "balance": Decimal("1.5")}
                    )
                    await session.execute(sa.insert(audit), {"guild_id": guild_id, "user_id": user})
                row = {"guild_id": guild_id, "giver": OTHER, "taker": PERSON, "at": NOW}
                await session.execute(sa.insert(gift), row)
        await OptionStore(database).set(LEFT, "money", "start", 5)
        await AccessStore(database).set_rule(LEFT, AccessRule("module", "money", False))
        yield database


async def rows(database: Database, table: sa.Table, **values: int) -> int:
    where = [table.c[name] == value for name, value in values.items()]
    async with database.read() as session:
        return (await session.scalars(sa.select(sa.func.count()).select_from(table).where(*where))).one()


async def test_a_guild_that_was_left_long_ago_loses_its_rows_everywhere(filled: Database) -> None:
    retention = Retention(filled)
    await retention.guild_joined(HOME, NOW - timedelta(days=400))
    await retention.guild_joined(LEFT, NOW - timedelta(days=400))
    await retention.guild_left(LEFT, NOW - timedelta(days=30))
    assert (await retention.purge_due(NOW - timedelta(seconds=1), 30)).guilds == ()
    purged = await retention.purge_due(NOW, 30)
    assert purged.guilds == (LEFT,)
    assert purged.rows == {"purse": 2, "gift": 1, "guild_option": 1, "access_rule": 1}
    assert [await rows(filled, table, guild_id=LEFT) for table in (purse, gift, audit)] == [0, 0, 2]
    assert [await rows(filled, table, guild_id=HOME) for table in (purse, gift, audit)] == [2, 1, 2]
    assert await rows(filled, guild) == 1
    assert (await retention.purge_due(NOW, 30)).guilds == ()


async def test_a_guild_that_comes_back_in_time_keeps_its_rows(filled: Database) -> None:
    retention = Retention(filled)
    await retention.guild_left(LEFT, NOW - timedelta(days=60))
    await retention.guild_joined(LEFT, NOW)
    assert (await retention.purge_due(NOW, 30)).guilds == ()
    assert await rows(filled, purse, guild_id=LEFT) == 2


async def test_leaving_twice_counts_from_the_first_time(filled: Database) -> None:
    retention = Retention(filled)
    await retention.guild_left(LEFT, NOW - timedelta(days=31))
    await retention.guild_left(LEFT, NOW)
    assert (await retention.purge_due(NOW, 30)).guilds == (LEFT,)


async def test_data_of_a_module_that_is_not_loaded_is_found_too(filled: Database) -> None:
    await upgrade(filled)
    assert "purse" in await Retention(filled).export_user(PERSON)
    assert (await Retention(filled).delete_guild(LEFT))["purse"] == 2


async def test_a_person_gets_every_row_about_them_with_its_values(filled: Database) -> None:
    await AccessStore(filled).ban(PERSON, "spam")
    export = await Retention(filled, [SCHEMA]).export_user(PERSON)
    assert set(export) == {"purse", "gift", "audit", "banned_user"}
    assert sorted(export["purse"], key=lambda row: str(row["guild_id"])) == [
        {"guild_id": LEFT, "user_id": PERSON, "balance": Decimal("1.5")},
        {"guild_id": HOME, "user_id": PERSON, "balance": Decimal("1.5")},
    ]
    assert {row["at"] for row in export["gift"]} == {NOW}
    assert json.dumps(export, default=str)
    assert await Retention(filled).export_user(999) == {}


async def test_a_person_who_asks_is_deleted_and_others_are_not(filled: Database) -> None:
    await AccessStore(filled).ban(OTHER, "spam")
    deleted = await Retention(filled).delete_user(OTHER)
    assert deleted == {"purse": 2, "gift": 2}
    assert await rows(filled, purse, user_id=PERSON) == 2
    assert await rows(filled, audit, user_id=OTHER) == 2
    assert await AccessStore(filled).is_banned(OTHER)
    assert await Retention(filled).delete_user(OTHER) == {}


async def test_many_rows_go_in_batches(filled: Database) -> None:
    async with filled.transaction() as session:
        values = [{"guild_id": LEFT, "user_id": 1000 + n, "balance": 1} for n in range(2 * BATCH)]
        await session.execute(sa.insert(purse), values)
    assert (await Retention(filled).delete_guild(LEFT))["purse"] == 2 * BATCH + 2


async def test_old_effects_are_purged_and_new_ones_stay(filled: Database) -> None:
    async with filled.transaction() as session:
        for key in ("old", "new"):
            await once(session, key, "m", "h")
        old = sa.update(effect).where(effect.c.key == "old")
        await session.execute(old.values(created_at=datetime.now(UTC) - timedelta(days=8)))
    assert await Retention(filled).purge_effects(datetime.now(UTC), 7) == 1
    async with filled.transaction() as session:
        assert not await once(session, "new", "m", "h")
        assert await once(session, "old", "m", "h")
