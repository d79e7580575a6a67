"""Carries out a plan of faults and counts what was hit. Called by `runner.py`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from migaga.common.errors import MigagaError
from migaga_emulator.control.client import ControlClient
from migaga_emulator.ledger.book import BotLedger
from migaga_emulator.scenarios.members import Fleet, Member
from migaga_emulator.scenarios.plan import ENDING, Planned
from migaga_emulator.scenarios.talk import Gate

LATENCY_LASTS = 2.0
"""Seconds for which frames are delayed."""
CONNECTED_WITHIN = 20.0
"""Seconds that a fault waits for its shard to be connected: a fault that hits nobody is none."""
ENDS_WITHIN = 60.0
"""Seconds in which processes must have ended when the token is revoked."""
QUIET = 1.0
"""Seconds until what people have begun is done."""
AWAY = 2.0
"""Seconds for which a stopped fleet stays away."""
EXIT_CREDENTIALS = 78
REFUSED_TOKEN = "Discord refuses the bot token"  # noqa: S105 - what the log must say
USED_UP = "used up"


@dataclass(frozen=True, slots=True)
class Crash:
    """Processes that were killed, or lost their token: what was pending with them cannot be answered."""

    shards: Sequence[int]
    at: float
    back: float
    """When all of their shards were connected again."""
    in_flight: int
    """Events of these shards that were not handled at that moment."""


@dataclass(slots=True)
class Injected:
    """What was done."""

    faults: Counter[str] = field(default_factory=Counter)
    """By kind: what a fault has really hit."""
    sessions_ended: int = 0
    """Sessions that a fault has destroyed, after which Discord leaves nothing but IDENTIFY."""
    crashes: list[Crash] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What the processes should have done about a fault, and did not."""


