"""The migrations of each module make exactly the tables that its code uses, on every database."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

import migaga_modules
from migaga.storage.database import Database
from migaga.storage.drift import assert_no_drift
from migaga.storage.schema import ModuleSchema, upgrade
from migaga_modules.custom_commands import tables as custom_commands
from migaga_modules.games import tables as games
from migaga_modules.points import tables as points

FOLDER = Path(migaga_modules.__file__).parent
SCHEMAS = [
    ModuleSchema(name, metadata, FOLDER / name / "migrations")
    for name, metadata in (
        ("points", points.metadata),
        ("games", games.metadata),
        ("custom_commands", custom_commands.metadata),
    )
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
async def test_migrations_lead_to_the_tables_of_the_code(database: Database, schema: ModuleSchema) -> None:
    _, result = await upgrade(database, [schema])
    assert result.error is None
    await assert_no_drift(database, schema)


async def test_all_modules_live_in_one_database_and_a_second_upgrade_does_nothing(database: Database) -> None:
    first = await upgrade(database, SCHEMAS)
    again = await upgrade(database, SCHEMAS)
    assert [result.error for result in (*first, *again)] == [None] * 8
    assert [result.applied for result in again] == [()] * 4


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.name)
def test_every_table_says_whose_data_it_holds(schema: ModuleSchema) -> None:
    for table in schema.metadata.tables.values():
        assert "guild_id" in table.columns, f"{table.name} would outlive the guild's leave"
        for column in table.columns:
            person = column.name in {"sender_id", "receiver_id", "moderator_id"}
            assert isinstance(column, sa.Column)
            assert bool(column.info.get("user")) == person
