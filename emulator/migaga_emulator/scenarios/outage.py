"""Cuts the whole fleet, or one process of it, off from the database server. Called by `inject.py`.

A fleet on SQLite has no server to be cut off from: there these faults hit nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from migaga.common.errors import MigagaError
from migaga_emulator.scenarios.plan import Planned, Wish
from migaga_emulator.scenarios.proxy import Cut
from migaga_emulator.scenarios.scene import Scene

OUTAGE = 30.0
"""Seconds without a database in `database-outage`, however long the rest is."""
LIFE = 7.0
"""Seconds for which a process is valid after it sent the last beat that was answered."""
BEAT = 2.0
"""Seconds between two beats."""
PARTITION = (14.0, 22.0)
"""Seconds for which one process is cut off, at least and at most: others declare it dead after 9 s to 12 s."""
JOINED_WITHIN = 30.0
"""Seconds after a partition in which the process must be part of the fleet again."""


def database_outage(wish: Wish) -> Sequence[Planned]:
    """All connections to the database are cut for 30 s after a third of the run; what is left of it is quiet."""
    at = wish.seconds * 0.35
    return (Planned(at, "outage", value=OUTAGE), Planned(at, "rest", value=wish.seconds * 0.45))


def partition(wish: Wish) -> Sequence[Planned]:
    """One process, once, is cut off from the database for longer than its life; then there is a quiet time."""
    chance = random.Random(wish.seed)
    at, value = wish.seconds * chance.uniform(0.15, 0.3), chance.uniform(*PARTITION)
    cut = Planned(at, "partition", process=chance.randrange(wish.processes), value=value)
    return (cut, Planned(at, "rest", value=wish.seconds * 0.4))


async def cut_all(scene: Scene, planned: Planned, *, how: Cut) -> None:
    """Cut every process off for `value` seconds."""
    if scene.proxy is None:
        return
    scene.state = "no database"
    scene.say(f"the database is gone ({how.value}) for {planned.value:.1f} s")
    scene.injected.faults[planned.kind] += 1
    window = scene.apologies.begin()
    await scene.proxy.sever(how)
    await asyncio.sleep(planned.value)
    await scene.proxy.heal()
    scene.apologies.end(window)
    scene.say(f"the database is back; {scene.apologies.count} people were told why their commands are not run")


async def cut_one(scene: Scene, planned: Planned) -> None:
    """Cut one process off for `value` seconds: others must take its shards, and it must join them again later."""
    if scene.proxy is None:
        return
    member = scene.victim(planned)
    scene.state = "partition"
    crash = scene.strike(member)
    # It goes on for as long as its life is valid; what is asked of it after that meets nobody.
    crash.at = time.monotonic() + LIFE - BEAT
    scene.say(f"process {member.pid} with {len(crash.shards)} shards is cut off for {planned.value:.1f} s")
    scene.injected.faults[planned.kind] += 1
    window = scene.apologies.begin(final=False)
    await scene.proxy.sever(Cut.SILENT, [member.number])
    healed_at = time.monotonic() + planned.value
    await scene.until_back(crash)
    await asyncio.sleep(max(0.0, healed_at - time.monotonic()))
    await scene.proxy.heal([member.number])
    scene.apologies.end(window)
    scene.say(f"process {member.pid} reaches the database again")
    try:
        await scene.fleet.until_ready(member, within=JOINED_WITHIN)
    except MigagaError as error:
        scene.complain(f"the process that was cut off did not join again: {error}")


async def rest(scene: Scene, planned: Planned) -> None:
    """Nothing goes wrong for `value` seconds."""
    scene.state = "running"
    await asyncio.sleep(planned.value)


ACTIONS: Mapping[str, Callable[[Scene, Planned], Awaitable[None]]] = MappingProxyType(
    {
        "outage": partial(cut_all, how=Cut.RESET),
        "outage_silent": partial(cut_all, how=Cut.SILENT),
        "partition": cut_one,
        "rest": rest,
    }
)
