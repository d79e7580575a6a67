"""Migrations of the core and of modules, by many processes, with everything that can go wrong in them."""

from __future__ import annotations

import asyncio
from pathlib import Path
from textwrap import dedent

import pytest
import sqlalchemy as sa
from tests.support.forked import Forked

from migaga.common.errors import ConfigError, UnavailableError
from migaga.storage import tables
from migaga.storage.database import Database, open_database
from migaga.storage.drift import assert_no_drift, find_drift
from migaga.storage.process_lock import process_lock
from migaga.storage.schema import CORE_SCHEMA, ModuleSchema, current, upgrade

REVISION = """
import sqlalchemy as sa
from alembic import op
{imports}
revision = "{name}"
down_revision = {down}

def upgrade():
    {body}
"""
STARTER = """
import asyncio, sys
from pathlib import Path
import sqlalchemy as sa
from migaga.storage.database import open_database
from migaga.storage.schema import ModuleSchema, upgrade

async def main(url, folder):
    metadata = sa.MetaData()
    sa.Table("pets", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20)))
    async with open_database(url, pool_size=2) as database:
        wait_for_others()
        results = await upgrade(database, [ModuleSchema("pets", metadata, Path(folder))])
    assert [result.error for result in results] == [None, None], results
    print(*(revision for result in results for revision in result.applied))

asyncio.run(main(*sys.argv[1:]))
"""


def write_revision(folder: Path, name: str, down: str | None, body: str, imports: str = "") -> None:
    folder.mkdir(exist_ok=True)
    text = REVISION.format(name=name, down=repr(down), body=body.strip(), imports=imports)
    (folder / f"{name}.py").write_text(dedent(text))


def pets(folder: Path, *columns: str) -> ModuleSchema:
    metadata = sa.MetaData(naming_convention=tables.NAMING)
    sa.Table("pets", metadata, sa.Column("id", sa.Integer, primary_key=True), *(sa.Column(c, sa.Text) for c in columns))
    return ModuleSchema("pets", metadata, folder)


CREATE = 'op.create_table("pets", sa.Column("id", sa.Integer, primary_key=True, autoincrement=True))'


async def table_names(database: Database) -> set[str]:
    async with database.maintenance_engine.connect() as connection:
        return set(await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names()))


async def test_the_migrated_core_is_what_the_metadata_says(database: Database) -> None:
    await assert_no_drift(database, CORE_SCHEMA)


async def test_the_core_survives_a_broken_first_attempt(database_url: str) -> None:
    async with open_database(database_url) as database:
        async with database.maintenance_engine.begin() as connection:
            await connection.run_sync(tables.application.create)
        await upgrade(database)
        await assert_no_drift(database, CORE_SCHEMA)


async def test_drift_is_told_in_words(database: Database) -> None:
    async with database.maintenance_engine.begin() as connection:
        await connection.execute(sa.text("ALTER TABLE guild ADD COLUMN surplus INTEGER"))
        await connection.execute(sa.text("DROP TABLE task_run"))
    drift = await find_drift(database, CORE_SCHEMA)
    assert sorted(drift) == ["add table: task_run", "remove column: guild surplus"]
    with pytest.raises(AssertionError, match="surplus"):
        await assert_no_drift(database, CORE_SCHEMA)


async def test_upgrading_again_applies_nothing(database: Database) -> None:
    (core,) = await upgrade(database)
    assert (core.applied, core.error, core.revision) == ((), None, "core_0002")


