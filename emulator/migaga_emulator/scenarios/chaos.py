"""Everything mixed: what goes wrong with processes, with the database and with the gateway, beside each other.

The seed decides all of it. Called by `catalogue.py` and `inject.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from migaga.common.errors import MigagaError
from migaga_emulator.scenarios.outage import PARTITION
from migaga_emulator.scenarios.plan import ENDING, FROZEN, LATENCIES, MILD, SETTLING, Planned, Wish
from migaga_emulator.scenarios.rollout import READY_WITHIN
from migaga_emulator.scenarios.scene import Scene

OUTAGE = (6.0, 30.0)
"""Seconds without a database, at least and at most."""
LONG_OUTAGE = 12.0
"""An outage from which on no connection is dropped in it: a RESUME needs the database, and Discord keeps events for
about 20 s of a busy shard."""
REPLACED = 3.0
"""Seconds until a process that was killed has another one in another place, at most."""
RESHARD_FROM = 400.0
"""Seconds of a run from which on the shard count changes in it."""
MILD_EVERY = 5.0
"""Seconds between two faults of the gateway, about."""


@dataclass(frozen=True, slots=True)
class Phase:
    """What happens in one part of a run, beside faults of the gateway."""

    seconds: float
    """How long it takes, about."""
    parts: Sequence[Planned]
    mild: bool = True
    """The gateway has faults after which sessions go on."""


class Mixer:
    """Makes phases, decided by a seed."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._chance = random.Random(wish.seed)
        self._kinds: Sequence[Callable[[], Phase]] = (
            self._killed,
            self._killed_twice,
            self._frozen,
            self._restarted,
            self._rolled,
            self._sized,
            self._without_database,
            self._cut_off,
            self._sessions_ended,
        )

    def plan(self) -> Sequence[Planned]:
        """As many phases as there is time for, in random order, each kind before any comes again."""
        chance, wish = self._chance, self._wish
        at, end = wish.seconds * SETTLING, wish.seconds * (1 - SETTLING)
        planned: list[Planned] = []
        kinds = [*self._kinds, self._resharded] if wish.seconds >= RESHARD_FROM else self._kinds
        while True:
            for make in chance.sample(kinds, len(kinds)):
                phase = make()
                if planned and at + phase.seconds > end:
                    return tuple(planned)
                # A phase that begins late is not cut short by the next one: its faults have their time to pass.
                rest = Planned(0, "rest", value=phase.seconds)
                planned.append(Planned(at, "together", parts=(*phase.parts, *self._mild(phase), rest)))
                at += phase.seconds
            kinds = self._kinds

    def _mild(self, phase: Phase) -> list[Planned]:
        """Faults of the gateway on random shards, all along a phase."""
        chance, found = self._chance, []
        at = chance.uniform(0, MILD_EVERY)
        while phase.mild and at < phase.seconds:
            kind = chance.choice(MILD)
            value = chance.uniform(*LATENCIES) if kind == "latency" else 0.0
            found.append(Planned(at, kind, shard=chance.randrange(self._wish.shards), value=value))
            at += chance.uniform(0.5, 1.5) * MILD_EVERY
        return found

    def _process(self) -> int:
        return self._chance.randrange(self._wish.processes)

    def _pair(self) -> tuple[int, int]:
        """Two processes, different ones where there are two."""
        first = self._process()
        return first, first + 1 + self._chance.randrange(max(1, self._wish.processes - 1))

    def _killed(self) -> Phase:
        return Phase(18, [Planned(0, "kill", process=self._process(), value=self._chance.uniform(0, REPLACED))])

    def _killed_twice(self) -> Phase:
        first, second = self._pair()
        kill = Planned(0, "kill", process=first, value=self._chance.uniform(0, REPLACED))
        return Phase(22, [kill, Planned(self._chance.uniform(0, 6), "restart", process=second)])

    def _frozen(self) -> Phase:
        seconds = self._chance.uniform(*self._chance.choice(FROZEN))
        return Phase(seconds + 12, [Planned(0, "freeze", process=self._process(), value=seconds)])

    def _restarted(self) -> Phase:
        first, second = self._pair()
        later = self._chance.uniform(1, 8)
        return Phase(18, [Planned(0, "restart", process=first), Planned(later, "restart", process=second)])

    def _rolled(self) -> Phase:
        hit = Planned(self._chance.uniform(2, 15), "restart", process=self._process())
        seconds = 10 + 8 * self._wish.processes
        return Phase(seconds, [Planned(0, "roll"), *([hit] if self._chance.random() < 0.5 else [])])

    def _sized(self) -> Phase:
        most = max(2, self._wish.processes)
        sizes = [self._chance.randint(1, 2 * most), most]
        return Phase(40, [Planned(20.0 * number, "size", value=size) for number, size in enumerate(sizes)])

    def _without_database(self) -> Phase:
        seconds, kind = self._chance.uniform(*OUTAGE), self._chance.choice(("outage", "outage_silent"))
        return Phase(seconds + 15, [Planned(0, kind, value=seconds)], mild=seconds < LONG_OUTAGE)

    def _cut_off(self) -> Phase:
        seconds = self._chance.uniform(*PARTITION)
        return Phase(seconds + 15, [Planned(0, "partition", process=self._process(), value=seconds)])

    def _resharded(self) -> Phase:
        """Once in a run: from then on there are twice as many shards."""
        hit = Planned(self._chance.uniform(40, 90), "restart", process=self._process())
        return Phase(130, [Planned(0, "reshard", value=2 * self._wish.shards), hit])

    def _sessions_ended(self) -> Phase:
        """Nothing else meanwhile: a process that is away or has no database cannot identify in time."""
        shards = self._chance.sample(range(self._wish.shards), min(2, self._wish.shards))
        kinds = self._chance.sample(ENDING, len(shards))
        ends = [
            Planned(self._chance.uniform(0, 5), kind, shard=shard) for kind, shard in zip(kinds, shards, strict=True)
        ]
        return Phase(18, ends, mild=False)


def chaos(wish: Wish) -> Sequence[Planned]:
    """Everything mixed."""
    return Mixer(wish).plan()


async def resize(scene: Scene, planned: Planned) -> None:
    """Have `value` processes; return when the new ones are Ready. Shards move when the fleet has come to rest.

    One size after the other: on a busy machine the next is due while processes of the one before still start.
    """
    async with scene.sizing:
        await _resize(scene, planned)


async def _resize(scene: Scene, planned: Planned) -> None:
    fleet, wanted = scene.fleet, int(planned.value)
    scene.state = f"to {wanted}"
    scene.say(f"{len(fleet.members)} processes become {wanted}")
    scene.injected.faults["size"] += 1
    added = [await fleet.add() for _ in range(wanted - len(fleet.members))]
    for member in scene.chance.sample(fleet.members, max(0, len(fleet.members) - wanted)):
        fleet.dismiss(member, within=scene.patience)
    try:
        await asyncio.gather(*(fleet.until_ready(member, within=READY_WITHIN) for member in added))
    except MigagaError as error:
        scene.complain(f"a process was not ready when the fleet grew to {wanted}: {error}")


ACTIONS: Mapping[str, Callable[[Scene, Planned], Awaitable[None]]] = MappingProxyType({"size": resize})
