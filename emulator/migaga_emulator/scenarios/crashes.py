"""Processes that are killed, frozen, or stopped all together. Called by `inject.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from migaga_emulator.scenarios.members import Member
from migaga_emulator.scenarios.plan import Planned
from migaga_emulator.scenarios.scene import Crash, Scene

WAKING = 3.0
"""Seconds after SIGCONT in which a process finds out whether it is still part of the fleet."""
BREATH = (0.0, 4.0)
"""Seconds between the end of a take-over and the next kill, at least and at most."""
AWAY = 2.0
"""Seconds for which a stopped fleet stays away."""


async def kill(scene: Scene, planned: Planned) -> None:
    """SIGKILL to a process that never comes back; `value` seconds later there is another one in another place."""
    member = scene.victim(planned)
    crash = await _kill(scene, planned.kind, member)
    scene.fleet.members.remove(member)
    await asyncio.sleep(planned.value)
    await scene.fleet.add()
    await scene.until_back(crash)
    # Where a plan is late, the next kill must not always hit whoever has just taken over.
    await asyncio.sleep(scene.chance.uniform(*BREATH))


async def restart(scene: Scene, planned: Planned) -> None:
    """SIGKILL to a process, and another one at once in the same place, with what the first one had in its folder."""
    member = scene.victim(planned)
    crash = await _kill(scene, planned.kind, member)
    await scene.fleet.launch(member)
    await scene.until_back(crash)


async def _kill(scene: Scene, kind: str, member: Member) -> Crash:
    scene.state = kind
    crash = scene.strike(member)
    if member.process is not None:
        await member.process.kill()
    scene.say(f"SIGKILL to process {member.pid}, number {member.number}, with {len(crash.shards)} shards")
    scene.injected.faults[kind] += 1
    return crash


async def freeze(scene: Scene, planned: Planned) -> None:
    """SIGSTOP to a process for `value` seconds; then it goes on, if the others have not gone on without it."""
    member = scene.victim(planned)
    if member.process is None:
        return
    scene.state = "freeze"
    crash = scene.strike(member)
    member.process.freeze()
    scene.say(f"SIGSTOP to process {member.pid} with {len(crash.shards)} shards, for {planned.value:.1f} s")
    scene.injected.faults["freeze"] += 1
    await asyncio.sleep(planned.value)
    member.process.thaw()
    await asyncio.sleep(WAKING)
    await scene.until_connected(crash)


async def stop(scene: Scene, planned: Planned) -> None:
    """SIGTERM to all, with nobody waiting for an answer that Discord limits to 3 s; then all again."""
    await scene.gate.close()
    scene.state = "stopped"
    scene.say("SIGTERM to all processes; people go on writing")
    await scene.fleet.stop(within=scene.patience)
    scene.injected.faults["stop"] += len(scene.fleet.members)
    await asyncio.sleep(AWAY)
    await scene.fleet.restart()
    await scene.until_caught_up()
    scene.gate.open()


ACTIONS: Mapping[str, Callable[[Scene, Planned], Awaitable[None]]] = MappingProxyType(
    {"kill": kill, "restart": restart, "freeze": freeze, "stop": stop}
)
