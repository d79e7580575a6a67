"""An intake and what is around it: a router whose handlers end when the test says, a life, a clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from migaga.gateway.handling import AgainError, Handlers, PutAside, Running
from migaga.gateway.intake import Intake
from migaga.gateway.observer import Unobserved
from migaga.gateway.received import Received


class StepClock:
    """Time that goes on only while somebody waits, or when the test says."""

    def __init__(self) -> None:
        self.time = 100.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


class Life:
    """Valid or not, as the test says."""

    def __init__(self) -> None:
        self._valid = asyncio.Event()
        self._valid.set()

    def is_valid(self) -> bool:
        return self._valid.is_set()

    async def until_valid(self) -> None:
        await self._valid.wait()

    def begin(self) -> None:
        self._valid.set()

    def end(self) -> None:
        self._valid.clear()


@dataclass
class Desk:
    """A router: what is taken, what waits, what fails, and a note of all that happened."""

    started: list[int] = field(default_factory=list)
    shards: list[int] = field(default_factory=list)
    """The shards that what was started came from, as events name them."""
    ended: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)
    gates: dict[int, asyncio.Event] = field(default_factory=dict)
    failing: set[int] = field(default_factory=set)
    asking: set[int] = field(default_factory=set)
    unwanted: set[int] = field(default_factory=set)
    away: Counter[int] = field(default_factory=Counter)
    """How often the handlers of an event miss the database."""
    deaf: set[int] = field(default_factory=set)
    """Events whose handlers do not hear their first cancellation, as under `asyncio.wait_for` of Python 3.11."""

    def route(self, event: Received) -> Handlers | None:
        if event.seq in self.unwanted:
            return None

        async def run(put_aside: PutAside) -> None:
            self.started.append(event.seq)
            self.shards.append(event.shard_id)
            if event.seq in self.asking:
                put_aside()
            if event.seq in self.deaf:
                with suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            if event.seq in self.gates:
                await self.gates[event.seq].wait()
            if self.away[event.seq]:
                self.away[event.seq] -= 1
                raise AgainError
            if event.seq in self.failing:
                raise ValueError("a fault of the framework")
            self.ended.append(event.seq)

        return run

    def refuse(self, event: Received, reason: str) -> Handlers | None:
        if event.name != "INTERACTION_CREATE":
            return None
        self.reasons.add(reason)

        async def apologize(put_aside: PutAside) -> None:
            self.refused.append(event.seq)

        return apologize

    def left(self, has_left: Callable[[int | None], bool]) -> None:
        """Nothing is kept of a guild."""

    def block(self, *seqs: int) -> None:
        """Let the handlers of these events wait for `free`."""
        self.gates.update({seq: asyncio.Event() for seq in seqs})

    def free(self, *seqs: int) -> None:
        """Let blocked handlers end."""
        for seq in seqs:
            self.gates[seq].set()


@dataclass
class Office:
    """An intake at work."""

    intake: Intake
    desk: Desk
    life: Life
    clock: StepClock
    finished: list[int]
    """What the intake has told of."""
    begun: list[tuple[Received, Running | None]] = field(default_factory=list)
    """The same, of events that have waited."""

    def receive(self, *seqs: int, name: str = "TYPING_START", session: str = "s") -> None:
        for seq in seqs:
            self.intake.receive(event(seq, session, name))

    @property
    def seq(self) -> int:
        """The watermark that would be stored."""
        return self.intake.point().seq


def event(seq: int, session: str = "s", name: str = "TYPING_START") -> Received:
    return Received(name, 0, session, seq, {})


def make(*, limit: int = 100, aside_limit: int = 100, is_open: bool = True) -> Office:
    """Make an intake that resumes session `s` after number 0."""
    desk, life, clock, finished = Desk(), Life(), StepClock(), list[int]()
    intake = Intake(
        0,
        desk,
        Unobserved(),
        alive=life,
        clock=clock,
        on_finished=finished.append,
        limit=limit,
        aside_limit=aside_limit,
    )
    intake.begin_session("s", 0)
    if is_open:
        intake.open()
    office = Office(intake, desk, life, clock, finished)
    intake.on_begun = lambda event, running: office.begun.append((event, running))
    return office


async def turns(count: int = 20) -> None:
    """Let other tasks run as far as they can without time going on."""
    for _ in range(count):
        await asyncio.sleep(0)
