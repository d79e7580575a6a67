"""Runs one scenario: emulator, processes, people, faults; then reads the ledger and judges. Called by `command.py`."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit, urlunsplit

from migaga.common import memory
from migaga.common.errors import MigagaError
from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.transport import ControlError, WaitTimeout
from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.rules import Rules
from migaga_emulator.scenarios import asks, images
from migaga_emulator.scenarios.apologies import Apologies
from migaga_emulator.scenarios.asks import Asker
from migaga_emulator.scenarios.catalogue import Scenario
from migaga_emulator.scenarios.clock import StageClock
from migaga_emulator.scenarios.crowd import CrowdRunner
from migaga_emulator.scenarios.effects import read_effects
from migaga_emulator.scenarios.endings import cancel_this, leaves, on_signals
from migaga_emulator.scenarios.facts import Evidence, collect
from migaga_emulator.scenarios.handovers import Owners, moves_of
from migaga_emulator.scenarios.inject import carry_out
from migaga_emulator.scenarios.judge import LEAST_SHARE, Facts, judge
from migaga_emulator.scenarios.kept import write_ledger
from migaga_emulator.scenarios.members import Fleet, Release, member_environment
from migaga_emulator.scenarios.plan import Wish
from migaga_emulator.scenarios.processes import BotConfig
from migaga_emulator.scenarios.proxy import is_server
from migaga_emulator.scenarios.proxy_thread import ThreadedProxy, proxy_in_thread
from migaga_emulator.scenarios.refusals import end_without_budget
from migaga_emulator.scenarios.rollout import schema_complaints
from migaga_emulator.scenarios.scene import Scene
from migaga_emulator.scenarios.stage import CHANNELS, OLD_MESSAGES, Stage, build_stage
from migaga_emulator.scenarios.talk import Gate
from migaga_emulator.scenarios.traffic import Shape, Traffic
from migaga_emulator.scenarios.view import LiveView, Row, row_of
from migaga_emulator.server import Emulator, run_emulator

USUAL_HANDLER = "0-0.5"
"""Seconds that a handler of the probe lasts."""
LONG_HANDLER = 20.0
LONG_SHARE = 0.002
EFFECTS = 0.5
"""Share of events that leave a row in the database."""
ASK_SHARE = 0.03
"""Share of the rate that are interactions."""
HANDOVER = 20.0
"""Seconds that a process has to hand its shards over, besides what its longest handlers last."""
LATE_END = 10.0
LEAST_CAPACITY = 16
ARMED_FOR = 60.0
LEAST_ARMED = 10.0
"""Seconds; the settings allow no less."""
HANDLED_WITHIN = 60.0
LATE_REPEATS = 1.0
"""Seconds in which an event may still be handled again, after everything was handled."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the command line asks for."""

    scenario: Scenario
    shards: int
    processes: int
    rate: float
    seconds: float
    seed: int
    database: str | None
    probe: str
    probe_directory: Path | None
    keep: Path | None
    rolls: int = 1
    back: bool = False
    schema_change: bool = False

    @property
    def wish(self) -> Wish:
        """What the plan is made for."""
        return Wish(self.seed, self.seconds, self.shards, self.processes, self.rolls, self.back, self.schema_change)

    @property
    def long_handler(self) -> float:
        """Seconds of the longest handlers; in a short run a third of it."""
        return min(LONG_HANDLER, self.seconds / 3)

    @property
    def armed_for(self) -> float:
        """Seconds that two generations run beside each other; in a short run less."""
        return min(ARMED_FOR, max(LEAST_ARMED, self.seconds))

    @property
    def grace(self) -> float:
        """Seconds that a process has for its end, as its pod's `terminationGracePeriodSeconds`."""
        return self.long_handler + HANDOVER

    @property
    def patience(self) -> float:
        """Seconds after which a process that was told to leave is killed."""
        return self.grace + LATE_END


@dataclass(frozen=True, slots=True)
class Outcome:
    """A judged run."""

    facts: Facts
    report: LedgerReport
    rules: Rules
    pids: list[int]
    handovers: int
    database: str
    why: list[str]


