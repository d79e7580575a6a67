"""From one generation to the next (P9): warm, arm, cut, drain; or give up. `steward.py` calls it with each reading.

What is to be done is decided in `continuity/generations.py`; every process does its part with the shards it holds.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from migaga.common.errors import UnavailableError
from migaga.continuity.generations import ARMED_FOR, Generations, Wish
from migaga.continuity.holding import Hold
from migaga.continuity.inflight import still_running
from migaga.continuity.journal import KEEP
from migaga.continuity.shares import HARD_CAP
from migaga.continuity.view import View
from migaga.fleet.held import HeldShard
from migaga.fleet.mute import KeptEvents
from migaga.fleet.parts import Parts, ShardKey
from migaga.storage.leases_operations import Insert, Operation, Outcome, Together, Update
from migaga.storage.leases_rows import (
    GenerationRow,
    GenerationState,
    InflightRow,
    JournalRow,
    ShardPhase,
    ShardRow,
)

_LOG = logging.getLogger(__name__)

ASK_EVERY = 15.0
"""Seconds between two questions whether the budget suffices for a wish that is not met."""

Obstacle = Callable[[int], Awaitable[str | None]]
"""Says why so many IDENTIFYs may not be begun now, in words; None when they may."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a fleet should change to, and how."""

    wish: Wish
    obstacle: Obstacle
    armed_for: float = ARMED_FOR
    warm_within: int = 600

    @property
    def keep(self) -> float:
        """Seconds of events that warm shards keep: all of them must have been journaled."""
        return min(KEEP, self.armed_for / 2)


