"""A process full of shards in front of a Discord that tests can make silent: second by second, without a clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from migaga.continuity.silence import Ask, Key, Reading, Reconnect, Silence

CHUNK = "GUILD_MEMBERS_CHUNK"
BUSY = {"MESSAGE_CREATE": 2.0, "TYPING_START": 1.0, "MESSAGE_REACTION_ADD": 0.5}
"""Events a second."""


@dataclass
class Line:
    """One shard's connection, and what Discord sends on it."""

    rates: Mapping[str, float]
    """Events a second by name; they come at random."""
    silent: bool = False
    without: set[str] = field(default_factory=set)
    mended_by_resume: bool = True
    live: bool = True
    lost: bool = False
    """A connection that was closed does not come back."""
    due: Counter[str] = field(default_factory=Counter)
    """What is sent in the next second, besides what people do."""
    back_in: int = 0
    """Seconds until a reconnection is over."""

    def second(self, random: Random) -> Reading:
        """Let a second pass."""
        if self.back_in:
            self.back_in -= 1
            self.due["RESUMED"] = 1
            return Reading(False, {})
        if not self.live:
            return Reading(False, {})
        counts, self.due = self.due, Counter()
        for name, rate in self.rates.items():
            counts[name] += sum(random.random() < rate / 5 for _ in range(5))
        if self.silent:
            counts = Counter(RESUMED=counts["RESUMED"])
        return Reading(True, {name: n for name, n in counts.items() if n and name not in self.without})

    def resume(self) -> None:
        """Reconnect."""
        self.live = not self.lost
        self.back_in = 1
        self.due.clear()
        if self.mended_by_resume:
            self.silent = False
            self.without.clear()


class Process:
    """One process: its shards, and everything that was decided."""

    def __init__(self, seed: int, lines: list[Line]) -> None:
        self.random = Random(seed)
        self.lines: dict[Key, Line] = {("1", number): line for number, line in enumerate(lines)}
        self.silence = Silence()
        self.now = 1_000.0
        self.asked: list[tuple[float, Ask]] = []
        self.resumed: list[tuple[float, Reconnect]] = []

    def seconds(self, count: int) -> None:
        """Let so many seconds pass."""
        for _ in range(count):
            self.now += 1.0 + self.random.random() / 1_000
            self._look()

    def stall(self, seconds: float) -> None:
        """Freeze the process: what Discord sends meanwhile is read a little later."""
        self.now += seconds
        heard = {key: Reading(line.live, {}) for key, line in self.lines.items()}
        self._do(self.silence.step(self.now, heard))

    def resumed_of(self, number: int) -> list[float]:
        """When a shard was reconnected."""
        return [when for when, action in self.resumed if action.key[1] == number]

    def _look(self) -> None:
        readings = {key: line.second(self.random) for key, line in self.lines.items()}
        self._do(self.silence.step(self.now, readings))

    def _do(self, actions: list[Ask | Reconnect]) -> None:
        for action in actions:
            line = self.lines[action.key]
            if isinstance(action, Ask):
                self.asked.append((self.now, action))
                self.silence.sent(action, self.now)
                line.due[CHUNK] += 1
            else:
                self.resumed.append((self.now, action))
                line.resume()