class Run:
    """One run of one scenario."""

    def __init__(
        self,
        order: Order,
        view: LiveView,
        *,
        emulator: Emulator,
        control: ControlClient,
        clock: StageClock,
        folder: Path,
    ) -> None:
        self._order = order
        self._view = view
        self._emulator = emulator
        self._control = control
        self._clock = clock
        self._folder = folder
        self._gate = Gate()
        self._apologies = Apologies(clock.time)
        self._state = "starting"
        self._scene: Scene | None = None

    async def run(self) -> Outcome:
        """Make the world, run the fleet under traffic and faults, and judge."""
        order = self._order
        stage = await build_stage(self._emulator, self._control, self._clock, shards=order.shards, seed=order.seed)
        self._view.say(f"{order.scenario.name}: {order.scenario.summary}")
        self._view.say(f"{len(stage.crowd.guilds)} guilds; {order.shards} shards, {order.processes} processes")
        database = order.database or f"sqlite+aiosqlite:///{self._folder / 'fleet.db'}"
        crowd = CrowdRunner(self._control, stage.crowd, CHANNELS, stage.old)
        async with self._proxy(database) as proxy:
            scene = self._scene = self._make_scene(stage, crowd, database, proxy)
            asker = Asker(self._control, stage, self._gate, excuses=scene.excuses)
            async with scene.fleet, self._view.table(self._control.ledger, self._row):
                await self._start(scene)
                since, resumes_before = await self._at_rest(scene), scene.ledger.resumes
                self._view.say(f"processes {', '.join(map(str, scene.fleet.pids))} serve {order.shards} shards")
                await self._live(stage, crowd, asker, scene)
                report, interruptions = await self._settle(), scene.ledger.connections.interruptions(time.monotonic())
                if order.schema_change:
                    scene.injected.complaints += schema_complaints(scene.fleet.everyone)
                self._state = "stopping"
                if order.scenario.watches_budget:
                    await end_without_budget(scene, within=order.patience)
                await scene.fleet.finish(within=order.patience)
        evidence = Evidence(report, interruptions, since, resumes_before, await read_effects(database), asker.wrong)
        facts = collect(self._emulator, stage.bot.id, scene, evidence)
        if order.keep is not None:
            asked = self._emulator.answers.interactions(stage.bot.application_id)
            await asyncio.to_thread(write_ledger, self._folder, scene, asked, asker.wrong, facts.gaps)
        least = int(order.rate * order.seconds * LEAST_SHARE)
        why = judge(facts, order.scenario.bounds(order.wish), least_events=least)
        handovers = sum(move.in_order for move in moves_of(interruptions, scene.owners.of_port, since))
        return Outcome(
            facts, report, self._emulator.rules, list(scene.fleet.pids), handovers, without_password(database), why
        )

    @asynccontextmanager
    async def _proxy(self, database: str) -> AsyncIterator[ThreadedProxy | None]:
        scenario = self._order.scenario
        if not scenario.needs_server and not (scenario.uses_server and is_server(database)):
            yield None
            return
        async with proxy_in_thread(database) as proxy:
            yield proxy

    def _make_scene(self, stage: Stage, crowd: CrowdRunner, database: str, proxy: ThreadedProxy | None) -> Scene:
        ledger = self._emulator.ledger.of(stage.bot.id)
        fleet = Fleet(self._control, self._folder, self._release(stage, database), self._order.shards)
        if proxy is not None:
            fleet.address = lambda release, number: proxy.url(number)
        owners = Owners(fleet.pids, urlsplit(self._emulator.gateway_url).port or 0)
        ledger.connections.on_begun = owners.connected
        return Scene(
            wish=self._order.wish,
            control=self._control,
            ledger=ledger,
            fleet=fleet,
            owners=owners,
            gate=self._gate,
            say=self._view.say,
            awake=crowd.awake,
            patience=self._order.patience,
            apologies=self._apologies,
            proxy=proxy,
        )

    def _release(self, stage: Stage, database: str) -> Release:
        order = self._order
        config = BotConfig(
            application_id=stage.bot.application_id,
            token=stage.bot.token,
            api_url=self._emulator.api_url,
            database_url=database,
            modules=(order.probe, asks.MODULE),
            shards=str(order.shards),
            http_port=0,
            module_directories=(order.probe_directory,) if order.probe_directory else (),
            stop_grace=order.grace,
            revision=1,
            capacity=max(LEAST_CAPACITY, order.shards),
            armed_for=order.armed_for,
        )
        probe = {
            "PROBE_URL": self._emulator.control_url,
            "PROBE_SECONDS": USUAL_HANDLER,
            "PROBE_LONG_SECONDS": f"{order.long_handler:g}",
            "PROBE_LONG_SHARE": str(LONG_SHARE),
            "PROBE_EFFECTS": str(EFFECTS),
            "PROBE_SEED": str(order.seed),
        }
        if order.schema_change:
            config = images.with_notes(config, self._folder)
        return Release(config, member_environment(probe))

    async def _start(self, scene: Scene) -> None:
        """Start the processes, and note when the first one of them was warm."""
        async with asyncio.TaskGroup() as group:
            warm = group.create_task(scene.fleet.until_warm(), name="first warm process")
            await scene.fleet.start(self._order.processes)
        scene.warm_at = warm.result()

    async def _at_rest(self, scene: Scene) -> float:
        """Wait until the processes that have just started have shared the shards out; return that moment."""
        if not self._order.scenario.watches_start and not await scene.until_even():
            scene.complain(
                f"the processes had {scene.shares()} of {scene.fleet.shards} shards before anything happened"
            )
        return time.monotonic()

    async def _live(self, stage: Stage, crowd: CrowdRunner, asker: Asker, scene: Scene) -> None:
        """Let people act and things go wrong for as long as was asked for, and until the last fault is over."""
        order, enough = self._order, asyncio.Event()
        memory.settle()  # A full collection here would be a gap of the fleet's.
        self._state = "running"
        self._gate.open()
        shape = Shape(len(stage.crowd.guilds), len(stage.crowd.users), len(CHANNELS), OLD_MESSAGES)
        async with asyncio.TaskGroup() as group:
            traffic = Traffic(shape, order.seed)
            group.create_task(crowd.run(traffic, order.rate * (1 - ASK_SHARE), enough), name="crowd")
            group.create_task(asker.run(order.rate * ASK_SHARE, order.seed, enough), name="asker")
            faults = group.create_task(carry_out(scene, order.scenario.plan(order.wish)), name="faults")
            await asyncio.sleep(order.seconds)
            await faults
            enough.set()

    async def _settle(self) -> LedgerReport:
        """Wait until everything is handled, as far as it will be."""
        self._state = "finishing"
        with suppress(WaitTimeout):
            await self._control.wait_until_handled(timeout=HANDLED_WITHIN)
        await asyncio.sleep(LATE_REPEATS)
        return await self._control.ledger()

    def _row(self, report: LedgerReport, seconds: float, rate: float) -> Row:
        state = self._scene.state if self._state == "running" and self._scene is not None else self._state
        return row_of(
            report,
            seconds,
            rate,
            state=state,
            shards=self._order.shards,
            guilds=len(self._emulator.world.core.guilds),
            commands=f"{report.interactions.answered}/{report.interactions.sent}",
        )


