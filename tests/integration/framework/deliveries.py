"""Deliver an event of the emulator to the bot's runtime once more, as a RESUME in another process would."""

from __future__ import annotations

from migaga.gateway.received import Received
from migaga.testing.bot import TestBot
from migaga_emulator.world.dispatch import Dispatch


class Deliveries:
    """Everything that the emulated Discord has sent."""

    def __init__(self, bot: TestBot) -> None:
        self._bot = bot
        self._sent: list[Dispatch] = []
        self.put_aside = 0
        """How many of the repeated events were put aside."""
        bot.emulator.world.subscribe(self._sent.append)

    def last(self, name: str) -> Received:
        """Return the last event of this name, as if it were delivered again just now by a RESUME."""
        payload = next(dict(one.payload) for one in reversed(self._sent) if one.name == name)
        return Received(name, 0, "another session", 1, payload)

    def last_by(self, name: str, author: int) -> Received:
        """Return the last message event of a person, as `last` does."""
        payload = next(
            dict(one.payload)
            for one in reversed(self._sent)
            if one.name == name and f"'id': '{author}'" in str(one.payload.get("author"))
        )
        return Received(name, 0, "another session", 1, payload)

    async def again(self, name: str) -> None:
        """Deliver the last event of this name again, and wait until it is handled."""
        await self.deliver(self.last(name))

    async def deliver(self, event: Received) -> None:
        """Deliver an event, and wait until it is handled. One that nobody wants is done at once."""
        self._bot._quiet.begin()
        handlers = self._bot.runtime.route(event)
        if handlers is not None:
            await handlers(self._aside)

    def _aside(self) -> None:
        self.put_aside += 1
