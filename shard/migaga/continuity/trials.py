"""Who was given a shard to prove itself, and lost it again (P10): each trial costs its shard two seconds.

Every process sees it in the rows, so whoever would be the next to give knows it too. `offers.py` and `readiness.py`
ask.
"""

from __future__ import annotations

import math

from migaga.continuity.view import View
from migaga.storage.leases_rows import ShardPhase

LEFT_ALONE = 60.0
"""Seconds for which a process that has failed is given nothing; twice as many after each further failure."""
LONGEST = 3_600.0


class Trials:
    """The failed trials of a fleet, by the own clock of one process."""

    def __init__(self) -> None:
        self._holding: frozenset[str] = frozenset()
        self._failures: dict[str, int] = {}
        self._until: dict[str, float] = {}

    def read(self, view: View, now: float) -> None:
        """Take a reading: who held a shard before, is not Ready, stays, and holds none now has failed."""
        owners = {row.owner for row in view.shards if row.state != ShardPhase.DRAINED}
        for row in view.staying:
            if row.id in self._holding and row.id not in owners and view.has_to_prove(row):
                self.failed(row.id, now)
        self._holding = frozenset(row.id for row in view.staying if not row.ready and row.id in owners)
        for gone in [process_id for process_id in self._failures if not view.is_alive(process_id)]:
            del self._failures[gone], self._until[gone]

    def failed(self, process_id: str, now: float) -> None:
        """Note a failed trial: its giver knows it first. What is known already changes nothing."""
        if self.pause(process_id, now) > 0:
            return
        failures = self._failures.get(process_id, 0)
        self._failures[process_id] = failures + 1
        self._until[process_id] = now + min(LONGEST, math.ldexp(LEFT_ALONE, min(failures, 10)))

    def has_failed(self, process_id: str) -> bool:
        """Whether a living process has failed at least once."""
        return process_id in self._failures

    def pause(self, process_id: str, now: float) -> float:
        """Return for how many seconds more a process is left alone, zero or more."""
        return max(0.0, self._until.get(process_id, now) - now)
