"""How long a node waits: times in one place, and back-off that grows. `container.py` waits by it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. The defaults are those of a kubelet."""

    back_off: float = 10.0
    """The first pause before a container that failed again is started, or an image is looked for again."""
    longest_back_off: float = 300.0
    calm_after: float = 600.0
    """A container that ran this long begins anew with the shortest pause."""
    refresh: float = 2.0
    """How often mounted objects are compared with what is there now, and how soon a missing one is looked for."""


class BackOff:
    """Pauses that double. Knows no clock. Source: kubernetes/client-go/util/flowcontrol/backoff.go."""

    def __init__(self, times: Times, *, first_is_free: bool = True) -> None:
        """Begin with no pause at all when `first_is_free`."""
        self._times = times
        self._first = 0.0 if first_is_free else times.back_off
        self._next = self._first
        self._updated: float | None = None

    def pause(self, failed_at: float) -> float:
        """Return how long to wait after a failure at this time (seconds of any clock that only goes forward)."""
        if self._updated is not None and failed_at - self._updated > self._times.calm_after:
            self._next = self._first
        pause = self._next
        self._updated = failed_at + pause
        self._next = min(max(2 * pause, self._times.back_off), self._times.longest_back_off)
        return pause
