"""Resumable sessions of shards. The gateway's flusher saves them; a start loads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import sqlalchemy as sa

from migaga.storage.database import Database
from migaga.storage.portable import upsert
from migaga.storage.tables import shard


@dataclass(frozen=True, slots=True)
class StoredSession:
    """What RESUME needs for one shard."""

    shard_id: int
    session_id: str = field(repr=False)
    """A secret: never log it."""
    resume_url: str
    seq: int
    """The watermark: all events up to it are finished."""


class SessionStore:
    """The sessions of a fleet, on connections that modules cannot exhaust."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, generation: str) -> Mapping[int, StoredSession]:
        """Return the stored sessions of a generation: shard id -> session.

        Args:
            generation: Names shard count, intents and API version: a session is good for these only.
        """
        query = sa.select(shard).where(shard.c.generation == generation, shard.c.session_id != "").order_by(shard.c.id)
        async with self._database.lease_transaction() as session:
            rows = (await session.execute(query)).mappings().all()
        return {row["id"]: StoredSession(row["id"], row["session_id"], row["resume_url"], row["seq"]) for row in rows}

    async def generations(self) -> Sequence[str]:
        """Return the generations that have sessions, the one stored last first."""
        newest = sa.func.max(shard.c.updated_at)
        query = sa.select(shard.c.generation).where(shard.c.session_id != "").group_by(shard.c.generation)
        async with self._database.lease_transaction() as session:
            return (await session.scalars(query.order_by(newest.desc()))).all()

    async def save(self, generation: str, *sessions: StoredSession) -> None:
        """Store the sessions of one or more shards, in one transaction."""
        now = datetime.now(UTC)
        async with self._database.lease_transaction() as session:
            for stored in sorted(sessions, key=lambda one: one.shard_id):
                row = {
                    "generation": generation,
                    "id": stored.shard_id,
                    "session_id": stored.session_id,
                    "resume_url": stored.resume_url,
                    "seq": stored.seq,
                    "updated_at": now,
                }
                await upsert(session, shard, row)

    async def forget(self, generation: str, shard_id: int) -> None:
        """Drop the session of a shard: it cannot be resumed any more."""
        async with self._database.lease_transaction() as session:
            await session.execute(sa.delete(shard).where(shard.c.generation == generation, shard.c.id == shard_id))

    async def forget_all(self) -> None:
        """Drop every session, of all generations: they end with the token."""
        async with self._database.lease_transaction() as session:
            await session.execute(sa.delete(shard))
