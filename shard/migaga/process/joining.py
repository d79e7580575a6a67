"""This process's way into its fleet, its time there, and its way out. `app.py` calls it when the rest is open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import hikari

from migaga.common.clock import Clock
from migaga.common.ending import end_tasks
from migaga.common.errors import CredentialsError, MigagaError, UnavailableError
from migaga.common.settings import Settings
from migaga.fleet.breaker import FleetBreaker
from migaga.fleet.fleet import Fleet, Gateway
from migaga.fleet.identify import IdentifyLedger
from migaga.fleet.member import Member
from migaga.fleet.parts import random_token
from migaga.fleet.plan import FleetPlan, bound_to, present_generations
from migaga.fleet.silence import SilenceWatch, some_guilds
from migaga.fleet.turnover import Change
from migaga.framework.runtime import FrameworkRuntime
from migaga.gateway.discord import Discord, GatewayInfo
from migaga.gateway.events import FleetEventManager
from migaga.gateway.identify import Budget, GateStatus
from migaga.observe.metrics import Metrics
from migaga.process.asking import keep_asking
from migaga.process.files import SmallFile
from migaga.process.mode import Mode
from migaga.process.rotation import Rotation
from migaga.process.signals import StopSignals
from migaga.process.state import ProcessState
from migaga.storage.database import Database
from migaga.storage.leases import LeaseStore

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Base:
    """What a process has opened before it joins its fleet."""

    settings: Settings
    metrics: Metrics
    clock: Clock
    database: Database
    store: LeaseStore
    discord: Discord
    manager: FleetEventManager
    member: Member


@dataclass(frozen=True, slots=True)
class Joined:
    """This process's part of its fleet, who says when it may IDENTIFY, and who takes a new token."""

    fleet: Fleet
    turns: IdentifyLedger
    breaker: FleetBreaker
    rotation: Rotation | None


@asynccontextmanager
async def open_fleet(base: Base, runtime: FrameworkRuntime) -> AsyncIterator[Joined]:
    """Make this process's part of its fleet. Raises ConfigError for a shard count or ids that cannot be."""
    settings, discord = base.settings, base.discord
    info = await discord.gateway()
    plan = FleetPlan.choose(
        settings.shards.count,
        settings.shards.ids,
        hikari.Intents(settings.bot.intents),
        info.recommended_shards,
        await present_generations(base.store),
        multiple_of=settings.fleet.multiple_of,
    )
    silence = SilenceWatch(base.clock, base.metrics)
    watching = asyncio.create_task(silence.run(), name="silence")
    try:
        async with _open_turns(base, info) as (turns, breaker):
            fleet = Fleet(
                Gateway(discord, info, base.manager, turns, breaker),
                plan,
                base.member,
                router=runtime,
                store=base.store,
                clock=base.clock,
                observer=base.metrics,
                silence=silence,
                known_guilds=lambda key: some_guilds(base.database, key[1], bound_to(key[0])[0]),
                change=_wished_change(discord, plan, settings),
                state_directory=settings.fleet.state_directory,
                wait_for_taker=settings.fleet.wait_for_taker,
            )
            async with _follow(base, fleet, turns, breaker) as rotation:
                yield Joined(fleet, turns, breaker, rotation)
    finally:
        await end_tasks(watching)


@asynccontextmanager
async def _follow(
    base: Base, fleet: Fleet, turns: IdentifyLedger, breaker: FleetBreaker
) -> AsyncIterator[Rotation | None]:
    """Follow what changes outside while the process runs: the token in its file, what Discord recommends."""
    settings, discord, clock = base.settings, base.discord, base.clock

    def heard(info: GatewayInfo) -> None:
        fleet.heard(info.recommended_shards)
        turns.show(info.budget)

    every = settings.discord.ask_every.total_seconds()
    asking = keep_asking(discord.gateway, heard, breaker, clock, every=every)
    tasks = [asyncio.create_task(asking, name="recommended shards")]
    file, rotation = settings.env.token_file, None
    if file is not None:
        rotation = Rotation(SmallFile(file), discord, breaker, clock)
        tasks.append(asyncio.create_task(rotation.run(), name="token file"))
    try:
        yield rotation
    finally:
        await end_tasks(*tasks)


