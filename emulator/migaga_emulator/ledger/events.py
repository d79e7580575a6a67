"""Events of one bot: how often each was published and handled, and what a fault destroyed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from migaga_emulator.ledger.figures import Totals
from migaga_emulator.ledger.keys import PER_SESSION


class Occurrence:
    """One publication of one event; what became of it in the sessions that held it."""

    __slots__ = ("_delivered", "_destroyed", "at", "effect", "guild_id", "handled_at", "took", "unsent")

    def __init__(self, at: float, guild_id: int | None = None) -> None:
        self.at = at
        self.guild_id = guild_id
        self.handled_at: float | None = None
        self.took: float | None = None
        """Seconds that its handler took on purpose, when the bot said so."""
        self.effect = False
        """Its handler says that it has left an effect in the database."""
        self.unsent = False
        """No session existed that could have held it, because an injected fault had destroyed it."""
        self._delivered = False
        self._destroyed = False

    def delivered(self) -> None:
        """It was written to a live connection."""
        self._delivered = True

    def destroyed(self) -> None:
        """A session that had not delivered it was destroyed by an injected fault."""
        self._destroyed = True

    @property
    def had(self) -> bool:
        """Whether a client has had it."""
        return self._delivered

    @property
    def undeliverable(self) -> bool:
        """No client ever had it, and an injected fault is the reason."""
        return (self._destroyed or self.unsent) and not self._delivered and self.handled_at is None


@dataclass(slots=True)
class Entry:
    """All occurrences of one key."""

    name: str
    occurrences: list[Occurrence] = field(default_factory=list)
    waiting: list[Occurrence] = field(default_factory=list)
    """Those that are not handled yet, oldest first."""
    surplus: int = 0
    """Handlings that found no occurrence waiting for one."""
    extra: int = 0
    """Deliveries that belong to a session: a GUILD_CREATE after READY may be handled, and need not be."""

    @property
    def sent(self) -> int:
        """How often it was published."""
        return len(self.occurrences)

    @property
    def handled(self) -> int:
        """Occurrences that were handled."""
        return len(self.occurrences) - len(self.waiting)

    @property
    def undeliverable(self) -> int:
        """Occurrences that no client could have."""
        return sum(occurrence.undeliverable for occurrence in self.waiting)

    @property
    def lost(self) -> int:
        """Published, deliverable, and not handled."""
        return max(0, self.sent - self.handled - self.undeliverable)

    @property
    def repeated(self) -> int:
        """Handled more often than published."""
        return max(0, self.surplus - self.extra) if self.sent + self.extra else 0

    @property
    def unexpected(self) -> int:
        """Handled though never published."""
        return 0 if self.sent + self.extra else self.surplus


class EventBook:
    """The events of one bot."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._latencies: list[float] = []
        self.per_session_handled: Counter[str] = Counter()
        self._unhandled: dict[Occurrence, None] = {}

    @property
    def open(self) -> int:
        """Events that were published and not handled yet, those that nobody could have included."""
        return len(self._unhandled)

    def published(self, name: str, key: str, now: float, guild_id: int | None = None) -> Occurrence:
        """Count one publication."""
        occurrence = Occurrence(now, guild_id)
        entry = self._entry(name, key)
        entry.occurrences.append(occurrence)
        entry.waiting.append(occurrence)
        self._unhandled[occurrence] = None
        return occurrence

    def allow(self, name: str, key: str) -> None:
        """Allow one handling more of this key, without asking for it."""
        self._entry(name, key).extra += 1

    def handled(self, name: str, key: str, now: float, *, took: float | None = None, effect: bool = False) -> None:
        """Count one handling that a bot told of.

        Args:
            name: Discord's event name.
            key: the natural key.
            now: when it was told.
            took: seconds that the handler took on purpose; None when the bot does not say.
            effect: the handler says that it has left an effect in the database.
        """
        if name in PER_SESSION:
            self.per_session_handled[name] += 1
            return
        entry = self._entry(name, key)
        if entry.waiting:
            # One that nobody could have had is not the one that was handled, unless there is no other.
            occurrence = next((item for item in entry.waiting if not item.undeliverable), entry.waiting[0])
            entry.waiting.remove(occurrence)
            occurrence.handled_at, occurrence.took, occurrence.effect = now, took, effect
            self._latencies.append(now - occurrence.at)
            del self._unhandled[occurrence]
        else:
            entry.surplus += 1

    def entries(self) -> Mapping[str, Entry]:
        """Every key that was published or told of."""
        return MappingProxyType(self._entries)

    def unhandled(self) -> Iterable[Occurrence]:
        """What was published and is not handled yet, oldest first."""
        return tuple(self._unhandled)

    def totals(self) -> Totals:
        """Counts over all events."""
        return _total(self._entries.values())

    def by_type(self) -> dict[str, Totals]:
        """Counts for each event name."""
        names: dict[str, list[Entry]] = {}
        for entry in self._entries.values():
            names.setdefault(entry.name, []).append(entry)
        return {name: _total(entries) for name, entries in sorted(names.items())}

    def wrong(self) -> dict[str, Entry]:
        """Keys that are lost, repeated, unexpected or undeliverable."""
        return {
            key: entry
            for key, entry in self._entries.items()
            if entry.lost or entry.repeated or entry.unexpected or entry.undeliverable
        }

    def settled(self) -> bool:
        """Whether everything that a client could have has been handled."""
        return all(occurrence.undeliverable for occurrence in self._unhandled)

    def latencies(self) -> list[float]:
        """Seconds from publication to handling, sorted."""
        return sorted(self._latencies)

    def _entry(self, name: str, key: str) -> Entry:
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = Entry(name)
        return entry


def _total(entries: Iterable[Entry]) -> Totals:
    sent = handled = lost = repeated = unexpected = undeliverable = 0
    for entry in entries:
        sent += entry.sent
        handled += entry.handled
        lost += entry.lost
        repeated += entry.repeated
        unexpected += entry.unexpected
        undeliverable += entry.undeliverable
    return Totals(sent, handled, lost, repeated, unexpected, undeliverable)
