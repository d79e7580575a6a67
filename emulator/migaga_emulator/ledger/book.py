"""The ledger of one bot and of all: what the gateway, the REST side and the control API write into and read from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from migaga_emulator.ledger.connections import ConnectionBook
from migaga_emulator.ledger.events import EventBook, Occurrence
from migaga_emulator.ledger.gaps import GapBook
from migaga_emulator.ledger.keys import natural_key


class BotLedger:
    """Everything that is known of one bot."""

    def __init__(self) -> None:
        self.events = EventBook()
        self.gaps = GapBook()
        self.connections = ConnectionBook()
        self.identifies = 0
        self.identifies_rejected: Counter[str] = Counter()
        self.resumes = 0
        self.resumes_failed: Counter[str] = Counter()
        self.resumes_elsewhere = 0
        """RESUMEs that did not go to `resume_gateway_url`."""
        self.closes: Counter[str] = Counter()
        """Ended connections, by who closed and code: `client 1000`, `server 4008`, `dropped`."""

    def published(
        self, name: str, payload: Mapping[str, object], now: float, guild_id: int | None = None
    ) -> Occurrence:
        """Count an event that the bot should get."""
        return self.events.published(name, natural_key(name, payload), now, guild_id)

    def for_session(self, name: str, payload: Mapping[str, object]) -> None:
        """Note an event that only one session gets: it may be handled, and need not be."""
        self.events.allow(name, natural_key(name, payload))


class Ledger:
    """The ledgers of all bots."""

    def __init__(self) -> None:
        self._bots: dict[int, BotLedger] = {}

    def of(self, bot_id: int) -> BotLedger:
        """The ledger of one bot, made when it is first asked for."""
        ledger = self._bots.get(bot_id)
        if ledger is None:
            ledger = self._bots[bot_id] = BotLedger()
        return ledger
