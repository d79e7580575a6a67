"""Several processes, one database and Discord in virtual time: everything happens in an instant, in a fixed order."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import TypeVar

from tests.unit.continuity.modeldb import ModelDb

from migaga.common.errors import CredentialsError, UnavailableError
from migaga.fleet.breaker import FleetBreaker
from migaga.fleet.identify import IdentifyLedger
from migaga.gateway.identify import Budget
from migaga.gateway.observer import Unobserved
from migaga.storage.leases_operations import Operation, Outcome
from migaga.storage.leases_rows import BreakerRow, BucketRow, DayRow
from migaga_emulator.gateway.limits import IdentifyBudget, Verdict

APPLICATION = 7
T = TypeVar("T")


class Time:
    """Time that goes on to the next sleeper when nobody has anything left to do."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        wake: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._numbers), wake))
        await wake

    async def run(self, work: Coroutine[object, object, T]) -> T:
        """Run `work` to its end."""
        task = asyncio.create_task(work)
        runnable = vars(asyncio.get_running_loop())["_ready"]
        while not task.done():
            await asyncio.sleep(0)
            while runnable:
                await asyncio.sleep(0)
            if not task.done():
                self._wake_next()
        return await task

    def _wake_next(self) -> None:
        while self._sleepers:
            at, _, wake = heapq.heappop(self._sleepers)
            if not wake.done():
                self.now = max(self.now, at)
                wake.set_result(None)
                return
        raise AssertionError("everybody waits, and nobody for a time")


class OwnClock:
    """The clock of one process, which began at another moment. A process that is frozen goes on when it thaws."""

    def __init__(self, time: Time, offset: float = 0.0) -> None:
        self._time = time
        self._offset = offset
        self._frozen_until = 0.0

    def now(self) -> float:
        return self._time.now + self._offset

    async def sleep(self, seconds: float) -> None:
        await self._time.sleep(seconds)
        while self._time.now < self._frozen_until:
            await self._time.sleep(self._frozen_until - self._time.now)

    def freeze(self, seconds: float) -> None:
        self._frozen_until = self._time.now + seconds


Fate = Callable[[Operation], Outcome | None]


class Rows:
    """The tables as one process reaches them. Each statement takes `latency` there, and the same back."""

    def __init__(self, db: ModelDb, clock: OwnClock, latency: float = 0.001) -> None:
        self._db = db
        self._clock = clock
        self.latency = latency
        self.statements = 0
        self.is_down = False
        self.fate: Fate = lambda _: None
        """What becomes of the next write: None: what the database says. UNKNOWN and FAILED hide it or prevent it."""
        self.executed: list[Operation] = []

    async def execute(self, operation: Operation) -> Outcome:
        self.statements += 1
        await self._clock.sleep(self.latency)
        outcome = Outcome.FAILED if self.is_down else self.fate(operation)
        if outcome is not Outcome.FAILED:
            self.executed.append(operation)
            said = self._db.execute(operation)
            outcome = outcome or said
        await self._clock.sleep(self.latency)
        return outcome

    async def buckets(self, application_id: int) -> Sequence[BucketRow]:
        rows = await self._read("identify_bucket")
        return [BucketRow(**row) for row in rows if row["application_id"] == application_id]  # type: ignore[arg-type]

    async def day(self, application_id: int) -> DayRow | None:
        rows = await self._read("identify_day")
        found = [DayRow(**row) for row in rows if row["application_id"] == application_id]  # type: ignore[arg-type]
        return next(iter(found), None)

    async def breaker(self, application_id: int) -> BreakerRow | None:
        rows = await self._read("breaker")
        found = [BreakerRow(**row) for row in rows if row["application_id"] == application_id]  # type: ignore[arg-type]
        return next(iter(found), None)

    async def _read(self, table: str) -> list[Mapping[str, object]]:
        self.statements += 1
        await self._clock.sleep(self.latency)
        if self.is_down:
            raise UnavailableError("database: the fleet could not be read")
        rows: list[Mapping[str, object]] = [dict(row) for row in self._db.tables[table].values()]
        await self._clock.sleep(self.latency)
        return rows


