"""The shards of this process: which they are, how they start, how they stop so that nothing is lost.

The composition root makes one `Fleet`. Which shards a process runs comes in as `FleetPlan`: now from the
configuration, and whatever decides it otherwise hands in another plan.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import hikari
from hikari import urls

from migaga.common import logs
from migaga.common.clock import Clock
from migaga.common.errors import ConfigError
from migaga.gateway.discord import Discord, GatewayInfo
from migaga.gateway.events import FleetEventManager
from migaga.gateway.identify import Budget, GateStatus, IdentifyGate
from migaga.gateway.intake import Intake, Router
from migaga.gateway.observer import Observer
from migaga.gateway.runner import ShardRunner
from migaga.gateway.sessions import SessionKeeper
from migaga.gateway.shard import ShardLife, ShardState, Shared
from migaga.storage.sessions import SessionStore

_LOG = logging.getLogger(__name__)

LAST_FLUSH = 5.0
"""Seconds that the last storing of sessions may take."""
KEPT_UP_TO = 2
"""Times the count of the stored sessions that Discord may recommend before the count is changed without being asked."""


@dataclass(frozen=True, slots=True)
class FleetPlan:
    """Which shards of how many, with which intents."""

    count: int
    ids: tuple[int, ...]
    intents: hikari.Intents
    recommended: int | None = None
    """The count that Discord recommends."""
    advice: str | None = None
    """What people should know about the count: it was kept though Discord recommends another one."""

    @property
    def generation(self) -> str:
        """Name what sessions are bound to: another count, other intents or API version cannot resume them."""
        return f"{self.count}:{_bound_to(self.intents)}"

    @classmethod
    def choose(
        cls,
        wanted: int | str,
        ids: Sequence[int],
        intents: hikari.Intents,
        recommended: int,
        generations: Sequence[str] = (),
    ) -> FleetPlan:
        """Settle count and ids: `wanted` is a number or `recommended`, no ids mean all.

        Another count would end all sessions. So what Discord recommends decides the first start; later ones keep the
        count of the newest of the stored `generations` with these intents while it fits: Discord recommends a shard for
        about 1,000 guilds and closes one with more than 2,500 (4011).

        Raises ConfigError for an id that does not exist.
        """
        count = wanted if isinstance(wanted, int) else kept_count(generations, intents, recommended)
        wrong = [shard_id for shard_id in ids if not 0 <= shard_id < count]
        if wrong:
            raise ConfigError(
                f"there is no shard {wrong[0]} among {count}: ids go from 0 to {count - 1}. "
                "Correct Ids or Count in section [Shards]."
            )
        advice = None if isinstance(wanted, int) or count == recommended else _advice(count, recommended)
        return cls(count, tuple(ids) or tuple(range(count)), intents, recommended, advice)


def kept_count(generations: Sequence[str], intents: hikari.Intents, recommended: int) -> int:
    """Return the count of the newest stored generation that fits, else what Discord recommends."""
    for generation in generations:
        count, _, rest = generation.partition(":")
        if rest == _bound_to(intents) and count.isdigit():
            return int(count) if recommended <= KEPT_UP_TO * int(count) else recommended
    return recommended


def _advice(count: int, recommended: int) -> str:
    return (
        f"Discord recommends {recommended} shards, the sessions of {count} are kept. "
        f"Set Count = {recommended} in section [Shards] to change over: every shard then identifies anew."
    )


def _bound_to(intents: hikari.Intents) -> str:
    """Name what beside the count a session is bound to."""
    return f"{int(intents)}:v{urls.VERSION}"


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One shard as the status page shows it. Never holds a session id."""

    shard_id: int
    state: ShardState
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


