"""What the fleet does when Discord refuses its token (P8): nothing new, until it is accepted again.

Connections that live stay. One process asks `/gateway/bot` every 5 minutes: one false 4004 must not stop a fleet until
somebody changes the token.
"""

from __future__ import annotations

from migaga.storage.leases_operations import Add, Insert, Update, Value
from migaga.storage.leases_rows import BreakerRow

PROBE_EVERY = 300.0
"""Seconds between two questions, whoever asks."""


class Breaker:
    """The breaker of one application as one process sees it.

    A refusal of the own token is remembered here, also while the row tells of another token: in a fleet with two bad
    tokens each process would otherwise take the other's refusal for the end of its own.
    """

    def __init__(self, application_id: int, fingerprint: str) -> None:
        """`fingerprint` is that of the own token, salted: one that differs from the refused one is tried."""
        self._key: dict[str, Value] = {"application_id": application_id}
        self._fingerprint = fingerprint
        self._row = BreakerRow(application_id)
        self._since = 0.0
        self._refused: str | None = None
        self._unsaid = False

    def create(self) -> Insert:
        """Return what makes the row."""
        row: dict[str, Value] = {"is_open": False, "fingerprint": "", "probe": 0, "reason": None}
        return Insert("breaker", {**self._key, **row})

    def read(self, row: BreakerRow, received_at: float) -> None:
        """Take a reading of the row. Until it has told of the own refusal, that stands."""
        if (row.is_open, row.probe) != (self._row.is_open, self._row.probe):
            self._since = received_at
        self._row = row
        if row.is_open and row.fingerprint == self._fingerprint:
            self._refused, self._unsaid = row.reason or "no reason given", False
        elif not row.is_open and not self._unsaid:
            self._refused = None

    def new_token(self, fingerprint: str) -> None:
        """Take another token."""
        if fingerprint == self._fingerprint:
            return
        self._fingerprint = fingerprint
        self._refused, self._unsaid = None, False
        self.read(self._row, self._since)

    @property
    def is_closed(self) -> bool:
        """Whether this process may connect, RESUME and IDENTIFY with its token."""
        return self._refused is None

    @property
    def reason(self) -> str | None:
        """Why it is open."""
        return self._refused

    def refused(self, reason: str) -> Update:
        """Open it: Discord has answered 4004 or 401 to the own token."""
        self._refused, self._unsaid = reason, True
        return self._opening(reason)

    def to_say(self) -> Update | None:
        """Return what tells the others of a refusal; None when the row tells it."""
        return self._opening(self._refused) if self._unsaid and self._refused is not None else None

    def probe(self, now: float) -> Update | None:
        """Claim the next question; None while it is not due. Only who gets DONE asks."""
        if self.is_closed or not self._row.is_open or now - self._since < PROBE_EVERY:
            return None
        return Update("breaker", self._key, {"is_open": True, "probe": self._row.probe}, {"probe": Add(1)})

    def accepted(self) -> Update | None:
        """Close it: Discord has accepted the own token. None when there is nothing to tell the others.

        The refusal of another token stays: its processes must not try that again.
        """
        self._refused, self._unsaid = None, False
        if not self._row.is_open or self._row.fingerprint != self._fingerprint:
            return None
        change: dict[str, Value | Add] = {"is_open": False, "probe": Add(1), "reason": None}
        return Update("breaker", self._key, {"is_open": True, "probe": self._row.probe}, change)

    def _opening(self, reason: str) -> Update:
        change: dict[str, Value | Add] = {
            "is_open": True,
            "fingerprint": self._fingerprint,
            "probe": Add(1),
            "reason": reason,
        }
        return Update("breaker", self._key, {"probe": self._row.probe}, change)