@dataclass
class Discord:
    """What Discord counts, by the emulator's own rules."""

    time: Time
    rules: IdentifyBudget
    verdicts: list[tuple[float, int, Verdict]] = field(default_factory=list)
    asked: int = 0
    is_down: bool = False
    refuses_token: bool = False

    def identify(self, shard_id: int) -> Verdict:
        verdict = self.rules.identify(shard_id, self.time.now)
        self.verdicts.append((self.time.now, shard_id, verdict))
        return verdict

    @property
    def times(self) -> list[float]:
        return [at for at, _, _ in self.verdicts]

    @property
    def shards(self) -> list[int]:
        return [shard for _, shard, _ in self.verdicts]

    def assert_content(self) -> None:
        """Nothing was sent that Discord forbids."""
        wrong = [one for one in self.verdicts if one[2] is not Verdict.ACCEPTED]
        assert not wrong, wrong

    async def gateway_bot(self) -> Budget:
        self.asked += 1
        await self.time.sleep(0.05)
        if self.refuses_token:
            raise CredentialsError("Discord refuses the bot token.")
        if self.is_down:
            raise UnavailableError("asking for the gateway failed: Discord answered 500. Try again later.")
        return self.now()

    def now(self) -> Budget:
        rules, now = self.rules, self.time.now
        after = timedelta(seconds=rules.reset_after(now))
        return Budget(rules.total, rules.remaining(now), after, rules.max_concurrency)


class Member:
    """One process."""

    def __init__(self, town: Town, number: int, reserve: int) -> None:
        self.town = town
        self.clock = OwnClock(town.time, 977.0 * number)
        self.rows = Rows(town.db, self.clock)
        self.observer = Counting()
        self.breaker = FleetBreaker(
            self.rows, APPLICATION, f"token-{town.token}", ask=town.discord.gateway_bot, clock=self.clock
        )
        numbers = itertools.count()
        self.ledger = IdentifyLedger(
            self.rows,
            APPLICATION,
            reserve=reserve,
            budget=town.discord.now(),
            fetch=town.discord.gateway_bot,
            breaker=self.breaker,
            clock=self.clock,
            observer=self.observer,
            new_token=lambda: f"{number}-{next(numbers)}",
            time_of_day=lambda: 1_800_000_000 + town.time.now,
        )
        self.connect = 0.2
        """Seconds up to HELLO."""
        self.on_the_way = 0.2
        """Seconds until an IDENTIFY arrives, at most."""
        self.gave_up = 0

    async def identify(self, shard_id: int, *, recovery: bool = False) -> None:
        """Connect and IDENTIFY, again until it is done."""
        while not await self.attempt(shard_id, recovery=recovery):
            self.gave_up += 1

    async def attempt(self, shard_id: int, *, recovery: bool = False) -> bool:
        async with self.ledger.turn(shard_id, recovery=recovery) as turn:
            await self.clock.sleep(self.connect)
            if not await turn.take():
                return False
            turn.sent()
        await self.town.time.sleep(self.town.dice.uniform(0.01, self.on_the_way))
        self.town.discord.identify(shard_id)
        await self.town.time.sleep(0.01)
        turn.answered()
        return True

    async def identify_all(self, shards: Sequence[int], *, recovery: bool = False) -> None:
        await asyncio.gather(*(self.identify(shard, recovery=recovery) for shard in shards))


class Counting(Unobserved):
    """Counts IDENTIFYs."""

    def __init__(self) -> None:
        self.identifies = 0

    def identify_sent(self) -> None:
        self.identifies += 1


class Town:
    """Discord, the database, and the processes of one application."""

    def __init__(
        self, *, total: int = 1_000, concurrency: int = 1, processes: int = 1, reserve: int = 0, seed: int = 0
    ) -> None:
        self.dice = Random(seed)
        self.time = Time()
        self.db = ModelDb()
        self.token = "t"
        rules = IdentifyBudget(total=total, window_s=86_400, max_concurrency=concurrency, interval_s=5.0)
        self.discord = Discord(self.time, rules)
        self.members = [Member(self, number, reserve) for number in range(processes)]

    @property
    def one(self) -> Member:
        return self.members[0]

    @property
    def spent(self) -> int:
        row = next(iter(self.db.tables["identify_day"].values()))
        return int(json.dumps(row["spent"]))

    def run(self, work: Awaitable[T]) -> Coroutine[object, object, T]:
        """Run `work` with every process's own tasks beside it."""
        return self.time.run(self._beside(work))

    async def _beside(self, work: Awaitable[T]) -> T:
        async with AsyncExitStack() as stack:
            for member in self.members:
                for loop in (member.ledger.run(), member.breaker.run()):
                    stack.callback(asyncio.create_task(loop).cancel)
            result = await work
        await asyncio.sleep(0)
        return result

    async def shared_out(self, shards: int) -> None:
        """All shards IDENTIFY, shared out over the processes."""
        count = len(self.members)
        parts = [range(number, shards, count) for number in range(count)]
        await asyncio.gather(*(one.identify_all(part) for one, part in zip(self.members, parts, strict=True)))
