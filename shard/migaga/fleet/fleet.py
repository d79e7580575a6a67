"""The shards of this process among those of its fleet: how it joins, what it holds, how it leaves unnoticed.

The composition root makes one `Fleet`. Everything that others may not do at the same time is a row in the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import hikari

from migaga.common.clock import Clock
from migaga.common.ending import end_tasks
from migaga.common.errors import MigagaError, UnavailableError
from migaga.fleet.flusher import keep_flushing
from migaga.fleet.giving import Giving
from migaga.fleet.held import HeldShard
from migaga.fleet.member import Member
from migaga.fleet.parts import Breaker, Parts, ShardKey, no_guilds, random_token
from migaga.fleet.plan import FleetPlan, bound_to
from migaga.fleet.silence import SilenceWatch
from migaga.fleet.statefile import open_state
from migaga.fleet.steward import Steward
from migaga.fleet.turnover import Change
from migaga.gateway.discord import Discord, GatewayInfo
from migaga.gateway.events import FleetEventManager
from migaga.gateway.handling import Router
from migaga.gateway.hello import hear_hello
from migaga.gateway.lease import IdentifyTurns
from migaga.gateway.observer import Observer
from migaga.gateway.shard import ShardState, Shared
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_rows import GenerationRow

_LOG = logging.getLogger(__name__)

HELLO_AGAIN = 5.0
"""Seconds until a gateway that did not answer is tried again."""
SEEN_WITHIN = 2.0
"""Seconds that a process which leaves waits for a reading of who is there."""
LAST_SECONDS = 3.0
"""Seconds before the end of the grace at which what nobody has taken is released (P5)."""
LOOK_EVERY = 0.05


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One shard as the status page shows it. Never holds a session id."""

    shard_id: int
    generation: str
    state: ShardState
    lease: str
    """How far it is this process's: `claimed`, `live`, `offered`, `passing` ..., or `wanted`."""
    is_ahead: bool
    """Of a generation that is not cut in yet: it keeps what it gets."""
    for_seconds: float
    latency: float | None
    """Seconds of the last heartbeat."""
    in_flight: int
    put_aside: int
    """Events whose handlers wait, or have waited, for people. They hold nothing up."""
    watermark: int | None
    watermark_lag: int
    """Events received after the watermark."""
    resumes: int
    identifies: int
    reason: str | None
    """Why its last connection ended."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Everything that connections are made with."""

    discord: Discord
    info: GatewayInfo
    manager: FleetEventManager
    turns: IdentifyTurns
    breaker: Breaker


