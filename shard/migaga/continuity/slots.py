"""When one IDENTIFY may be sent in a bucket (P8). Buckets are `shard_id % max_concurrency` of an application.

A slot is a random token in the bucket's row. Who sees it counts from the moment when it saw it, by its own clock.
The order is: slot, count (`budget.py`), check that the slot is still good, send, say that it was sent.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from migaga.storage.leases_operations import Insert, Together, Update, Value
from migaga.storage.leases_rows import BucketRow

GOOD_FOR = 1.0
"""Seconds for which a slot may be used, from before it was asked for."""
BLOCKED_AFTER_SENT = 5.25
"""Discord's 5 s, and some for the way there."""
BLOCKED = GOOD_FOR + BLOCKED_AFTER_SENT
"""Seconds for which an unused slot blocks its bucket: its holder may send at its very end."""
ARRIVES_WITHIN = 2.5
"""Seconds in which an IDENTIFY that was sent is known to Discord."""
SAID_WITHIN = GOOD_FOR + 0.5
"""Seconds in which the holder of a slot says that it has sent, if it ever does."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The right to send one IDENTIFY, if its operation is DONE in time."""

    bucket: int
    token: str = field(repr=False)
    operation: Update = field(repr=False)
    good_until: float


@dataclass(slots=True)
class _Bucket:
    token: str
    sent: bool
    free_at: float
    noted_at: float
    """When this token was seen first, or written by us."""
    mine: bool = False


class Slots:
    """The buckets of one application as one process sees them."""

    def __init__(self, application_id: int, max_concurrency: int) -> None:
        self._application = application_id
        self._concurrency = max(1, max_concurrency)
        self._buckets: dict[int, _Bucket] = {}
        self._changed_at: float | None = None

    def resize(self, max_concurrency: int, now: float) -> bool:
        """Take Discord's number of buckets. Another one gives every row another meaning: all block anew."""
        if max(1, max_concurrency) == self._concurrency:
            return False
        self._concurrency = max(1, max_concurrency)
        self._changed_at = now
        return True

    def bucket_of(self, shard_id: int) -> int:
        """Return the bucket of a shard."""
        return shard_id % self._concurrency

    def create(self) -> Together:
        """Return what makes the rows of all buckets that have not been read, at once."""
        unread = (bucket for bucket in range(self._concurrency) if bucket not in self._buckets)
        return Together((), tuple(self._new_row(bucket) for bucket in unread))

    def read(self, row: BucketRow, received_at: float, asked_at: float | None = None) -> None:
        """Take a reading of a bucket's row. What is new blocks from now on: nobody knows for how long it was there.

        `asked_at`, if it was earlier: a reading that was asked for before our own last write is older than that.
        """
        known = self._buckets.get(row.bucket)
        if known is not None and known.mine and asked_at is not None and asked_at <= known.noted_at:
            return
        if known is None or known.token != row.token:
            wait = 0.0 if not row.token else BLOCKED_AFTER_SENT if row.sent else BLOCKED
            self._buckets[row.bucket] = _Bucket(row.token, row.sent, received_at + wait, received_at)
        elif row.sent and not known.sent:
            known.sent = True
            known.free_at = min(known.free_at, received_at + BLOCKED_AFTER_SENT)

    def missing(self, present: Collection[int]) -> list[Insert]:
        """Return what makes the rows anew that were there before and were deleted. They stay blocked as they were."""
        gone = [bucket for bucket in self._buckets if bucket not in present]
        for bucket in gone:
            self._buckets[bucket].token = ""
        return [self._new_row(bucket) for bucket in gone]

    def free_at(self, bucket: int) -> float | None:
        """Return when a bucket may be asked for; None when its row has not been read.

        Rows beyond the number of buckets are of processes that do not know the new number yet: they block, too.
        """
        if bucket not in self._buckets:
            return None
        times = [one.free_at for number, one in self._buckets.items() if number % self._concurrency == bucket]
        if self._changed_at is not None:
            times.append(self._changed_at + BLOCKED)
        return max(times)

    def in_flight(self, now: float) -> int:
        """Return how many IDENTIFYs may be counted and not yet known to Discord: at most one in each bucket."""
        return sum(now < one.free_at - BLOCKED_AFTER_SENT + ARRIVES_WITHIN for one in self._buckets.values())

    def may_be_freed(self, bucket: int, now: float) -> bool:
        """Whether another process may soon say that it has sent, which frees its bucket sooner: read it again."""
        known = self._buckets.get(bucket)
        return known is not None and not known.sent and not known.mine and now < known.free_at - BLOCKED + SAID_WITHIN

    def ask(self, bucket: int, now: float, token: str) -> Slot | None:
        """Ask for a slot at `now`; None while the bucket is blocked. `token` is new."""
        known, free_at = self._buckets.get(bucket), self.free_at(bucket)
        if known is None or free_at is None or now < free_at:
            return None
        update = Update("identify_bucket", self._key(bucket), {"token": known.token}, {"token": token, "sent": False})
        return Slot(bucket, token, update, now + GOOD_FOR)

    def won(self, slot: Slot, now: float | None = None) -> None:
        """Note that a slot is, or may be, ours: it blocks the bucket whether it is used or not.

        `now` is when that became known, if it was later than the asking.
        """
        noted_at = slot.good_until - GOOD_FOR if now is None else now
        free_at = slot.good_until + BLOCKED_AFTER_SENT
        self._buckets[slot.bucket] = _Bucket(slot.token, False, free_at, noted_at, mine=True)

    def may_send(self, slot: Slot, now: float) -> bool:
        """Whether the slot may be used at `now`: a process that slept must not."""
        known = self._buckets.get(slot.bucket)
        return known is not None and known.token == slot.token and not known.sent and now < slot.good_until

    def sent(self, slot: Slot, now: float) -> Update:
        """Note that IDENTIFY was sent at `now`, and say so to the others: the bucket is free sooner."""
        self._buckets[slot.bucket] = _Bucket(slot.token, True, now + BLOCKED_AFTER_SENT, now, mine=True)
        return Update("identify_bucket", self._key(slot.bucket), {"token": slot.token}, {"sent": True})

    def sent_late(self, slot: Slot, now: float, token: str) -> Update:
        """Say that an IDENTIFY that was sent may not have arrived before `now`: the bucket blocks from now on.

        `token` is new: others count from when they see it.
        """
        self._buckets[slot.bucket] = _Bucket(token, True, now + BLOCKED_AFTER_SENT, now, mine=True)
        return Update("identify_bucket", self._key(slot.bucket), {"token": slot.token}, {"token": token, "sent": True})

    def give_back(self, slot: Slot) -> Update:
        """Return what frees the bucket of a slot that is certainly not used. Forget the row: read it again."""
        self._buckets.pop(slot.bucket, None)
        return Update("identify_bucket", self._key(slot.bucket), {"token": slot.token}, {"token": "", "sent": False})

    def _new_row(self, bucket: int) -> Insert:
        return Insert("identify_bucket", {**self._key(bucket), "token": "", "sent": False})

    def _key(self, bucket: int) -> dict[str, Value]:
        return {"application_id": self._application, "bucket": bucket}
