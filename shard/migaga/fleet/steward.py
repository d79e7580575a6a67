"""One reading of the fleet after the other, and what follows from it for this process.

`fleet.py` owns one `Steward` for each life of the process. What to do is decided in `migaga.continuity`; here it is
done, in order.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from migaga.common.ending import end_tasks
from migaga.common.errors import MigagaError, UnavailableError
from migaga.continuity.claims import Claims, claim
from migaga.continuity.deaths import DeathWatch, declare_predecessor
from migaga.continuity.generations import missing_shards
from migaga.continuity.handed import Handed
from migaga.continuity.holding import Hold
from migaga.continuity.local import resume_point
from migaga.continuity.offers import Offers, Takes
from migaga.continuity.readiness import Facts, Readiness
from migaga.continuity.view import View
from migaga.fleet.giving import Giving, watch_handed
from migaga.fleet.held import HeldShard
from migaga.fleet.leftovers import Leftovers
from migaga.fleet.parts import Parts, ShardKey
from migaga.fleet.plan import bound_to
from migaga.fleet.turnover import Change, Turnover
from migaga.fleet.watched import Watched
from migaga.storage.leases_operations import Operation, Outcome, Update
from migaga.storage.leases_rows import GenerationState, Observation, ShardRow

_LOG = logging.getLogger(__name__)

LOOK_EVERY = 1.0
"""Seconds between readings at rest: several fit into what P2 takes for one sleep of the reader."""
READ_ALL_EVERY = 1.5
"""Seconds after which everything is read again; between two such readings a look at the beats is enough."""
LOOK_SOON = 0.15
"""The same while something moves."""
GATHER_FOR = 0.75
"""Seconds for which the set of processes must be the same before the first shards of a fleet are claimed: processes
that start together would else not be there yet when the first one takes all."""
_OVER = frozenset({GenerationState.GONE, GenerationState.ABORTED})
FORGET_AFTER = 60.0
"""Seconds after which the row of a dead process is deleted, and what a generation has left that is over."""


class Steward:
    """What one life of this process holds and does."""

    def __init__(self, parts: Parts, change: Change, only: Sequence[int] = ()) -> None:
        """`only` these shard ids are claimed, whatever the share; none: all are shared."""
        self.parts = parts
        self.held: dict[ShardKey, HeldShard] = {}
        self.lingering: list[HeldShard] = []
        """Shards that were passed on, and whose handlers go on here."""
        self.giving: dict[ShardKey, Giving] = {}
        self._draining: set[ShardKey] = set()
        self.view: View | None = None
        self.not_ready: str | None = "the fleet has not been read yet"
        self.unreadable: str | None = None
        """Why the last reading failed."""
        self._only = frozenset(only)
        self._turnover = Turnover(parts, change)
        self._deaths = DeathWatch(parts.member.id)
        self._claims, self._offers, self._takes = Claims(), Offers(), Takes()
        self._readiness, self._leftovers = Readiness(), Leftovers()
        self._said_ready: bool | None = None
        self._was_complete = False
        self._present: frozenset[str] = frozenset()
        self._present_since = 0.0
        self._dead_since: dict[str, float] = {}
        self._over_since: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._nudged = asyncio.Event()
        self.seen_at = -math.inf
        """When `view` was asked for last."""
        self._read_at = 0.0
        self._acted = False
        """The last round has changed something: the next one follows at once."""

    # ---- for its fleet

    @property
    def live(self) -> list[HeldShard]:
        """The shards whose progress is stored: their events are handled here, or kept."""
        return [held for held in self.held.values() if held.is_live or held.state is Hold.WARM]

    @property
    def obstacle(self) -> str | None:
        """Why the fleet does not change to what its configuration wishes."""
        return self._turnover.obstacle

    def nudge(self) -> None:
        """Look again at once."""
        self._nudged.set()

    async def run(self) -> None:
        """Read and act, until cancelled."""
        while True:
            self._acted = False
            await self.round()
            self._nudged.clear()
            if self._acted:
                continue
            try:
                async with asyncio.timeout(LOOK_SOON if self._moves() else LOOK_EVERY):
                    await self._nudged.wait()
            except TimeoutError:
                continue

    async def _glance(self) -> bool:
        """Look at the beats of the others alone. True when nothing but beats has changed."""
        asked_at, view = self.parts.clock.now(), self.view
        if view is None or asked_at - self._read_at > READ_ALL_EVERY or self._moves() or self.parts.member.trouble:
            return False
        try:
            rows = await self.parts.store.processes()
        except UnavailableError:
            return False
        deaths = self._deaths.read(rows, asked_at, self.parts.clock.now())
        await self._declare(deaths)
        before = {replace(row, beat=0) for row in view.all_processes}
        if deaths or {replace(row, beat=0) for row in rows} != before:
            return False
        self.seen_at = asked_at
        return True

    async def round(self) -> None:
        """Read once, and do what follows."""
        if await self._glance():
            return
        asked_at = self._read_at = self.parts.clock.now()
        try:
            observation = await self.parts.store.observe()
        except UnavailableError as error:
            self._deaths.failed()
            if self.unreadable is None:
                _LOG.error("%s", error)
            self.unreadable = str(error)
            return
        self.unreadable = None
        await self._judge(observation, asked_at, self.parts.clock.now())

    async def take_over(self, predecessor: str) -> None:
        """Claim at once what a process of this machine held that is surely dead: nobody locks its local file.

        Raises UnavailableError when the fleet cannot be read.
        """
        observation = await self.parts.store.observe()
        known = [replace(row, dead=row.dead or row.id == predecessor) for row in observation.processes]
        # What is claimed may be of a generation that handles nothing yet.
        view = self.view = View(self.parts.member.id, replace(observation, processes=known))
        for row in view.shards:
            if row.owner == predecessor and view.is_unowned(row) and row.key not in self.held:
                await self._claim(claim(row, view, self.parts.new_token()), row)
        await self._do(declare_predecessor(predecessor))

    async def drop_all(self) -> None:
        """Let go of everything at once: this life is over."""
        await end_tasks(*self._tasks)
        everything = [*self.held.values(), *self.lingering]
        await asyncio.gather(*(held.drop(keep_local=True) for held in everything))
        for held in everything:
            self._tell_left(held.key)
        self.held.clear()
        self.lingering.clear()
        self.giving.clear()
        self._draining.clear()

    def spawn_giving(self, held: HeldShard) -> Giving:
        """Offer a shard, and see to what comes of it."""
        giving = self.giving[held.key] = Giving(held)
        self._spawn(self._give(giving), f"giving shard {held.key[1]}")
        return giving

    # ---- judging

    async def _judge(self, observation: Observation, asked_at: float, received_at: float) -> None:
        member, now = self.parts.member, received_at
        view = self.view = View(member.id, observation)
        self.seen_at = asked_at
        if view.mine is None:
            member.abandon()
        if member.is_abandoned:
            return
        self._see(view, asked_at)
        if not member.is_valid():
            for held in self.held.values():
                held.rows_may_be_forgotten()
        member.rows_read(asked_at)
        await self._declare(self._deaths.read(observation.processes, asked_at, received_at))
        if not member.is_valid():
            return
        for operation in missing_shards(view):
            await self._do(operation)
        self._acted = await self._turnover.decide(view, now) or self._acted
        await self._claim_all(view, now)
        self._take(view, now)
        self._offer(view, now)
        for held in await self._turnover.act(view, self.held.values(), asked_at, now):
            self._spawn_once(partial(self._drain, held), f"draining shard {held.key[1]} of {held.key[0]}")
        handled = [held for held in self.held.values() if held.is_live]
        await self._leftovers.look(view, handled)
        await self._leftovers.look_at_drained(view, self._turnover.unfinished, handled)
        await self._judge_ready(view, now)
        await self._purge(view, now)

    async def _declare(self, deaths: Sequence[Update]) -> None:
        for death in deaths:
            if await self._do(death):
                _LOG.warning("process %s has not beaten for 9 s: it is declared dead", death.key["id"])

    def _see(self, view: View, asked_at: float) -> None:
        """Let every shard see its row; end those that are lost, and take the doubtful ones anew."""
        rows = {row.key: row for row in view.shards}
        open_names = {row.name for row in view.open_generations}
        for key, held in [*self.held.items()]:
            held.see(rows.get(key), asked_at)
            if self._is_given_away(key):
                continue
            if key[0] not in open_names and not held.is_gone:
                _LOG.info("shard %d of generation %s is not needed any more", key[1], key[0])
                held.is_gone = True
            if held.state is Hold.LOST and not held.is_gone:
                _LOG.warning("shard %d belongs to somebody else: its connection is left", key[1])
                held.is_gone = True
            if held.is_gone:
                del self.held[key]
                self._spawn(self._passed(held) if held.may_be_passed else self._drop(held), f"end of shard {key[1]}")
            elif held.state is Hold.TO_RETAKE:
                self._spawn_once(held.retake, f"retaking shard {key[1]} of {key[0]}")

    def _is_given_away(self, key: ShardKey) -> bool:
        """Whether this process gives the shard away just now: a reading may show that before the write is answered."""
        return key in self.giving or key in self._draining

    async def _claim_all(self, view: View, now: float) -> None:
        claims = self._wanted_claims(view, now)
        rows = {row.key: row for row in view.shards}
        for operation in claims:
            key = (str(operation.key["generation"]), int(str(operation.key["id"])))
            await self._claim(operation, rows[key])
        if not claims:
            self._adopt(view)

    def _wanted_claims(self, view: View, now: float) -> Sequence[Update]:
        if self.parts.member.leaving or view.mine is None or view.mine.leaving:
            return ()
        if not self._only:
            return () if self._gathers(view, now) else self._claims.decide(view, now, self.parts.new_token)
        rows = [row for row in _open_rows(view) if row.id in self._only and view.is_unowned(row)]
        return [claim(row, view, self.parts.new_token()) for row in rows]

    def _adopt(self, view: View) -> None:
        """Hold what names this process as its owner and is not held: a claim whose result nobody knew.

        Not while it leaves: then it is a shard whose release nobody took, and whose events ended here.
        """
        if self.parts.member.leaving:
            return
        passed = {held.key for held in self.lingering}
        for row in _open_rows(view):
            if row.owner == view.me and row.key not in self.held and row.key not in passed:
                self._hold(row, row)

    def _gathers(self, view: View, now: float) -> bool:
        """Whether a fleet of which nobody holds anything is still coming together."""
        present = frozenset(row.id for row in view.alive)
        if present != self._present:
            self._present, self._present_since = present, now
        held = any(row.owner is not None and view.is_alive(row.owner) for row in view.shards)
        return not held and now - self._present_since < GATHER_FOR

    async def _claim(self, operation: Update, before: ShardRow) -> None:
        """Make one claim; hold the shard if it is won while this life is valid."""
        wanted = self.held.pop(before.key, None)
        if wanted is not None:
            await wanted.drop()
        if not await self._do(operation):
            return
        try:
            row = await self.parts.store.shard(*before.key)
        except UnavailableError:
            return
        if row is not None and row.token == operation.change["token"] and self.parts.member.is_valid():
            self.parts.observer.shard_claimed()
            self._hold(row, before)

    def _hold(self, row: ShardRow, before: ShardRow) -> None:
        local = self.parts.local
        point = resume_point(before, None if local is None else local.local(before))
        held = self.held[row.key] = HeldShard(row, self.parts, point, owned=True)
        if self.view is not None:
            self._turnover.mute(held, before, self.view)
        self._watch(held)
        if held.state is Hold.CLAIMED:
            held.start()

    def _take(self, view: View, now: float) -> None:
        if self.parts.member.leaving or self._only:
            return
        chosen = {row.key: row for row in self._takes.decide(view, now)}
        for key, held in self.held.items():
            if held.is_wanted and key not in chosen:
                held.give_up_want()
        for key, row in chosen.items():
            if key not in self.held:
                held = self.held[key] = HeldShard(row, self.parts, None, owned=False)
                self._watch(held)
                held.start()

    def _offer(self, view: View, now: float) -> None:
        for key in sorted(self._offers.decide(view, now)):
            held = self.held.get(key)
            if held is not None and held.state is Hold.LIVE and key not in self.giving:
                self.spawn_giving(held)
        offered = {key: one.offered_at for key, one in self.giving.items() if one.offered_at is not None}
        for key in self._offers.withdrawn(view, offered, now):
            self._spawn_once(self.giving[key].withdraw, f"withdrawing shard {key[1]}")

    async def _judge_ready(self, view: View, now: float) -> None:
        since = [at for held in self.held.values() if (at := held.steady_since) is not None]
        facts = Facts(database=True, modules=True, token=True, hello=True)
        self.not_ready = self._readiness.judge(facts, view, now, min(since, default=None)) or self._lacking(view)
        ready = self.not_ready is None
        if self._said_ready is not ready and await self.parts.member.say_ready(ready=ready):
            self._said_ready = ready

    def _lacking(self, view: View) -> str | None:
        """Return what a fleet that has just started lacks; None once it was complete: a death elsewhere is no fault."""
        if self._was_complete:
            return None
        live = view.live_generation
        if live is None:
            return "the fleet has no shards yet"
        there = {row.id for row in view.rows_of(live.name) if not view.is_unowned(row)}
        lacking = (self._only or frozenset(range(live.shard_count))) - there
        self._was_complete = not lacking
        return f"{len(lacking)} of {live.shard_count} shards have no owner yet" if lacking else None

    async def _purge(self, view: View, now: float) -> None:
        """Delete the rows of processes that have been dead for long. One process does, so that not all do."""
        dead = {row.id for row in view.all_processes if row.dead}
        self._dead_since = {one: self._dead_since.get(one, now) for one in dead}
        over = {row.name for row in view.generations if row.state in _OVER and any(view.rows_of(row.name))}
        self._over_since = {name: self._over_since.get(name, now) for name in over}
        if view.alive and view.alive[0].id == view.me:
            for name, since in self._over_since.items():
                if now - since >= FORGET_AFTER:
                    # Many thousand rows: nothing may wait for that.
                    self._spawn_once(partial(self._forget_generation, name), f"forgetting generation {name}")
            for one, since in self._dead_since.items():
                if now - since >= FORGET_AFTER:
                    await self.parts.store.forget_dead(one)

    async def _forget_generation(self, name: str) -> None:
        try:
            await self.parts.store.forget_generation(name)
        except (MigagaError, SQLAlchemyError) as error:
            _LOG.warning("rows of generation %s could not be deleted yet: %s", name, error)

    # ---- doing

    async def _give(self, giving: Giving) -> None:
        held, parts = giving.held, self.parts
        try:
            await giving.offer()
        finally:
            self.giving.pop(held.key, None)
        if giving.taker is None or held.holding is None:
            return
        if self.held.get(held.key) is held:
            del self.held[held.key]
        self._tell_left(held.key)
        handed = Handed(parts.member.id, giving.token, parts.clock.now())
        self._spawn(
            watch_handed(held, handed, partial(self._swapped_back, giving.taker)), f"hand-over of shard {held.key[1]}"
        )
        await self._linger(held)

    def _swapped_back(self, taker: str, row: ShardRow) -> None:
        """Hold again what a taker has not gone live with, and give that one nothing for a while."""
        self._offers.failed(taker, self.parts.clock.now())
        if row.key not in self.held:
            self._hold(row, row)

    def _watch(self, held: HeldShard) -> None:
        silence = self.parts.silence
        if silence is not None:
            silence.watch(Watched(held, self.parts.known_guilds))
            held.intake.heard = partial(silence.received, held.key)

    async def _drain(self, held: HeldShard) -> None:
        """End a shard of the generation before; its handlers go on."""
        self._draining.add(held.key)
        try:
            if not await Giving(held).drain():
                return
        finally:
            self._draining.discard(held.key)
        if self.held.get(held.key) is held:
            del self.held[held.key]
        self._tell_left(held.key)
        await self._linger(held)

    async def _linger(self, held: HeldShard) -> None:
        """Let handlers of a shard that is not this process's any more go on to their ends."""
        self.lingering.append(held)
        await held.intake.until_idle()
        # A row that names a living process is deleted by nobody else, and keeps a generation from being over.
        while not await held.forget_ended():
            await self.parts.clock.sleep(LOOK_EVERY)
        await held.drop()
        self.lingering.remove(held)

    async def _passed(self, held: HeldShard) -> None:
        """Let handlers of a shard go on that was passed on after all: nobody else runs what this process has begun."""
        held.forget_local()
        self._tell_left(held.key)
        await self._linger(held)

    async def _drop(self, held: HeldShard) -> None:
        await held.drop()
        if not held.is_wanted or held.key not in self.held:
            self._tell_left(held.key)

    def _tell_left(self, key: ShardKey) -> None:
        """Let modules and metrics forget a shard, but for guilds that are handled here by another one."""
        if self.parts.silence is not None and key not in self.held:
            self.parts.silence.unwatch(key)
        count, _ = bound_to(key[0])
        here = [other.key for other in self.held.values() if not other.is_wanted]

        def has_left(guild: int | None) -> bool:
            number = 0 if guild is None else guild >> 22
            return number % count == key[1] and not any(number % bound_to(name)[0] == one for name, one in here)

        self.parts.router.left(has_left)
        if not any(one == key[1] for _, one in here):
            self.parts.observer.shard_gone(key[1])

    async def _do(self, operation: Operation) -> bool:
        done = await self.parts.store.execute(operation) is Outcome.DONE
        self._acted = self._acted or done
        return done

    def _moves(self) -> bool:
        """Whether something is on its way, so that looking seldom would be waiting."""
        if self.view is None or self.parts.member.leaving or self.giving:
            return True
        view = self.view
        # From ARMED on the cut may come at any look: who sees a drain late cannot tell what the old shard had.
        if any(row.state in {GenerationState.ARMED, GenerationState.CUTTING} for row in view.generations):
            return True
        at_rest = {"LIVE", "DRAINED", "WARM"}
        return any(row.state not in at_rest or view.is_unowned(row) for row in view.shards) or (
            not self.live and self.not_ready is not None
        )

    def _spawn_once(self, work: Callable[[], Coroutine[object, object, None]], name: str) -> None:
        """Run something that must not run twice at a time."""
        if not any(task.get_name() == name for task in self._tasks):
            self._spawn(work(), name)

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._nudged.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("%s ended by an error", task.get_name(), exc_info=error)


def _open_rows(view: View) -> list[ShardRow]:
    """Return the shards of generations that are to be held."""
    return [row for generation in view.open_generations for row in view.of(generation.name)]
