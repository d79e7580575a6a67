"""`migaga demo`: a fleet of four shards in three processes before an emulated Discord, replaced in the middle.

`migaga up` runs it from a manifest, as it would run on a cluster; an edit of the manifest replaces every process.

The last line printed is one JSON object; everything in it is counted by the emulator's ledger, not by the bot.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

from migaga.common.commands import Command
from migaga.common.errors import MigagaError, UsageError
from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import BotInfo, Crowd
from migaga_emulator.control.transport import ControlError
from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.rules import Rules
from migaga_emulator.scenarios.conversations import CONVERSATIONS
from migaga_emulator.scenarios.crowd import CrowdRunner
from migaga_emulator.scenarios.endings import cancel_this, leaves, on_signals
from migaga_emulator.scenarios.handovers import Owners, moves_of
from migaga_emulator.scenarios.members import member_environment
from migaga_emulator.scenarios.talk import Conversation, Gate, Tally
from migaga_emulator.scenarios.traffic import Shape, Traffic
from migaga_emulator.scenarios.up import BotPlan, UpProcess, up_process
from migaga_emulator.scenarios.view import LiveView, Row, row_of
from migaga_emulator.server import Emulator, run_emulator

SHARDS = 4
PROCESSES = 3
GUILDS = 100
MEMBERS = 5
"""Besides the owner."""
CHANNELS = ("general", "lounge")
COMMAND_CHANNEL = "bots"
RATE = 200.0
"""Actions in a second."""
SECONDS = 30.0
PAUSE = 2.0
"""Seconds between two steps of a conversation."""
LEAST_EVENTS = 5_000
LEAST_COMMANDS = 300
MODULES = ("people", "games", "config", "custom_commands", "points")
START_WITHIN = 120.0
ROLL_WITHIN = 240.0
STOP_WITHIN = 75.0
HANDLED_WITHIN = 60.0
_PASSING = ("ShardsMissing", "AllShardsConnected")
"""Reasons that come and go while shards move."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    seed: int
    seconds: float
    forever: bool
    probe: str
    probe_directory: Path | None
    database: str | None
    keep: Path | None


@dataclass(frozen=True, slots=True)
class Summary:
    """The last line of the demo."""

    scenario: str
    shards: int
    guilds: int
    events_sent: int
    events_handled: int
    lost: int
    repeated: int
    commands_sent: int
    commands_answered: int
    identifies: int
    resumes: int
    passed: bool


def summarise(report: LedgerReport, tally: Tally, moves: int) -> Summary:
    """Judge a finished run by the ledger.

    Args:
        report: The ledger.
        tally: What became of the commands.
        moves: How often a shard went from one process to another.
    """
    passed = (
        report.lost == report.repeated == report.unexpected == 0
        and report.sent == report.handled >= LEAST_EVENTS
        and report.identifies == SHARDS
        # Every shard has left the processes of the first revision, and no session was lost on the way.
        and report.resumes == moves >= SHARDS
        and tally.answered == tally.sent >= LEAST_COMMANDS
        and report.interactions.answered == report.interactions.sent
        and report.commands.answered == report.commands.sent
        and report.interactions.sent + report.commands.sent == tally.sent
    )
    return Summary(
        scenario="demo",
        shards=SHARDS,
        guilds=GUILDS,
        events_sent=report.sent,
        events_handled=report.handled,
        lost=report.lost,
        repeated=report.repeated,
        commands_sent=report.interactions.sent + report.commands.sent,
        commands_answered=tally.answered,
        identifies=report.identifies,
        resumes=report.resumes,
        passed=passed,
    )


