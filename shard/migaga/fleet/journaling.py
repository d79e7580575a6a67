"""What a shard of the present generation finishes while the next one is armed (P9). `held.py` stores it."""

from __future__ import annotations

from collections.abc import Sequence

from migaga.continuity.journal import Journal
from migaga.fleet.mute import digest_of
from migaga.fleet.parts import ShardKey
from migaga.gateway.received import Received
from migaga.storage.leases_operations import Insert


class Journaling:
    """The journal of one shard, and what of it is not stored yet."""

    def __init__(self, n: int, key: ShardKey, process_id: str) -> None:
        """`n` is the generation that it is kept for."""
        self.n = n
        self._journal = Journal(key[0], key[1], process_id)
        self._unstored: list[Insert] = []

    def passed(self, event: Received, received_at: float) -> None:
        """Note an event that is finished, or runs on beside the watermark."""
        self._unstored.append(self._journal.finished(event.guild_id or 0, digest_of(event), received_at))

    @property
    def unstored(self) -> tuple[Insert, ...]:
        """What belongs into the next flush."""
        return tuple(self._unstored)

    def stored(self, inserts: Sequence[Insert]) -> None:
        """Note that these are stored."""
        del self._unstored[: len(inserts)]

    def last(self, now: float) -> tuple[Insert, ...]:
        """Return what belongs into the drain."""
        return (*self._unstored, self._journal.drained(now))