class Injector:
    """Carries out a plan."""

    def __init__(
        self,
        control: ControlClient,
        ledger: BotLedger,
        fleet: Fleet,
        gate: Gate,
        say: Callable[[str], None],
        *,
        awake: asyncio.Event,
        patience: float,
    ) -> None:
        """Take what it works on.

        Args:
            control: the emulator's.
            ledger: the bot's.
            fleet: the processes.
            gate: keeps people from what only a living process can answer.
            say: told of every fault.
            awake: cleared while people do nothing at all.
            patience: seconds that handlers may need to end, at most.
        """
        self._awake = awake
        self._control = control
        self._ledger = ledger
        self._fleet = fleet
        self._gate = gate
        self._say = say
        self._patience = patience
        self.injected = Injected()
        self.state = "running"
        """What happens now, for the table."""
        self._processes: Mapping[str, Callable[[Planned], Awaitable[None]]] = {
            "kill": self._kill,
            "stop": self._stop,
            "budget": self._budget,
            "token": self._token,
        }

    async def run(self, plan: Sequence[Planned]) -> None:
        """Carry out the plan, each fault at its time or as soon after it as the one before has ended."""
        start = time.monotonic()
        for planned in plan:
            if (ahead := start + planned.at - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            on_process = self._processes.get(planned.kind)
            if on_process is not None:
                await on_process(planned)
            else:
                await self._on_shard(planned)
            self.state = "running"

    async def _on_shard(self, planned: Planned) -> None:
        """A fault of the gateway."""
        deadline = time.monotonic() + CONNECTED_WITHIN
        while not (hit := await self._hit(planned)):
            if time.monotonic() > deadline:
                raise MigagaError(f"shard {planned.shard} was not connected for {CONNECTED_WITHIN:.0f} s")
            await asyncio.sleep(0.25)
        self.state = planned.kind
        self._say(f"{planned.kind} on shard {planned.shard}")
        self.injected.faults[planned.kind] += hit
        if planned.kind in ENDING:
            self.injected.sessions_ended += hit

    async def _hit(self, planned: Planned) -> int:
        faults, shard = self._control.faults, planned.shard
        if planned.kind == "drop":
            return await faults.drop(shard_id=shard)
        if planned.kind == "op_7":
            return await faults.reconnect(shard_id=shard)
        if planned.kind.startswith("op_9"):
            return await faults.invalidate(resumable=planned.kind == "op_9_resumable", shard_id=shard)
        if planned.kind == "latency":
            hit = await faults.latency(planned.value, shard_id=shard)
            await asyncio.sleep(LATENCY_LASTS)
            await faults.latency(0.0, shard_id=shard)
            return hit
        return await faults.close(int(planned.kind.removeprefix("close_")), shard_id=shard)

    async def _kill(self, planned: Planned) -> None:
        """SIGKILL, and the same process again at once; it is over when its shards are connected."""
        member = self._fleet.members[planned.process or 0]
        if member.process is None:
            return
        self.state = "killed"
        self._say(f"SIGKILL to process {member.process.pid} with {len(member.shards)} shards")
        at, in_flight = time.monotonic(), self._in_flight(member.shards)
        await member.process.kill()
        await self._fleet.launch(member)
        self.injected.faults["kill"] += 1
        await self._fleet.until_connected(self._fleet.shards)
        self.injected.crashes.append(Crash(tuple(member.shards), at, time.monotonic(), in_flight))

    async def _stop(self, planned: Planned) -> None:
        """SIGTERM to all, with nobody waiting for an answer that Discord limits to 3 s; then all again."""
        await self._gate.close()
        self.state = "stopped"
        self._say("SIGTERM to all processes; people go on writing")
        await self._fleet.stop(within=self._patience + 15)
        self.injected.faults["stop"] += len(self._fleet.members)
        await asyncio.sleep(AWAY)
        await self._fleet.start()
        self._gate.open()

    async def _budget(self, planned: Planned) -> None:
        """Somebody else uses up the day's IDENTIFYs."""
        told = await self._control.faults.spend_budget()
        self._say(f"the day's IDENTIFYs are used up: {told.get('remaining')} left")
        self.injected.faults["budget"] += 1

    async def _token(self, planned: Planned) -> None:
        """Revoke the token: every process must end by itself and say why. Later it is good again."""
        self._fleet.expect_ends()
        started, at = time.monotonic(), time.monotonic()
        in_flight = self._in_flight(range(self._fleet.shards))
        self._gate.shut()
        self.state = "no token"
        self._say("the token is revoked")
        await self._control.faults.revoke_token()
        self.injected.faults["token"] += 1
        codes = await self._fleet.left(within=ENDS_WITHIN + self._patience)
        self.injected.complaints += token_complaints(codes, self._fleet.members)
        if (left := started + planned.value - time.monotonic()) > 0:
            await asyncio.sleep(left)
        # From now on a client could identify, but an operator needs the time of a start: nobody writes meanwhile.
        self._awake.clear()
        await asyncio.sleep(QUIET)
        await self._control.faults.restore_token()
        self._say("the token is good again; the processes are started")
        await self._fleet.start()
        self._awake.set()
        shards = tuple(range(self._fleet.shards))
        self.injected.sessions_ended += len(shards)
        self.injected.crashes.append(Crash(shards, at, time.monotonic(), in_flight))
        self._gate.open()

    def _in_flight(self, shards: Sequence[int]) -> int:
        count = self._fleet.shards
        return sum(
            1
            for occurrence in self._ledger.events.unhandled()
            if (0 if occurrence.guild_id is None else (occurrence.guild_id >> 22) % count) in shards
        )


def token_complaints(codes: Sequence[int], members: Sequence[Member]) -> list[str]:
    """What processes that lost their token did wrong: their exit codes, and what their logs do not say."""
    found = [
        f"process {number} left with exit code {code} when the token was refused, not {EXIT_CREDENTIALS}"
        for number, code in enumerate(codes)
        if code != EXIT_CREDENTIALS
    ]
    silent = [member.number for member in members if member.process and not member.process.said(REFUSED_TOKEN)]
    return [*found, *(f"the log of process {number} does not say that the token is refused" for number in silent)]


def budget_complaints(statuses: Sequence[Mapping[str, object]], members: Sequence[Member]) -> list[str]:
    """What processes whose shards may not identify do not show: in /status, and in their logs."""
    found: list[str] = []
    for member, status in zip(members, statuses, strict=True):
        shards = status.get("shards")
        states = (
            [shard.get("state") for shard in shards if isinstance(shard, Mapping)] if isinstance(shards, list) else []
        )
        if states and all(state == "live" for state in states):
            continue
        reasons = status.get("reasons")
        if USED_UP not in str(reasons):
            found.append(f"/status of process {member.number} does not say that the budget is used up: {reasons}")
        if member.process is not None and not member.process.said(USED_UP):
            found.append(f"the log of process {member.number} does not say that the budget is used up")
    return found
