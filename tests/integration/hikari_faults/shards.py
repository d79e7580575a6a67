"""A stock shard of hikari and one of ours, side by side on the same gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import hikari
from hikari.impl.event_manager import EventManagerImpl
from hikari.impl.shard import GatewayShardImpl
from tests.integration.hikari_faults.scripted import BOT_ID, SESSION

from migaga.common.clock import MonotonicClock
from migaga.gateway.discord import DiscordApp
from migaga.gateway.events import FleetEventManager
from migaga.gateway.identify import Budget, IdentifyGate
from migaga.gateway.intake import Handlers, Intake, PutAside
from migaga.gateway.observer import Unobserved
from migaga.gateway.received import Received
from migaga.gateway.runner import ShardRunner
from migaga.gateway.sessions import SessionKeeper
from migaga.gateway.shard import ShardLife, Shared
from migaga.storage.database import open_database
from migaga.storage.schema import upgrade
from migaga.storage.sessions import SessionStore, StoredSession

INTENTS = hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES
TOKEN = "MTExMTExMTExMTExMTExMTEx.scripted.token"
GENERATION = "test"
HTTP = hikari.impl.HTTPSettings(force_close_transports=False)
PROXY = hikari.impl.ProxySettings()


class QuickClock(MonotonicClock):
    """Real time for everything but waits, which are noted and cut short."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.waits.append(seconds)
        await asyncio.sleep(min(max(seconds, 0), 0.01))


class NotingRouter:
    """Runs one handler for every event: notes it, then waits as long as the test wants."""

    def __init__(self) -> None:
        self.seen: list[Received] = []
        self.done: list[int] = []
        self.changed = asyncio.Condition()
        self.blocked: dict[int, asyncio.Event] = {}

    def route(self, event: Received) -> Handlers:
        async def handle(put_aside: PutAside) -> None:
            self.seen.append(event)
            if event.seq in self.blocked:
                await self.blocked[event.seq].wait()
            self.done.append(event.seq)
            async with self.changed:
                self.changed.notify_all()

        return handle

    async def until(self, count: int) -> None:
        """Wait until so many events are handled."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: len(self.done) >= count)


@dataclass
class Ours:
    """A running shard of ours."""

    runner: ShardRunner
    router: NotingRouter
    keeper: SessionKeeper
    store: SessionStore
    manager: FleetEventManager
    clock: QuickClock
    task: asyncio.Task[None]
    life: ShardLife = field(init=False)

    def __post_init__(self) -> None:
        self.life = self.runner.life

    async def stored(self) -> StoredSession | None:
        return (await self.store.load(GENERATION)).get(0)


@asynccontextmanager
async def our_shard(
    url: str, *, resume: tuple[str, int] | None = None, limit: int = 1_000, router: NotingRouter | None = None
) -> AsyncIterator[Ours]:
    """Run a shard of ours; `resume` is the resume url and watermark of a stored session."""
    clock, observer, router = QuickClock(), Unobserved(), router or NotingRouter()
    app = DiscordApp(HTTP, PROXY)
    factory = hikari.impl.EventFactoryImpl(app)
    manager = FleetEventManager(app.entity_factory, factory, INTENTS)
    budget = Budget(1_000, 1_000, timedelta(hours=1), 1)

    async def same() -> Budget:
        return budget

    async with open_database("sqlite+aiosqlite://") as database:
        await upgrade(database, [])
        store = SessionStore(database)
        keeper = SessionKeeper(store, GENERATION, clock, observer)
        shared = Shared(
            token=TOKEN,
            gateway_url=url,
            shard_count=1,
            intents=INTENTS,
            bot_user_id=hikari.Snowflake(BOT_ID),
            http=HTTP,
            proxy=PROXY,
            manager=manager,
            event_factory=factory,
            gate=IdentifyGate(budget, same, clock, observer),
            keeper=keeper,
            clock=clock,
            observer=observer,
        )
        stored = None if resume is None else StoredSession(0, SESSION, *resume)
        runner = ShardRunner(ShardLife(0, Intake(0, router, observer, limit=limit)), shared, stored)
        ours = Ours(runner, router, keeper, store, manager, clock, asyncio.create_task(runner.run()))
        try:
            yield ours
        finally:
            runner.abandon()
            await runner.leave()
            ours.task.cancel()
            await asyncio.gather(ours.task, return_exceptions=True)


class StockManager(EventManagerImpl):
    """hikari's own event manager, which also notes what it is given."""

    def __init__(self, app: DiscordApp, factory: hikari.api.EventFactory) -> None:
        super().__init__(app.entity_factory, factory, INTENTS, cache=None)


@asynccontextmanager
async def stock_shard(
    url: str, *, resume: tuple[str, int] | None = None
) -> AsyncIterator[tuple[GatewayShardImpl, EventManagerImpl]]:
    """Make, but do not start, a shard as hikari ships it."""
    app = DiscordApp(HTTP, PROXY)
    factory = hikari.impl.EventFactoryImpl(app)
    manager = StockManager(app, factory)
    shard = GatewayShardImpl(
        intents=INTENTS,
        http_settings=HTTP,
        proxy_settings=PROXY,
        event_manager=manager,
        event_factory=factory,
        token=TOKEN,
        url=url,
    )
    if resume is not None:
        shard._resume_gateway_url, shard._seq = resume
        shard._session_id = SESSION
    try:
        yield shard, manager
    finally:
        if shard._keep_alive_task is not None:
            await shard.close()
        await _end_leaked()


async def _end_leaked() -> None:
    """End what stock hikari has left behind, so that the harness does not blame the test."""
    leaked = [task for task in asyncio.all_tasks() if task.get_name().startswith(("heartbeat", "poll events"))]
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
