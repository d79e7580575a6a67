"""Makes the emulated Discord of a scenario: guilds on all shards, people, old messages. Called by `runner.py`."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import BotInfo, Crowd, MessageInfo
from migaga_emulator.scenarios.clock import StageClock
from migaga_emulator.server import Emulator

DAY = 86_400.0
MEMBERS = 5
"""Besides the owner."""
CHANNELS = ("general", "lounge")
COMMAND_CHANNEL = "bots"
MEASURED = "measure me"
"""A message in each guild's channel for commands, which nobody edits."""
OLD_MESSAGES = 4
"""Messages of yesterday in each guild."""
LEAST_GUILDS = 100
GUILDS_PER_SHARD = 3


@dataclass(frozen=True, slots=True)
class Stage:
    """What was made."""

    bot: BotInfo
    crowd: Crowd
    old: Sequence[Sequence[MessageInfo]]
    """Messages of yesterday, for each guild of the crowd."""
    measured: Mapping[int, int]
    """The message `MEASURED` of each guild, by guild id."""


async def build_stage(
    emulator: Emulator, control: ControlClient, clock: StageClock, *, shards: int, seed: int
) -> Stage:
    """Make a bot, guilds, people and old messages. Nothing of it is counted: nobody has identified yet."""
    world, chance = emulator.world, random.Random(seed)
    yesterday = clock.time() - DAY
    clock.stand(yesterday)
    bot = await control.create_bot("Migaga")
    count = max(LEAST_GUILDS, GUILDS_PER_SHARD * shards)
    crowd = await control.create_guilds(count, members=MEMBERS, channels=(*CHANNELS, COMMAND_CHANNEL), bot=bot.id)
    old: list[list[MessageInfo]] = []
    measured: dict[int, int] = {}
    for number, guild in enumerate(crowd.guilds):
        clock.stand(yesterday + 3_600 + number)
        channel = guild.channel(CHANNELS[0])
        for _ in range(OLD_MESSAGES):
            # The last one is the visitor, who comes and goes.
            world.people.post(chance.choice(crowd.users[:-1]).id, channel, "said yesterday")
        told = world.people.post(crowd.users[0].id, guild.channel(COMMAND_CHANNEL), MEASURED)
        measured[guild.id] = told.id
        old.append(list(await control.messages(channel)))
    clock.run()
    return Stage(bot, crowd, old, measured)
