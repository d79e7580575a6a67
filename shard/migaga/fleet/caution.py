"""Looks at replayed events one by one when two owners died at the same place (P6). `held.py` hands it to the intake."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from migaga.continuity.holding import Beside, Holding, Step
from migaga.continuity.inflight import put_aside
from migaga.continuity.poison import Suspicion, Verdict
from migaga.continuity.progress import Point
from migaga.fleet.parts import Parts, ShardKey, row_of
from migaga.gateway.received import Received
from migaga.storage.leases_operations import Outcome

_LOG = logging.getLogger(__name__)

AGAIN_AFTER = 0.25
"""Seconds until a write that was not executed is tried again. The replay waits: that is the point of it."""

Write = Callable[[Callable[[Holding], Step]], Awaitable[Outcome]]


class OneByOne:
    """Lets one replayed event after the other be handled, each suspected first in the shard's row."""

    def __init__(
        self, key: ShardKey, suspicion: Suspicion, parts: Parts, write: Write, point: Callable[[], Point]
    ) -> None:
        self._key = key
        self._suspicion = suspicion
        self._parts = parts
        self._write = write
        self._point = point
        _LOG.warning("shard %d: two owners died at the same event, what is replayed is handled one by one", key[1])

    async def allows(self, event: Received) -> bool:
        """Store the suspicion and return True; or store the event as quarantined and return False."""
        verdict = self._suspicion.judge(event.seq)
        if verdict is Verdict.SUSPECT:
            seq, count = self._suspicion.suspected(event.seq)
            await self._until_done(lambda holding: holding.suspect(seq, count))
        elif verdict is Verdict.QUARANTINE:
            row = row_of(self._key, event, self._parts.member.id, quarantined=True)
            beside = Beside(aside=(put_aside(row),))
            await self._until_done(lambda holding: holding.flush(self._point(), beside))
            self._parts.observer.event_quarantined(event.name)
            _LOG.error(
                "shard %d: %s number %d is quarantined: its handlers have ended two processes. "
                "It is kept in table inflight for inspection and never run.",
                self._key[1],
                event.name,
                event.seq,
            )
        return verdict is not Verdict.QUARANTINE

    async def _until_done(self, make: Callable[[Holding], Step]) -> None:
        while await self._write(make) is not Outcome.DONE:
            await self._parts.clock.sleep(AGAIN_AFTER)
