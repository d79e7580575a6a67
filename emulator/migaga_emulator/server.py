"""The emulator as a whole: world, REST, gateway, ledger and control API on one loopback port.

Used by the command line, by tests, by `migaga.testing`, and by the scenarios:

    async with run_emulator(Rules(max_concurrency=4)) as emulator:
        bot = emulator.create_bot("Testy")
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from aiohttp import web

from migaga_emulator.control.context import Context, control_app
from migaga_emulator.control.routes import ROUTES
from migaga_emulator.gateway.entrance import Entrance
from migaga_emulator.gateway.faults import GatewayFaults
from migaga_emulator.gateway.hub import Hub
from migaga_emulator.gateway.routes import GATEWAY_PATH, RESUME_PATH, GatewayRoutes
from migaga_emulator.ledger.answers import AnswerBook
from migaga_emulator.ledger.book import Ledger
from migaga_emulator.ledger.topics import Topics
from migaga_emulator.ledger.watching import LedgerHooks, watch_interactions
from migaga_emulator.rest.app import add_other_paths, rest_app
from migaga_emulator.rest.faults import RestFaults
from migaga_emulator.rest.files import add_files
from migaga_emulator.rest.limits import RateLimits
from migaga_emulator.rules import Rules
from migaga_emulator.world.clock import Clock, SystemClock
from migaga_emulator.world.intents import PRIVILEGED
from migaga_emulator.world.state import Bot
from migaga_emulator.world.world import World

API_PREFIX = "/api/v10"
OLDER_API_PREFIX = "/api/v9"
CONTROL_PREFIX = "/control"
HOST = "127.0.0.1"
SWEEP_S = 1.0
"""How often sessions that nobody resumed are looked for."""


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator."""

    world: World
    ledger: Ledger
    answers: AnswerBook
    hub: Hub
    faults: GatewayFaults
    rules: Rules
    port: int

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"http://{HOST}:{self.port}"

    @property
    def api_url(self) -> str:
        """The REST API with its version: what a client's `rest_url` is set to."""
        return self.url + API_PREFIX

    @property
    def gateway_url(self) -> str:
        """The gateway, as GET /gateway/bot tells it."""
        return f"ws://{HOST}:{self.port}{GATEWAY_PATH}"

    @property
    def control_url(self) -> str:
        """The control API."""
        return self.url + CONTROL_PREFIX

    def create_bot(
        self,
        name: str = "Testy",
        *,
        bot_id: int | None = None,
        token: str | None = None,
        privileged_intents: int = int(PRIVILEGED),
    ) -> Bot:
        """An application with its bot user; `bot.token` is what it logs in with."""
        return self.world.guilds.create_bot(name, bot_id=bot_id, token=token, privileged_intents=privileged_intents)


@asynccontextmanager
async def run_emulator(
    rules: Rules | None = None, *, port: int = 0, seed: int = 0, clock: Clock | None = None
) -> AsyncIterator[Emulator]:
    """Serve on 127.0.0.1 until the block ends; `port` 0 takes any free one.

    `clock` decides about budgets, buckets, buffers and windows; heartbeats and waits use the event loop's.
    Raises OSError when the port is taken.
    """
    rules, clock = rules or Rules(), clock or SystemClock()
    world, ledger = World(rules, clock=clock, seed=seed), Ledger()
    hub = Hub(world, rules, ledger, clock=clock.monotonic, seed=seed)
    faults, rest_faults, limits = GatewayFaults(hub), RestFaults(clock), RateLimits(rules, clock)
    topics = Topics()
    answers = AnswerBook(world, topics)
    hub.on_change = lambda: topics.tell("sessions")
    context = Context(world, rules, hub, faults, ledger, answers, topics, rest_faults)
    routes = GatewayRoutes(hub, faults, Entrance(world, limits, rest_faults))
    app = web.Application(middlewares=[watch_interactions(answers)])
    add_other_paths(app)
    for prefix in (API_PREFIX, OLDER_API_PREFIX):
        routes.add_to(app, prefix)
        app.add_subapp(prefix, rest_app(world, limits, rest_faults, LedgerHooks(answers)))
    add_files(app, world)
    app.add_subapp(CONTROL_PREFIX, control_app(context, ROUTES))
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, port).start()
        emulator = Emulator(world, ledger, answers, hub, faults, rules, runner.addresses[0][1])
        routes.url = emulator.gateway_url
        world.core.file_base = emulator.url
        hub.resume_url = f"ws://{HOST}:{emulator.port}{RESUME_PATH}"
        sweeper = asyncio.create_task(_sweep(hub), name="emulator sweeper")
        try:
            yield emulator
        finally:
            sweeper.cancel()
            with suppress(asyncio.CancelledError):
                await sweeper
    finally:
        faults.drop_all()
        await runner.cleanup()


async def _sweep(hub: Hub) -> None:
    while True:
        await asyncio.sleep(SWEEP_S)
        hub.expire(hub.clock())
