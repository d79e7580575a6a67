"""What the old generation has handled, and what of it the next one must not handle again (P9).

Writing: owners of the old generation append what they finish while the next one is armed. Reading: when the old shard
of a guild is drained, the next one goes through the events of that guild that it has kept. Doubt means handle.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b

from migaga.storage.leases_operations import Insert
from migaga.storage.leases_rows import JournalRow

SAME_WITHIN = 5.0
"""Seconds by which both sessions may differ about when they got one event."""
KEEP = 30.0
"""Seconds of events that a warm shard keeps, from before the last reading that said that the cut has not begun."""
LONGEST_LOOK = 2.0
"""Seconds between two readings, above which these do not tell when the drain was."""
_UNIQUE = frozenset(
    {
        "MESSAGE_CREATE",
        "MESSAGE_DELETE",
        "INTERACTION_CREATE",
        "GUILD_AUDIT_LOG_ENTRY_CREATE",
        "CHANNEL_CREATE",
        "CHANNEL_DELETE",
        "THREAD_DELETE",
        "GUILD_ROLE_CREATE",
        "GUILD_ROLE_DELETE",
        "GUILD_SCHEDULED_EVENT_CREATE",
        "GUILD_SCHEDULED_EVENT_DELETE",
        "STAGE_INSTANCE_CREATE",
        "STAGE_INSTANCE_DELETE",
    }
)
"""Events that name something which is made, or ends, once: an equal payload is the same event. THREAD_CREATE is not
among them: Discord sends it also to who is added to a thread."""
_MARK = b""


def digest(name: str, payload: bytes) -> bytes:
    """Name an event by what it says. `payload` is its raw `d` as JSON with sorted keys: the same in every session."""
    return blake2b(payload, digest_size=16, person=name.encode()[:16]).digest()


class Journal:
    """The journal of one shard of the old generation, as its owner writes it."""

    def __init__(self, generation: str, shard: int, process: str) -> None:
        self._place = (generation, shard)
        self._process = process
        self._count: Counter[tuple[int, bytes]] = Counter()

    def finished(self, guild_id: int, event: bytes, received_at: float) -> Insert:
        """Return what belongs into the flush that stores this event as finished.

        Args:
            guild_id: 0 for events without a guild.
            event: Its digest.
            received_at: Own clock.
        """
        self._count[guild_id, event] += 1
        return self._row(guild_id, event, self._count[guild_id, event], received_at)

    def drained(self, now: float) -> Insert:
        """Return the last entry, which belongs into the drain: it tells how long ago the others were."""
        return self._row(0, _MARK, 0, now)

    def _row(self, guild_id: int, event: bytes, n: int, at: float) -> Insert:
        # Of two owners that count alone, each writes rows of its own.
        own = int.from_bytes(blake2b(self._process.encode(), digest_size=4).digest()) << 24
        number = n + own if n else own
        return Insert(
            "journal", asdict(JournalRow(*self._place, guild_id, event, number, self._process, int(at * 1000)))
        )


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that a warm shard has kept."""

    name: str
    guild_id: int
    digest: bytes = field(repr=False)
    seq: int
    received_at: float
    is_replayed: bool = False
    """It came by a RESUME, later than it was sent: `received_at` says only that it was before."""
    not_before: float = -math.inf
    """When the session's last event before the RESUME came, so that a replayed one was sent later; unknown: -inf."""


def unhandled(kept: Sequence[Kept], journal: Sequence[JournalRow], before: float, after: float) -> list[Kept]:
    """Return the kept events of a drained shard's guilds that have to be handled, in order.

    Args:
        kept: In order of receipt.
        journal: Everything that was journaled for the drained shard, its last entry among it.
        before: When the last reading was asked for that did not show the drain. Own clock.
        after: When the reading was answered that showed it.
    """
    drain = next((row for row in journal if row.digest == _MARK), None)
    ages: _Ages = {}
    for row in journal:
        if row.digest != _MARK:
            # Two clocks cannot be compared.
            known = drain is not None and drain.process == row.process
            age = (drain.at_ms - row.at_ms) / 1000 if known and drain is not None else None
            ages.setdefault((row.guild_id, row.digest), []).append(age)
    spans = _spans(kept, ages, _drained_at(kept, ages, before, after))
    return [event for event, span in zip(kept, spans, strict=True) if not _was_handled(event, ages, span)]


