"""Keeps the sessions of this process's shards in the database, so that the next process can resume them.

`fleet.py` owns one `SessionKeeper`. What is stored is the watermark, never the last number received, and heartbeats
tell Discord no more than what is stored: it must keep the rest for a RESUME.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from migaga.common.clock import Clock
from migaga.common.errors import MigagaError
from migaga.gateway.observer import Observer
from migaga.storage.sessions import SessionStore, StoredSession

_LOG = logging.getLogger(__name__)

FLUSH_EVERY = 0.25
"""Seconds. A crash repeats at most what was finished since the last flush."""
STORE_TIMEOUT = 2.0
"""Seconds that READY waits for its session to be stored; the gateway goes on without."""

Source = Callable[[], StoredSession | None]


class SessionKeeper:
    """Stores each shard's session when it has changed."""

    def __init__(self, store: SessionStore, generation: str, clock: Clock, observer: Observer) -> None:
        """`generation` names what sessions are bound to: shard count, intents, API version."""
        self._store = store
        self._generation = generation
        self._clock = clock
        self._observer = observer
        self._sources: dict[int, Source] = {}
        self._stored: dict[int, StoredSession] = {}
        self._writing = asyncio.Lock()
        self._failing = False

    async def load(self) -> Mapping[int, StoredSession]:
        """Return the stored sessions of this generation by shard id."""
        self._stored = dict(await self._store.load(self._generation))
        return dict(self._stored)

    def watch(self, shard_id: int, source: Source) -> None:
        """Store what `source` gives for a shard from now on. None from it means that there is no session."""
        self._sources[shard_id] = source

    def stored_seq(self, shard_id: int, session_id: str | None) -> int | None:
        """Return the stored watermark of a shard's session; None when this session is not stored."""
        stored = self._stored.get(shard_id)
        return stored.seq if stored is not None and stored.session_id == session_id else None

    async def store_ready(self, shard_id: int) -> None:
        """Store a session that has just begun, before any of its events is handled. Goes on without when it cannot."""
        with suppress(TimeoutError):
            async with asyncio.timeout(STORE_TIMEOUT):
                await self.flush(shard_id)
                return
        _LOG.warning("shard %d: the new session could not be stored within %.0f s", shard_id, STORE_TIMEOUT)

    async def flush(self, *shard_ids: int) -> bool:
        """Store what has changed, of some shards or of all. False when the database could not be written."""
        async with self._writing:
            try:
                await self._write(shard_ids or tuple(self._sources))
            except (MigagaError, SQLAlchemyError) as error:
                self._note(ok=False, error=error)
                return False
            self._note(ok=True)
            return True

    async def run(self) -> None:
        """Store what has changed every 250 ms, until cancelled."""
        while True:
            await self._clock.sleep(FLUSH_EVERY)
            await self.flush()

    async def _write(self, shard_ids: tuple[int, ...]) -> None:
        current = {shard_id: self._sources[shard_id]() for shard_id in shard_ids}
        changed = [one for one in current.values() if one is not None and self._stored.get(one.shard_id) != one]
        if changed:
            await self._store.save(self._generation, *changed)
            self._stored.update({one.shard_id: one for one in changed})
        for shard_id, session in current.items():
            if session is None and shard_id in self._stored:
                await self._store.forget(self._generation, shard_id)
                del self._stored[shard_id]

    def _note(self, *, ok: bool, error: Exception | None = None) -> None:
        """Count, and log the change between working and failing once."""
        self._observer.sessions_stored(ok=ok)
        if ok and self._failing:
            _LOG.info("sessions are stored again")
        elif not ok and not self._failing:
            _LOG.error("sessions cannot be stored, the gateway goes on: %s", error)
        self._failing = not ok
