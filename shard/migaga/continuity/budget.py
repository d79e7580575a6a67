"""What may be spent of Discord's IDENTIFY budget (P8): the lower of our own count and Discord's `remaining`.

An IDENTIFY is counted before it is sent, by one statement that also checks the limit: processes cannot overspend
together. A count of unknown result is spent. Discord's answer may lack what was counted before it was asked and is
still on its way (`in_flight`): that is kept back, because one IDENTIFY too many costs the token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from migaga.storage.leases_operations import Add, AtMost, Insert, Update, Value
from migaga.storage.leases_rows import DayRow

FRESH_FOR = 60.0
"""Seconds for which Discord's answer may be used, if it does not answer again."""
ASK_EVERY = 5.0
"""Seconds after which it is asked again before more is spent: others spend, too, that do not share our count. When
little is left, an older answer is not used at all."""
LOW = 24
"""Little, for each bucket: twice what all clients together can get accepted in `FRESH_FOR`."""
ASK_EACH = 1.0
"""The same for the last ones, as many as there are buckets: one too many costs the token."""
SETTLED_AFTER = 3.75
"""Seconds after which what was in flight has arrived, or never will: the life of a slot, and the way (`slots.py`)."""
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
    reset_after: float = FRESH_FOR
    """Seconds until the budget is renewed."""
    max_concurrency: int = 1


class Budget:
    """The budget of one application as one process sees it."""

    def __init__(self, application_id: int, reserve: int) -> None:
        """`reserve` is kept back for recovery: for shards that have been in this generation before.

        One that would leave nothing to anybody else cannot be meant: then it is a tenth of what Discord allows.
        """
        self._application = application_id
        self._reserve = reserve
        self._answer: Answer | None = None
        self._row: DayRow | None = None
        self._spent_before = 0
        self._in_flight = 0

    def asked(self, row: DayRow | None, answer: Answer, in_flight: int = 0) -> Insert | Update | None:
        """Take Discord's answer, with our own count as it was read **before** Discord was asked.

        `in_flight` are IDENTIFYs that may be in that count and not in Discord's. Returns what opens a new period, when
        there is none or the one that is counted is over. Then read the row again: `opened`.
        """
        self._answer, self._row, self._in_flight = answer, row, in_flight
        self._spent_before = 0 if row is None else row.spent
        if row is None:
            first: dict[str, Value] = {"span": 1, "resets_at": answer.resets_at, "total": answer.total, "spent": 0}
            return Insert("identify_day", {"application_id": self._application, **first})
        if self._is_of_answer(row):
            return None
        self._row = None
        change: dict[str, Value | Add] = {"span": Add(1), "resets_at": answer.resets_at, "total": answer.total}
        if not _same_period(row, answer):
            change["spent"] = self._spent_before = 0
        return Update("identify_day", {"application_id": self._application}, {"span": row.span}, change)

    def opened(self, row: DayRow | None) -> None:
        """Take the row after a period was opened, by us or by another. It counts if Discord has spoken of it."""
        self._row = row if row is not None and self._is_of_answer(row) else None

    def forget(self) -> None:
        """Ask again before anything is spent: what is known is not how it is."""
        self._row = None

    @property
    def kept(self) -> int:
        """Return the reserve as it is kept."""
        total = self._reserve + 1 if self._answer is None else self._answer.total
        return self._reserve if self._reserve < total else total // 10

    def is_fresh(self, now: float) -> bool:
        """Whether Discord's answer may still be used."""
        return self._row is not None and self._answer is not None and now - self._answer.asked_at <= FRESH_FOR

    def ask_at(self, *, recovery: bool) -> float | None:
        """Return when Discord should be asked again; None: now, before anything else."""
        if self._row is None or self._answer is None:
            return None
        return self._answer.asked_at + self._good_for(self._answer, recovery=recovery)

    def must_ask(self, now: float, *, recovery: bool) -> bool:
        """Whether nothing may be spent before Discord has answered again."""
        ask_at, answer = self.ask_at(recovery=recovery), self._answer
        if ask_at is None or answer is None:
            return True
        if self.left(recovery=recovery) <= 0:
            return now >= ask_at
        left, buckets = self.left(recovery=True), max(1, answer.max_concurrency)
        allowed = ASK_EACH if left <= buckets else ASK_EVERY if left <= LOW * buckets else FRESH_FOR
        return now - answer.asked_at > allowed

    def left(self, *, recovery: bool) -> int:
        """Return how many IDENTIFYs may be sent by what was read last, zero or more."""
        return 0 if self._row is None else max(0, self._limit(recovery=recovery) - self._row.spent)

    def is_waited_for(self, *, recovery: bool) -> bool:
        """Whether some may be left, once what is on its way has arrived at Discord."""
        return self._row is not None and self._limit(recovery=recovery) + self._in_flight > self._row.spent

    def counted(self) -> None:
        """Note that one was, or may have been, counted."""
        if self._row is not None:
            self._row = replace(self._row, spent=self._row.spent + 1)

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

    def _good_for(self, answer: Answer, *, recovery: bool) -> float:
        if self.left(recovery=recovery) > 0:
            return ASK_EVERY
        if self.is_waited_for(recovery=recovery):
            return SETTLED_AFTER
        return min(FRESH_FOR, max(1.0, answer.reset_after))

    def _is_of_answer(self, row: DayRow) -> bool:
        return self._answer is not None and _same_period(row, self._answer) and row.total == self._answer.total

    def _limit(self, *, recovery: bool) -> int:
        if self._answer is None:
            return 0
        kept = 0 if recovery else self.kept
        return min(self._answer.total, self._spent_before + self._answer.remaining - self._in_flight) - kept


def _same_period(row: DayRow, answer: Answer) -> bool:
    return abs(answer.resets_at - row.resets_at) <= SAME_PERIOD
