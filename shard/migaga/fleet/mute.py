"""What a shard of the next generation keeps while the present one still handles everything (P9).

`turnover.py` makes one for each such shard; its intake hands in every event. Guild by guild, as the old shards are
drained, what they have not handled is given out, in order.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import orjson

from migaga.continuity.journal import SAME_WITHIN, Kept, digest, unhandled
from migaga.gateway.received import Received
from migaga.storage.leases_rows import JournalRow

REMEMBER = 4
"""Times as long as events are kept, it is known which there were. A cut takes as long as its slowest shard: events that
are given out then may be twice as old, and the interruption that they came in has begun earlier still."""
_HANDSHAKE = frozenset({"READY", "RESUMED"})
_BY_INTENT = frozenset({"content", "embeds", "attachments", "components", "poll"})
"""Fields of messages that Discord leaves out for sessions without the intent MESSAGE_CONTENT."""
_MESSAGES = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})


def digest_of(event: Received) -> bytes:
    """Name an event by what it says, the same in every session that gets it."""
    payload = event.payload
    if event.name in _MESSAGES:
        payload = {name: value for name, value in payload.items() if name not in _BY_INTENT}
    return digest(event.name, orjson.dumps(payload, option=orjson.OPT_SORT_KEYS))


@dataclass(frozen=True, slots=True)
class Given:
    """What comes of the events that were kept for one old shard."""

    to_handle: Sequence[Received] = field(repr=False)
    handled: Sequence[Received] = field(repr=False)
    """Those that the old shard has handled, and what belongs to the handshake."""


class KeptEvents:
    """The last events of one warm shard."""

    def __init__(self, old_count: int, keep: float, *, complete: bool = False) -> None:
        """Keep `keep` seconds for a generation of `old_count` shards.

        `complete`: all guilds are known to have come, to an owner before.
        """
        self.old_count = old_count
        self._keep = keep
        self._kept: deque[tuple[Kept, Received]] = deque()
        self._count: Counter[int] = Counter()
        """How many are kept for each old shard."""
        self._witnesses: deque[Kept] = deque()
        """What came before that. The old shards have handled it; it tells which entries of the journal are not those of
        later events, and when these came."""
        self._complete_since = -math.inf
        """Since when all events of this session are kept or witnesses. Own clock."""
        self._handshake: list[Received] = []
        self._opened: set[int] = set()
        self._missing: set[int] | None = set() if complete else None
        self._is_replaying = False
        self._heard_at = self._not_before = -math.inf
        """When the last event came, and the last one before a RESUME. Own clock."""

    @property
    def missing(self) -> int | None:
        """How many guilds of READY have not come; None before READY."""
        return None if self._missing is None else len(self._missing)

    @property
    def opened(self) -> frozenset[int]:
        """The old shards whose guilds are handled here."""
        return frozenset(self._opened)

    def replays(self) -> None:
        """Note that a RESUME is sent: what comes before RESUMED was sent earlier than it comes."""
        if not self._is_replaying:
            # A replay that breaks off goes on in the next one: what that brings may be as old.
            self._not_before = self._heard_at
        self._is_replaying = True

    def keeps(self, event: Received, now: float) -> bool:
        """Keep an event, unless its old shard is drained."""
        if self._heard_at == -math.inf:
            self._complete_since = now
        self._heard_at = now
        if event.name in _HANDSHAKE:
            if event.name == "READY":
                self._missing = {int(guild["id"]) for guild in event.payload.get("guilds", ())}
                self._complete_since = now
            self._is_replaying = False
            self._handshake.append(event)
            return True
        guild = event.guild_id or 0
        if event.name == "GUILD_CREATE" and self._missing and guild in self._missing:
            # It belongs to the handshake: the generation before had it long ago.
            self._missing.discard(guild)
            self._handshake.append(event)
            return True
        if self._old_shard(guild) in self._opened:
            return False
        not_before = self._not_before if self._is_replaying else -math.inf
        kept = Kept(event.name, guild, digest_of(event), event.seq, now, self._is_replaying, not_before)
        self._kept.append((kept, event))
        self._count[self._old_shard(guild)] += 1
        return True

    def not_cutting(self, asked_at: float) -> list[Received]:
        """Drop what nobody will need, after a reading that said that the cut has not begun. Returns it."""
        dropped, self._handshake = self._handshake, []
        while self._kept and self._kept[0][0].received_at < asked_at - self._keep:
            kept, event = self._kept.popleft()
            self._count[self._old_shard(kept.guild_id)] -= 1
            self._witnesses.append(kept)
            dropped.append(event)
        while self._witnesses and self._witnesses[0].received_at < asked_at - REMEMBER * self._keep:
            self._complete_since = max(self._complete_since, self._witnesses.popleft().received_at)
        return dropped

    def has_of(self, old_shard: int) -> bool:
        """Whether anything is kept for an old shard: else its journal tells nothing."""
        return self._count[old_shard] > 0

    def give(self, old_shard: int, journal: Sequence[JournalRow], before: float, after: float) -> Given:
        """Give out what was kept for a drained shard; what comes from now on is not kept any more.

        Args:
            old_shard: Of the generation before.
            journal: What it has journaled.
            before: When the last reading was asked for that did not show the drain.
            after: When the one was answered that did.
        """
        self._opened.add(old_shard)
        handshake, self._handshake = self._handshake, []
        if not self._count.pop(old_shard, 0):
            return Given((), handshake)
        mine = [pair for pair in self._kept if self._old_shard(pair[0].guild_id) == old_shard]
        self._kept = deque(pair for pair in self._kept if self._old_shard(pair[0].guild_id) != old_shard)
        witnesses = [self._in_doubt(one) for one in self._witnesses if self._old_shard(one.guild_id) == old_shard]
        kept = [self._in_doubt(one) for one, _ in mine]
        left = set(unhandled([*witnesses, *kept], journal, before, after))
        to_handle, handled = list[Received](), [*handshake]
        for one, (_, event) in zip(kept, mine, strict=True):
            (to_handle if one in left else handled).append(event)
        return Given(to_handle, handled)

    def _in_doubt(self, kept: Kept) -> Kept:
        """Forget when an interruption began that reaches back to where nothing is known any more: an equal event of
        that time is in the journal, and would be taken for this one."""
        is_long = kept.not_before - SAME_WITHIN < self._complete_since
        return replace(kept, not_before=-math.inf) if is_long else kept

    def _old_shard(self, guild_id: int) -> int:
        return (guild_id >> 22) % self.old_count
