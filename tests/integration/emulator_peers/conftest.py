"""An emulator with one bot in four guilds, and the people to talk to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import BotInfo, Crowd
from migaga_emulator.rules import Rules
from migaga_emulator.server import Emulator, run_emulator

SHARDS = 2


@dataclass(frozen=True, slots=True)
class Stage:
    """What a test plays on."""

    emulator: Emulator
    control: ControlClient
    bot: BotInfo
    crowd: Crowd

    @property
    def alice(self) -> int:
        """A person in every guild."""
        return self.crowd.users[1].id

    def channel(self, shard_id: int) -> int:
        """The channel of a guild that this shard serves."""
        return next(g.channel("general") for g in self.crowd.guilds if (g.id >> 22) % SHARDS == shard_id)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    rules = Rules(max_concurrency=SHARDS, recommended_shards=SHARDS)
    async with run_emulator(rules) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(4, members=2)
        yield Stage(emulator, control, bot, crowd)