@dataclass(frozen=True, slots=True)
class _Span:
    """How long before the drain an event may have come to the old session, in seconds."""

    least: float
    most: float
    likely: float


_Ages = dict[tuple[int, bytes], list[float | None]]


def _drained_at(kept: Sequence[Kept], ages: _Ages, before: float, after: float) -> float | None:
    """Return when the old shard was drained, by the own clock; None: nobody knows.

    It was between two readings. Where these are far apart, events that are one of their kind tell it: they came to both
    sessions at about the same time, and the journal says how long before the drain that was.
    """
    if after - before <= LONGEST_LOOK:
        return (before + after) / 2
    told = sorted(
        event.received_at + age for event in kept if not event.is_replayed and (age := _anchor(event, ages)) is not None
    )
    if not told or told[len(told) * 3 // 4] - told[len(told) // 4] > SAME_WITHIN:
        return None
    return min(max(told[len(told) // 2], before), after)


def _spans(kept: Sequence[Kept], ages: _Ages, drained_at: float | None) -> list[_Span | None]:
    """Return when each event may have come; None: nobody knows.

    A replayed one came between its neighbours of the same guild that carry an id of their own and are in the journal:
    of those it is known when they came, and within a guild both sessions have one order. Without such neighbours it
    came while the session was interrupted.
    """
    anchors = [_anchor(event, ages) for event in kept]
    later: list[float | None] = []
    known: dict[int, float] = {}
    for event, anchor in zip(reversed(kept), reversed(anchors), strict=True):
        later.append(known.get(event.guild_id))
        if anchor is not None:
            known[event.guild_id] = anchor
    known, spans = {}, []
    for event, anchor, after in zip(kept, anchors, reversed(later), strict=True):
        age = None if drained_at is None else drained_at - event.received_at
        if event.is_replayed:
            spans.append(_between(known.get(event.guild_id), after) or _interrupted(event, drained_at))
        else:
            spans.append(_around(age))
        if anchor is not None:
            known[event.guild_id] = anchor
    return spans


def _anchor(event: Kept, ages: _Ages) -> float | None:
    """Return how long before the drain an event came that is one of its kind, when the journal has it."""
    entries = ages.get((event.guild_id, event.digest)) if event.name in _UNIQUE else None
    return entries[0] if entries else None


def _around(age: float | None) -> _Span | None:
    return None if age is None else _Span(age - SAME_WITHIN, age + SAME_WITHIN, age)


def _between(earlier: float | None, later: float | None) -> _Span | None:
    """Return when a replayed event came that stands between two others. They come in their order: each is the oldest
    that it can be. Before the first of the others an equal one may be from before the replay: doubt."""
    return None if earlier is None else _Span(-math.inf if later is None else later, earlier, earlier)


def _interrupted(event: Kept, drained_at: float | None) -> _Span | None:
    """Return when a replayed event came of which only the interruption is known."""
    if drained_at is None or event.not_before == -math.inf:
        return None
    earliest, latest = drained_at - event.not_before, drained_at - event.received_at
    return _Span(latest - SAME_WITHIN, earliest + SAME_WITHIN, earliest)


def _was_handled(event: Kept, ages: _Ages, span: _Span | None) -> bool:
    """Whether an entry is this event; each entry is one event."""
    entries = ages.get((event.guild_id, event.digest), [])
    if event.name in _UNIQUE:
        return bool(entries)
    if span is None:
        return False
    near = [entry for entry in entries if entry is not None and span.least <= entry <= span.most]
    if not near:
        return False
    entries.remove(min(near, key=lambda entry: abs(entry - span.likely)))
    return True
