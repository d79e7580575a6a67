"""Real shards of ours on the emulator, under a watch whose seconds are short."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import hikari
from tests.integration.emulator_gateway.conftest import Stage

from migaga.common.alive import AlwaysAlive
from migaga.common.clock import MonotonicClock
from migaga.fleet.silence import SilenceWatch
from migaga.gateway.discord import DiscordApp
from migaga.gateway.events import FleetEventManager
from migaga.gateway.handling import Handlers, PutAside
from migaga.gateway.intake import Intake
from migaga.gateway.observer import Unobserved
from migaga.gateway.privates import Session
from migaga.gateway.received import Received
from migaga.gateway.runner import ShardRunner
from migaga.gateway.shard import ShardLife, Shared
from migaga.gateway.token import BotToken

GENERATION = "1"
INTENTS = hikari.Intents.GUILDS | hikari.Intents.GUILD_MESSAGES | hikari.Intents.GUILD_MESSAGE_TYPING
HTTP = hikari.impl.HTTPSettings(force_close_transports=False)
PROXY = hikari.impl.ProxySettings()
SECOND = 0.05
"""How long a second of the watch lasts."""


class ShortSeconds:
    """The watch's clock: a second is short, and none is ever missed, however busy the machine is."""

    def __init__(self) -> None:
        self._now = 0.0
        self._passed = asyncio.Condition()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds * SECOND)
        self._now += seconds
        async with self._passed:
            self._passed.notify_all()

    async def go(self, seconds: float) -> None:
        """Wait until so much time has passed."""
        until = self._now + seconds
        async with self._passed:
            await self._passed.wait_for(lambda: self._now >= until)


class Handling:
    """Handles every event at once, and notes it for the ledger."""

    def __init__(self) -> None:
        self.done: list[tuple[str, Mapping[str, object]]] = []

    def route(self, event: Received) -> Handlers:
        async def handle(put_aside: PutAside) -> None:
            self.done.append((event.name, event.payload))

        return handle

    def refuse(self, event: Received, reason: str) -> Handlers | None:
        return None

    def left(self, has_left: object) -> None: ...


class Turns:
    """Everybody's turn to IDENTIFY: each shard has a bucket of its own."""

    @asynccontextmanager
    async def turn(self, shard_id: int, *, recovery: bool) -> AsyncIterator[Turns]:
        yield self

    async def take(self) -> bool:
        return True

    def sent(self) -> None: ...

    def answered(self) -> None: ...


class Lease:
    """A shard that nobody else wants."""

    is_recovery = False

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def until_connectable(self) -> None: ...

    async def session(self, current: Session) -> Session | None:
        return current

    async def began(self, session: Session) -> None:
        self._intake.begin_session(session.session_id, session.seq, ready=True)
        self._intake.open()

    def may_connect(self) -> bool:
        return True

    def resumed(self) -> None: ...

    def stored_seq(self, session_id: str | None) -> int | None:
        return self._intake.point().seq


class ListeningManager(FleetEventManager):
    """Tells the watch of every dispatch."""

    watch: SilenceWatch

    def consume_raw_event(
        self, event_name: str, shard: hikari.api.GatewayShard, payload: Mapping[str, object] | None
    ) -> None:
        self.watch.received((GENERATION, shard.id), event_name, payload or {})
        super().consume_raw_event(event_name, shard, payload)


@dataclass
class Watched:
    """A running shard as the watch sees it."""

    runner: ShardRunner
    known: Sequence[int] = ()
    reasons: list[str] = field(default_factory=list)
    closing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, int]:
        return GENERATION, self.runner.life.shard_id

    @property
    def is_listening(self) -> bool:
        connection = self.runner.connection
        return connection.is_live and not connection.is_held

    async def known_guilds(self) -> Sequence[int]:
        return self.known

    async def probe(self, guild_id: int, nonce: str) -> bool:
        return await self.runner.connection.ask_member(guild_id, nonce)

    def reconnect(self, reason: str) -> None:
        self.reasons.append(reason)
        task = asyncio.create_task(self.runner.connection.reconnect(reason), name="close")
        self.closing.add(task)
        task.add_done_callback(self.closing.discard)


@dataclass
class Fleet:
    """Shards, and what they have handled."""

    shards: list[Watched]
    handling: Handling
    clock: ShortSeconds

    async def settle(self, stage: Stage) -> None:
        """Tell the ledger what was handled, once everything that was sent has been."""
        async with asyncio.timeout(10):
            told = 0
            while (await stage.control.ledger()).lost:
                fresh, told = self.handling.done[told:], len(self.handling.done)
                await stage.control.handled(fresh)
                await asyncio.sleep(0.05)


@asynccontextmanager
async def fleet(stage: Stage, count: int, known: Mapping[int, Sequence[int]]) -> AsyncIterator[Fleet]:
    """Run so many shards; `known` are the guilds that the fleet knows of each."""
    observer, handling = Unobserved(), Handling()
    app = DiscordApp(HTTP, PROXY)
    factory = hikari.impl.EventFactoryImpl(app)
    manager = ListeningManager(app.entity_factory, factory, INTENTS)
    clock = ShortSeconds()
    manager.watch = SilenceWatch(clock, Ignored())
    shared = Shared(
        token=BotToken(stage.bot, stage.token),
        gateway_url=stage.url,
        shard_count=count,
        intents=INTENTS,
        bot_user_id=hikari.Snowflake(stage.bot),
        http=HTTP,
        proxy=PROXY,
        manager=manager,
        event_factory=factory,
        turns=Turns(),
        clock=MonotonicClock(),
        observer=observer,
    )
    shards: list[Watched] = []
    for number in range(count):
        intake = Intake(number, handling, observer, alive=AlwaysAlive(), clock=MonotonicClock())
        runner = ShardRunner(ShardLife(number, intake), shared, Lease(intake), None)
        shards.append(Watched(runner, known.get(number, ())))
        manager.watch.watch(shards[-1])
    tasks = [asyncio.create_task(shard.runner.run(), name="shard") for shard in shards]
    tasks.append(asyncio.create_task(manager.watch.run(), name="silence"))
    try:
        await stage.control.wait_for_sessions(count)
        yield Fleet(shards, handling, clock)
    finally:
        tasks[-1].cancel()
        for shard in shards:
            shard.runner.life.intake.abandon()
            await shard.runner.leave()
        await asyncio.gather(*tasks, return_exceptions=True)


class Ignored:
    """Counts nothing."""

    def probe_sent(self) -> None: ...

    def silent_reconnect(self, cause: str) -> None: ...
