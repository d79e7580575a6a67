"""Measure the CPU cost of an event, ours beside those of stock hikari and discord.py, in one run.

`make bench` prints a table; `make bench ARGS=--json` one JSON object. What counts is the last column: the ratio to
parsing the frame with orjson, which no client in Python can go below.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import hikari
import orjson
from hikari.impl import CacheImpl, EntityFactoryImpl, EventFactoryImpl, EventManagerImpl
from hikari.impl.config import CacheSettings
from hikari.impl.shard import GatewayShardImpl

from migaga.common.alive import AlwaysAlive
from migaga.common.clock import MonotonicClock
from migaga.gateway.events import FleetEventManager
from migaga.gateway.handling import Handlers, PutAside
from migaga.gateway.intake import Intake
from migaga.gateway.observer import Unobserved
from migaga.gateway.privates import OpenShard, Session
from migaga.gateway.received import Received
from migaga.observe.metrics import Metrics
from tests.bench.payloads import BOT_ID, guild, message_create

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # discord.py imports audioop
    import discord

Consume = Callable[[dict[str, Any]], None]
INTENTS = hikari.Intents.ALL_UNPRIVILEGED | hikari.Intents.MESSAGE_CONTENT


@dataclass(frozen=True, slots=True)
class Result:
    """CPU microseconds of one event, the least of several rounds, the noise of the machine being one-sided."""

    name: str
    microseconds: float


class _Router:
    """What no event of the benchmark needs."""

    def refuse(self, event: Received, reason: str) -> None:
        return None

    def left(self, has_left: Callable[[int | None], bool]) -> None:
        return None


class _NobodyWants(_Router):
    """A router without handlers."""

    def route(self, event: Received) -> None:
        return None


class _OneHandler(_Router):
    """A router whose only handler takes hikari's object and does nothing."""

    def __init__(self) -> None:
        self.manager: FleetEventManager | None = None

    def route(self, event: Received) -> Handlers:
        async def handle(put_aside: PutAside) -> None:
            assert self.manager is not None
            self.manager.build(event)

        return handle


async def _no_op(event: hikari.MessageCreateEvent) -> None:
    return None


def _shard(manager: Any, factory: Any) -> GatewayShardImpl:
    shard = GatewayShardImpl(
        intents=INTENTS,
        http_settings=hikari.impl.HTTPSettings(),
        proxy_settings=hikari.impl.ProxySettings(),
        event_manager=manager,
        event_factory=factory,
        token="x",
        url="ws://127.0.0.1",
    )
    shard._user_id = hikari.Snowflake(BOT_ID)
    shard._session_id = "bench"
    shard._ws = SimpleNamespace()  # type: ignore[assignment] # only asked whether it is there
    shard._handshake_event = asyncio.Event()
    shard._handshake_event.set()
    return shard


def _app() -> Any:
    app: Any = SimpleNamespace(intents=INTENTS)
    app.entity_factory = EntityFactoryImpl(app)
    app.event_factory = EventFactoryImpl(app)
    return app


def orjson_alone() -> Consume:
    """Parse only."""
    return lambda frame: None


def stock_hikari(components: hikari.api.CacheComponents, *, listeners: int) -> Consume:
    """hikari as it comes, with or without its cache and a listener that does nothing."""
    app = _app()
    cache = CacheImpl(app, CacheSettings(components=components))
    app.cache = cache
    manager = EventManagerImpl(app.entity_factory, app.event_factory, INTENTS, cache=cache, auto_chunk_members=False)
    for _ in range(listeners):
        manager.subscribe(hikari.MessageCreateEvent, _no_op)
    shard = _shard(manager, app.event_factory)

    def consume(frame: dict[str, Any]) -> None:
        shard._seq = frame["s"]
        manager.consume_raw_event(frame["t"], shard, frame["d"])

    return consume


