"""Small parts of the composition root (`app.py`): modules from the settings, the eye on the database."""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import hikari
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError

from migaga.common.clock import Clock
from migaga.common.errors import CredentialsError, MigagaError, UnavailableError
from migaga.common.settings import Settings
from migaga.fleet.breaker import FleetBreaker
from migaga.fleet.identify import IdentifyLedger
from migaga.fleet.member import Member
from migaga.fleet.parts import random_token
from migaga.fleet.plan import FleetPlan
from migaga.fleet.turnover import Change
from migaga.framework.loader import load_modules
from migaga.framework.runtime import FrameworkRuntime, FrameworkSettings
from migaga.gateway.discord import Discord, GatewayInfo
from migaga.gateway.identify import Budget, GateStatus
from migaga.observe.metrics import Metrics
from migaga.process.state import ProcessState
from migaga.storage.database import Database
from migaga.storage.leases import LeaseStore

_LOG = logging.getLogger(__name__)

PING_EVERY = 5.0
PING_TIMEOUT = 5.0


def framework_settings(settings: Settings) -> FrameworkSettings:
    """Return what the framework needs of the configuration."""
    return FrameworkSettings(
        prefix=settings.bot.prefix,
        whitelisted_bots=settings.bot.whitelisted_bot_ids,
        owners=settings.bot.owner_ids,
        guild_days=settings.retention.guild_days,
    )


async def load_feature_modules(runtime: FrameworkRuntime, settings: Settings, intents: hikari.Intents) -> None:
    """Load the configured modules. One that cannot run is named in the log and in the status; the others run."""
    # Importing reads files, and a module may do anything while it is imported: not in the event loop.
    result = await asyncio.to_thread(load_modules, settings.modules.load, settings.modules.directories)
    await runtime.load(result)
    for module in runtime.modules.loaded:
        missing = module.spec.intents & ~intents
        if missing:
            names = ", ".join(str(intent.name) for intent in missing)
            _LOG.warning("module %s wants events of %s: add them to Intents in section [Bot]", module.spec.name, names)


def new_member(store: LeaseStore, clock: Clock, settings: Settings) -> Member:
    """Make this process a member of its fleet, which it joins later."""
    fleet, http = settings.fleet, settings.http
    address = fleet.address or f"{http.host}:{http.port}"
    return Member(store, clock, revision=fleet.revision, capacity=fleet.capacity, address=address, new_id=random_token)


def wished_change(discord: Discord, plan: FleetPlan, settings: Settings) -> Change:
    """Say what the fleet should change to, and when Discord's budget does not suffice for it."""
    reserve = settings.fleet.identify_reserve

    async def obstacle(count: int) -> str | None:
        try:
            budget = (await discord.gateway()).budget
        except MigagaError as error:
            return str(error)
        if budget.remaining - reserve >= count:
            return None
        return (
            f"{count} shards need as many IDENTIFYs, {budget.remaining} of the day are left and {reserve} are kept for "
            "shards that lose their session. It is begun when the budget is renewed."
        )

    return Change(
        plan.wish,
        obstacle,
        armed_for=settings.fleet.armed_for.total_seconds(),
        warm_within=int(settings.fleet.warm_within.total_seconds()),
    )


@asynccontextmanager
async def open_turns(
    discord: Discord, info: GatewayInfo, store: LeaseStore, metrics: Metrics, *, clock: Clock, reserve: int
) -> AsyncIterator[tuple[IdentifyLedger, FleetBreaker]]:
    """Open what says when shards may connect and IDENTIFY. Discord has accepted the token a moment ago."""
    application = discord.credentials.application_id

    async def budget() -> Budget:
        return (await discord.gateway()).budget

    breaker = FleetBreaker(store, application, discord.credentials.token, ask=discord.gateway, clock=clock)
    await breaker.read()
    if not breaker.is_closed:
        await breaker.accepted()
    ledger = IdentifyLedger(
        store,
        application,
        reserve=reserve,
        budget=info.budget,
        fetch=budget,
        breaker=breaker,
        clock=clock,
        observer=metrics,
    )
    tasks = [asyncio.create_task(ledger.run(), name="turns"), asyncio.create_task(breaker.run(), name="breaker")]
    try:
        yield ledger, breaker
    finally:
        await cancel(*tasks)


def raise_what_was_left(status: GateStatus | None, breaker: FleetBreaker) -> None:
    """Let the exit code of a process that was stopped tell why shards of it could not connect at that moment.

    Raises CredentialsError while Discord refuses the token, UnavailableError while the IDENTIFY budget is used up.
    """
    if breaker.reason is not None:
        raise CredentialsError(breaker.reason)
    if status is not None and status.reason is not None and status.blocked_until is not None:
        raise UnavailableError(f"{status.reason}.")


def count_errors(database: Database, metrics: Metrics) -> None:
    """Count what the database refuses or cannot do, by kind. A row that is there already is no error."""

    def note(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(context.sqlalchemy_exception, IntegrityError) or isinstance(error, CancelledError):
            return
        metrics.database_error("connection" if context.is_disconnect or context.connection is None else "statement")

    for engine in (database.engine, database.reading_engine, database.lease_engine):
        event.listen(engine.sync_engine, "handle_error", note)


async def watch_database(database: Database, state: ProcessState) -> None:
    """Ask the database now and then whether it is there, for /readyz and /status, until cancelled."""
    while True:
        await asyncio.sleep(PING_EVERY)
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await database.ping()
        except (MigagaError, TimeoutError) as error:
            if state.database_error is None:
                _LOG.error("the database does not answer: %s", error)
            state.database = "unreachable"
            state.database_error = str(error) or f"no answer within {PING_TIMEOUT:.0f} s"
        else:
            if state.database_error is not None:
                _LOG.info("the database answers again")
            state.database, state.database_error = "connected", None


async def cancel(*tasks: asyncio.Task[None]) -> None:
    """End tasks and wait until they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