class Demo:
    """One run of the demo."""

    def __init__(self, wish: Wish, view: LiveView, emulator: Emulator, control: ControlClient, folder: Path) -> None:
        self._wish = wish
        self._view = view
        self._emulator = emulator
        self._control = control
        self._folder = folder
        self._gate = Gate()
        self._tally = Tally()
        self._state = "starting"
        self._enough = asyncio.Event()
        self._manifest = folder / "bot.json"
        self.interrupted = asyncio.Event()
        """Set when a person has seen enough of a run that goes on for ever."""

    async def run(self) -> Summary:
        """Populate Discord, run the fleet, let people talk, replace every process of it, and judge."""
        bot = await self._control.create_bot("Migaga")
        crowd = await self._control.create_guilds(
            GUILDS, members=MEMBERS, channels=(*CHANNELS, COMMAND_CHANNEL), bot=bot.id
        )
        self._view.say(f"{GUILDS} guilds with {len(crowd.users)} people each; {SHARDS} shards, {PROCESSES} processes")
        plan = self._plan(bot)
        await asyncio.to_thread(plan.write, self._manifest)
        async with self._view.table(self._control.ledger, self._row), self._fleet(bot) as (up, owners):
            report, moves = await self._live(up, owners, plan, bot, crowd)
            self._state = "stopping"
            self._view.say("SIGTERM to the fleet")
            await up.stop(within=STOP_WITHIN)
        for line in self._tally.wrong[:10]:
            self._view.say(f"wrong: {line}")
        return summarise(report, self._tally, moves)

    def _plan(self, bot: BotInfo) -> BotPlan:
        wish = self._wish
        directories = {"MIGAGA_MODULES_DIRECTORIES": str(wish.probe_directory)} if wish.probe_directory else {}
        return BotPlan(
            application_id=bot.application_id,
            token=bot.token,
            database_url=wish.database or f"sqlite+aiosqlite:///{self._folder / 'demo.db'}",
            modules=(*MODULES, wish.probe),
            replicas=PROCESSES,
            environment={
                "MIGAGA_DISCORD_APIURL": self._emulator.api_url,
                "PROBE_URL": self._emulator.control_url,
                **directories,
            },
        )

    @asynccontextmanager
    async def _fleet(self, bot: BotInfo) -> AsyncIterator[tuple[UpProcess, Owners]]:
        """Run the fleet; whoever connects is known by its process."""
        async with up_process(self._manifest, self._folder / "fleet", member_environment({}), self._hear) as up:
            owners = Owners(up.pids, urlsplit(self._emulator.gateway_url).port or 0)
            self._emulator.ledger.of(bot.id).connections.on_begun = owners.connected
            yield up, owners

    def _hear(self, said: str) -> None:
        """Show what the fleet says. That a shard is between two processes for a moment is no news."""
        if not any(word in said for word in _PASSING):
            self._view.say(said)

    async def _live(
        self, up: UpProcess, owners: Owners, plan: BotPlan, bot: BotInfo, crowd: Crowd
    ) -> tuple[LedgerReport, int]:
        """Let people talk while the fleet serves and is replaced; return the ledger and how often shards moved."""
        await up.until(lambda now: now.is_at_rest(PROCESSES, 1), START_WITHIN, "the fleet was not ready")
        self._state = "running"
        self._view.say(f"processes {', '.join(map(str, up.pids))} serve {SHARDS} shards")
        self._gate.open()
        async with asyncio.TaskGroup() as people:
            talk = people.create_task(self._talk(crowd), name="conversations")
            walk = people.create_task(self._walk(crowd), name="crowd")
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(self._wish.seconds / 2)
            await self._roll(up, plan)
            if self._wish.forever:
                addresses = [f"http://{pod.address}:8080/metrics" for pod in up.moment.pods]
                self._view.say(f"control API: {self._emulator.control_url}")
                self._view.say(f"metrics:     {' '.join(addresses)}")
                await self.interrupted.wait()
            lasted = asyncio.get_running_loop().time() - began
            await asyncio.sleep(max(self._wish.seconds / 4, self._wish.seconds - lasted))
            await self._finish(talk, walk)
        # A fleet that ends as a whole may still pass a shard on: that is no part of the roll.
        interruptions = self._emulator.ledger.of(bot.id).connections.interruptions(time.monotonic())
        return await self._control.ledger(), len(moves_of(interruptions, owners.of_port, 0.0))

    async def _roll(self, up: UpProcess, plan: BotPlan) -> None:
        """Replace every process by one of the next revision, the way a person does it: by an edit of the file."""
        self._state = "rolling"
        self._view.say("the manifest is changed: every process is replaced, one after the other; people go on")
        await asyncio.to_thread(plan.changed(MIGAGA_ENV_VERSION="2").write, self._manifest)
        await up.until(lambda now: now.is_at_rest(PROCESSES, 2), ROLL_WITHIN, "the fleet was not replaced")
        self._state = "running"
        self._view.say(f"processes {', '.join(str(pod.pid) for pod in up.moment.pods)} serve {SHARDS} shards")

    async def _walk(self, crowd: Crowd) -> None:
        shape = Shape(len(crowd.guilds), len(crowd.users), len(CHANNELS))
        await CrowdRunner(self._control, crowd, CHANNELS).run(Traffic(shape, self._wish.seed), RATE, self._enough)

    async def _talk(self, crowd: Crowd) -> None:
        """Begin the conversations one after the other, so that they are spread over the run; end with the last."""
        names = ("owner", "anna", "ben")
        speakers = {name: self._control.person(user.id) for name, user in zip(names, crowd.users, strict=False)}
        # The last one begins early enough to have its answers within the run.
        apart = self._wish.seconds * 0.6 / len(crowd.guilds)
        async with asyncio.TaskGroup() as conversations:
            for number, guild in enumerate(crowd.guilds):
                channel = guild.channel(COMMAND_CHANNEL)
                conversation = Conversation(self._control, self._gate, channel, speakers, self._tally)
                steps = CONVERSATIONS[number % len(CONVERSATIONS)]
                conversations.create_task(conversation.hold(steps, PAUSE), name=f"conversation {number}")
                await asyncio.sleep(apart)

    async def _finish(self, talk: asyncio.Task[None], walk: asyncio.Task[None]) -> None:
        """Let every conversation end and every event be handled."""
        await talk
        self._enough.set()
        await walk
        self._state = "finishing"
        await self._control.wait_until_handled(timeout=HANDLED_WITHIN)

    def _row(self, report: LedgerReport, seconds: float, rate: float) -> Row:
        commands = f"{self._tally.answered}/{self._tally.sent}"
        return row_of(report, seconds, rate, state=self._state, shards=SHARDS, guilds=GUILDS, commands=commands)


