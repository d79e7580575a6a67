"""Resumable sessions of shards."""

from __future__ import annotations

from migaga.storage.database import Database
from migaga.storage.sessions import SessionStore, StoredSession


async def test_a_saved_session_is_loaded_for_its_generation_only(database: Database) -> None:
    store = SessionStore(database)
    first = StoredSession(0, "secret-1", "wss://one.example", 41)
    await store.save("4:513:10", first, StoredSession(1, "secret-2", "wss://two.example", 7))
    assert (await store.load("4:513:10"))[0] == first
    assert set(await store.load("4:513:10")) == {0, 1}
    assert await store.load("8:513:10") == {}


async def test_saving_again_replaces_session_and_watermark(database: Database) -> None:
    store = SessionStore(database)
    await store.save("g", StoredSession(0, "old", "wss://old.example", 99))
    await store.save("g", StoredSession(0, "new", "wss://new.example", 1))
    await store.save("g", StoredSession(0, "new", "wss://new.example", 1))
    assert await store.load("g") == {0: StoredSession(0, "new", "wss://new.example", 1)}


async def test_a_forgotten_session_is_gone_and_others_stay(database: Database) -> None:
    store = SessionStore(database)
    await store.save("g", StoredSession(0, "a", "u", 1), StoredSession(1, "b", "u", 1))
    await store.forget("g", 0)
    assert set(await store.load("g")) == {1}
    await store.forget_all()
    assert await store.load("g") == {}


def test_a_session_id_is_not_in_the_representation() -> None:
    assert "secret" not in repr(StoredSession(0, "secret", "u", 1))