class Fleet:
    """This process's part of its fleet."""

    def __init__(
        self,
        gateway: Gateway,
        plan: FleetPlan,
        member: Member,
        *,
        router: Router,
        store: LeaseStore,
        clock: Clock,
        observer: Observer,
        change: Change | None = None,
        silence: SilenceWatch | None = None,
        known_guilds: Callable[[ShardKey], Awaitable[Sequence[int]]] = no_guilds,
        state_directory: Path | None = None,
        wait_for_taker: timedelta = timedelta(0),
        new_token: Callable[[], str] = random_token,
    ) -> None:
        """Take the parts of the process.

        Args:
            gateway: What connections are made with.
            plan: What sessions should be bound to.
            member: This process, which joins in `start`.
            router: What events go to.
            store: The tables of ownership.
            clock: Own time.
            observer: Who counts.
            change: How the fleet gets from the sessions that it has to those of the plan.
            silence: Looks for shards that hear nothing.
            known_guilds: Tells some guilds of a shard, to ask a silent one about.
            state_directory: Where the local file lies; None: there is none.
            wait_for_taker: How long to wait for a process that still starts, when nobody else is there.
            new_token: Draws what nobody else draws.
        """
        self.plan = plan
        self.member = member
        self._state_directory = state_directory
        self._wait_for_taker = wait_for_taker.total_seconds()
        self._gateway = gateway
        self._clock = clock
        self._shared: dict[str, Shared] = {}
        self._parts = Parts(
            store=store,
            member=member,
            clock=clock,
            observer=observer,
            router=router,
            breaker=gateway.breaker,
            local=None,
            shared=self._shared_by,
            silence=silence,
            known_guilds=known_guilds,
            new_token=new_token,
            fail=self._fail,
        )
        self._change = change or Change(plan.wish, _no_obstacle)
        self._steward = Steward(self._parts, self._change, plan.ids)
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lives: asyncio.Task[None] | None = None
        self._cut = asyncio.Event()
        self._leaving = False

    async def start(self) -> None:
        """Join the fleet once Discord's gateway has answered. Shards follow; `status` tells which."""
        await self._until_hello()
        if self.plan.advice:
            _LOG.warning("%s", self.plan.advice)
        await self.member.join()
        _LOG.info("this process is %s of revision %d", self.member.id, self.member.row.revision)
        await self._open_local()
        self._lives = asyncio.create_task(self._live(), name="fleet")

    async def wait(self) -> None:
        """Wait for ever. Raises MigagaError when a shard may not go on (intents, count)."""
        await asyncio.shield(self._failure)

    async def stop(self, grace: timedelta, on_release: Callable[[], None] = lambda: None) -> None:
        """Leave so that nobody notices.

        While another process may take the shards they are served on; the others are released 3 s before the end of
        `grace`, or at once when nobody is there to take them; `on_release` is called then: from now on nobody may be
        waited for. Handlers that do not end in time come again elsewhere.
        """
        end = self._clock.now() + grace.total_seconds()
        if self._lives is not None:
            self._leaving = True
            await self._offer_all(end)
            on_release()
            await self._release_all(end)
            await end_tasks(self._lives)
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_SECONDS):
                    await self.member.leave()
        if self._parts.local is not None:
            await asyncio.to_thread(self._parts.local.close)
        if not self._failure.done():
            self._failure.cancel()
        _LOG.info("this process has left its fleet, the sessions stay")

    def expect_nobody(self) -> None:
        """Wait for no process that could still come, from now on: the whole fleet stops."""
        self._wait_for_taker = 0.0

    def cut_grace(self) -> None:
        """End the grace of a running `stop`: shards are released now, their unfinished events come again."""
        self._cut.set()
        for held in (*self._steward.held.values(), *self._steward.lingering):
            held.intake.abandon()

    def status(self) -> list[ShardStatus]:
        """Return how each shard of this process is now."""
        now = self._clock.now()
        held = sorted(self._steward.held.values(), key=lambda one: one.key)
        return [_status(one, now) for one in held]

    def heard(self, recommended: int) -> None:
        """Take the shard count that Discord recommends now, for the status. What the fleet does, its plan decides."""
        before, self.plan = self.plan.advice, self.plan.recommending(recommended)
        if self.plan.advice not in {None, before}:
            _LOG.warning("%s", self.plan.advice)

    @property
    def shard_ids(self) -> tuple[int, ...]:
        """The shards whose events are handled here now."""
        live = self._live_generation
        return tuple(sorted(one.key[1] for one in self._steward.live if live is not None and one.key[0] == live.name))

    @property
    def obstacle(self) -> str | None:
        """Why the fleet does not change to what its configuration wishes."""
        return self._steward.obstacle

    @property
    def is_live(self) -> bool:
        """Whether this process holds shards, and each is connected with a session."""
        held = [one for one in self._steward.held.values() if not one.is_wanted and one.kept is None]
        return bool(held) and all(one.is_live and one.life.state is ShardState.LIVE for one in held)

    @property
    def generations(self) -> Sequence[GenerationRow]:
        """The generations as they were read last."""
        view = self._steward.view
        return () if view is None else view.generations

    @property
    def shard_count(self) -> int:
        """How many shards the fleet has."""
        live = self._live_generation
        return self.plan.count if live is None else live.shard_count

    @property
    def _live_generation(self) -> GenerationRow | None:
        view = self._steward.view
        return None if view is None else view.live_generation

    def not_ready(self) -> list[str]:
        """Return why this process is not Ready, in words; nothing when it is."""
        if self._leaving:
            return ["it hands its shards over"]
        reasons = [reason for reason in (self.member.trouble, self._steward.not_ready) if reason]
        reasons += [
            f"shard {one.shard_id} is {one.state}" + (f" ({one.reason})" if one.reason else "")
            for one in self.status()
            if one.state is not ShardState.LIVE and one.lease != "wanted" and not one.is_ahead
        ]
        return reasons

    # ---- lives

    async def _live(self) -> None:
        """Live; after being declared dead, let go of everything and live again under a new id."""
        while True:
            steward = self._steward
            beats = asyncio.create_task(self.member.beat(), name="beats")
            rounds = asyncio.create_task(steward.run(), name="steward")
            flushes = asyncio.create_task(
                keep_flushing(steward, self._clock, self._parts.observer),
                name="flusher",
            )
            try:
                await self.member.until_abandoned()
            finally:
                await end_tasks(rounds, flushes)
                await steward.drop_all()
                await end_tasks(beats)
            if self._leaving:
                return
            await self.member.join()
            if self._parts.local is not None:
                self._parts.local.rename(self.member.id)
            self._steward = Steward(self._parts, self._change, self.plan.ids)

    async def _until_hello(self) -> None:
        app = self._gateway.discord.app
        while True:
            try:
                await hear_hello(self._gateway.info.url, app.http_settings, app.proxy_settings)
            except UnavailableError as error:
                _LOG.error("%s", error)
                await self._clock.sleep(HELLO_AGAIN)
            else:
                return

    async def _open_local(self) -> None:
        """Open the local file, and take over at once from processes of this machine that are surely dead."""
        if self._state_directory is None:
            return
        try:
            state = await asyncio.to_thread(open_state, self._state_directory, self.member.id)
        except MigagaError as error:
            _LOG.warning("%s", error)
            return
        for reason in state.ignored:
            _LOG.warning("local state is ignored: %s", reason)
        self._parts = replace(self._parts, local=state)
        self._steward = Steward(self._parts, self._change, self.plan.ids)
        for process_id in {one.process_id for one in state.predecessors if one.process_id is not None}:
            _LOG.info("taking over from process %s, which has died on this machine", process_id)
            await self._steward.take_over(process_id)
        await asyncio.to_thread(state.taken_over)

    def _fail(self, error: MigagaError) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)

    def _shared_by(self, generation: str) -> Shared:
        """Return what connections of a generation share."""
        if generation not in self._shared:
            count, intents = bound_to(generation)
            self._shared[generation] = self._make_shared(count, intents)
        return self._shared[generation]

    def _make_shared(self, count: int, intents: hikari.Intents) -> Shared:
        discord = self._gateway.discord
        return Shared(
            token=discord.token,
            gateway_url=self._gateway.info.url,
            shard_count=count,
            intents=intents,
            bot_user_id=discord.user.id,
            http=discord.app.http_settings,
            proxy=discord.app.proxy_settings,
            manager=self._gateway.manager,
            event_factory=discord.event_factory,
            turns=self._gateway.turns,
            clock=self._clock,
            observer=self._parts.observer,
        )

    # ---- leaving

    async def _offer_all(self, end: float) -> None:
        """Say that this process leaves, and serve on while somebody may take its shards."""
        began = self._clock.now()
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                while not (
                    await self.member.say_leaving(end - began) or self.member.is_abandoned or self._cut.is_set()
                ):
                    await self._clock.sleep(LOOK_EVERY)
        self._steward.nudge()
        while self._steward.held and not self._cut.is_set():
            now = self._clock.now()
            if now >= end - LAST_SECONDS or not self._may_be_taken(began, now - began):
                return
            await self._clock.sleep(LOOK_EVERY)

    def _may_be_taken(self, began: float, waited: float) -> bool:
        """Whether a process is there that stays, or one may still come. What was read before says nothing of one that
        has come since."""
        view = self._steward.view
        is_old = view is None or self._steward.seen_at < began
        if is_old and waited < SEEN_WITHIN:
            return True
        others = view is None or any(row.id != self.member.id for row in view.staying)
        return others or waited < self._wait_for_taker

    async def _release_all(self, end: float) -> None:
        """Release what nobody has taken; handlers that go on, also those of shards passed on, have until `end`."""
        steward = self._steward
        left = timedelta(0) if self._cut.is_set() else timedelta(seconds=max(0.0, end - self._clock.now()))
        held = [one for one in steward.held.values() if not one.is_wanted]
        unfinished = await asyncio.gather(*(Giving(one).release(left) for one in held))
        lingering = [*steward.lingering]
        for one in lingering:
            rest = 0.0 if self._cut.is_set() else max(0.0, end - self._clock.now())
            await one.intake.settle(rest)
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_SECONDS):
                for one in (*held, *lingering):
                    while not await one.forget_ended():
                        await self._clock.sleep(LOOK_EVERY)
        if count := sum(unfinished) + sum(one.intake.in_flight for one in lingering):
            _LOG.warning("%d events were not finished in time, they come again", count)


def _status(held: HeldShard, now: float) -> ShardStatus:
    life, progress = held.life, held.intake.progress
    return ShardStatus(
        shard_id=held.key[1],
        generation=held.key[0],
        state=life.state,
        lease="wanted" if held.state is None else held.state.name.lower(),
        is_ahead=held.kept is not None,
        for_seconds=now - life.since,
        latency=life.latency,
        in_flight=held.intake.in_flight,
        put_aside=held.intake.put_aside,
        watermark=progress.seq if progress.session_id else None,
        watermark_lag=progress.lag,
        resumes=life.resumes,
        identifies=life.identifies,
        reason=life.reason,
    )


async def _no_obstacle(count: int) -> str | None:
    return None
