"""The breaker of the fleet: Discord has refused the token (close 4004, HTTP 401), so nothing new is tried.

Connections that live stay as they are. Whoever connects asks `is_closed`; whoever hears a refusal calls `refused`.
The row is read while it is open only, and by whoever asks for it: closed, it costs the database nothing.
`continuity/breaker.py` decides.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Protocol

from migaga.common.clock import Clock
from migaga.common.errors import CredentialsError, MigagaError, UnavailableError
from migaga.continuity.breaker import PROBE_EVERY, Breaker
from migaga.storage.leases_operations import Operation, Outcome
from migaga.storage.leases_rows import BreakerRow

_LOG = logging.getLogger(__name__)

OPEN_POLL = 3.0
"""Seconds between two readings of the row while it is open."""
TRIES = 5
"""Writes of a refusal, or of its end, that are tried before `run` goes on with it."""
PAUSE = 0.2
"""Seconds between two of them."""
LONGEST_REASON = 500


class BreakerRows(Protocol):
    """What of `storage.leases.LeaseStore` the breaker uses."""

    async def execute(self, operation: Operation) -> Outcome:
        """Execute a write; its outcome is told, never raised."""
        ...

    async def breaker(self, application_id: int) -> BreakerRow | None:
        """Read the row of an application. Raises UnavailableError."""
        ...


def fingerprint_of(application_id: int, token: str) -> str:
    """Return 64 characters that tell two tokens apart and from which no token can be told. Never logged."""
    return hmac.new(str(application_id).encode(), token.encode(), hashlib.sha256).hexdigest()


class FleetBreaker:
    """The breaker of one application, as this process sees it."""

    def __init__(
        self,
        rows: BreakerRows,
        application_id: int,
        token: str,
        *,
        ask: Callable[[], Awaitable[object]],
        clock: Clock,
    ) -> None:
        """`ask` asks `GET /gateway/bot` with the token of now: raises CredentialsError when it is refused, another
        MigagaError when nobody can say. `token` is not kept."""
        self._rows = rows
        self._application = application_id
        self._core = Breaker(application_id, fingerprint_of(application_id, token))
        self._ask = ask
        self._clock = clock
        self._row = asyncio.Lock()
        self._read_at = -math.inf
        self._closed, self._open = asyncio.Event(), asyncio.Event()
        self._closed.set()

    @property
    def is_closed(self) -> bool:
        """Whether connections may be opened, RESUMEd and IDENTIFYed. Asked inline, before each."""
        return self._core.is_closed

    @property
    def reason(self) -> str | None:
        """Why it is open, for people; None when it is closed."""
        if self._core.reason is None:
            return None
        return (
            f"no shard connects since Discord has refused the token: {self._core.reason} "
            f"Discord is asked every {PROBE_EVERY / 60:.0f} minutes whether it accepts the token again"
        )

    async def until_closed(self) -> None:
        """Return when connections may be opened."""
        while not self.is_closed:
            await self._closed.wait()

    async def refused(self, reason: str) -> None:
        """Open it: Discord has answered 4004 or 401 to the own token. `reason` must not hold the token.

        It is open for this process at once. Returns when the row tells the others, or after about a second, if the
        database does not take it: `run` then goes on trying.
        """
        if self.is_closed:
            self._core.refused(reason[:LONGEST_REASON])
            self._settle()
        for _ in range(TRIES):
            if self._core.to_say() is None or await self._say():
                return
            await self._clock.sleep(PAUSE)

    async def accepted(self) -> None:
        """Close it: Discord has just accepted the own token, at a start or to a question."""
        for _ in range(TRIES):
            if await self._say_accepted():
                return
            await self._clock.sleep(PAUSE)

    def new_token(self, token: str) -> None:
        """Take another token: one that was not refused closes the breaker for this process."""
        self._core.new_token(fingerprint_of(self._application, token))
        self._settle()

    def note(self, row: BreakerRow | None) -> None:
        """Take a reading of the row by somebody else. None: there is no row, nobody has refused anything."""
        self._core.read(row or BreakerRow(self._application), self._clock.now())
        self._settle()

    async def read(self, max_age: float = 0.0) -> None:
        """Know the row by a reading of at most this age, in seconds. What cannot be read changes nothing."""
        async with self._row:
            now = self._clock.now()
            if now - self._read_at < max_age:
                return
            try:
                self.note(await self._rows.breaker(self._application))
                self._read_at = now
            except UnavailableError as error:
                _LOG.debug("the breaker could not be read: %s", error)

    async def run(self) -> None:
        """While it is open: read the row, tell what was not told yet, ask Discord when it is this process's turn."""
        while True:
            await self._open.wait()
            await self._say()
            if not self.is_closed:
                await self._probe()
            if not self.is_closed:
                await self._clock.sleep(OPEN_POLL)

    async def _say(self) -> bool:
        """Tell the others of the own refusal, if the row does not do so yet. Whether there is nothing left to tell."""
        async with self._row:
            try:
                self.note(await self._row_now())
                operation = self._core.to_say()
                if operation is None:
                    return True
                await self._rows.execute(operation)
                self.note(await self._row_now())
            except UnavailableError as error:
                _LOG.warning("the other processes could not be told that the token is refused: %s", error)
                return False
            return self._core.to_say() is None

    async def _say_accepted(self) -> bool:
        """Close it here, and for the others. Whether there is nothing left to tell."""
        async with self._row:
            try:
                row = await self._rows.breaker(self._application)
                self._core.read(row or BreakerRow(self._application), self._clock.now())
                operation = self._core.accepted()
                if operation is None:
                    return True
                if await self._rows.execute(operation) is not Outcome.DONE:
                    return False
                self._core.read(await self._row_now(), self._clock.now())
            except UnavailableError as error:
                self._core.accepted()
                _LOG.warning("the other processes could not be told that the token is accepted: %s", error)
                return False
            finally:
                self._settle()
            return True

    async def _row_now(self) -> BreakerRow:
        row = await self._rows.breaker(self._application)
        if row is None:
            await self._rows.execute(self._core.create())
            row = await self._rows.breaker(self._application)
        return row or BreakerRow(self._application)

    async def _probe(self) -> None:
        claim = self._core.probe(self._clock.now())
        if claim is None or await self._rows.execute(claim) is not Outcome.DONE:
            return
        try:
            await self._ask()
        except CredentialsError:
            _LOG.error("Discord still refuses the token")
        except MigagaError as error:
            _LOG.warning("Discord could not be asked whether it accepts the token again: %s", error)
        else:
            await self.accepted()

    def _settle(self) -> None:
        """Wake who waits for what it has become."""
        if self.is_closed == self._closed.is_set():
            return
        if self.is_closed:
            self._open.clear()
            self._closed.set()
            _LOG.info("Discord accepts the token: shards connect again")
        else:
            self._closed.clear()
            self._open.set()
            _LOG.error("%s", self.reason)
