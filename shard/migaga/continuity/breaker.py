"""What the fleet does when Discord refuses its token (P8): nothing new, until it is accepted again.

Connections that live stay. One process asks `/gateway/bot` every 5 minutes: one false 4004 must not stop a fleet until
somebody changes the token.
"""

from __future__ import annotations

from migaga.storage.leases_operations import Add, Update, Value
from migaga.storage.leases_rows import BreakerRow

PROBE_EVERY = 300.0
"""Seconds between two questions, whoever asks."""


class Breaker:
    """The breaker of one application as one process sees it."""

    def __init__(self, application_id: int, fingerprint: str) -> None:
        """`fingerprint` is that of the own token, salted: one that differs from the refused one is tried."""
        self._key: dict[str, Value] = {"application_id": application_id}
        self._fingerprint = fingerprint
        self._row = BreakerRow(application_id)
        self._since = 0.0

    def read(self, row: BreakerRow, received_at: float) -> None:
        """Take a reading of the row."""
        if (row.is_open, row.probe) != (self._row.is_open, self._row.probe):
            self._since = received_at
        self._row = row

    def new_token(self, fingerprint: str) -> None:
        """Take another token."""
        self._fingerprint = fingerprint

    @property
    def is_closed(self) -> bool:
        """Whether this process may connect, RESUME and IDENTIFY with its token."""
        return not self._row.is_open or self._row.fingerprint != self._fingerprint

    @property
    def reason(self) -> str | None:
        """Why it is open."""
        return None if self.is_closed else self._row.reason

    def refused(self, reason: str) -> Update:
        """Open it: Discord has answered 4004 or 401 to the own token."""
        change: dict[str, Value | Add] = {
            "is_open": True,
            "fingerprint": self._fingerprint,
            "probe": Add(1),
            "reason": reason,
        }
        return Update("breaker", self._key, {"probe": self._row.probe}, change)

    def probe(self, now: float) -> Update | None:
        """Claim the next question; None while it is not due. Only who gets DONE asks."""
        if self.is_closed or now - self._since < PROBE_EVERY:
            return None
        return Update("breaker", self._key, {"is_open": True, "probe": self._row.probe}, {"probe": Add(1)})

    def accepted(self) -> Update | None:
        """Close it: Discord has accepted the own token. None when it is closed anyway."""
        if not self._row.is_open:
            return None
        change: dict[str, Value | Add] = {"is_open": False, "probe": Add(1), "reason": None}
        return Update("breaker", self._key, {"is_open": True, "probe": self._row.probe}, change)
