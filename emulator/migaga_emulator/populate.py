"""Makes many guilds at once, all alike. Used by the command line and by the control API's bulk creation."""

from __future__ import annotations

from dataclasses import dataclass

from migaga_emulator.world.channels import ChannelChange
from migaga_emulator.world.state import Bot, Channel, Guild, User
from migaga_emulator.world.world import World

TEXT_CHANNEL = 0


@dataclass(frozen=True, slots=True)
class Plot:
    """What each guild gets."""

    members: int = 5
    """People besides the owner. The same people are in every guild, as far as there are enough."""
    channels: tuple[str, ...] = ("general",)
    name: str = "Guild"
    """The guilds are called `<name> 1`, `<name> 2`, ..."""


def text_channel(world: World, guild: Guild, name: str) -> Channel:
    """A text channel that everybody may use."""
    return world.channels.create(None, guild, TEXT_CHANNEL, ChannelChange(frozenset({"name"}), name=name))


def populate(world: World, bot: Bot | None, count: int, plot: Plot) -> tuple[list[Guild], list[User]]:
    """Make `count` guilds with people and channels; the bot, if any, joins each of them last.

    Returns the guilds and the people; the first of them owns the guilds.
    """
    people = [world.guilds.create_user(f"person{n}", global_name=f"Person {n}") for n in range(1, plot.members + 2)]
    guilds = []
    for n in range(1, count + 1):
        guild = world.guilds.create(f"{plot.name} {n}", people[0])
        for channel in plot.channels:
            text_channel(world, guild, channel)
        for person in people[1:]:
            world.members.join(guild, person)
        if bot is not None:
            world.guilds.add_bot(guild, bot)
        guilds.append(guild)
    return guilds, people
