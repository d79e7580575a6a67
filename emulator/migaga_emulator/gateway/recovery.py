"""Until when nobody can blame a client for having no session: after an injected fault has destroyed one, Discord's own
rules keep even the best client waiting. What is published after that time is lost by a client that is slow.

Synchronous; times are given. Used by `hub.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from migaga_emulator.gateway.session import Generation

PAUSE_AFTER_OP_9_S = 5.0
"""Discord: "wait a random amount of time, between 1 and 5 seconds" before IDENTIFY after op 9 `d: false`."""
AT_ONCE_S = 2.0
"""What "at once" takes a client: to notice, to connect, HELLO, IDENTIFY, and its margin on Discord's five seconds."""


@dataclass(slots=True)
class _Cut:
    ready_at: float
    """From when on a client may identify, as far as its bucket allows."""


class Recovery:
    """The shards of one bot that have lost their session to a fault and have not identified again."""

    def __init__(self, *, max_concurrency: int, interval_s: float) -> None:
        self._max_concurrency = max_concurrency
        self._interval_s = interval_s
        self._cuts: dict[Generation, _Cut] = {}
        self._bucket_used: dict[int, float] = {}
        self._held = False

    def cut(self, generation: Generation, now: float, *, pause_s: float = 0.0) -> None:
        """A fault has destroyed the session; Discord asks for `pause_s` before the next IDENTIFY."""
        self._cuts.setdefault(generation, _Cut(now + pause_s))

    def identified(self, generation: Generation, now: float) -> None:
        """An IDENTIFY was accepted: the shard is back, and its bucket is used."""
        self._bucket_used[generation.shard_id % self._max_concurrency] = now
        self._cuts = {
            cut: when
            for cut, when in self._cuts.items()
            if (cut.shard_id, cut.shard_count) != (generation.shard_id, generation.shard_count)
        }

    def hold(self) -> None:
        """The token is refused: nobody may identify until `release`."""
        self._held = True

    def release(self, now: float) -> None:
        """A good token is there again."""
        if self._held:
            self._held = False
            self._not_before(now)

    def excuses(
        self, guild_id: int | None, now: float, *, budget_in: float = 0.0, beside: Collection[int] = ()
    ) -> bool:
        """Whether a fault alone is why no session covers this guild now.

        Args:
            guild_id: the guild of the event; None for an event of none.
            now: when it was published.
            budget_in: seconds until the day's budget is renewed, when it is used up.
            beside: shard counts of sessions that cover it and were left by their clients; a RESUME of one that has
                the same count as the session that was destroyed would have brought the event.
        """
        cuts = [generation for generation in self._cuts if generation.shard_count not in beside]
        concerned = [generation for generation in cuts if generation.covers(guild_id)]
        if not concerned:
            return False
        if budget_in:
            self._not_before(now + budget_in)
        return self._held or any(now <= self.deadline(generation) for generation in concerned)

    def deadline(self, generation: Generation) -> float:
        """When a client that loses no time has identified this shard: one per bucket and five seconds, in order."""
        bucket = generation.shard_id % self._max_concurrency
        used = self._bucket_used.get(bucket)
        slot = float("-inf") if used is None else used + self._interval_s
        waiting = [cut for cut in self._cuts if cut.shard_id % self._max_concurrency == bucket]
        for cut in sorted(waiting, key=lambda cut: (self._cuts[cut].ready_at, cut.shard_id)):
            slot = max(slot, self._cuts[cut].ready_at)
            if cut == generation:
                break
            slot += self._interval_s
        return slot + AT_ONCE_S

    def _not_before(self, when: float) -> None:
        for cut in self._cuts.values():
            cut.ready_at = max(cut.ready_at, when)
