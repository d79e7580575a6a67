"""Carries out a plan of what goes wrong, and the gateway's faults. Called by `runner.py`.

What hits processes is in `crashes.py`, `rollout.py`, `refusals.py` and others: each has its `ACTIONS`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from migaga.common.errors import MigagaError
from migaga_emulator.scenarios import chaos, crashes, generations, outage, refusals, rollout
from migaga_emulator.scenarios.plan import ENDING, Planned
from migaga_emulator.scenarios.scene import Scene

LATENCY_LASTS = 2.0
"""Seconds for which frames are delayed."""
CONNECTED_WITHIN = 20.0
"""Seconds that a fault waits for its shard to be connected: a fault that hits nobody is none."""

Action = Callable[[Scene, Planned], Awaitable[None]]

_PARTS = (crashes.ACTIONS, refusals.ACTIONS, rollout.ACTIONS, outage.ACTIONS, generations.ACTIONS, chaos.ACTIONS)
_ACTIONS: Mapping[str, Action] = MappingProxyType({kind: action for part in _PARTS for kind, action in part.items()})
"""By kind. Every other kind is a fault of the gateway, or several at once."""


async def carry_out(scene: Scene, plan: Sequence[Planned]) -> None:
    """Carry out a plan, each fault at its time or as soon after it as the one before has ended."""
    start = time.monotonic()
    for planned in plan:
        if (ahead := start + planned.at - time.monotonic()) > 0:
            await asyncio.sleep(ahead)
        await (_together if planned.parts else _ACTIONS.get(planned.kind, on_shard))(scene, planned)
        scene.state = "running"
    await scene.fleet.until_left()


async def _together(scene: Scene, planned: Planned) -> None:
    """Several faults beside each other; one of the gateway that finds its shard without a connection hits nobody."""
    async with asyncio.TaskGroup() as group:
        for part in planned.parts:
            group.create_task(_part(scene, part), name=f"fault {part.kind}")


async def _part(scene: Scene, part: Planned) -> None:
    await asyncio.sleep(part.at)
    action = _ACTIONS.get(part.kind)
    if action is not None:
        await action(scene, part)
    else:
        _count(scene, part, await _hit(scene, part))


async def on_shard(scene: Scene, planned: Planned) -> None:
    """A fault of the gateway."""
    deadline = time.monotonic() + CONNECTED_WITHIN
    while not (hit := await _hit(scene, planned)):
        if time.monotonic() > deadline:
            raise MigagaError(f"shard {planned.shard} was not connected for {CONNECTED_WITHIN:.0f} s")
        await asyncio.sleep(0.25)
    _count(scene, planned, hit)


def _count(scene: Scene, planned: Planned, hit: int) -> None:
    if not hit:
        return
    scene.state = planned.kind
    scene.say(f"{planned.kind} on shard {planned.shard}")
    scene.injected.faults[planned.kind] += hit
    if planned.kind in ENDING:
        scene.injected.sessions_ended += hit


async def _hit(scene: Scene, planned: Planned) -> int:
    faults, shard = scene.control.faults, planned.shard
    if planned.kind == "drop":
        return await faults.drop(shard_id=shard)
    if planned.kind == "op_7":
        return await faults.reconnect(shard_id=shard)
    if planned.kind.startswith("op_9"):
        return await faults.invalidate(resumable=planned.kind == "op_9_resumable", shard_id=shard)
    if planned.kind == "latency":
        hit = await faults.latency(planned.value, shard_id=shard)
        await asyncio.sleep(LATENCY_LASTS)
        await faults.latency(0.0, shard_id=shard)
        return hit
    return await faults.close(int(planned.kind.removeprefix("close_")), shard_id=shard)
