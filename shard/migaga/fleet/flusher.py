"""Stores every 250 ms how far the shards of this process are (P5). `fleet.py` runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from migaga.common.clock import Clock
from migaga.fleet.held import HeldShard
from migaga.gateway.observer import Observer

_LOG = logging.getLogger(__name__)

FLUSH_EVERY = 0.25
"""Seconds. A crash without a local file repeats at most what was finished since the last flush."""


class Holder(Protocol):
    """Who holds shards: the steward."""

    lingering: list[HeldShard]

    @property
    def live(self) -> Sequence[HeldShard]:
        """The shards whose events are handled here."""


async def keep_flushing(holder: Holder, clock: Clock, observer: Observer) -> None:
    """Flush what has changed, until cancelled. A shard that cannot be stored goes on; the change is logged once."""
    failing = False
    while True:
        await clock.sleep(FLUSH_EVERY)
        shards = holder.live
        # At rest nothing has changed, and a task for each shard four times a second would be the most of what it does.
        stored = await asyncio.gather(*(held.flush() for held in shards if held.has_to_flush()))
        ok = all(stored)
        if shards:
            observer.sessions_stored(ok=ok)
        if ok is failing:
            failing = not ok
            if failing:
                _LOG.error("watermarks cannot be stored, the gateway goes on")
            else:
                _LOG.info("watermarks are stored again")
        ended = [held for held in (*shards, *holder.lingering) if held.has_ended_aside]
        await asyncio.gather(*(held.forget_ended() for held in ended))
