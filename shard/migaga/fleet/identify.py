"""The IDENTIFY ledger: whose turn it is to IDENTIFY, over all processes that run this application.

RESUME never waits here. A shard waits for its turn, connects up to HELLO, takes the slot of its bucket and counts
itself in the database, and sends. What would overspend Discord's budget is not sent but shown in `status`.
Source: Discord's documentation, events/gateway, "Rate Limiting" and "Session Start Limit Object".
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from migaga.common.clock import Clock
from migaga.common.ending import end_tasks
from migaga.common.errors import UnavailableError
from migaga.continuity.backoff import LONGEST, BackOff
from migaga.continuity.slots import Slot
from migaga.fleet.breaker import FleetBreaker
from migaga.fleet.identify_buckets import Buckets, IdentifyRows
from migaga.fleet.identify_budget import FleetBudget
from migaga.fleet.line import Line, Obstacle, Place
from migaga.gateway.identify import ARRIVES_SOON, Budget, GateStatus
from migaga.gateway.observer import Observer
from migaga.storage.leases_operations import Outcome

_LOG = logging.getLogger(__name__)

AHEAD = 2.5
"""Seconds before its bucket is free at which a shard begins to connect: HELLO takes some time."""
TAKE_WITHIN = 30.0
"""Seconds that a connection waits at HELLO for a bucket that another process was quicker to take: a few rounds. To
connect anew takes longer than to wait for one more, and its first heartbeat is due after about 40."""
LOOK = 0.1
"""Seconds for which a reading of the buckets serves all shards that want one."""
COUNT_WITHIN = 0.5
"""Seconds of a slot's life that must be left to count: a slow database would eat the budget with counts too late."""
BREAKER_AGE = 2.0
"""Seconds for which a reading of the breaker serves all shards that wait."""
READ_EVERY = 5.0
"""Seconds between two readings of the buckets while nobody waits: about as long as a slot blocks its bucket."""
RETRY = 1.0
"""Seconds until the buckets are read again after the database did not answer."""


class LedgerTurn:
    """The turn of one shard. Made by `IdentifyLedger.turn`."""

    def __init__(
        self,
        place: Place,
        take: Callable[[Place], Awaitable[Slot | None]],
        sent: Callable[[Slot, asyncio.Event], None],
    ) -> None:
        self._place = place
        self._take = take
        self._sent = sent
        self._slot: Slot | None = None
        self._arrived = asyncio.Event()

    async def take(self) -> bool:
        """Take the slot and count the IDENTIFY. True: send it now. False: give the connection up, ask for a new turn.

        Waits for about 30 s at most when another process was quicker.
        """
        self._slot = await self._take(self._place)
        return self._slot is not None

    def sent(self) -> None:
        """Note that IDENTIFY has gone out just now."""
        slot, self._slot = self._slot, None
        if slot is not None:
            self._sent(slot, self._arrived)

    def answered(self) -> None:
        """Note that Discord has answered it: it has arrived."""
        self._arrived.set()


