"""How a shard leaves this process in order (P5): offered, passed to who wants it, or released; and taken back.

`steward.py` makes a `Giving` for each shard that is to be offered.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta

from migaga.common.errors import UnavailableError
from migaga.continuity.handed import RESUMED_WITHIN, Handed
from migaga.continuity.holding import Beside, Hold, Holding, Step
from migaga.continuity.progress import Point
from migaga.continuity.wants import Want, WantWatch
from migaga.fleet.held import HeldShard
from migaga.storage.leases_operations import Outcome
from migaga.storage.leases_rows import ShardPhase, ShardRow

_LOG = logging.getLogger(__name__)

LOOK_EVERY = 0.05
"""Seconds between looks for a want."""
SETTLE_FOR = 0.05
"""Seconds that running handlers have before a shard is passed on; what runs longer goes on, and is stored."""
RELEASE_WITHIN = 2.0
"""Seconds that a release may take: others take the shard of a process that is gone anyway."""


class Giving:
    """Gives one shard away."""

    def __init__(self, held: HeldShard) -> None:
        self.held = held
        self.offered_at: float | None = None
        self.taker: str | None = None
        """Who has got it."""
        self.token = ""
        """The token that its row got."""

    async def offer(self) -> None:
        """Offer it, serve on, and pass it to the first who wants it. Returns when it is passed, or not offered."""
        offered_at = self.held.parts.clock.now()
        if await self.held.write(Holding.offer) is not Outcome.DONE:
            await self.held.look()
            return
        self.offered_at = offered_at
        watch = WantWatch(offered_at)
        while self.held.state is Hold.OFFERED:
            want = await self._look(watch)
            if want is not None and self.held.parts.member.is_valid():
                await self._pass_to(want)
                return
            await self.held.parts.clock.sleep(LOOK_EVERY)

    async def withdraw(self) -> None:
        """Take the offer back, if nobody wants it."""
        if await self.held.write(Holding.withdraw) is Outcome.REFUSED:
            await self.held.look()

    async def release(self, grace: timedelta) -> int:
        """Make nobody the owner; running handlers have `grace` to end. Returns how many events come again.

        Also of a shard in doubt: the token tells whether it is this process's still, and nobody else would store what
        has ended here.
        """
        held = self.held
        if held.holding is None or held.state is Hold.LOST:
            return await held.intake.drain(timedelta(0))
        held.holding.stop()
        held.pause()
        unfinished = await held.intake.drain(grace)
        await held.leave_connection()
        point = _point(held)
        token = held.parts.new_token()
        if await self._release(token, point) is Outcome.DONE:
            held.forget_local()
        held.is_gone = True
        return unfinished

    async def _release(self, token: str, point: Point | None) -> Outcome:
        """Write it, again if the database does not take it at once. Else the local file goes on telling of it."""
        held, clock = self.held, self.held.parts.clock
        until = clock.now() + RELEASE_WITHIN
        was_unsure = False
        while True:
            outcome = await held.write(lambda holding: holding.release(token, point, held.beside()))
            if outcome is Outcome.REFUSED and was_unsure:
                return Outcome.DONE  # The try before, of which nobody knew.
            if outcome in {Outcome.DONE, Outcome.REFUSED} or clock.now() >= until:
                return outcome
            was_unsure = was_unsure or outcome is Outcome.UNKNOWN
            await clock.sleep(LOOK_EVERY)

    async def drain(self) -> bool:
        """End a shard of the generation that is over; what runs goes on. False: it is in doubt."""
        held = self.held
        holding = held.holding
        if holding is None or not holding.may_handle:
            return False
        held.intake.begin_late()
        holding.stop()
        held.pause()
        # What still waits is not journaled: the next generation handles it.
        held.intake.shut()
        await held.intake.settle(SETTLE_FOR)
        for running in held.intake.unfinished():
            held.set_aside(running)
        point, beside = _point(held), Beside()
        await held.leave_connection()
        token = held.parts.new_token()

        def drain(one: Holding) -> Step:
            nonlocal beside
            beside = held.last_beside()
            return one.drain(token, point, beside)

        outcome = await held.write(drain)
        if outcome is not Outcome.DONE:
            held.may_be_passed = outcome is Outcome.UNKNOWN
            return False
        if point is not None:
            held.stored(point, Beside(aside=beside.aside))
        held.is_gone = True
        held.forget_local()
        _LOG.info("shard %d is drained", held.key[1])
        return True

    async def _look(self, watch: WantWatch) -> Want | None:
        clock = self.held.parts.clock
        asked_at = clock.now()
        try:
            row = await self.held.parts.store.shard(*self.held.key)
        except UnavailableError:
            return None
        self.held.see(row, asked_at)
        if row is None:
            return None
        watch.read(row, asked_at)
        return watch.fresh(clock.now())

    async def _pass_to(self, want: Want) -> None:
        """Stop, store, close, and make the taker the owner."""
        held = self.held
        holding = held.holding
        if holding is None:
            return
        held.intake.begin_late()
        holding.stop()
        held.pause()
        held.intake.shut()
        await held.intake.settle(SETTLE_FOR)
        for running in held.intake.unfinished():
            held.set_aside(running)
        point, beside = _point(held), Beside()
        # Nothing is taken from it any more: whether Discord hears of the end before the taker's RESUME is all the same.
        leaving = asyncio.create_task(held.leave_connection(), name=f"leaving shard {held.key[1]}")
        token = held.parts.new_token()

        def pass_on(one: Holding) -> Step:
            nonlocal beside
            beside = held.beside()
            return one.pass_to(want, token, point, beside)

        try:
            outcome = await held.write(pass_on)
        finally:
            await leaving
        if outcome is not Outcome.DONE:
            # What is not surely passed is in doubt: the steward takes the row anew.
            held.may_be_passed = outcome is Outcome.UNKNOWN
            return
        if point is not None:
            held.stored(point, beside)
        self.taker, self.token = want.taker, token
        held.is_gone = True
        held.forget_local()
        held.parts.observer.shard_passed()
        _LOG.info("shard %d is passed to process %s", held.key[1], want.taker)


async def watch_handed(held: HeldShard, handed: Handed, claimed: Callable[[ShardRow], None]) -> None:
    """Take a shard back whose taker has not gone live in time, and hand its row to `claimed`."""
    parts = held.parts
    await parts.clock.sleep(RESUMED_WITHIN)
    while parts.member.is_valid():
        try:
            row = await parts.store.shard(*held.key)
        except UnavailableError:
            await parts.clock.sleep(LOOK_EVERY)
            continue
        if row is None or row.token != handed.token or row.state != ShardPhase.CLAIMED:
            return
        token = parts.new_token()
        back = handed.swap_back(row, parts.clock.now(), token)
        if back is None:
            await parts.clock.sleep(LOOK_EVERY)
        elif await parts.store.execute(back) is Outcome.DONE:
            _LOG.warning("shard %d was not resumed by its taker: it is taken back", held.key[1])
            fresh = await parts.store.shard(*held.key)
            if fresh is not None and fresh.token == token:
                claimed(fresh)
            return


def _point(held: HeldShard) -> Point | None:
    return held.intake.point() if held.intake.progress.session_id else None
