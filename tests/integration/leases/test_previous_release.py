"""The release before knows only the first columns of `shard`; both work on one database, in any order."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from tests.unit.continuity.modeldb import KEYS

from migaga.continuity.claims import claim
from migaga.continuity.holding import Holding
from migaga.continuity.local import resume_point
from migaga.continuity.progress import Point
from migaga.continuity.view import View
from migaga.storage.database import Database, open_database
from migaga.storage.drift import assert_no_drift
from migaga.storage.leases import open_lease_store
from migaga.storage.leases_operations import Outcome
from migaga.storage.leases_rows import Observation, ProcessRow
from migaga.storage.leases_tables import TABLES
from migaga.storage.migrate import load_scripts, migrate
from migaga.storage.schema import CORE_SCHEMA, upgrade
from migaga.storage.sessions import SessionStore, StoredSession

G = "4:513:v10"
OLD = ("generation", "id", "session_id", "resume_url", "seq", "updated_at")


async def make_previous(database: Database, folder: Path) -> None:
    """Bring an empty database to where the release before left it."""
    versions = folder / "versions"
    versions.mkdir(parents=True)
    assert CORE_SCHEMA.migrations is not None
    shutil.copy(CORE_SCHEMA.migrations / "versions" / "core_0001_first_tables.py", versions)
    scripts = await load_scripts(folder)
    assert scripts is not None
    async with database.maintenance_engine.connect() as connection:
        outcome = await connection.run_sync(migrate, scripts, "schema_version", "core", lambda line: None)
    assert (outcome.revision, outcome.error) == ("core_0001", None)


async def save_as_before(database: Database, shard_id: int, session_id: str, seq: int) -> None:
    """Store a session as the release before does: insert, or update its own columns."""
    values = {
        "g": G,
        "i": shard_id,
        "s": session_id,
        "u": "wss://x",
        "q": seq,
        "t": datetime.now(UTC).isoformat(" ")[:19],
    }
    async with database.lease_transaction() as session:
        where = "WHERE generation = :g AND id = :i"
        found = await session.execute(
            sa.text(f"UPDATE shard SET session_id = :s, resume_url = :u, seq = :q, updated_at = :t {where}"), values
        )
        if isinstance(found, sa.CursorResult) and found.rowcount == 0:
            names = ", ".join(OLD)
            await session.execute(sa.text(f"INSERT INTO shard ({names}) VALUES (:g, :i, :s, :u, :q, :t)"), values)


async def test_stored_sessions_survive_the_migration_and_can_be_claimed_and_resumed(
    database_url: str, tmp_path: Path
) -> None:
    async with open_database(database_url) as database:
        await make_previous(database, tmp_path)
        await save_as_before(database, 0, "secret-0", 41)
        await save_as_before(database, 1, "secret-1", 7)
        (core,) = await upgrade(database)
        assert core.applied == ("core_0002",)
        await assert_no_drift(database, CORE_SCHEMA)
        async with open_lease_store(database) as store:
            seen = View("p", Observation((), (await store.observe()).shards, [ProcessRow("p", 0)]))
            assert [resume_point(row, None) for row in seen.shards] == [
                Point("secret-0", 41, frozenset()),
                Point("secret-1", 7, frozenset()),
            ]
            assert await store.execute(claim(seen.shards[0], seen, "token")) is Outcome.DONE


async def test_the_release_before_goes_on_storing_beside_the_new_one(database_url: str, tmp_path: Path) -> None:
    async with open_database(database_url) as database:
        await make_previous(database, tmp_path)
        await save_as_before(database, 0, "secret-0", 41)
        await upgrade(database)
        async with open_lease_store(database) as store:
            seen = View("p", Observation((), (await store.observe()).shards, [ProcessRow("p", 0)]))
            await store.execute(claim(seen.shards[0], seen, "token"))
            row = await store.shard(G, 0)
            assert row is not None
            held = Holding(row, 0.0)
            assert await store.execute(held.flush(Point("secret-0", 50, frozenset({52}))).operation) is Outcome.DONE
            await save_as_before(database, 0, "another", 3)
            await save_as_before(database, 2, "secret-2", 1)
            row = await store.shard(G, 0)
            assert row is not None
            assert (row.owner, row.token) == ("p", "token")
            assert resume_point(row, None) == Point("another", 3, frozenset()), "no finished set of another session"
            assert await store.execute(held.flush(Point("secret-0", 60, frozenset())).operation) is Outcome.REFUSED
            new = await store.shard(G, 2)
            assert new is not None
            assert (new.owner, new.token, new.state, new.epoch) == (None, "", "FREE", 0)


async def test_the_store_of_sessions_keeps_the_lease_and_sees_no_shard_without_a_session(database: Database) -> None:
    sessions = SessionStore(database)
    await sessions.save(G, StoredSession(0, "s", "wss://x", 4))
    async with open_lease_store(database) as store:
        seen = View("p", Observation((), (await store.observe()).shards, [ProcessRow("p", 0)]))
        await store.execute(claim(seen.shards[0], seen, "token"))
        await sessions.save(G, StoredSession(0, "s", "wss://x", 9))
        row = await store.shard(G, 0)
        assert row is not None
        assert (row.token, row.seq) == ("token", 9)
        await store.execute(Holding(row, 0.0).end_session().operation)
    assert await sessions.load(G) == {}


async def test_a_migration_that_broke_half_way_is_taken_up_again(database_url: str, tmp_path: Path) -> None:
    async with open_database(database_url) as database:
        await make_previous(database, tmp_path)
        async with database.maintenance_engine.begin() as connection:
            comment = "COMMENT 'Counts owners, for people'" if database.dialect == "mysql" else ""
            await connection.execute(sa.text(f"ALTER TABLE shard ADD COLUMN epoch BIGINT NOT NULL DEFAULT 0 {comment}"))
            await connection.run_sync(TABLES["inflight"].create)
        await upgrade(database)
        await assert_no_drift(database, CORE_SCHEMA)


def test_the_model_knows_the_primary_keys() -> None:
    assert {name: tuple(table.primary_key.columns.keys()) for name, table in TABLES.items()} == dict(KEYS)