class IdentifyLedger:
    """Turns to IDENTIFY, shared with every process on the same database. `gateway.lease.IdentifyTurns`."""

    def __init__(
        self,
        rows: IdentifyRows,
        application_id: int,
        *,
        reserve: int,
        budget: Budget,
        fetch: Callable[[], Awaitable[Budget]],
        breaker: FleetBreaker,
        clock: Clock,
        observer: Observer,
        new_token: Callable[[], str] = lambda: secrets.token_hex(16),
        time_of_day: Callable[[], float] = time.time,
    ) -> None:
        """Begin with a `budget` just fetched.

        Args:
            rows: The tables; a `LeaseStore`.
            application_id: Whose budget it is. Fleets of one application on one database share it.
            reserve: IDENTIFYs of the day that only recovering shards may use.
            budget: What `GET /gateway/bot` said last.
            fetch: Asks it again. Raises CredentialsError when the token is refused, UnavailableError for no answer.
            breaker: Is told of a refused token, and asked before each IDENTIFY.
            clock: The own clock, which counts suspension.
            observer: Counts each IDENTIFY.
            new_token: Makes the random name of a slot, at most 32 characters.
            time_of_day: Unix seconds, for telling Discord's periods apart; hours do not matter.
        """
        self._rows = rows
        self._clock = clock
        self._observer = observer
        self._breaker = breaker
        self._new_token = new_token
        self._buckets = Buckets(rows, application_id, budget.max_concurrency, clock)
        self._line = Line(self._buckets.slots.bucket_of)
        self._budget = FleetBudget(
            rows,
            application_id,
            reserve=reserve,
            first=budget,
            fetch=fetch,
            buckets=self._buckets,
            breaker=breaker,
            clock=clock,
            time_of_day=time_of_day,
            on_answer=self._answered,
        )
        self._trying = asyncio.Lock()
        self._wasted = BackOff()
        self._on_the_way: asyncio.Queue[tuple[Slot, asyncio.Event]] = asyncio.Queue()

    async def run(self) -> None:
        """Say what was sent, for as long as the fleet runs. Without it buckets are free a second later."""
        async with asyncio.TaskGroup() as group:
            while True:
                slot, arrived = await self._on_the_way.get()
                group.create_task(self._say(slot, arrived), name=f"IDENTIFY in bucket {slot.bucket}")

    async def keep_reading(self) -> None:
        """Read the buckets now and then, for as long as the fleet runs. Nobody's clock tells when a slot was taken that
        is seen for the first time, so it blocks its bucket anew: a shard that has just lost its session would wait."""
        while True:
            with suppress(UnavailableError):
                await self._buckets.read()
            await self._clock.sleep(READ_EVERY)

    @asynccontextmanager
    async def turn(self, shard_id: int, *, recovery: bool) -> AsyncIterator[LedgerTurn]:
        """Wait until it is worth connecting for. Leave the block when IDENTIFY is sent or will not be sent.

        `recovery`: the shard had a session in this generation before. It may use the reserve, and goes first.
        """
        place = self._line.join(shard_id, recovery=recovery)
        try:
            await self._until_worth_connecting(place)
            place.has_turn = True
            yield LedgerTurn(place, self._take, self._sent)
        finally:
            self._line.leave(place)

    def status(self) -> GateStatus:
        """Return the budget as it is known now."""
        obstacle = self._line.obstacle
        reason = self._breaker.reason or (None if obstacle is None else obstacle.reason)
        answer = self._budget.answer
        return GateStatus(
            answer.total,
            self._budget.remaining,
            answer.max_concurrency,
            self._line.waiting,
            None if obstacle is None else obstacle.until,
            reason,
        )

    def show(self, budget: Budget) -> None:
        """Show what `GET /gateway/bot` has said just now: at rest nobody else asks."""
        self._budget.show(budget)

    def _answered(self) -> None:
        """Take the number of buckets that Discord has told."""
        if self._buckets.slots.resize(self._budget.answer.max_concurrency, self._clock.now()):
            _LOG.info("Discord allows %d IDENTIFYs in 5 s from now on", self._budget.answer.max_concurrency)
            self._line.advance()

    # ---- before connecting

    async def _until_worth_connecting(self, place: Place) -> None:
        while True:
            await self._breaker.read(BREAKER_AGE)
            await self._breaker.until_closed()
            await place.first.wait()
            wait = await self._wait(place, AHEAD, LOOK)
            if wait <= 0 and self._breaker.is_closed and place.first.is_set():
                return
            await self._clock.sleep(max(0.0, wait))

    async def _wait(self, place: Place, ahead: float, max_age: float) -> float:
        """Return seconds until `ahead` before this shard may IDENTIFY as far as is known, or until the next look."""
        place.obstacle = await self._obstacle(place, max_age)
        if place.obstacle is not None:
            return place.obstacle.seconds
        return self._buckets.wait(place.shard_id, ahead)

    async def _obstacle(self, place: Place, max_age: float) -> Obstacle | None:
        now = self._clock.now()
        if (ready_at := self._wasted.ready_at(now)) > now:
            reason = "the database takes too long to give a turn to IDENTIFY in time, which costs some of the budget"
            return Obstacle(f"{reason}; the next try is in {ready_at - now:.0f} s", ready_at - now)
        if (obstacle := await self._budget.obstacle(recovery=place.recovery)) is not None:
            return obstacle
        try:
            await self._buckets.look(place.shard_id, max_age)
        except UnavailableError as error:
            return Obstacle(f"no shard may IDENTIFY now: {error}", RETRY)
        return None

    # ---- after HELLO

    async def _take(self, place: Place) -> Slot | None:
        deadline = self._clock.now() + TAKE_WITHIN
        while self._breaker.is_closed:
            wait = await self._wait(place, 0.0, TAKE_WITHIN)
            if wait <= 0 and (slot := await self._try(place)) is not None:
                return slot
            if self._clock.now() + max(0.0, wait) > deadline:
                break
            await self._clock.sleep(max(0.0, wait))
        return None

    async def _try(self, place: Place) -> Slot | None:
        """Take the slot, count, and check that the slot is still good."""
        async with self._trying:  # One after the other: a count must not queue behind the slots of other shards.
            return await self._try_now(place)

    async def _try_now(self, place: Place) -> Slot | None:
        slots, now = self._buckets.slots, self._clock.now()
        slot = slots.ask(slots.bucket_of(place.shard_id), now, self._new_token())
        if slot is None:
            return None
        outcome = await self._rows.execute(slot.operation)
        if outcome is not Outcome.DONE:
            if outcome is Outcome.UNKNOWN:
                slots.won(slot, self._clock.now())
            elif outcome is Outcome.FAILED:
                await self._clock.sleep(LOOK)
            self._buckets.distrust()
            return None
        slots.won(slot, self._clock.now())
        if await self._count(place, slot):
            return slot
        await self._rows.execute(slots.give_back(slot))
        return None

    async def _count(self, place: Place, slot: Slot) -> bool:
        """Count the IDENTIFY. True: it may be sent right now."""
        if self._clock.now() > slot.good_until - COUNT_WITHIN:
            return False
        outcome = await self._budget.spend(recovery=place.recovery)
        now = self._clock.now()
        if outcome is Outcome.DONE and self._buckets.slots.may_send(slot, now) and self._breaker.is_closed:
            self._wasted.lived(LONGEST)
            return True
        if outcome in {Outcome.DONE, Outcome.UNKNOWN}:
            self._wasted.sent(now)
            _LOG.warning("shard %d: an IDENTIFY was counted and is not sent: it was not sure in time", place.shard_id)
        return False

    def _sent(self, slot: Slot, arrived: asyncio.Event) -> None:
        self._on_the_way.put_nowait((slot, arrived))
        self._observer.identify_sent()

    async def _say(self, slot: Slot, arrived: asyncio.Event) -> None:
        """Say that an IDENTIFY was sent; and once more when it may have arrived a moment later than usual."""
        # What the database does not take only means that the bucket is free a second later.
        await self._rows.execute(self._buckets.slots.sent(slot, self._clock.now()))
        waits = [asyncio.create_task(arrived.wait()), asyncio.create_task(self._clock.sleep(ARRIVES_SOON))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_tasks(*waits)
        if not arrived.is_set():
            await self._rows.execute(self._buckets.slots.sent_late(slot, self._clock.now(), self._new_token()))
