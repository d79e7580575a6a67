"""What everything that goes wrong in a scenario works on, and what it leaves for the judge. Made by `runner.py`."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import TypeVar

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import Answer
from migaga_emulator.ledger.book import BotLedger
from migaga_emulator.ledger.connections import Begun, Ended, Shard
from migaga_emulator.scenarios.apologies import Apologies
from migaga_emulator.scenarios.handovers import Owners, holdings
from migaga_emulator.scenarios.members import Fleet, Member
from migaga_emulator.scenarios.plan import Planned, Wish
from migaga_emulator.scenarios.proxy_thread import ThreadedProxy
from migaga_emulator.scenarios.talk import Gate

T = TypeVar("T")

LOOK_EVERY = 0.1
"""Seconds between two looks at the ledger."""
CONNECTED_WITHIN = 60.0
"""Seconds in which shards must be connected again, whatever happened; how long it took is judged elsewhere."""
FEW, FEW_OF_MANY = 3, 0.02
"""Events that may not be handled yet when a fleet has caught up: some handlers last long."""
ANEW = ("run it again", "run the command again")
"""In answers to people whose dialogue has died with its process."""
LET_GO = "client 3000"
"""How a connection ends that a process leaves, and whose session goes on."""
EVEN_WITHIN = 120.0
"""Seconds in which shares must be even: a fleet at rest waits for 30 s before it moves anything."""


@dataclass(slots=True)
class Crash:
    """Processes that were killed or frozen, or lost their token: what was pending with them cannot be answered."""

    shards: Collection[Shard]
    at: float
    back: float
    """When all of their shards were connected again."""
    in_flight: int = 0
    """Events that a client had, of these shards, and that were not handled at that moment."""


@dataclass(frozen=True, slots=True)
class Roll:
    """One rolling update."""

    revision: int
    """What every process was to become."""
    full: bool = True
    """Every process was replaced; else the roll was broken off."""


@dataclass(slots=True)
class Injected:
    """What was done."""

    faults: Counter[str] = field(default_factory=Counter)
    """By kind: what a fault has really hit."""
    sessions_ended: int = 0
    """Sessions that a fault has destroyed, after which Discord leaves nothing but IDENTIFY."""
    identifies_due: int = 0
    """IDENTIFYs of the generations after the first one."""
    crashes: list[Crash] = field(default_factory=list)
    rolls: list[Roll] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    """When the number of processes was changed."""
    tries: list[set[int]] = field(default_factory=list)
    """The processes of each bad image, by process id."""
    complaints: list[str] = field(default_factory=list)
    """What the processes should have done about a fault, and did not."""


@dataclass(slots=True)
class Scene:
    """The emulated Discord, the fleet and its people."""

    wish: Wish
    control: ControlClient
    ledger: BotLedger
    """The bot's."""
    fleet: Fleet
    owners: Owners
    gate: Gate
    """Keeps people from what only a living process can answer."""
    say: Callable[[str], None]
    """Told of every fault."""
    awake: asyncio.Event
    """Cleared while people do nothing at all."""
    patience: float
    """Seconds that a process may need for its end, at most."""
    apologies: Apologies
    """Answers that are as good as the right ones while something is wrong."""
    proxy: ThreadedProxy | None = None
    """Between the processes and their database server, in scenarios that cut them off."""
    injected: Injected = field(default_factory=Injected)
    state: str = "running"
    """What happens now, for the table."""
    warm_at: float = math.inf
    """When the first process was warm."""
    sizing: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while the number of processes changes."""
    chance: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.wish.seed)

    def victim(self, planned: Planned) -> Member:
        """The process that a fault hits: the planned one, counted among those that there are."""
        return self.fleet.members[(planned.process or 0) % len(self.fleet.members)]

    def holdings(self) -> dict[int, list[Shard]]:
        """The shards that each process is connected for, by process id."""
        return holdings(self.ledger.connections.log, self.owners.of_port)

    def shares(self) -> list[int]:
        """How many shards each of the processes has that there should be."""
        held = self.holdings()
        return [len(held.get(member.pid, ())) for member in self.fleet.members]

    def strike(self, member: Member) -> Crash:
        """Note that what this process has is about to be interrupted."""
        shards = tuple(self.holdings().get(member.pid, ()))
        crash = Crash(shards, time.monotonic(), time.monotonic(), self.in_flight(shards))
        self.injected.crashes.append(crash)
        return crash

    def in_flight(self, shards: Collection[Shard]) -> int:
        """Events of these shards that a client had and that are not handled yet."""
        return sum(one.had and is_of(one.guild_id, shards) for one in self.ledger.events.unhandled())

    def excuses(self, answer: Answer) -> bool:
        """Whether an answer that is not the right one is as good.

        A dialogue ends when its shard moves, and dies with its process: for as long as the moves may take after one has
        come or was told to leave, and after one has died or has let a session go, people may be asked to begin anew.
        """
        died = max((crash.at for crash in self.injected.crashes), default=-math.inf)
        recent = time.monotonic() - max(died, self.fleet.changed_at, self._let_go_at()) <= self.patience
        return self.apologies.excuses(answer) or (recent and any(text in answer.content for text in ANEW))

    def _let_go_at(self) -> float:
        """When a client has last closed a connection itself so that the session stays, as it does when a shard moves.

        Where the shard count changes no process comes or goes, and all shards move at once.
        """
        log = self.ledger.connections.log
        return next(
            (entry.at for entry in reversed(log) if isinstance(entry, Ended) and entry.how == LET_GO), -math.inf
        )

    def complain(self, text: str) -> None:
        """Note something that should not have been."""
        self.say(text)
        self.injected.complaints.append(text)

    async def until_back(self, crash: Crash, *, within: float = CONNECTED_WITHIN) -> None:
        """Wait until every shard of a crash has been connected again."""
        missing = await self._until(lambda: self._missing(crash), within)
        crash.back = time.monotonic()
        if missing:
            self.complain(f"shards {missing} were not connected again within {within:.0f} s")

    async def until_connected(self, crash: Crash, *, within: float = CONNECTED_WITHIN) -> None:
        """Wait until every shard of a crash is connected, again or still."""
        missing = await self._until(lambda: self._unconnected(crash), within)
        crash.back = time.monotonic()
        if missing:
            self.complain(f"shards {missing} were not connected within {within:.0f} s")

    async def until_caught_up(self, *, within: float = CONNECTED_WITHIN) -> None:
        """Wait until nearly everything that was published until now is handled; a few handlers last long."""
        now = time.monotonic()
        missed = [one for one in self.ledger.events.unhandled() if one.at <= now]
        most = max(FEW, int(len(missed) * FEW_OF_MANY))
        await self._until(lambda: sum(one.handled_at is None for one in missed) > most, within)

    async def until_even(self, *, within: float = EVEN_WITHIN) -> bool:
        """Wait until all shards are connected and the shares of the processes differ by one at most."""
        return not await self._until(lambda: not is_even(self.shares(), self.fleet.shards), within)

    def _missing(self, crash: Crash) -> list[int]:
        again = {
            entry.shard for entry in self.ledger.connections.log if isinstance(entry, Begun) and entry.at > crash.at
        }
        return sorted({shard[0] for shard in set(crash.shards) - again})

    def _unconnected(self, crash: Crash) -> list[int]:
        connected = {shard for held in self.holdings().values() for shard in held}
        return sorted({shard[0] for shard in set(crash.shards) - connected})

    async def _until(self, wrong: Callable[[], T], within: float) -> T:
        """Look until there is nothing wrong any more; return what is wrong in the end."""
        deadline = time.monotonic() + within
        while True:
            if not (found := wrong()) or time.monotonic() >= deadline:
                return found
            await asyncio.sleep(LOOK_EVERY)


def is_even(shares: list[int], shards: int) -> bool:
    """Whether all shards are shared out, with shares that differ by one at most."""
    return sum(shares) == shards and max(shares) - min(shares) <= 1


def is_of(guild_id: int | None, shards: Collection[Shard]) -> bool:
    """Whether events of a guild (None: of no guild) come to one of these shards."""
    return any((0 if guild_id is None else (guild_id >> 22) % count) == shard for shard, count in shards)
