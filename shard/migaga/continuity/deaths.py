"""Who else is dead (P2): the same beat, read again and again for 9 s of the own clock.

No clock of another machine takes part. The runtime hands in every reading of the process rows, also the failed ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migaga.storage.leases_operations import Update
from migaga.storage.leases_rows import ProcessRow

DEAD_AFTER = 9.0
"""Seconds of the same beat. Longer than `life.VALID_FOR`, so equal clock rates are all that is needed."""
LONGEST_GAP = 3.0
"""Seconds between two readings after which the watcher itself was away, and begins again."""


@dataclass(frozen=True, slots=True)
class _Seen:
    beat: int
    since: float


class DeathWatch:
    """What one process knows about the beats of the others."""

    def __init__(self, process_id: str) -> None:
        self._me = process_id
        self._seen: dict[str, _Seen] = {}
        self._last: float | None = None

    def read(self, rows: Sequence[ProcessRow], asked_at: float, received_at: float) -> list[Update]:
        """Take a successful reading; return the declarations of death that follow from it.

        Args:
            rows: All process rows.
            asked_at: The moment before the question was sent: what it shows is not older.
            received_at: When the answer was there: what it shows is not younger.
        """
        if self._last is None or asked_at - self._last > LONGEST_GAP:
            self._seen.clear()
        self._last = received_at
        watched = [row for row in rows if not row.dead and row.id != self._me]
        self._seen = {row.id: self._judge(row, received_at) for row in watched}
        return [declare_dead(row) for row in watched if asked_at - self._seen[row.id].since >= DEAD_AFTER]

    def failed(self) -> None:
        """Take a failed reading: every count begins again, so an outage kills nobody."""
        self._seen.clear()
        self._last = None

    def _judge(self, row: ProcessRow, received_at: float) -> _Seen:
        seen = self._seen.get(row.id)
        return seen if seen is not None and seen.beat == row.beat else _Seen(row.beat, received_at)


def declare_dead(row: ProcessRow) -> Update:
    """Declare a process dead, if it has not beaten since it was seen."""
    return Update("process", {"id": row.id}, {"beat": row.beat, "dead": False}, {"dead": True})


def declare_predecessor(process_id: str) -> Update:
    """Declare the process dead whose local file this one has locked: the lock proves that it is gone."""
    return Update("process", {"id": process_id}, {"dead": False}, {"dead": True})