def without_password(url: str) -> str:
    """An address as it may be shown."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{place}"))


async def run_scenario(order: Order, stream: TextIO | None) -> Outcome:
    """Run a scenario with everything it needs; nothing of it outlives the call.

    Raises MigagaError when it cannot be run to its end.
    """
    try:
        return await _run_scenario(order, stream)
    except* (MigagaError, ControlError) as group:
        reasons = "; ".join(dict.fromkeys(str(error) for error in leaves(group)))
        raise MigagaError(f"the scenario could not be finished: {reasons}") from group


async def _run_scenario(order: Order, stream: TextIO | None) -> Outcome:
    async with AsyncExitStack() as stack:
        if order.keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="migaga-scenario-")))
        else:
            folder = order.keep
            folder.mkdir(parents=True, exist_ok=True)
        rules = Rules(recommended_shards=order.shards, max_concurrency=order.scenario.max_concurrency)
        clock = StageClock()
        emulator = await stack.enter_async_context(run_emulator(rules, seed=order.seed, clock=clock))
        control = await stack.enter_async_context(ControlClient(emulator.control_url))
        on_signals(cancel_this())
        run = Run(order, LiveView(stream), emulator=emulator, control=control, clock=clock, folder=folder)
        return await run.run()


def summary(order: Order, outcome: Outcome) -> Mapping[str, object]:
    """The last line of a scenario."""
    facts = outcome.facts
    milliseconds = {name: round(getattr(facts.gap, name) * 1000, 1) for name in ("p50", "p99", "max")}
    return {
        "scenario": order.scenario.name,
        "seed": order.seed,
        "shards": order.shards,
        "processes": order.processes,
        "pids": outcome.pids,
        "database": outcome.database,
        "emulator": asdict(outcome.rules),
        "events_sent": facts.sent,
        "events_by_type": {name: totals.sent for name, totals in outcome.report.by_type.items() if totals.sent},
        "events_handled": facts.handled,
        "lost": facts.lost,
        "repeated": facts.repeated,
        "expired": facts.expired,
        "undeliverable": facts.undeliverable,
        "effects_lost": facts.effects_lost,
        "effects_repeated": facts.effects_repeated,
        "identifies": facts.identifies,
        "identifies_rejected": facts.identifies_rejected,
        "resumes": facts.resumes,
        "handovers": outcome.handovers,
        "faults": dict(facts.faults),
        "interactions_sent": facts.interactions_sent,
        "interactions_answered": facts.interactions_answered,
        "gap_ms": {"n": facts.gap.count, **milliseconds},
        "passed": not outcome.why,
        "why": outcome.why,
    }
