"""A stock shard of hikari and one of ours, side by side on the same gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

import hikari
from hikari.impl.event_manager import EventManagerImpl
from hikari.impl.shard import GatewayShardImpl
from tests.integration.hikari_faults.scripted import BOT_ID, SESSION

from migaga.common.clock import MonotonicClock
from migaga.common.errors import CredentialsError
from migaga.continuity.local import resume_point
from migaga.fleet.held import HeldShard
from migaga.fleet.member import Member
from migaga.fleet.parts import Parts, ShardKey, random_token
from migaga.gateway.discord import DiscordApp
from migaga.gateway.events import FleetEventManager
from migaga.gateway.handling import Handlers, PutAside
from migaga.gateway.identify import Budget, IdentifyGate
from migaga.gateway.observer import Unobserved
from migaga.gateway.received import Received
from migaga.gateway.shard import ShardLife, Shared
from migaga.gateway.token import BotToken
from migaga.storage.database import open_database
from migaga.storage.leases import LeaseStore, open_lease_store
from migaga.storage.leases_operations import Insert, Outcome
from migaga.storage.leases_rows import ShardPhase, ShardRow
from migaga.storage.schema import upgrade

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

    def refuse(self, event: Received, reason: str) -> Handlers | None:
        """Nobody waits for an answer here."""

    def left(self, has_left: Callable[[int | None], bool]) -> None:
        """Nothing is kept of a guild."""

    async def until(self, count: int) -> None:
        """Wait until so many events are handled."""
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: len(self.done) >= count)


class TellingBreaker:
    """Opens for good at the first refusal, and tells the test of it."""

    def __init__(self, failed: asyncio.Future[None]) -> None:
        self._failed = failed
        self._closed = asyncio.Event()
        self._closed.set()

    async def until_closed(self) -> None:
        await self._closed.wait()

    async def refused(self, reason: str) -> None:
        self._closed.clear()
        self._failed.set_exception(CredentialsError(reason))


@dataclass
class Ours:
    """A running shard of ours, held under a lease in a database."""

    held: HeldShard
    router: NotingRouter
    store: LeaseStore
    manager: FleetEventManager
    clock: QuickClock
    failed: asyncio.Future[None]
    """Ends with what the shard cannot go on with."""

    @property
    def life(self) -> ShardLife:
        return self.held.life

    async def stored(self) -> ShardRow:
        row = await self.store.shard(*self.held.key)
        assert row is not None
        return row


@asynccontextmanager
async def our_shard(
    url: str, *, resume: tuple[str, int] | None = None, router: NotingRouter | None = None
) -> AsyncIterator[Ours]:
    """Run a shard of ours; `resume` is the resume url and watermark of a stored session."""
    clock, router = QuickClock(), router or NotingRouter()
    failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    shared = _shared(url, clock)
    async with open_database("sqlite+aiosqlite://") as database, open_lease_store(database) as store:
        await upgrade(database, [])
        # Its life is real: beats at their own pace, however short the connection's waits are cut.
        member = Member(store, MonotonicClock(), revision=0, capacity=1, address="", new_id=random_token)
        await member.join()
        row = ShardRow(GENERATION, 0, owner=member.id, token=random_token(), state=ShardPhase.CLAIMED)
        if resume is not None:
            row = replace(row, session_id=SESSION, resume_url=resume[0], seq=resume[1])
        assert await store.execute(Insert("shard", asdict(row))) is Outcome.DONE
        parts = Parts(
            store=store,
            member=member,
            clock=clock,
            observer=Unobserved(),
            router=router,
            breaker=TellingBreaker(failed),
            local=None,
            shared=lambda generation: shared,
            silence=None,
            known_guilds=_no_guilds,
            new_token=random_token,
            fail=failed.set_exception,
        )
        held = HeldShard(row, parts, resume_point(row, None), owned=True)
        beats = asyncio.create_task(member.beat(), name="beats")
        held.start()
        try:
            yield Ours(held, router, store, shared.manager, clock, failed)
        finally:
            await held.drop()
            beats.cancel()
            failed.cancel()
            await asyncio.gather(beats, failed, return_exceptions=True)


async def _no_guilds(key: ShardKey) -> Sequence[int]:
    return ()


def _shared(url: str, clock: QuickClock) -> Shared:
    app = DiscordApp(HTTP, PROXY)
    factory = hikari.impl.EventFactoryImpl(app)
    budget = Budget(1_000, 1_000, timedelta(hours=1), 1)

    async def same() -> Budget:
        return budget

    return Shared(
        token=BotToken(BOT_ID, TOKEN),
        gateway_url=url,
        shard_count=1,
        intents=INTENTS,
        bot_user_id=hikari.Snowflake(BOT_ID),
        http=HTTP,
        proxy=PROXY,
        manager=FleetEventManager(app.entity_factory, factory, INTENTS),
        event_factory=factory,
        turns=IdentifyGate(budget, same, clock, Unobserved()),
        clock=clock,
        observer=Unobserved(),
    )


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