async def test_a_modules_revisions_are_applied_in_order_and_told(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    write_revision(folder, "pets_2", "pets_1", 'op.add_column("pets", sa.Column("name", sa.Text))')
    write_revision(folder, "pets_1", None, CREATE)
    schema = pets(folder, "name")
    assert (await current(database, [schema]))[1].applied == ("pets_1", "pets_2")
    lines: list[str] = []
    _, result = await upgrade(database, [schema], on_progress=lines.append)
    assert (result.applied, result.revision, result.error) == (("pets_1", "pets_2"), "pets_2", None)
    assert lines == ["module `pets`: pets_1 applied", "module `pets`: pets_2 applied"]
    await assert_no_drift(database, schema)
    assert (await current(database, [schema]))[1].applied == ()


async def test_revisions_may_be_in_a_folder_named_versions(database: Database, tmp_path: Path) -> None:
    (tmp_path / "migrations").mkdir()
    write_revision(tmp_path / "migrations" / "versions", "pets_1", None, CREATE)
    _, result = await upgrade(database, [pets(tmp_path / "migrations")])
    assert result.applied == ("pets_1",)


async def test_a_module_without_migrations_gets_the_tables_that_are_missing(database: Database) -> None:
    schema = ModuleSchema("pets", sa.MetaData())
    sa.Table("pets", schema.metadata, sa.Column("id", sa.Integer, primary_key=True))
    await upgrade(database, [schema])
    sa.Table("pet_names", schema.metadata, sa.Column("id", sa.Integer, primary_key=True))
    _, result = await upgrade(database, [schema])
    assert result.applied == ("pet_names",)
    assert {"pets", "pet_names"} <= await table_names(database)


def clashing(module: str, table: str) -> ModuleSchema:
    metadata = sa.MetaData()
    sa.Table(table, metadata, sa.Column("id", sa.Integer, primary_key=True))
    return ModuleSchema(module, metadata)


async def test_a_module_that_wants_the_cores_table_is_refused_and_the_others_go_on(database: Database) -> None:
    schemas = [clashing("greedy", "Effect"), clashing("fine", "fine_table"), clashing("core", "any")]
    _, greedy, fine, core = await upgrade(database, schemas)
    assert greedy.error is not None
    assert "`greedy`" in greedy.error
    assert "`Effect` belongs to the framework" in greedy.error
    assert fine.error is None
    assert core.error is not None
    assert "fine_table" in await table_names(database)


async def test_of_two_modules_that_want_one_table_the_first_gets_it_for_good(database: Database) -> None:
    _, first, second = await upgrade(database, [clashing("first", "shared"), clashing("second", "shared")])
    assert first.error is None
    assert second.error is not None
    assert "`second`" in second.error
    assert "`first`" in second.error
    _, alone = await upgrade(database, [clashing("second", "shared")])
    assert alone.error is not None
    assert "belongs to module `first`" in alone.error


async def test_a_table_of_nobody_is_not_taken_over(database: Database) -> None:
    async with database.maintenance_engine.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE foreign_thing (id INTEGER PRIMARY KEY)"))
    _, result = await upgrade(database, [clashing("mine", "foreign_thing")])
    assert result.error is not None
    assert "in the database already" in result.error


async def test_a_failing_revision_is_named_and_the_rest_works(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    write_revision(folder, "pets_1", None, CREATE)
    write_revision(folder, "pets_2", "pets_1", 'op.execute("INSERT INTO absent VALUES (1)")')
    _, result, fine = await upgrade(database, [pets(folder), clashing("fine", "fine_table")])
    assert result.error is not None
    assert "module `pets`: migration pets_2 failed" in result.error
    assert "absent" in result.error
    assert (result.applied, result.revision, fine.error) == (("pets_1",), "pets_1", None)
    write_revision(folder, "pets_2", "pets_1", 'op.add_column("pets", sa.Column("name", sa.Text))')
    _, repaired = await upgrade(database, [pets(folder)])
    assert (repaired.applied, repaired.error) == (("pets_2",), None)


async def test_a_failed_module_does_not_keep_its_names_from_others(database: Database, tmp_path: Path) -> None:
    write_revision(tmp_path / "m", "pets_1", None, "raise RuntimeError('no luck')")
    _, failed = await upgrade(database, [pets(tmp_path / "m")])
    assert failed.error is not None
    assert "no luck" in failed.error
    _, other = await upgrade(database, [clashing("zoo", "pets")])
    assert other.error is None


async def test_on_sqlite_a_failing_revision_leaves_nothing_behind(sqlite_url: str, tmp_path: Path) -> None:
    write_revision(tmp_path / "m", "pets_1", None, f"{CREATE}; raise RuntimeError('half-way')")
    async with open_database(sqlite_url) as database:
        await upgrade(database, [pets(tmp_path / "m")])
        assert "pets" not in await table_names(database)


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"a.py": "import absent_module_of_somebody"}, "absent_module_of_somebody"),
        ({"a.py": "revision ="}, "SyntaxError"),
        ({"a.py": "revision = 'a'\ndown_revision = 'gone'"}, "gone"),
        ({"a.py": "revision = 'a'\ndown_revision = None", "b.py": "revision = 'b'\ndown_revision = None"}, "head"),
    ],
)
@pytest.mark.filterwarnings("ignore:Revision")
async def test_revisions_that_cannot_be_read_are_named(
    database: Database, tmp_path: Path, files: dict[str, str], text: str
) -> None:
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    for results in (await upgrade(database, [pets(tmp_path)]), await current(database, [pets(tmp_path)])):
        assert results[1].error is not None
        assert "module `pets`" in results[1].error
        assert text in results[1].error


