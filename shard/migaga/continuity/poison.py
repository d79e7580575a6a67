"""Events that kill their process (P6): two owners died at one watermark, so the next looks at each event alone.

An event is suspected before it is handled, in the shard's row, and quarantined when it was suspected twice.
"""

from __future__ import annotations

from enum import Enum, auto

from migaga.storage.leases_rows import ShardRow

DEATHS = 3
"""Owners in a row that died soon, at one watermark, before events are suspected."""
STEADY = -1
"""In place of their number: the present owner has lived with the shard for `STEADY_AFTER`."""
STEADY_AFTER = 5.0
"""Seconds. An event that ends its process does so soon; who dies later, or of a kill, is no witness against it."""
SUSPICIONS = 2
"""Times that an event is suspected before it is quarantined."""


class Verdict(Enum):
    """What to do with the next replayed event."""

    RUN = auto()
    """Handle it as always."""
    SUSPECT = auto()
    """Store the suspicion first, then handle it alone: the next one waits for its end, or for it being put aside."""
    QUARANTINE = auto()
    """Store it as quarantined, and do not handle it."""


class Suspicion:
    """What the owner of one shard suspects, from its claim to the end of the replay."""

    def __init__(self, row: ShardRow) -> None:
        """Begin with the row as it was claimed."""
        died_again = row.deaths >= DEATHS and row.died_seq == row.seq
        unfinished = row.suspect_seq is not None and row.suspect_seq > row.seq
        self._on = bool(row.session_id) and (died_again or unfinished)
        self._seq = row.suspect_seq
        self._count = row.suspect_count

    @property
    def is_on(self) -> bool:
        """Whether events are to be handled one at a time."""
        return self._on

    def judge(self, seq: int) -> Verdict:
        """Say what to do with an event of the replay."""
        if not self._on:
            return Verdict.RUN
        return Verdict.QUARANTINE if self.count(seq) >= SUSPICIONS else Verdict.SUSPECT

    def count(self, seq: int) -> int:
        """Return how often an event was suspected before."""
        return self._count if seq == self._seq else 0

    def suspected(self, seq: int) -> tuple[int, int]:
        """Suspect an event once more; returns what has to be stored before it is handled: number and count."""
        self._count = self.count(seq) + 1
        self._seq = seq
        return seq, self._count

    def replayed(self) -> None:
        """Note that the replay is over and everything of it has ended: no event kills any more."""
        self._on = False
