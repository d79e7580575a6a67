"""An emulated Discord whose people write, react, come and go, and use commands, as long as a test wants.

`tests/cluster/test_life.py` has one beside its fleet, and reads from its ledger what became of every event.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from migaga_emulator.control.client import ControlClient
from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.rules import Rules
from migaga_emulator.scenarios.asks import Asker
from migaga_emulator.scenarios.clock import StageClock
from migaga_emulator.scenarios.crowd import CrowdRunner
from migaga_emulator.scenarios.effects import read_effects
from migaga_emulator.scenarios.facts import compare_effects
from migaga_emulator.scenarios.stage import CHANNELS, OLD_MESSAGES, Stage, build_stage
from migaga_emulator.scenarios.talk import Gate
from migaga_emulator.scenarios.traffic import Shape, Traffic
from migaga_emulator.server import Emulator, run_emulator

SEED = 11
RATE = 100.0
"""Things that people do in a second."""
ASK_SHARE = 0.02
"""How many of them are commands, buttons, menus and forms."""
HANDLED_WITHIN = 120.0
MODULES = ("probe", "probe_answers")
"""What a bot has to load: the first tells the ledger, the second answers."""
RULES = Rules(
    recommended_shards=4,
    max_concurrency=16,
    # Discord says "a few minutes". A whole fleet is ended and started again in between, on a machine that is busy.
    resume_window_s=300.0,
    replay_seconds=300.0,
    replay_events=5_000,
)


@dataclass
class Street:
    """The place, and its people. Made by `quiet_street`."""

    emulator: Emulator
    control: ControlClient
    stage: Stage
    crowd: CrowdRunner
    asker: Asker
    gate: Gate
    end: asyncio.Event = field(default_factory=asyncio.Event)

    def environment(self) -> dict[str, str]:
        """What a bot's processes have to be told."""
        return {
            "MIGAGA_DISCORD_APIURL": self.emulator.api_url,
            "PROBE_URL": self.emulator.control_url,
            "PROBE_SECONDS": "0-0.5",
            "PROBE_EFFECTS": "0.5",
            "PROBE_SEED": str(SEED),
        }

    @asynccontextmanager
    async def traffic(self) -> AsyncIterator[None]:
        """Let people act until the block is left; then everybody ends what they have begun."""
        shape = Shape(len(self.stage.crowd.guilds), len(self.stage.crowd.users), len(CHANNELS), OLD_MESSAGES)
        async with asyncio.TaskGroup() as group:
            plan = Traffic(shape, SEED)
            group.create_task(self.crowd.run(plan, RATE * (1 - ASK_SHARE), self.end), name="crowd")
            group.create_task(self.asker.run(RATE * ASK_SHARE, SEED, self.end), name="asker")
            self.wake()
            yield
            self.end.set()
            self.wake()

    def wake(self) -> None:
        """Let people go on."""
        self.crowd.awake.set()
        self.gate.open()

    async def hush(self) -> LedgerReport:
        """Let nobody begin anything, and wait until everything that was said is handled."""
        self.crowd.awake.clear()
        await self.gate.close()
        return await self.settle()

    async def settle(self) -> LedgerReport:
        """Wait until everything that could be delivered is handled."""
        return await self.control.wait_until_handled(timeout=HANDLED_WITHIN)

    def twice(self) -> list[str]:
        """Say of everything that was handled more than once what it was, of which of eight shards, and when it was."""
        entries, now = self.emulator.ledger.of(self.stage.bot.id).events.entries(), time.monotonic()
        twice = [(key, entry.occurrences[-1]) for key, entry in entries.items() if entry.repeated and entry.occurrences]
        return sorted(f"shard {(one.guild_id or 0) >> 22 & 7}, {now - one.at:.1f} s ago: {key}" for key, one in twice)

    async def wrong_effects(self, database_url: str) -> tuple[int, int]:
        """Return how many effects the database lacks, and how many it has too often."""
        entries = self.emulator.ledger.of(self.stage.bot.id).events.entries()
        return compare_effects(entries, await read_effects(database_url))


@asynccontextmanager
async def quiet_street() -> AsyncIterator[Street]:
    """Make it, with nobody about."""
    clock = StageClock()
    async with (
        run_emulator(RULES, seed=SEED, clock=clock) as emulator,
        ControlClient(emulator.control_url) as control,
    ):
        stage = await build_stage(emulator, control, clock, shards=8, seed=SEED)
        crowd, gate = CrowdRunner(control, stage.crowd, CHANNELS, stage.old), Gate()
        yield Street(emulator, control, stage, crowd, Asker(control, stage, gate), gate)
