"""What people do in a scenario, decided by a seed alone. Called by the scenarios, which carry it out.

The plan names people, channels and messages by position, so the same seed gives the same plan whatever ids the
emulator hands out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

WORDS = [
    "the",
    "fleet",
    "keeps",
    "every",
    "event",
    "and",
    "nobody",
    "in",
    "this",
    "guild",
    "notices",
    "when",
    "a",
    "shard",
    "moves",
    "to",
    "another",
    "process",
]
SAME_FOR_ALL = ("ok", "thanks!", "+1", "good morning")
"""Said again and again, so that identical payloads are part of every run."""
EMOJI = ("👍", "🎉", "❤️", "🦜")
HOT_SHARE = 0.3
"""Share of all actions that happen in a tenth of the guilds."""
REMEMBERED = 40
"""Messages of a guild that people still react to and edit."""

Kind = Literal["post", "edit", "delete", "react", "unreact", "join", "leave"]


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that one person does. Guild, channel and member are positions in the scenario's lists."""

    kind: Kind
    guild: int
    member: int
    channel: int = 0
    content: str = ""
    emoji: str = ""
    back: int = 0
    """Which message: 0 is the newest of those remembered in that guild."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the emulated Discord is."""

    guilds: int
    members: int
    channels: int


def actions(shape: Shape, seed: int) -> Iterator[Action]:
    """Yield what people do, without end: about two thirds messages, the rest edits, reactions, joins and leaves."""
    chance = random.Random(seed)
    remembered = [0] * shape.guilds
    flips: dict[int, tuple[int, int, str]] = {}
    while True:
        guild = _guild(shape, chance)
        member = chance.randrange(shape.members)
        kind = _kind(chance, has_messages=remembered[guild] > 0)
        if kind == "post":
            remembered[guild] = min(remembered[guild] + 1, REMEMBERED)
            yield Action("post", guild, member, chance.randrange(shape.channels), _content(chance))
        elif kind == "unreact" and guild in flips:
            # The same reaction comes, goes and comes again: its events are told apart by nothing.
            back_member, back, emoji = flips.pop(guild)
            yield Action("unreact", guild, back_member, emoji=emoji, back=back)
            yield Action("react", guild, back_member, emoji=emoji, back=back)
        else:
            back = chance.randrange(max(1, remembered[guild]))
            emoji = chance.choice(EMOJI)
            if kind in {"react", "unreact"}:
                flips[guild] = (member, back, emoji)
                kind = "react"
            yield Action(kind, guild, member, content=_content(chance) + " (edited)", emoji=emoji, back=back)


def _guild(shape: Shape, chance: random.Random) -> int:
    hot = max(1, shape.guilds // 10)
    return chance.randrange(hot) if chance.random() < HOT_SHARE else chance.randrange(shape.guilds)


def _kind(chance: random.Random, *, has_messages: bool) -> Kind:
    if not has_messages:
        return "post"
    kinds: tuple[Kind, ...] = ("post", "edit", "react", "unreact", "join", "leave", "delete")
    return chance.choices(kinds, weights=(66, 10, 12, 8, 1, 1, 2))[0]


def _content(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(SAME_FOR_ALL)
    return " ".join(chance.choices(WORDS, k=chance.randint(2, 12)))
