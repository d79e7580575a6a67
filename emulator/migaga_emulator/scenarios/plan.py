"""What goes wrong in a scenario and when, decided by a seed alone. Called by `catalogue.py`; see also `inject.py`.

Times are shares of the run's length, so that a longer run has the same plan, only slower; how many faults there are
depends on the length.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

T = TypeVar("T")

CLOSE_CODES = (4000, 4001, 4002, 4003, 4005, 4007, 4008, 4009)
"""Close codes after which a client goes on. 4004 has a scenario of its own; there is no 4006."""
ENDING_CODES = frozenset({4003, 4007, 4009})
"""Of these, those that end the session: Discord leaves nothing but IDENTIFY."""
MILD = ("drop", "op_7", "op_9_resumable", "latency", *(f"close_{c}" for c in CLOSE_CODES if c not in ENDING_CODES))
ENDING = ("op_9", *(f"close_{code}" for code in sorted(ENDING_CODES)))
"""Faults after which a shard must identify."""
LATENCIES = (0.05, 0.4)
"""Seconds by which frames are delayed, at least and at most."""
FROZEN = ((5.0, 9.0), (9.0, 20.0))
"""Seconds for which a process is frozen, at least and at most; short and long by turns."""
BAD_IMAGES = ("bad_gateway", "bad_crash", "bad_hang", "bad_setting")
TRIED = 20.0
"""Seconds for which a bad image is tried."""
SETTLING = 0.12
"""Share of a run at its begin and at its end in which nothing goes wrong: what is usual is measured there."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a plan is made for."""

    seed: int
    seconds: float
    shards: int
    processes: int
    rolls: int = 1
    """Rolling updates, one after the other."""
    back: bool = False
    """The last one is broken off half-way and goes back."""
    schema_change: bool = False
    """A new image has another database schema."""


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault. It hits a shard, or a process, or all."""

    at: float
    """Seconds after the traffic has begun."""
    kind: str
    shard: int | None = None
    process: int | None = None
    value: float = 0.0
    """Seconds: by how much frames are delayed, or how long a process or the token stays away, or a bad image is tried.
    Or a number: processes to be replaced (0: all) or to be there, shards that are wished."""
    parts: Sequence[Planned] = ()
    """What happens beside each other, at times that count from the begin of this one."""


def nothing(wish: Wish) -> Sequence[Planned]:
    """No faults."""
    return ()


def gateway_faults(wish: Wish) -> Sequence[Planned]:
    """Faults of the gateway on random shards, one every 2 s or so, each kind in turn in random order.

    Those that end sessions go round the shards, one in six: a shard that loses its session again and again has to back
    off, and what it misses meanwhile is nobody's fault but the plan's.
    """
    chance = random.Random(wish.seed)
    times = _times(chance, wish.seconds, count=max(6, int(wish.seconds / 2)))
    mild, ending, shards = _deck(chance, MILD), _deck(chance, ENDING), _deck(chance, range(wish.shards))
    planned: list[Planned] = []
    for number, at in enumerate(times):
        ends = number % 6 == 2
        kind = next(ending if ends else mild)
        shard = next(shards) if ends else chance.randrange(wish.shards)
        value = chance.uniform(*LATENCIES) if kind == "latency" else 0.0
        planned.append(Planned(at, kind, shard=shard, value=value))
    return tuple(planned)


def kills(wish: Wish) -> Sequence[Planned]:
    """SIGKILL to random processes, ten of them; another process in another place up to 3 s later."""
    chance = random.Random(wish.seed)
    times = _times(chance, wish.seconds, count=_shorter(wish, 10))
    hit = [chance.randrange(wish.processes) for _ in times]
    return tuple(
        Planned(at, "kill", process=process, value=chance.uniform(0, 3)) for at, process in zip(times, hit, strict=True)
    )


def restarts(wish: Wish) -> Sequence[Planned]:
    """SIGKILL to random processes, each started again at once in its place: one every 15 s, at least one."""
    chance = random.Random(wish.seed)
    times = _times(chance, wish.seconds, count=max(1, int(wish.seconds / 15)))
    return tuple(Planned(at, "restart", process=chance.randrange(wish.processes)) for at in times)


def freezes(wish: Wish) -> Sequence[Planned]:
    """SIGSTOP to random processes: short ones, after which a process goes on, and long ones, after which it is out."""
    chance = random.Random(wish.seed)
    times = _times(chance, wish.seconds, count=_shorter(wish, 6))
    return tuple(
        Planned(at, "freeze", process=chance.randrange(wish.processes), value=chance.uniform(*FROZEN[number % 2]))
        for number, at in enumerate(times)
    )


def rolls(wish: Wish) -> Sequence[Planned]:
    """Rolling updates of all processes, one after the other; the last one goes back half-way where that was asked."""
    first = wish.seconds * SETTLING
    planned = [Planned(first + number, "roll") for number in range(wish.rolls)]
    if wish.back:
        planned[-1] = replace(planned[-1], value=(wish.processes + 1) // 2)
        planned.append(Planned(first + wish.rolls, "roll_back"))
    return tuple(planned)


def bad_images(wish: Wish) -> Sequence[Planned]:
    """Every kind of bad image in random order, as many as there is time for, each taken back before the next one."""
    chance = random.Random(wish.seed)
    kinds = chance.sample(BAD_IMAGES, len(BAD_IMAGES))[: max(1, int(wish.seconds * (1 - 2 * SETTLING) / TRIED))]
    first = wish.seconds * SETTLING
    return tuple(Planned(first + number * TRIED, kind, value=TRIED) for number, kind in enumerate(kinds))


def scaled(wish: Wish) -> Sequence[Planned]:
    """Three times as many processes, then half of those: 2, 6, 3."""
    first, more = wish.seconds * SETTLING, wish.processes * 3
    return Planned(first, "scale", value=more), Planned(first + 1, "scale", value=(more + 1) // 2)


def _shorter(wish: Wish, count: int) -> int:
    """As many as in a run of a minute or more, or fewer in a shorter one."""
    return count if wish.seconds >= 60 else max(1, int(wish.seconds / 12))


def stop_start(wish: Wish) -> Sequence[Planned]:
    """SIGTERM to all processes in the middle; they are started again when they have ended."""
    return (Planned(wish.seconds / 2, "stop"),)


def exhausted(wish: Wish) -> Sequence[Planned]:
    """The day's IDENTIFYs are used up by somebody else; then sessions of a quarter of the shards are destroyed."""
    chance = random.Random(wish.seed)
    first = wish.seconds * 0.3
    lost = sorted(chance.sample(range(wish.shards), max(1, wish.shards // 4)))
    ends = [Planned(first + 1 + number * 0.2, "op_9", shard=shard) for number, shard in enumerate(lost)]
    return (Planned(first, "budget"), *ends)


def revoked(wish: Wish) -> Sequence[Planned]:
    """The token is revoked; a third of the run later it is good again and an operator starts the processes."""
    return (Planned(wish.seconds * 0.3, "token", value=wish.seconds * 0.3),)


def _times(chance: random.Random, seconds: float, *, count: int) -> list[float]:
    """Spread over the run, one in each of `count` equal parts."""
    first, length = seconds * SETTLING, seconds * (1 - 2 * SETTLING) / count
    return [first + length * (number + chance.random() * 0.8) for number in range(count)]


def _deck(chance: random.Random, cards: Sequence[T]) -> Iterator[T]:
    """Yield cards in random order, all of them before any comes again."""
    while True:
        yield from chance.sample(cards, len(cards))
