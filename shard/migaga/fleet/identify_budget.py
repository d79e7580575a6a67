"""The day's budget of IDENTIFYs over all processes: our own count in the database, and what Discord says.

`identify.py` keeps one. `continuity/budget.py` decides; here the row is read and written, and Discord is asked.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from migaga.common.clock import Clock
from migaga.common.errors import CredentialsError, MigagaError, UnavailableError
from migaga.continuity.budget import ASK_EVERY, Answer
from migaga.continuity.budget import Budget as Core
from migaga.fleet.breaker import FleetBreaker
from migaga.fleet.identify_buckets import Buckets, IdentifyRows
from migaga.fleet.line import Obstacle
from migaga.gateway.identify import Budget
from migaga.storage.leases_operations import Outcome

_LOG = logging.getLogger(__name__)

ANSWERS_WITHIN = 20.0
"""Seconds that Discord's answer may take."""
ANSWERS_SOON = 1.0
"""The same when the last answer may still be used."""
PERIOD = 86_400.0
"""Seconds of Discord's period. It begins with its first IDENTIFY: before that, `reset_after` is 0."""
RETRY = (1.0, 30.0)
"""Seconds until the next question when Discord or the database did not answer: at first, at most."""


class FleetBudget:
    """The budget of one application."""

    def __init__(
        self,
        rows: IdentifyRows,
        application_id: int,
        *,
        reserve: int,
        first: Budget,
        fetch: Callable[[], Awaitable[Budget]],
        buckets: Buckets,
        breaker: FleetBreaker,
        clock: Clock,
        time_of_day: Callable[[], float],
        on_answer: Callable[[], None],
    ) -> None:
        """`first` is an answer for display and for the number of buckets; `on_answer` is told of each newer one."""
        self._time_of_day = time_of_day
        self.answer = first
        self._core = Core(application_id, reserve)
        self._reserve = reserve
        self._rows = rows
        self._application = application_id
        self._fetch = fetch
        self._buckets = buckets
        self._breaker = breaker
        self._clock = clock
        self._on_answer = on_answer
        self._asking = asyncio.Lock()
        self._counted = 0
        self._failures = 0
        self._failed: Obstacle | None = None
        self._failed_until = self._tried_at = -math.inf
        self._renewed: datetime | None = None
        self._told: set[str] = set()
        self._warned = False

    @property
    def remaining(self) -> int:
        """Return how many are left, as far as is known."""
        return max(0, self.answer.remaining - self._counted)

    async def obstacle(self, *, recovery: bool) -> Obstacle | None:
        """Return why none may be spent now; None: one may. Asks Discord, and reads our count, when that is due."""
        async with self._asking:
            now = self._clock.now()
            if self._failed is not None and now < self._failed_until:
                return Obstacle(self._failed.reason, self._failed_until - now)
            ask_at = self._core.ask_at(recovery=recovery)
            is_due = ask_at is None or now >= max(ask_at, self._tried_at + ASK_EVERY)
            if is_due or self._core.must_ask(now, recovery=recovery):
                await self._refresh(now, recovery=recovery)
            if self._failed is not None:
                return self._failed
            return self._verdict(recovery=recovery)

    async def spend(self, *, recovery: bool) -> Outcome:
        """Count one. Only DONE allows to send; UNKNOWN has to be taken for spent."""
        operation = self._core.spend(self._clock.now(), recovery=recovery)
        outcome = Outcome.REFUSED if operation is None else await self._rows.execute(operation)
        if outcome in {Outcome.DONE, Outcome.UNKNOWN}:
            self._counted += 1
            self._core.counted()
        if outcome in {Outcome.REFUSED, Outcome.UNKNOWN}:
            self._core.forget()
        return outcome

    def show(self, answer: Budget) -> None:
        """Show an answer that somebody else has got. What may be spent is decided by answers of our own."""
        if not self._asking.locked():
            self.answer, self._counted = answer, 0

    async def _refresh(self, now: float, *, recovery: bool) -> None:
        """Ask. When Discord does not answer, what is known holds for a little longer."""
        self._tried_at = now
        try:
            await self._ask(ANSWERS_WITHIN if self._core.must_ask(now, recovery=recovery) else ANSWERS_SOON)
        except CredentialsError as error:
            await self._breaker.refused(str(error))
            self._fail(str(error))
        except MigagaError as error:
            _LOG.debug("the IDENTIFY budget could not be asked for: %s", error)
            if self._core.must_ask(self._clock.now(), recovery=recovery):
                self._fail(str(error))
        else:
            self._failures, self._failed = 0, None

    async def _ask(self, patience: float) -> None:
        before = await self._rows.day(self._application)
        await self._buckets.read()  # After the count: whoever has counted has changed its bucket before.
        asked_at = self._clock.now()
        in_flight = self._buckets.slots.in_flight(asked_at)
        self.answer = await self._answer(patience)
        self._counted = 0
        self._on_answer()
        after = self.answer.reset_after.total_seconds()
        answer = Answer(
            self.answer.total,
            self.answer.remaining,
            int(self._time_of_day() + (after or PERIOD)),
            asked_at,
            after,
            self.answer.max_concurrency,
        )
        self._renewed = datetime.fromtimestamp(self._time_of_day() + max(1.0, after), UTC)
        opening = self._core.asked(before, answer, in_flight)
        self._warn_of_reserve()
        if opening is not None:
            await self._rows.execute(opening)
            self._core.opened(await self._rows.day(self._application))

    def _warn_of_reserve(self) -> None:
        if self._core.kept != self._reserve and not self._warned:
            self._warned = True
            _LOG.warning(
                "IdentifyReserve in section [Fleet] is %d, but Discord allows %d IDENTIFYs a day: %d are kept instead",
                *(self._reserve, self.answer.total, self._core.kept),
            )

    async def _answer(self, patience: float) -> Budget:
        try:
            async with asyncio.timeout(patience):
                return await self._fetch()
        except TimeoutError as error:
            raise UnavailableError(
                f"Discord has not told the budget of IDENTIFYs in {patience:.0f} s; it is asked again"
            ) from error

    def _fail(self, reason: str) -> None:
        wait = min(RETRY[1], math.ldexp(RETRY[0], min(self._failures, 10)))
        self._failures += 1
        self._failed_until = self._clock.now() + wait
        self._failed = self._stopped("failed", f"no shard may IDENTIFY now: {reason}", wait)

    def _verdict(self, *, recovery: bool) -> Obstacle | None:
        ask_at = self._core.ask_at(recovery=recovery)
        if ask_at is None:
            return self._stopped("renewed", "the budget of IDENTIFYs was renewed just now; it is asked for again", 0.5)
        if self._core.left(recovery=recovery) > 0:
            self._told = self._told & {"reserve"} if recovery else set()
            return None
        wait = max(0.05, ask_at - self._clock.now())
        if self._core.left(recovery=True) > 0:
            return self._stopped(
                "reserve",
                f"{self._core.left(recovery=True)} IDENTIFYs of the {self.answer.total} of this day are left, and "
                f"{self._core.kept} are kept for shards that lose their session; others wait until {self._when()}. "
                "Lower IdentifyReserve in section [Fleet] to let them go on",
                wait,
                self._renewed,
            )
        if self._core.is_waited_for(recovery=recovery):
            return self._stopped("flight", "the last IDENTIFYs of the budget are on their way to Discord", wait)
        return self._stopped(
            "used up",
            f"the budget of {self.answer.total} IDENTIFYs a day is used up; "
            f"shards without a session wait until {self._when()}",
            wait,
            self._renewed,
        )

    def _when(self) -> str:
        return f"{self._renewed:%Y-%m-%d %H:%M:%S} UTC"

    def _stopped(self, kind: str, reason: str, wait: float, until: datetime | None = None) -> Obstacle:
        """Make an obstacle; it is logged when it is another one than before."""
        if kind not in self._told:
            level = logging.ERROR if until is not None else logging.WARNING
            _LOG.log(level, "IDENTIFY refused: %s", reason)
            self._told.add(kind)
        return Obstacle(reason, wait, until)
