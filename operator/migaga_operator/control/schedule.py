"""When which bot is looked at: wakes that come together are one look, and failures make the looks rarer.

`reconciler.py` waits by it. Knows no clock: all times are given, in seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")

GAP = 0.2
"""Between two looks at the same bot: changes come in swarms."""
SHORTEST = 1.0
LONGEST = 60.0
_WAKE_AFTER_FAILURE = 2.0
"""A wake after a failure is heard, but not sooner: what fails must not run as often as pods change."""


@dataclass(slots=True)
class _Entry:
    due: float | None = None
    """When it is to be looked at; None: only when it is woken."""
    earliest: float = 0.0
    """No wake brings a look before."""
    is_running: bool = False
    is_woken: bool = False
    """A wake came since its last look was begun."""
    failures: int = 0


class Schedule(Generic[K]):
    """The looks to come."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        """Take what gives a number between 0 and 1, so that many failures do not come again together."""
        self._entries: dict[K, _Entry] = {}
        self._jitter = jitter

    def wake(self, key: K, now: float) -> None:
        """Something has changed."""
        entry = self._entries.setdefault(key, _Entry())
        entry.is_woken = True
        if entry.is_running:
            return
        at = max(now, entry.earliest)
        entry.due = at if entry.due is None else min(entry.due, at)

    def take(self, now: float) -> K | None:
        """Return what is due, if anything is; `done` or `failed` has to follow.

        What was woken is first: changes do not wait behind looks that only their time brings. Then who waits longest.
        """
        due = [
            (not entry.is_woken, entry.due, n, key)
            for n, (key, entry) in enumerate(self._entries.items())
            if entry.due is not None and entry.due <= now
        ]
        if not due:
            return None
        key = min(due, key=lambda item: item[:3])[3]
        entry = self._entries[key]
        entry.due, entry.is_running, entry.is_woken = None, True, False
        return key

    def next_at(self) -> float | None:
        """Return when something will be due; None: only after a wake."""
        return min((entry.due for entry in self._entries.values() if entry.due is not None), default=None)

    def done(self, key: K, now: float, again_in: float | None) -> None:
        """A look went well. `again_in`: seconds to the next one without a wake; None: there is nothing to look at."""
        entry = self._entries[key]
        if again_in is None and not entry.is_woken:
            del self._entries[key]
            return
        entry.failures = 0
        self._end(entry, now + GAP, now + (again_in or 0.0))

    def failed(self, key: K, now: float, not_before: float = 0.0) -> float:
        """A look failed. Return the seconds to the next; at least `not_before`, which no wake shortens."""
        entry = self._entries[key]
        pause = min(LONGEST, SHORTEST * 2.0 ** min(entry.failures, 10)) * (0.5 + self._jitter() / 2)
        pause = max(pause, not_before)
        entry.failures += 1
        self._end(entry, now + max(not_before, min(pause, _WAKE_AFTER_FAILURE)), now + pause)
        return pause

    def __len__(self) -> int:
        return len(self._entries)

    def due(self, now: float) -> int:
        """Return how many are due by now."""
        return sum(entry.due is not None and entry.due <= now for entry in self._entries.values())

    @staticmethod
    def _end(entry: _Entry, earliest: float, due: float) -> None:
        entry.is_running, entry.earliest = False, earliest
        entry.due = earliest if entry.is_woken else max(earliest, due)
