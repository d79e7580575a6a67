"""A shard that another process offers, and this one would like: says so until it has it. Made by `held.py`.

The connection is open up to HELLO meanwhile, so that the gap of a hand-over ends with a look at the row.
"""

from __future__ import annotations

from migaga.common.errors import UnavailableError
from migaga.continuity.wants import FRESH_FOR, TakerWatch
from migaga.fleet.parts import Parts
from migaga.storage.leases_rows import ShardPhase, ShardRow

AGAIN_AFTER = 0.25
"""Seconds until the row is read again after the database did not answer."""
WANT_EVERY = 0.02
"""Seconds between looks at the row: the gap of a hand-over ends with one."""


class Wanting:
    """One offered shard, as who wants it knows it."""

    def __init__(self, row: ShardRow, parts: Parts) -> None:
        self._row = row
        self._parts = parts
        self._watch = TakerWatch(parts.member.id)
        self._has_begun = self._gives_up = False
        self._wanted_at = 0.0

    def give_up(self) -> bool:
        """Want it no longer. False: who has said so already may have got it in this moment, and has to look."""
        self._gives_up = True
        return not self._has_begun

    async def until_mine(self) -> tuple[ShardRow, float] | None:
        """Say that this process wants the shard until it has it.

        Returns its row then, and when that was asked for; None when the shard is not to be had.
        """
        clock, me = self._parts.clock, self._parts.member.id
        self._has_begun = True
        while True:
            asked_at = clock.now()
            try:
                row = await self._parts.store.shard(*self._row.key)
            except UnavailableError:
                await clock.sleep(AGAIN_AFTER)
                continue
            if row is None:
                return None
            if row.token != self._row.token:
                return (row, asked_at) if row.owner == me else None
            if row.state != ShardPhase.OFFERED or self._is_given_up(row):
                return None
            want = None if self._gives_up else self._watch.want(row, clock.now())
            if want is not None:
                self._wanted_at = clock.now()
                await self._parts.store.execute(want)
            await clock.sleep(WANT_EVERY)

    def _is_given_up(self, row: ShardRow) -> bool:
        """Whether it is wanted no longer, and no giver believes the last want any more."""
        is_over = self._parts.clock.now() - self._wanted_at > 2 * FRESH_FOR
        return self._gives_up and (row.want != self._parts.member.id or is_over)
