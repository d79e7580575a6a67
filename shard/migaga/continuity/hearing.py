"""What one shard hears, kept in slots of time, and how surprising it is that a kind of event stays away.

`silence.py` keeps two of these for each shard, of short and of long slots. A slot counts by whether a kind came in it
at all, not by how often: so a burst is one slot, and thirty thousand reactions in a minute are no habit.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import KeysView, Mapping, Sequence
from statistics import median

HISTORY = 120
"""Slots that are remembered."""
ENOUGH = 24
"""Slots before anything counts as a habit, or as heard for long enough to be compared."""
LEAST = 12
"""Slots that a kind must stay away before its absence may mean anything."""
ASLEEP = 3
"""So many times longer it must stay away where the shard hears little else either: its guilds may have gone to bed."""
SURPRISE = 20.0
"""How improbable the absence must be: one in e^20 (5e8), if events came independently of each other."""
COMPARABLE = 3
"""Other shards that tell what is usual now."""
ALIKE = 2
"""Kinds that a shard must have in common with the others before it is missed that it has never had a third."""


class Hearing:
    """Kinds of events that one shard heard in its last slots."""

    def __init__(self, slot: float) -> None:
        """`slot` is the length of one in seconds."""
        self._slot = slot
        self._opened: float | None = None
        self._open: Counter[str] = Counter()
        self._closed: deque[Mapping[str, int]] = deque()
        self._totals: deque[int] = deque()
        self._sums: Counter[str] = Counter()
        self._slots_with: Counter[str] = Counter()
        self._last: dict[str, int] = {}
        self._number = 0
        self._floor = 0

    def __len__(self) -> int:
        """Slots that are remembered."""
        return len(self._closed)

    @property
    def names(self) -> KeysView[str]:
        """Kinds heard in the slots that are remembered."""
        return self._slots_with.keys()

    def hear(self, counts: Mapping[str, int], now: float) -> bool:
        """Count what was heard since the last call; True when that ended a slot. Call it at least once per slot."""
        if self._opened is None:
            self._opened = now
            self._last.update(dict.fromkeys(counts, self._number))
            return False
        self._open.update(counts)
        if now - self._opened < self._slot:
            return False
        self._close()
        self._opened = now
        return True

    def interrupt(self) -> None:
        """Leave the slot out that is running: nothing could be heard in a part of it."""
        self._opened = None
        self._open = Counter()

    def start_over(self) -> None:
        """Count absence from now on: the connection is a new one."""
        self.interrupt()
        self._floor = self._number

    def gap(self, name: str) -> int:
        """Return for how many slots a kind has stayed away, on this connection and as far as is remembered."""
        return min(self._number - max(self._last.get(name, 0), self._floor), len(self._closed))

    def rate(self, name: str, gap: int) -> float:
        """Return how often a kind came per slot, in the slots before the last `gap`; 0 when they are too few to tell.

        Taken from the share of slots without it, as if it came at random, in the worst third of that time: a raid that
        lasts for minutes is no habit either.
        """
        before = len(self._closed) - gap
        if before < max(ENOUGH, gap) or not self._slots_with[name]:
            return 0.0
        had = [name in slot for slot in self._closed]
        thirds = (had[before * part // 3 : before * (part + 1) // 3] for part in range(3))
        return min(-math.log1p(-sum(third) / (len(third) + 1)) for third in thirds)

    @property
    def per_slot(self) -> float:
        """How many events came per slot."""
        return sum(self._totals) / max(1, len(self._closed))

    def liveliness(self, name: str, gap: int) -> float:
        """Return how much of what else came before came in the last `gap` slots too: 0 to 1; 0 if there was nothing."""
        before = len(self._closed) - gap
        recent = sum(list(self._totals)[-gap:])
        usual = sum(self._totals) - recent - self._sums[name]
        return min(1.0, (recent / gap) / (usual / before)) if usual > 0 and before > 0 else 0.0

    def kept_up(self, name: str, gap: int) -> float | None:
        """Return how much of its usual share of slots a kind had in the last `gap`: 0 to 1; None without a habit."""
        before = len(self._closed) - gap
        if before < ENOUGH:
            return None
        recent = sum(1 for slot in list(self._closed)[-gap:] if name in slot)
        usual = (self._slots_with[name] - recent) / before
        return min(1.0, recent / gap / usual) if usual > 0 else None

    def any_rate(self) -> float:
        """Return how often anything came per slot; 0 when there are too few slots to tell."""
        if len(self._closed) < ENOUGH:
            return 0.0
        return -math.log1p(-sum(1 for total in self._totals if total) / (len(self._closed) + 1))

    def _close(self) -> None:
        self._number += 1
        slot, self._open = self._open, Counter()
        self._closed.append(slot)
        self._totals.append(slot.total())
        self._sums.update(slot)
        self._slots_with.update(slot.keys())
        self._last.update(dict.fromkeys(slot, self._number))
        if len(self._closed) > HISTORY:
            self._forget(self._closed.popleft())
            self._totals.popleft()

    def _forget(self, slot: Mapping[str, int]) -> None:
        for name, count in slot.items():
            self._sums[name] -= count
            self._slots_with[name] -= 1
            if not self._slots_with[name]:
                del self._slots_with[name], self._sums[name]


def missing(mine: Hearing, others: Sequence[Hearing]) -> list[str]:
    """Return the kinds whose absence at one shard is too improbable to be chance.

    Args:
        mine: What the shard hears.
        others: What shards of the same generation in the same process hear, in slots of the same length.
    """
    found = [name for name in mine.names if _by_habit(name, mine, others)]
    if len(others) >= COMPARABLE:
        strange = set[str]().union(*(other.names for other in others)) - mine.names
        if strange and _are_alike(mine, others):
            found += [name for name in strange if _by_comparison(name, mine, others)]
    return sorted(found)


def _by_habit(name: str, mine: Hearing, others: Sequence[Hearing]) -> bool:
    """Whether a shard lacks what it used to get, though this is an hour of the day at which it would come."""
    gap = mine.gap(name)
    expected = mine.rate(name, gap) * gap if gap >= LEAST else 0.0
    if expected < SURPRISE:
        return False
    lively = mine.liveliness(name, gap)
    if lively < 0.5 and gap < LEAST * ASLEEP:
        return False
    kept_up = [share for share in (other.kept_up(name, gap) for other in others) if share is not None]
    usual_now = median(kept_up) if len(kept_up) >= COMPARABLE else min([lively, *kept_up])
    return expected * usual_now >= SURPRISE


def _are_alike(mine: Hearing, others: Sequence[Hearing]) -> bool:
    """Whether a shard hears of several kinds that most others hear of too: only then its lack of another says much."""
    common = sum(1 for name in mine.names if sum(name in other.names for other in others) >= 0.75 * len(others))
    return common >= ALIKE


def _by_comparison(name: str, mine: Hearing, others: Sequence[Hearing]) -> bool:
    """Whether a shard has never had what three quarters of the others get, for as much as it hears at all."""
    gap = mine.gap(name)
    if gap < ENOUGH:
        return False
    heard = mine.per_slot
    expected = sorted(other.rate(name, 0) * heard / max(heard, other.per_slot, 1e-9) * gap for other in others)
    return expected[len(expected) // 4] >= SURPRISE