async def run_demo(wish: Wish, stream: TextIO | None) -> Summary:
    """Run the demo with everything it needs; nothing of it outlives the call.

    Raises MigagaError when it cannot be run to its end.
    """
    try:
        return await _run_demo(wish, stream)
    except* (MigagaError, ControlError) as group:
        reasons = "; ".join(str(error) for error in leaves(group))
        raise MigagaError(f"the demo could not be finished: {reasons}") from group


async def _run_demo(wish: Wish, stream: TextIO | None) -> Summary:
    async with AsyncExitStack() as stack:
        if wish.keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="migaga-demo-")))
        else:
            folder = wish.keep
            folder.mkdir(parents=True, exist_ok=True)
        rules = Rules(recommended_shards=SHARDS, max_concurrency=2)
        emulator = await stack.enter_async_context(run_emulator(rules, seed=wish.seed))
        control = await stack.enter_async_context(ControlClient(emulator.control_url))
        demo = Demo(wish, LiveView(stream), emulator, control, folder)
        on_signals(demo.interrupted.set if wish.forever else cancel_this())
        return await demo.run()


def configure(parser: ArgumentParser) -> None:
    """Declare the options of `migaga demo`."""
    parser.add_argument("--forever", action="store_true", help="keep running after the roll, until Ctrl-C")
    parser.add_argument("--seed", type=int, default=1, help="decides what people do (default 1)")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"length of the traffic (default {SECONDS:.0f})")
    parser.add_argument("--database", metavar="URL", help="database of the bot (default: an SQLite file of its own)")
    parser.add_argument("--probe", default="probe", metavar="NAME", help="the module that reports handled events")
    parser.add_argument("--probe-directory", type=Path, metavar="DIR", help="where that module is, when not built in")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave the logs, the manifest and the database there")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")


def run(options: Namespace) -> int:
    """Run the demo; 0 when it passed, 1 when it did not."""
    if options.seconds < 1:
        raise UsageError(f"--seconds is {options.seconds}: write at least 1; the contract is judged with {SECONDS:.0f}")
    wish = Wish(
        seed=options.seed,
        seconds=options.seconds,
        forever=options.forever,
        probe=options.probe,
        probe_directory=options.probe_directory,
        database=options.database,
        keep=options.keep,
    )
    try:
        summary = asyncio.run(run_demo(wish, None if options.json else sys.stdout))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    sys.stdout.write(json.dumps(asdict(summary)) + "\n")
    return 0 if summary.passed or wish.forever else 1


COMMAND = Command("demo", "a fleet against the emulator, with people who use it", configure, run)