class Fleet:
    """The shards of one process."""

    def __init__(
        self,
        discord: Discord,
        plan: FleetPlan,
        info: GatewayInfo,
        *,
        manager: FleetEventManager,
        router: Router,
        store: SessionStore,
        clock: Clock,
        observer: Observer,
    ) -> None:
        self.plan = plan
        self._clock = clock
        self._router = router
        self._observer = observer
        self._keeper = SessionKeeper(store, plan.generation, clock, observer)
        self._discord = discord
        self._gate = IdentifyGate(info.budget, self._budget, clock, observer)
        self._shared = Shared(
            token=discord.credentials.token,
            gateway_url=info.url,
            shard_count=plan.count,
            intents=plan.intents,
            bot_user_id=discord.user.id,
            http=discord.app.http_settings,
            proxy=discord.app.proxy_settings,
            manager=manager,
            event_factory=discord.event_factory,
            gate=self._gate,
            keeper=self._keeper,
            clock=clock,
            observer=observer,
        )
        self._runners: list[ShardRunner] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start every shard: those with a stored session RESUME at once, the others IDENTIFY in turn.

        Returns when they are on their way; `status` tells how far they are.
        """
        stored = await self._keeper.load()
        logs.protect(*(session.session_id for session in stored.values()))
        for shard_id in self.plan.ids:
            life = ShardLife(shard_id, Intake(shard_id, self._router, self._observer), since=self._clock.now())
            self._runners.append(ShardRunner(life, self._shared, stored.get(shard_id)))
        resuming = sum(runner.will_resume for runner in self._runners)
        _LOG.info(
            "starting %d of %d shards: %d resume, %d identify",
            len(self._runners),
            self.plan.count,
            resuming,
            len(self._runners) - resuming,
        )
        if self.plan.advice:
            _LOG.warning("%s", self.plan.advice)
        self._tasks = [
            asyncio.create_task(runner.run(), name=f"runner of shard {runner.life.shard_id}")
            for runner in self._runners
        ]
        self._flusher = asyncio.create_task(self._keeper.run(), name="session keeper")

    async def wait(self) -> None:
        """Wait until the shards are stopped. Raises MigagaError when one may not go on (token, intents, count)."""
        await asyncio.gather(*self._tasks)

    async def stop(self, grace: timedelta) -> None:
        """Stop so that the next process goes on where this one was.

        No further event is taken; running handlers have `grace` to end, and what has not ended by then comes again;
        the watermarks are stored; the connections are closed with their sessions alive.
        """
        for runner in self._runners:
            runner.pause()
        cancelled = await asyncio.gather(*(runner.drain(grace) for runner in self._runners))
        if sum(cancelled):
            _LOG.warning(
                "%d events were not finished in %.1f s, they come again", sum(cancelled), grace.total_seconds()
            )
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_FLUSH):
                await self._keeper.flush()
        await asyncio.gather(*(runner.leave() for runner in self._runners))
        await _end([*self._tasks, *([self._flusher] if self._flusher else [])])
        _LOG.info("%d shards have stopped, their sessions stay", len(self._runners))

    def cut_grace(self) -> None:
        """End the grace of a running `stop`: handlers are cancelled, their events come again."""
        for runner in self._runners:
            runner.abandon()

    def status(self) -> list[ShardStatus]:
        """Return how each shard is now."""
        now = self._clock.now()
        return [_status(runner.life, now) for runner in self._runners]

    def gate_status(self) -> GateStatus:
        """Return the IDENTIFY budget as it is known now."""
        return self._gate.status()

    @property
    def is_live(self) -> bool:
        """Whether every shard is connected with a session."""
        return bool(self._runners) and all(runner.life.state is ShardState.LIVE for runner in self._runners)

    async def _budget(self) -> Budget:
        return (await self._discord.gateway()).budget


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _status(life: ShardLife, now: float) -> ShardStatus:
    watermark = life.intake.watermark
    return ShardStatus(
        shard_id=life.shard_id,
        state=life.state,
        for_seconds=now - life.since,
        latency=life.latency,
        in_flight=life.intake.in_flight,
        put_aside=life.intake.put_aside,
        watermark=watermark.value,
        watermark_lag=watermark.lag,
        resumes=life.resumes,
        identifies=life.identifies,
        reason=life.reason,
    )
