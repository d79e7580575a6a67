"""The composition root of `migaga run` and `migaga shard`: makes the parts of a process, runs them, takes them down.

Order: log, HTTP port, database, schema, Discord and token, modules, shards; down in the opposite order.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import hikari

from migaga.common import logs, memory
from migaga.common.clock import MonotonicClock
from migaga.common.ending import end_tasks
from migaga.common.pause import Pause
from migaga.common.settings import Credentials, Settings
from migaga.framework.runtime import FrameworkRuntime
from migaga.gateway.discord import open_discord
from migaga.observe.http import Probes, serve_http
from migaga.observe.metrics import Metrics
from migaga.process.files import SmallFile
from migaga.process.joining import Base, new_member, open_fleet, run_fleet
from migaga.process.mode import Mode, follow_mode
from migaga.process.parts import count_errors, framework_settings, load_feature_modules, watch_database
from migaga.process.signals import StopSignals
from migaga.process.state import ProcessState
from migaga.storage.database import Database, open_database, wait_for_database
from migaga.storage.identity import claim_application
from migaga.storage.leases import open_lease_store
from migaga.storage.schema import upgrade

_LOG = logging.getLogger(__name__)

CLOSED_WITHIN = 5.0
"""Seconds for a process that was asked to end while it starts to close what it has opened."""


async def serve(settings: Settings, signals: StopSignals) -> int:
    """Run a bot until a signal asks to stop, and return 0.

    Raises MigagaError for what ends the process: ConfigError, CredentialsError, UnavailableError.
    """
    signals.attach()
    logs.protect(*settings.secrets)
    credentials = settings.credentials()
    metrics = Metrics()
    state = ProcessState(settings.env.version, datetime.now(UTC))
    probes = Probes(state.not_ready, state.status)
    async with serve_http(settings.http.host, settings.http.port, metrics, probes):
        work = asyncio.create_task(_run(settings, credentials, signals, metrics, state), name="process")
        asked = asyncio.create_task(signals.first(), name="stop signal")
        try:
            await asyncio.wait({work, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and state.fleet is None:
                _LOG.info("asked to stop while %s", state.phase)
                await end_tasks(work, again=CLOSED_WITHIN)
            await asyncio.wait({work})
            if not work.cancelled():
                work.result()
        finally:
            await end_tasks(asked, work, again=CLOSED_WITHIN)
    _LOG.info("stopped")
    return 0


async def _run(
    settings: Settings, credentials: Credentials, signals: StopSignals, metrics: Metrics, state: ProcessState
) -> None:
    """Open one part after the other, in the order in which they need each other."""
    async with AsyncExitStack() as stack:
        database = await _open_database(settings, credentials, state, stack)
        count_errors(database, metrics)
        stack.push_async_callback(end_tasks, asyncio.create_task(watch_database(database, state)))
        state.phase = "checking the bot token"
        discord = await stack.enter_async_context(
            open_discord(
                credentials,
                settings.discord.api_url,
                [metrics.rest_trace()],
                calls_per_second=settings.discord.calls_per_second,
            )
        )
        state.discord = discord
        intents = hikari.Intents(settings.bot.intents)
        discord.check_intents(intents)
        store = await stack.enter_async_context(open_lease_store(database))
        clock = MonotonicClock()
        base = Base(
            settings,
            metrics,
            clock,
            database,
            store,
            discord,
            discord.event_manager(intents),
            new_member(store, clock, settings),
        )
        state.phase = "loading modules"
        pause = await _open_mode(settings, clock, state, stack)
        runtime = FrameworkRuntime(
            framework_settings(settings),
            discord,
            database,
            base.manager,
            metrics=metrics,
            shard_ids=lambda: state.fleet.shard_ids if state.fleet else (),
            alive=base.member,
            pause=pause,
        )
        state.runtime = await stack.enter_async_context(runtime)
        await load_feature_modules(runtime, settings, intents)
        memory.settle()
        state.phase = "waiting for Discord's gateway"
        joined = await stack.enter_async_context(open_fleet(base, runtime))
        await run_fleet(joined, runtime, settings, signals, state)


async def _open_mode(settings: Settings, clock: MonotonicClock, state: ProcessState, stack: AsyncExitStack) -> Pause:
    """Know whether the bot is paused before anything of it starts, and follow the file that tells."""
    pause = Pause()
    if settings.fleet.mode_file is not None:
        state.mode, file = Mode(pause), SmallFile(settings.fleet.mode_file)
        state.mode.take(file.path, await file.read())
        following = asyncio.create_task(follow_mode(state.mode, file, clock), name="mode file")
        stack.push_async_callback(end_tasks, following)
    return pause


async def _open_database(
    settings: Settings, credentials: Credentials, state: ProcessState, stack: AsyncExitStack
) -> Database:
    """Wait for the database, bring its tables up to date, and make sure that it is this bot's."""
    url = settings.database.url
    state.phase = "waiting for the database"

    def waiting(reason: str, left: float) -> None:
        state.database_error = reason
        _LOG.warning("waiting for the database (%.0f s left): %s", left, reason)

    await wait_for_database(url, timeout=settings.database.connect_timeout.total_seconds(), on_wait=waiting)
    database = await stack.enter_async_context(open_database(url))
    state.database, state.database_error = "connected", None
    state.phase = "upgrading the database"
    await upgrade(database, [], on_progress=lambda line: _LOG.info("database: %s", line))
    await claim_application(database, credentials.application_id)
    return database
