"""What may be spent of Discord's IDENTIFY budget (P8): the lower of our own count and Discord's `remaining`.

An IDENTIFY is counted before it is sent, by one statement that also checks the limit: processes cannot overspend
together. A count of unknown result is spent.
"""

from __future__ import annotations

from dataclasses import dataclass

from migaga.storage.leases_operations import Add, AtMost, Insert, Update, Value
from migaga.storage.leases_rows import DayRow

FRESH_FOR = 60.0
"""Seconds for which Discord's answer may be used."""
SAME_PERIOD = 6 * 3600
"""Seconds by which two computed ends of one period may differ: clocks of machines do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What `GET /gateway/bot` said about starting sessions."""

    total: int
    remaining: int
    resets_at: int
    """Unix time: now and `reset_after`."""
    asked_at: float
    """Own clock, before the question was sent."""


class Budget:
    """The budget of one application as one process sees it."""

    def __init__(self, application_id: int, reserve: int) -> None:
        """`reserve` is kept back for recovery: for shards that have been in this generation before."""
        self._application = application_id
        self._reserve = reserve
        self._answer: Answer | None = None
        self._row: DayRow | None = None
        self._spent_before = 0

    def asked(self, row: DayRow | None, answer: Answer) -> Insert | Update | None:
        """Take Discord's answer, with our own count as it was read **before** Discord was asked.

        Returns what opens a new period, when there is none or the one that is counted is over. Then read and ask
        again.
        """
        self._answer = answer
        self._row = row
        self._spent_before = 0 if row is None else row.spent
        if row is None:
            first: dict[str, Value] = {"span": 1, "resets_at": answer.resets_at, "total": answer.total, "spent": 0}
            return Insert("identify_day", {"application_id": self._application, **first})
        if abs(answer.resets_at - row.resets_at) <= SAME_PERIOD and answer.total == row.total:
            return None
        self._row = None
        same = abs(answer.resets_at - row.resets_at) <= SAME_PERIOD
        change: dict[str, Value | Add] = {"span": Add(1), "resets_at": answer.resets_at, "total": answer.total}
        if not same:
            change["spent"] = 0
        return Update("identify_day", {"application_id": self._application}, {"span": row.span}, change)

    def is_fresh(self, now: float) -> bool:
        """Whether Discord's answer may still be used."""
        return self._row is not None and self._answer is not None and now - self._answer.asked_at <= FRESH_FOR

    def left(self, *, recovery: bool) -> int:
        """Return how many IDENTIFYs may be sent by what was read last, zero or more."""
        return 0 if self._row is None else max(0, self._limit(recovery=recovery) - self._row.spent)

    def read(self, row: DayRow) -> None:
        """Take a newer reading of our own count."""
        if self._row is not None and row.span == self._row.span:
            self._row = row
        else:
            self._row = None

    def spend(self, now: float, *, recovery: bool) -> Update | None:
        """Count one IDENTIFY; None when Discord has to be asked again, or the budget does not allow it.

        REFUSED means that others have spent what was left. Only DONE allows to send.
        """
        if not self.is_fresh(now) or self._row is None or self.left(recovery=recovery) <= 0:
            return None
        expect: dict[str, Value | AtMost] = {
            "span": self._row.span,
            "spent": AtMost(self._limit(recovery=recovery) - 1),
        }
        return Update("identify_day", {"application_id": self._application}, expect, {"spent": Add(1)})

    def _limit(self, *, recovery: bool) -> int:
        if self._answer is None:
            return 0
        kept = 0 if recovery else self._reserve
        return min(self._answer.total, self._spent_before + self._answer.remaining) - kept
