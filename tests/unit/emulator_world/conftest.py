from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import pytest

from migaga_emulator.rules import Rules
from migaga_emulator.world.channels import ChannelChange
from migaga_emulator.world.clock import ManualClock
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.drafts import read_new_draft
from migaga_emulator.world.state import Bot, Channel, Guild, Message, User
from migaga_emulator.world.world import World

Json: TypeAlias = Any
"""What a test reads out of a payload: looked into without asking at each step."""
JsonObject: TypeAlias = dict[str, Json]


@dataclass
class Place:
    """A guild with a channel, an owner, a member and two bots; and what was told to the gateway."""

    world: World
    clock: ManualClock
    bot: Bot
    other_bot: Bot
    owner: User
    ann: User
    guild: Guild
    channel: Channel
    events: list[Dispatch] = field(default_factory=list)

    def send(self, author: User, body: JsonObject) -> Message:
        return self.world.messages.post(author, self.channel, read_new_draft(body, self.world.rules))

    def named(self, name: str) -> list[Dispatch]:
        return [event for event in self.events if event.name == name]

    def payloads(self, name: str) -> list[JsonObject]:
        return [event.payload for event in self.named(name)]

    def names(self) -> list[str]:
        return [event.name for event in self.events]


@pytest.fixture
def place() -> Place:
    clock = ManualClock()
    world = World(Rules(), clock=clock, seed=7)
    bot, other = world.guilds.create_bot("Testy"), world.guilds.create_bot("Other")
    owner, ann = world.guilds.create_user("owen"), world.guilds.create_user("ann", global_name="Ann")
    guild = world.guilds.create("Guild", owner)
    channel = world.channels.create(None, guild, 0, ChannelChange(name="general"))
    for item in (bot, other):
        world.guilds.add_bot(guild, item)
    world.members.join(guild, ann)
    place = Place(world, clock, bot, other, owner, ann, guild, channel)
    world.subscribe(place.events.append)
    return place
