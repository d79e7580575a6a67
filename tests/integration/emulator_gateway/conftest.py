"""An emulator whose clock the test moves, with a bot in four guilds: two for each shard of two."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import Crowd
from migaga_emulator.rules import Rules
from migaga_emulator.server import Emulator, run_emulator
from migaga_emulator.world.clock import ManualClock


@dataclass(frozen=True, slots=True)
class Stage:
    """What a test plays on."""

    emulator: Emulator
    control: ControlClient
    clock: ManualClock
    bot: int
    token: str
    crowd: Crowd

    @property
    def url(self) -> str:
        """The gateway."""
        return self.emulator.gateway_url

    @property
    def person(self) -> int:
        """Somebody who is in every guild."""
        return self.crowd.users[1].id

    def guild(self, shard_id: int = 0, count: int = 2) -> int:
        """A guild of this shard."""
        return next(g.id for g in self.crowd.guilds if (g.id >> 22) % count == shard_id)

    def channel(self, shard_id: int = 0, count: int = 2) -> int:
        """The channel of that guild."""
        guild = self.guild(shard_id, count)
        return next(g.channel("general") for g in self.crowd.guilds if g.id == guild)

    async def post(self, text: str, shard_id: int = 0) -> None:
        """Somebody writes."""
        await self.control.person(self.person).post(self.channel(shard_id), text)


@pytest.fixture
def rules(request: pytest.FixtureRequest) -> Rules:
    """The limits; a test gives others by `indirect` parameters."""
    given: Rules = getattr(request, "param", Rules(max_concurrency=2))
    return given


@pytest.fixture
async def stage(rules: Rules) -> AsyncIterator[Stage]:
    clock = ManualClock()
    async with run_emulator(rules, clock=clock) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(4, members=2)
        yield Stage(emulator, control, clock, bot.id, bot.token, crowd)