def migaga(router: _NobodyWants | _OneHandler, *, counted: bool = False) -> Consume:
    """Ours, from the parsed frame through event manager and intake to the end of the handlers."""
    app = _app()
    manager = FleetEventManager(app.entity_factory, app.event_factory, INTENTS)
    if isinstance(router, _OneHandler):
        router.manager = manager
    observer = Metrics() if counted else Unobserved()
    intake = Intake(0, router, observer, alive=AlwaysAlive(), clock=MonotonicClock(), limit=1_000_000)
    intake.begin_session("bench", 0)
    intake.open()
    shard = OpenShard(
        bot_user_id=hikari.Snowflake(BOT_ID),
        intents=INTENTS,
        http_settings=hikari.impl.HTTPSettings(),
        proxy_settings=hikari.impl.ProxySettings(),
        event_manager=manager,
        event_factory=app.event_factory,
        token="x",
        url="ws://127.0.0.1",
    )
    shard.session = Session("bench", "ws://127.0.0.1", 0)
    manager.attach(shard, intake)

    def consume(frame: dict[str, Any]) -> None:
        shard._seq = frame["s"]
        manager.consume_raw_event(frame["t"], shard, frame["d"])

    return consume


def discord_py() -> Consume:
    """discord.py with its default cache."""
    client = discord.Client(intents=discord.Intents.all())
    state: Any = client._connection
    state._add_guild_from_data(guild())
    return lambda frame: state.parse_message_create(frame["d"])


async def measure(make: Callable[[], Consume], frames: list[bytes]) -> float:
    """Run `frames` through a new consumer; returns CPU seconds."""
    consume = make()
    gc.collect()
    start = time.process_time()
    for number, frame in enumerate(frames):
        consume(orjson.loads(frame))
        if number % 50 == 0:
            await asyncio.sleep(0)
    while len(asyncio.all_tasks()) > 1:
        await asyncio.sleep(0)
    return time.process_time() - start


async def run(events: int, rounds: int) -> list[Result]:
    """Measure all of them in turn, `rounds` times, and keep each one's least: noise only adds, and comes in waves."""
    frames = [message_create(number) for number in range(events)]
    none, everything = hikari.api.CacheComponents.NONE, hikari.api.CacheComponents.ALL
    cases: list[tuple[str, Callable[[], Consume]]] = [
        ("orjson alone", orjson_alone),
        ("migaga, nobody wants the event", lambda: migaga(_NobodyWants())),
        ("migaga, nobody wants the event, with metrics", lambda: migaga(_NobodyWants(), counted=True)),
        ("hikari, cache off, no listener", lambda: stock_hikari(none, listeners=0)),
        ("migaga, one handler", lambda: migaga(_OneHandler())),
        ("migaga, one handler, with metrics", lambda: migaga(_OneHandler(), counted=True)),
        ("hikari, cache off, one listener", lambda: stock_hikari(none, listeners=1)),
        ("hikari, default cache, one listener", lambda: stock_hikari(everything, listeners=1)),
        ("discord.py, default", discord_py),
    ]
    best = [float("inf")] * len(cases)
    for _ in range(rounds):
        for number, (_, make) in enumerate(cases):
            best[number] = min(best[number], await measure(make, frames))
    return [Result(name, seconds / len(frames) * 1e6) for (name, _), seconds in zip(cases, best, strict=True)]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--events", type=int, default=2_000, help="events in each round (default 2,000)")
    parser.add_argument("--rounds", type=int, default=12, help="rounds, of which the best counts (default 12)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    results = asyncio.run(run(options.events, options.rounds))
    floor = results[0].microseconds
    if options.json:
        print(
            json.dumps(
                {r.name: {"us": round(r.microseconds, 2), "ratio": round(r.microseconds / floor, 2)} for r in results}
            )
        )
        return
    width = max(len(result.name) for result in results)
    print(f"{'MESSAGE_CREATE, CPU':<{width}}  µs/event  ratio")
    for result in results:
        print(f"{result.name:<{width}}  {result.microseconds:8.1f}  {result.microseconds / floor:5.1f}")


if __name__ == "__main__":
    main()
