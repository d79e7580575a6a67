"""Who of several operators acts: the one that holds the Lease, and only as long as it knows that it does.

The operator's process runs one `Leadership`; whoever writes asks `check` before. `Election` decides and knows no clock.
The rules are client-go's (k8s.io/client-go/tools/leaderelection): only one's own clock counts, from the begin of the
last renewal that succeeded.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace
from typing import Protocol

from migaga.common.clock import Clock
from migaga.common.errors import UnavailableError
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.kube.leases import LeaseRecord, now_in_micros

_LOG = logging.getLogger(__name__)

LEASE_SECONDS = 12
"""For how long others respect a Lease that is not renewed."""
TRUST_SECONDS = 8.0
"""For how long its holder relies on it. A write that is sent in the last moment has 4 s (`kube/client.py`) to end."""
EVERY_SECONDS = 2.0
"""How often it is renewed, or asked for."""


class LostLeaseError(UnavailableError):
    """This process does not hold the Lease (any more), and must not write."""


class LeaseObject(Protocol):
    """The object that all candidates see."""

    async def read(self) -> LeaseRecord | None:
        """Return what it says; None when there is none."""

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        """Write it if nobody was quicker (StaleError), and return what is there now."""


@dataclass(slots=True)
class Election:
    """What one candidate knows of the Lease. All times are of its own clock, in seconds."""

    identity: str
    record: LeaseRecord | None = None
    seen_at: float = 0.0
    """When the record was first seen as it is."""
    renewed_at: float | None = None
    """When the last renewal that succeeded was begun; None: the Lease is not held."""

    def see(self, record: LeaseRecord | None, now: float) -> None:
        """Take note of the Lease as it stands."""
        if self.record is None or record is None or record.version != self.record.version:
            self.seen_at = now
        self.record = record
        if self.renewed_at is not None and (record is None or record.holder != self.identity):
            self.renewed_at = None

    def free_in(self, now: float) -> float:
        """Return the seconds after which it may be taken, unless it is renewed; 0: now."""
        if self.record is None or self.record.holder in {"", self.identity}:
            return 0.0
        return max(0.0, self.seen_at + self.record.seconds - now)

    def claim(self) -> LeaseRecord:
        """Return the record that makes this candidate the holder, or keeps it."""
        before = self.record or LeaseRecord("", 0)
        if before.holder == self.identity:
            return replace(before, seconds=LEASE_SECONDS)
        return LeaseRecord(self.identity, LEASE_SECONDS, now_in_micros(), before.turns + 1, before.version)

    def won(self, record: LeaseRecord, began: float) -> None:
        """Take note that a claim was written; `began` is when it was sent."""
        self.record, self.seen_at, self.renewed_at = record, began, began

    def holds(self, now: float) -> bool:
        """Whether this candidate may rely on the Lease."""
        return self.renewed_at is not None and now < self.renewed_at + TRUST_SECONDS


class Leadership:
    """This process's part in the election."""

    def __init__(self, lease: LeaseObject, identity: str, clock: Clock) -> None:
        """Take the Lease, a name that no other process has, and a clock that counts time of suspension."""
        self._lease = lease
        self._clock = clock
        self._election = Election(identity)
        self._acquired = asyncio.Event()
        self._is_released = False
        self.trouble = ""
        """Why the Lease could not be asked for at the last try; empty when it could."""

    @property
    def is_held(self) -> bool:
        """Whether this process may write now."""
        return not self._is_released and self._election.holds(self._clock.now())

    @property
    def holder(self) -> str:
        """Who holds the Lease as far as is known; empty: nobody."""
        return self._election.record.holder if self._election.record else ""

    def check(self) -> None:
        """Raise LostLeaseError when this process may not write now. Cheap: asked before each write."""
        if not self.is_held:
            raise LostLeaseError(f"the {self._lease} is not held by this process: it must not write.")

    async def acquired(self) -> None:
        """Wait until the Lease is held for the first time."""
        await self._acquired.wait()

    async def run(self) -> None:
        """Take the Lease and keep it. Raises LostLeaseError when it is lost: the process has to end then."""
        while not await self._try_to_take():
            await self._clock.sleep(min(EVERY_SECONDS, self._election.free_in(self._clock.now()) or EVERY_SECONDS))
        _LOG.info("this process acts: it holds the %s", self._lease)
        self._acquired.set()
        while True:
            await self._clock.sleep(EVERY_SECONDS)
            await self._renew()

    async def release(self) -> None:
        """Give the Lease back, so that another process acts at once. Without it others wait until it is over."""
        if not self.is_held or self._election.record is None:
            return
        self._is_released = True
        try:
            await self._lease.write(replace(self._election.record, holder="", seconds=1, acquired=""))
        except (AwayError, StaleError, RefusedError) as error:
            _LOG.warning(
                "the %s could not be given back, others take it in %d s: %s", self._lease, LEASE_SECONDS, error
            )

    async def _try_to_take(self) -> bool:
        try:
            self._election.see(await self._lease.read(), self._clock.now())
            self.trouble = ""
            if self._election.free_in(self._clock.now()) > 0:
                return False
            await self._write()
        except StaleError:
            return False
        except (AwayError, RefusedError) as error:
            self.trouble = f"the {self._lease} cannot be taken: {error}"
            _LOG.warning("%s", self.trouble)
            return False
        return self.is_held

    async def _renew(self) -> None:
        try:
            await self._write()
        except StaleError:
            await self._look_who_wrote()
        except (AwayError, RefusedError) as error:
            _LOG.warning("the %s could not be renewed: %s", self._lease, error)
        if not self.is_held:
            raise LostLeaseError(f"the {self._lease} is lost: {self.holder or 'nobody'} has it. This process ends.")

    async def _look_who_wrote(self) -> None:
        """After a version that we did not expect: ours whose answer was lost, somebody's edit, or another holder's."""
        try:
            self._election.see(await self._lease.read(), self._clock.now())
            if self._election.renewed_at is not None:
                await self._write()
        except (AwayError, RefusedError, StaleError) as error:
            _LOG.warning("the %s could not be renewed: %s", self._lease, error)

    async def _write(self) -> None:
        began = self._clock.now()
        self._election.won(await self._lease.write(self._election.claim()), began)
