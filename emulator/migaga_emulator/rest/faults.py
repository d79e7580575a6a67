"""Faults that a test puts into REST: errors, rate limits and slowness by route. Driven by the control API."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from migaga_emulator.world.clock import Clock


@dataclass(slots=True)
class RestFault:
    """One fault. It ends after `times` requests or at `until`, whichever comes first."""

    id: int
    method: str
    route: str
    status: int | None
    latency_s: float
    retry_after_s: float
    scope: str
    times: int | None
    until: float | None
    bot_id: int | None
    hits: int = 0


class RestFaults:
    """The faults that are set at present."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._faults: list[RestFault] = []
        self._last_id = 0

    def add(
        self,
        *,
        route: str = "*",
        method: str = "*",
        status: int | None = None,
        latency_s: float = 0.0,
        retry_after_s: float = 1.0,
        scope: str = "user",
        times: int | None = None,
        seconds: float | None = None,
        bot_id: int | None = None,
    ) -> RestFault:
        """Set a fault on requests whose route template or path fits `route` (`*` and `?` as in file names).

        `status`: 429 (with `retry_after_s` and `scope`: user, global or shared), 5xx, 403 ...; None only slows down.
        ValueError for a fault that does nothing or cannot happen.
        """
        if status is None and latency_s <= 0:
            raise ValueError("a REST fault needs a status, a latency, or both")
        if status is not None and not 400 <= status <= 599:
            raise ValueError(f"{status} is no error: use 400 to 599")
        if scope not in ("user", "global", "shared"):
            raise ValueError(f"{scope!r} is no rate limit scope: use user, global or shared")
        until = None if seconds is None else self._clock.monotonic() + seconds
        self._last_id += 1
        fault = RestFault(
            self._last_id, method.upper(), route, status, latency_s, retry_after_s, scope, times, until, bot_id
        )
        self._faults.append(fault)
        return fault

    def remove(self, fault_id: int) -> bool:
        """End a fault; whether it was there."""
        before = len(self._faults)
        self._faults = [fault for fault in self._faults if fault.id != fault_id]
        return len(self._faults) < before

    def clear(self) -> None:
        """End all faults."""
        self._faults.clear()

    def active(self) -> list[RestFault]:
        """The faults that are still set."""
        now = self._clock.monotonic()
        self._faults = [fault for fault in self._faults if not _over(fault, now)]
        return list(self._faults)

    def take(self, method: str, route: str, path: str, bot_id: int | None) -> RestFault | None:
        """The first fault that a request meets; it counts as used."""
        if not self._faults:
            return None
        for fault in self.active():
            if _fits(fault, method, route, path, bot_id):
                fault.hits += 1
                return fault
        return None


def _over(fault: RestFault, now: float) -> bool:
    used_up = fault.times is not None and fault.hits >= fault.times
    return used_up or (fault.until is not None and now >= fault.until)


def _fits(fault: RestFault, method: str, route: str, path: str, bot_id: int | None) -> bool:
    if fault.method not in ("*", method) or fault.bot_id not in (None, bot_id):
        return False
    return fault.route == route or fnmatchcase(route, fault.route) or fnmatchcase(path, fault.route)