class Turnover:
    """This process's part in changing generations."""

    def __init__(self, parts: Parts, change: Change) -> None:
        self._parts = parts
        self._change = change
        self._generations = Generations(change.wish, armed_for=change.armed_for, warm_within=change.warm_within)
        self._asked_at: float | None = None
        self._not_drained_at: dict[ShardKey, float] = {}
        self._drained_between: dict[ShardKey, tuple[float, float]] = {}
        """The last reading that did not show the drain of an old shard, and the first that did. Own clock."""
        self._obstacle: str | None = None
        """Why the wish cannot be begun now."""
        self.unfinished: Sequence[InflightRow] = ()
        """What still runs of a generation whose shards are all drained."""

    @property
    def obstacle(self) -> str | None:
        """Why the fleet does not change to what is wished, or is not done with it: in words."""
        return _told_of_unfinished(self.unfinished) if self.unfinished else self._obstacle

    async def decide(self, view: View, now: float) -> bool:
        """Take the next step of the fleet, if there is one. True when this process was the first to take it."""
        await self._look_for_obstacles(view, now)
        if not await self._read_unfinished(view):
            return False
        step = self._generations.decide(view, now, unfinished=len(self.unfinished), obstacle=self._obstacle)
        done = step is not None and await self._parts.store.execute(step) is Outcome.DONE
        if done and step is not None:
            _LOG.info("generations: %s", _told(step))
        return done

    def mute(self, held: HeldShard, before: ShardRow, view: View) -> None:
        """Let a shard of a generation that is under way handle nothing yet. Called when it has been claimed."""
        live, upcoming = view.live_generation, view.upcoming_generation
        if live is not None and upcoming is not None and held.key[0] == upcoming.name:
            complete = before.state in {ShardPhase.WARM, ShardPhase.LIVE}
            held.keep_until_cut(KeptEvents(live.shard_count, self._change.keep, complete=complete))

    async def act(self, view: View, held: Collection[HeldShard], asked_at: float, now: float) -> list[HeldShard]:
        """Journal, forget what is old, cut in. Returns the shards that are to be drained."""
        live, upcoming = view.live_generation, view.upcoming_generation
        journals = self._generations.journals_for(view)
        for one in held:
            one.journal_for(journals if live is not None and one.key[0] == live.name else 0)
        warm = [one for one in held if one.kept is not None]
        old = live if upcoming is not None else _last_gone(view)
        if live is None or old is None:
            return []
        if upcoming is not None and upcoming.state != GenerationState.CUTTING:
            self._forget_old(warm, asked_at)
            self._not_drained_at = {row.key: asked_at for row in view.shards if row.generation == old.name}
            self._drained_between.clear()
            return []
        await self._give_out(view, old, warm, asked_at, now)
        over = self._generations.to_drain(view)
        return [one for one in held if one.key[0] == over and one.state in {Hold.LIVE, Hold.OFFERED}]

    # ---- inside

    async def _look_for_obstacles(self, view: View, now: float) -> None:
        live = view.live_generation
        if live is None or self._change.wish.is_met_by(live) or view.is_resharding:
            self._obstacle = self._asked_at = None
            return
        if self._asked_at is not None and now - self._asked_at < ASK_EVERY:
            return
        self._asked_at = now
        told = self._lacks_capacity(view) or await self._change.obstacle(self._change.wish.shard_count)
        if told is not None and told != self._obstacle:
            _LOG.warning("the change to %d shards waits: %s", self._change.wish.shard_count, told)
        self._obstacle = told

    def _lacks_capacity(self, view: View) -> str | None:
        room = sum(row.capacity * HARD_CAP for row in view.counting)
        count = self._change.wish.shard_count
        if room >= count:
            return None
        return f"{len(view.counting)} processes can hold {room} shards, {count} are wished. Start more processes."

    async def _read_unfinished(self, view: View) -> bool:
        """Read what still runs of a generation whose shards are all drained. False when that cannot be read."""
        live = view.live_generation
        is_cutting = any(row.state == GenerationState.CUTTING for row in view.generations)
        self.unfinished = ()
        if live is None or not is_cutting or view.of(live.name):
            return True
        try:
            self.unfinished = still_running(await self._parts.store.inflight(live.name))
        except UnavailableError:
            return False
        return True

    def _forget_old(self, warm: Collection[HeldShard], asked_at: float) -> None:
        """Let go of what is older than any event that the old shards may still have to handle."""
        for one in warm:
            if one.state is Hold.WARM and one.kept is not None:
                one.unmute((), one.kept.not_cutting(asked_at))

    async def _give_out(
        self, view: View, old: GenerationRow, warm: Collection[HeldShard], asked_at: float, now: float
    ) -> None:
        """Handle the guilds whose old shard is drained; everything, when all of them are."""
        rows = [row for row in view.shards if row.generation == old.name]
        for one in warm:
            one.cut()
        for row in rows:
            if row.state == ShardPhase.DRAINED:
                # A shard that goes live later is given out by the first reading that showed the drain, too.
                seen = (self._not_drained_at.get(row.key, -math.inf), now)
                await self._give_out_of(row, warm, *self._drained_between.setdefault(row.key, seen))
            else:
                self._not_drained_at[row.key] = asked_at
        for one in warm:
            if one.kept is not None and len(one.kept.opened) == old.shard_count:
                one.kept = one.intake.mute = None

    async def _give_out_of(self, old: ShardRow, warm: Collection[HeldShard], before: float, now: float) -> None:
        waiting = [
            (one, one.kept) for one in warm if one.is_live and one.kept is not None and old.id not in one.kept.opened
        ]
        journal: Sequence[JournalRow] = ()
        if any(kept.has_of(old.id) for _, kept in waiting):
            try:
                journal = await self._parts.store.journal(*old.key)
            except UnavailableError:
                return
        for one, kept in waiting:
            given = kept.give(old.id, journal, before, now)
            one.unmute(given.to_handle, given.handled)
            if given.to_handle:
                _LOG.info(
                    "shard %d: shard %d of the generation before is drained, %d of %d events that were kept are new",
                    *(one.key[1], old.id, len(given.to_handle), len(given.to_handle) + len(given.handled)),
                )


def _last_gone(view: View) -> GenerationRow | None:
    gone = [row for row in view.generations if row.state == GenerationState.GONE]
    return max(gone, key=lambda row: row.n, default=None)


def _told_of_unfinished(rows: Sequence[InflightRow]) -> str:
    """Say what the old generation waits for. Its shards are drained: people notice nothing of it."""
    some = "; ".join(f"{row.name} of shard {row.shard} in process {row.owner}" for row in rows[:3])
    more = f"; and {len(rows) - 3} more" if len(rows) > 3 else ""
    return f"the old shards are drained, and handlers of their events still run: {some}{more}"


def _told(step: Operation) -> str:
    """Say in words what a step has done."""
    if isinstance(step, Insert):
        return f"{step.row['name']!s} begins as {step.row['state']!s}"
    steps = step.fences if isinstance(step, Together) else (step,)
    return ", ".join(_told_of(one) for one in steps if isinstance(one, Update))


def _told_of(step: Update) -> str:
    reason = step.change.get("reason")
    return f"number {step.key['n']!s} is {step.change['state']!s}" + (f": {reason!s}" if reason else "")