def new_member(store: LeaseStore, clock: Clock, settings: Settings) -> Member:
    """Make this process a member of its fleet, which it joins later."""
    fleet, http = settings.fleet, settings.http
    address = fleet.address or f"{http.host}:{http.port}"
    return Member(store, clock, revision=fleet.revision, capacity=fleet.capacity, address=address, new_id=random_token)


def _wished_change(discord: Discord, plan: FleetPlan, settings: Settings) -> Change:
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
async def _open_turns(base: Base, info: GatewayInfo) -> AsyncIterator[tuple[IdentifyLedger, FleetBreaker]]:
    """Open what says when shards may connect and IDENTIFY. Discord has accepted the token a moment ago."""
    discord, store, clock = base.discord, base.store, base.clock
    application = discord.token.application_id

    async def budget() -> Budget:
        return (await discord.gateway()).budget

    breaker = FleetBreaker(store, application, discord.token.value, ask=discord.gateway, clock=clock)
    await breaker.read()
    if not breaker.is_closed:
        await breaker.accepted()
    ledger = IdentifyLedger(
        store,
        application,
        reserve=base.settings.fleet.identify_reserve,
        budget=info.budget,
        fetch=budget,
        breaker=breaker,
        clock=clock,
        observer=base.metrics,
    )
    works = {"turns": ledger.run(), "buckets": ledger.keep_reading(), "breaker": breaker.run()}
    tasks = [asyncio.create_task(work, name=name) for name, work in works.items()]
    try:
        yield ledger, breaker
    finally:
        await end_tasks(*tasks)


async def run_fleet(
    joined: Joined, runtime: FrameworkRuntime, settings: Settings, signals: StopSignals, state: ProcessState
) -> None:
    """Run the shards until a signal asks to stop, or one of them may not go on."""
    fleet = joined.fleet
    state.fleet, state.gate = fleet, joined.turns
    state.breaker, state.rotation = joined.breaker, joined.rotation
    waits = [asyncio.create_task(signals.first(), name="first signal")]
    try:
        waits.append(asyncio.create_task(fleet.start(), name="fleet start"))
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if waits[1].done():
            waits[1].result()
            state.phase = "running"
            waits[1] = asyncio.create_task(fleet.wait(), name="fleet")
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
    finally:
        state.phase = "stopping"
        await end_tasks(*waits)
        at_the_end = joined.turns.status()
        await _stop_fleet(fleet, runtime, settings, signals, state.mode)
    _raise_what_was_left(at_the_end, joined.breaker)


async def _stop_fleet(
    fleet: Fleet, runtime: FrameworkRuntime, settings: Settings, signals: StopSignals, mode: Mode | None
) -> None:
    """Stop in order; a second signal leaves running handlers behind."""
    stopping = asyncio.create_task(fleet.stop(settings.shards.stop_grace, runtime.stopping), name="stop")
    again = asyncio.create_task(signals.second(), name="second signal")
    nobody = asyncio.create_task(_expect_nobody(fleet, mode), name="stopped bot")
    await asyncio.wait({stopping, again}, return_when=asyncio.FIRST_COMPLETED)
    if not stopping.done():
        _LOG.warning("asked again: running handlers are left, their events come again")
        fleet.cut_grace()
    await stopping
    await end_tasks(again, nobody)


async def _expect_nobody(fleet: Fleet, mode: Mode | None) -> None:
    """Tell the fleet when the bot is stopped as a whole: then no process comes that could take shards."""
    if mode is not None:
        await mode.stopped.wait()
        _LOG.info("the bot is stopped: no other process is waited for")
        fleet.expect_nobody()


def _raise_what_was_left(status: GateStatus, breaker: FleetBreaker) -> None:
    """Let the exit code of a process that was stopped tell why shards of it could not connect at that moment.

    Raises CredentialsError while Discord refuses the token, UnavailableError while the IDENTIFY budget is used up.
    """
    if breaker.reason is not None:
        raise CredentialsError(breaker.reason)
    if status.reason is not None and status.blocked_until is not None:
        raise UnavailableError(f"{status.reason}.")
