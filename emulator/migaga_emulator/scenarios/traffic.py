"""What people do in a scenario, decided by a seed alone. Called by the scenarios, which carry it out.

The plan names people, channels and messages by position, so the same seed gives the same plan whatever ids the
emulator hands out.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

SENTENCE = "the fleet keeps every event and nobody in this guild notices when a shard moves to another process"
WORDS = tuple(re.findall(r"\w+", SENTENCE))
SAME_FOR_ALL = ("ok", "thanks!", "+1", "good morning")
"""Said again and again, so that identical payloads are part of every run."""
EMOJI = ("👍", "🎉", "❤️", "🦜")
HOT_SHARE = 0.3
"""Share of all actions that happen in a tenth of the guilds."""
REMEMBERED = 40
"""Messages of a guild that people still react to and edit."""

Kind = Literal["post", "edit", "delete", "react", "unreact", "join", "leave"]
_WEIGHTS: dict[Kind, int] = {"post": 66, "edit": 10, "react": 12, "unreact": 8, "join": 2, "delete": 2}


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
    """Which message: its position among those remembered in that guild, counted back from the newest."""
    old: bool = False
    """The message is one of yesterday's."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How large the emulated Discord is."""

    guilds: int
    members: int
    channels: int
    old: int = 0
    """Messages of yesterday in each guild."""


OLD_SHARE = 0.04
"""Share of all actions that change a message of yesterday, where there are any."""


class Traffic:
    """What people do, without end: about two thirds messages, the rest edits, deletions, reactions, joins and leaves.

    The last member of each guild is its visitor, who comes and goes; the others stay.
    """

    def __init__(self, shape: Shape, seed: int) -> None:
        self._shape = shape
        self._chance = random.Random(seed)
        self._messages = [0] * shape.guilds
        self._reactions: dict[int, Action] = {}
        self._away: set[int] = set()

    def __iter__(self) -> Iterator[Action]:
        """Yield one action after the other."""
        while True:
            yield from self._next()

    def _next(self) -> Iterator[Action]:
        guild = self._guild()
        if self._shape.old and self._chance.random() < OLD_SHARE:
            yield self._change_old(guild)
            return
        kind = self._chance.choices(list(_WEIGHTS), weights=list(_WEIGHTS.values()))[0]
        if kind == "join":
            yield self._visit(guild)
        elif kind == "unreact" and guild in self._reactions:
            # The same reaction goes and comes again: nothing in its events tells the occurrences apart.
            again = self._reactions[guild]
            yield replace(again, kind="unreact")
            yield again
        elif kind == "post" or not self._messages[guild]:
            yield self._post(guild)
        else:
            yield self._change("react" if kind == "unreact" else kind, guild)

    def _guild(self) -> int:
        hot = max(1, self._shape.guilds // 10)
        return self._chance.randrange(hot if self._chance.random() < HOT_SHARE else self._shape.guilds)

    def _visit(self, guild: int) -> Action:
        visitor = self._shape.members - 1
        if guild in self._away:
            self._away.discard(guild)
            return Action("join", guild, visitor)
        self._away.add(guild)
        return Action("leave", guild, visitor)

    def _post(self, guild: int) -> Action:
        self._messages[guild] = min(self._messages[guild] + 1, REMEMBERED)
        reaction = self._reactions.pop(guild, None)
        if reaction is not None and reaction.back + 1 < REMEMBERED:
            self._reactions[guild] = replace(reaction, back=reaction.back + 1)
        return Action("post", guild, self._member(), self._chance.randrange(self._shape.channels), self._content())

    def _change(self, kind: Kind, guild: int) -> Action:
        back = self._chance.randrange(self._messages[guild])
        action = Action(kind, guild, self._member(), 0, f"{self._content()} (edited)", self._chance.choice(EMOJI), back)
        if kind == "react":
            self._reactions[guild] = action
        elif kind == "delete":
            self._messages[guild] -= 1
            self._reactions.pop(guild, None)
        return action

    def _change_old(self, guild: int) -> Action:
        back = self._chance.randrange(self._shape.old)
        if self._chance.random() < 0.5:
            return Action("edit", guild, 0, 0, f"{self._content()} (edited today)", back=back, old=True)
        return Action("react", guild, self._member(), emoji=self._chance.choice(EMOJI), back=back, old=True)

    def _member(self) -> int:
        return self._chance.randrange(self._shape.members - 1)

    def _content(self) -> str:
        if self._chance.random() < 0.1:
            return self._chance.choice(SAME_FOR_ALL)
        return " ".join(self._chance.choices(WORDS, k=self._chance.randint(2, 12)))
