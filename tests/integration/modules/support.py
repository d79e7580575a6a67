"""What the tests of modules need beside the fixture `bot`: luck that is written down, and events that come twice."""

from __future__ import annotations

import random
from collections.abc import Sequence

from migaga.gateway.received import Received
from migaga.testing.bot import TestBot
from migaga.testing.people import Reply
from migaga_emulator.world.dispatch import Dispatch


class Luck(random.Random):
    """Random numbers, choices and shuffles that were decided beforehand."""

    def __init__(self) -> None:
        super().__init__(0)
        self.numbers: list[int] = []
        self.picks: list[object] = []
        self.deck: list[str] = []
        """Cards in the order in which they will be drawn."""

    def randint(self, a: int, b: int) -> int:
        value = self.numbers.pop(0)
        assert a <= value <= b
        return value

    def choice(self, seq: Sequence[object]) -> object:  # type: ignore[override]
        wanted = self.picks.pop(0) if self.picks else None
        return next((value for value in seq if wanted in {value, getattr(value, "text", None)}), seq[0])

    def shuffle(self, x: list[str]) -> None:  # type: ignore[override]
        drawn = [x.pop(x.index(card)) for card in self.deck]
        x.extend(reversed(drawn))


class Twice:
    """Delivers events a second time, as Discord does to the process that comes after a crash."""

    def __init__(self, bot: TestBot) -> None:
        self._bot = bot
        self._seen: list[Dispatch] = []
        bot.emulator.world.subscribe(self._seen.append)

    async def again(self, name: str, *, by: int, **changes: object) -> list[Reply]:
        """Handle the last event of this name that a person caused once more; what the bot then newly said.

        `changes` replace fields of it: such an event is another one, which Discord might have sent.
        """
        payload = next(
            {**dispatch.payload, **changes}
            for dispatch in reversed(self._seen)
            if dispatch.name == name
            and str(by) in str(dispatch.payload.get("author") or dispatch.payload.get("member"))
        )
        self._bot._quiet.begin()
        run = self._bot.runtime.route(Received(name, 0, "another session", 1, payload))
        assert run is not None, f"nobody wants {name}"
        await run(lambda: None)
        return await self._bot.says()