async def test_a_folder_that_is_not_there_is_named(database: Database, tmp_path: Path) -> None:
    _, result = await upgrade(database, [pets(tmp_path / "absent")])
    assert result.error is not None
    assert "absent" in result.error


async def test_a_database_that_is_newer_than_the_code_is_left_alone(database: Database, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    write_revision(folder, "pets_1", None, CREATE)
    await upgrade(database, [pets(folder)])
    async with database.transaction() as session:
        await session.execute(sa.text("UPDATE schema_version SET version_num = 'core_9999'"))
        await session.execute(sa.text("UPDATE schema_version_pets SET version_num = 'pets_9'"))
    before = await table_names(database)
    results = await upgrade(database, [pets(folder)])
    assert [(one.newer, one.error, one.applied) for one in results] == [(True, None, ()), (True, None, ())]
    assert [one.newer for one in await current(database, [pets(folder)])] == [True, True]
    assert await table_names(database) == before


async def test_tables_of_another_program_are_not_taken_over_by_the_core(database_url: str) -> None:
    async with open_database(database_url) as database:
        async with database.maintenance_engine.begin() as connection:
            await connection.execute(sa.text("CREATE TABLE guild (id INTEGER PRIMARY KEY, leader INTEGER)"))
        with pytest.raises(ConfigError, match=r"`guild`\. Give Migaga a database of its own"):
            await upgrade(database)
        assert await table_names(database) == {"guild"}


async def test_a_core_that_cannot_migrate_stops_the_start_with_the_reason(database_url: str) -> None:
    async with open_database(database_url) as database:
        async with database.maintenance_engine.begin() as connection:
            await connection.execute(sa.text("CREATE TABLE effect (module INTEGER PRIMARY KEY)"))
        with pytest.raises(ConfigError, match="core: migration core_0001 failed"):
            await upgrade(database)


async def test_eight_processes_that_start_at_once_apply_each_revision_once(
    database_url: str, tmp_path: Path, forked: Forked
) -> None:
    folder = tmp_path / "migrations"
    body = 'op.create_table("pets", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20)))'
    write_revision(folder, "pets_1", None, body)
    write_revision(folder, "pets_2", "pets_1", "op.execute(\"INSERT INTO pets (name) VALUES ('Rex')\")")
    done = await forked.together(STARTER, database_url, str(folder), count=8)
    assert [(one.code, one.err) for one in done] == [(0, "")] * 8
    applied = [revision for one in done for revision in one.out.split()]
    assert sorted(applied) == ["core_0001", "core_0002", "pets_1", "pets_2"]
    async with open_database(database_url) as database:
        await assert_no_drift(database, CORE_SCHEMA)
        async with database.read() as session:
            assert await session.scalar(sa.text("SELECT count(*) FROM pets")) == 1


async def test_a_lock_that_is_held_for_too_long_is_told(database: Database) -> None:
    async with process_lock(database, "schema", 5, "changing the schema"):
        with pytest.raises(UnavailableError, match="another process has been changing the schema"):
            await upgrade(database, lock_timeout=0.1)
    await upgrade(database, lock_timeout=0.1)


async def test_two_upgrades_in_one_process_take_turns(database: Database, tmp_path: Path) -> None:
    write_revision(tmp_path / "m", "pets_1", None, CREATE)
    results = await asyncio.gather(*(upgrade(database, [pets(tmp_path / "m")]) for _ in range(3)))
    assert sorted(one[1].applied for one in results) == [(), (), ("pets_1",)]


@pytest.mark.mariadb
async def test_columns_of_plain_sqlalchemy_types_hold_emoji_too(mariadb_url: str) -> None:
    async with open_database(mariadb_url) as database:
        schema = ModuleSchema("plain", sa.MetaData())
        table = sa.Table("plain", schema.metadata, sa.Column("name", sa.String(20), primary_key=True))
        await upgrade(database, [schema])
        async with database.transaction() as session:
            await session.execute(sa.insert(table), [{"name": "🫠"}, {"name": "a"}, {"name": "A"}])
        async with database.read() as session:
            assert list(await session.scalars(sa.select(table.c.name).order_by(table.c.name))) == ["A", "a", "🫠"]
