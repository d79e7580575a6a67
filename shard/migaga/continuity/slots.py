"""When one IDENTIFY may be sent in a bucket (P8). Buckets are `shard_id % max_concurrency` of an application.

A slot is a random token in the bucket's row. Who sees it counts from the moment when it saw it, by its own clock.
The order is: slot, count (`budget.py`), check that the slot is still good, send, say that it was sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from migaga.storage.leases_operations import Update, Value
from migaga.storage.leases_rows import BucketRow

GOOD_FOR = 1.0
"""Seconds for which a slot may be used, from before it was asked for."""
BLOCKED_AFTER_SENT = 5.25
"""Discord's 5 s, and some for the way there."""
BLOCKED = GOOD_FOR + BLOCKED_AFTER_SENT
"""Seconds for which an unused slot blocks its bucket: its holder may send at its very end."""


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


class Slots:
    """The buckets of one application as one process sees them."""

    def __init__(self, application_id: int, max_concurrency: int) -> None:
        self._application = application_id
        self._concurrency = max(1, max_concurrency)
        self._buckets: dict[int, _Bucket] = {}

    def bucket_of(self, shard_id: int) -> int:
        """Return the bucket of a shard."""
        return shard_id % self._concurrency

    def read(self, row: BucketRow, received_at: float) -> None:
        """Take a reading of a bucket's row. What is new blocks from now on: nobody knows for how long it was there."""
        known = self._buckets.get(row.bucket)
        if known is None or known.token != row.token:
            wait = 0.0 if not row.token else BLOCKED_AFTER_SENT if row.sent else BLOCKED
            self._buckets[row.bucket] = _Bucket(row.token, row.sent, received_at + wait)
        elif row.sent and not known.sent:
            known.sent = True
            known.free_at = min(known.free_at, received_at + BLOCKED_AFTER_SENT)

    def free_at(self, bucket: int) -> float | None:
        """Return when a bucket may be asked for; None when its row has not been read."""
        known = self._buckets.get(bucket)
        return None if known is None else known.free_at

    def ask(self, bucket: int, now: float, token: str) -> Slot | None:
        """Ask for a slot at `now`; None while the bucket is blocked. `token` is new."""
        known = self._buckets.get(bucket)
        if known is None or now < known.free_at:
            return None
        update = Update("identify_bucket", self._key(bucket), {"token": known.token}, {"token": token, "sent": False})
        return Slot(bucket, token, update, now + GOOD_FOR)

    def won(self, slot: Slot) -> None:
        """Note that a slot is, or may be, ours: it blocks the bucket whether it is used or not."""
        self._buckets[slot.bucket] = _Bucket(slot.token, False, slot.good_until + BLOCKED_AFTER_SENT)

    def may_send(self, slot: Slot, now: float) -> bool:
        """Whether the slot may be used at `now`: a process that slept must not."""
        known = self._buckets.get(slot.bucket)
        return known is not None and known.token == slot.token and not known.sent and now < slot.good_until

    def sent(self, slot: Slot, now: float) -> Update:
        """Note that IDENTIFY was sent at `now`, and say so to the others: the bucket is free sooner."""
        self._buckets[slot.bucket] = _Bucket(slot.token, True, now + BLOCKED_AFTER_SENT)
        return Update("identify_bucket", self._key(slot.bucket), {"token": slot.token}, {"sent": True})

    def _key(self, bucket: int) -> dict[str, Value]:
        return {"application_id": self._application, "bucket": bucket}
