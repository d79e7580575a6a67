"""Changes what the sessions of a fleet are bound to: shard count or intents, by a new revision. Called by `inject.py`.

The roll brings the wish; then the processes warm the next generation up beside the old one, and cut over. A scenario
sees it from outside: by the sessions that Discord has, and by what `/status` says.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType

from migaga.common import values
from migaga.common.sections import DEFAULT_INTENTS
from migaga_emulator.control.shapes import SessionInfo
from migaga_emulator.ledger.connections import Begun
from migaga_emulator.scenarios.members import BUCKET_S
from migaga_emulator.scenarios.plan import Planned, Wish
from migaga_emulator.scenarios.processes import BotConfig
from migaga_emulator.scenarios.rollout import roll
from migaga_emulator.scenarios.scene import Scene

FEWER = "GUILD_MESSAGE_REACTIONS"
"""The intent that `intents` takes away first, and gives back then."""
RESERVE = 100
"""IDENTIFYs that a fleet keeps for recovery: the default of `[Fleet] IdentifyReserve`."""
LEAST_WARM = 20.0
"""Seconds after which a generation that does not become warm is given up; half of a run, where that is longer."""
SPARE = 90.0
"""Seconds for the rest: the roll's last moves, readings, drains."""
SAID_WITHIN = 60.0
"""Seconds in which every process must say why a wish is not met."""
REST = 5.0
"""Seconds for which a fleet is looked at when it is done."""
LOOK_EVERY = 0.25
NO_BUDGET = "IDENTIFY"
"""What a process says of a wish that the day's budget does not allow."""
NOT_WARM = "were ready after"
"""What it says of a generation that did not become warm in time."""


@dataclass(frozen=True, slots=True)
class Bound:
    """What all sessions of a generation are bound to."""

    shard_count: int
    intents: int

    def serves(self, sessions: Iterable[SessionInfo]) -> bool:
        """Whether these are its sessions, all of them, connected, and no other one is."""
        there = sorted((one.shard_id, one.shard_count, one.intents) for one in sessions if one.connected)
        return there == [(shard, self.shard_count, self.intents) for shard in range(self.shard_count)]


def bound_by(config: BotConfig) -> Bound:
    """Read what a configuration asks for."""
    names = DEFAULT_INTENTS if config.intents is None else config.intents
    return Bound(int(config.shards), values.intents(names))


def reshard(wish: Wish) -> Sequence[Planned]:
    """Twice the shards, then three quarters of that: 8 -> 16 -> 12."""
    more, fewer = counts(wish.shards)
    return (
        Planned(wish.seconds * 0.1, "reshard", value=more),
        Planned(wish.seconds * 0.4, "reshard", value=fewer),
    )


def intents(wish: Wish) -> Sequence[Planned]:
    """One intent less, which people use all the time; then the same as before."""
    return (Planned(wish.seconds * 0.1, "intents", value=0), Planned(wish.seconds * 0.4, "intents", value=1))


def reshard_abort(wish: Wish) -> Sequence[Planned]:
    """A generation that never becomes warm, because a guild does not come; then one for which the budget is short."""
    more, fewer = counts(wish.shards)
    return (
        Planned(wish.seconds * 0.1, "reshard_unready", value=more),
        Planned(wish.seconds * 0.4, "reshard_refused", value=fewer),
    )


def counts(shards: int) -> tuple[int, int]:
    """The shard counts that are asked for, from so many on: twice as many, then half as many more."""
    return 2 * shards, math.ceil(1.5 * shards)


async def change_count(scene: Scene, planned: Planned) -> None:
    """Ask for another shard count, and wait until the fleet has it."""
    await _change(scene, replace(scene.fleet.release.config, shards=str(int(planned.value))), planned.kind)


async def change_intents(scene: Scene, planned: Planned) -> None:
    """Ask for other intents (`value` 0: one less; 1: all again), and wait until the fleet has them."""
    names = [name for name in DEFAULT_INTENTS.split() if planned.value or name != FEWER]
    await _change(scene, replace(scene.fleet.release.config, intents=" ".join(names)), planned.kind)


async def _change(scene: Scene, config: BotConfig, kind: str) -> None:
    wanted = bound_by(config)
    await _ask(scene, config, kind)
    begun, within = time.monotonic(), SPARE + config.armed_for + wanted.shard_count * BUCKET_S
    if not await _until(lambda: _is_served_by(scene, wanted), within):
        scene.complain(f"{kind} to {wanted} was not done {within:.0f} s after the roll: {await _reasons(scene)}")
        return
    scene.say(f"the new generation serves all guilds {time.monotonic() - begun:.1f} s after the roll")
    scene.fleet.shards = wanted.shard_count
    scene.injected.identifies_due += wanted.shard_count
    await _see_reserve(scene)
    await asyncio.sleep(REST)
    if not await _until(lambda: _is_served_by(scene, wanted), REST):
        scene.complain(f"{REST:.0f} s after {kind} not all sessions, or others, were connected")


async def refuse_for_budget(scene: Scene, planned: Planned) -> None:
    """Ask for another shard count when the day's budget is short of one IDENTIFY for it: nothing must be tried."""
    count, before = int(planned.value), bound_by_now(scene)
    left = await _budget(scene)
    await scene.control.faults.spend_budget(max(0, left - RESERVE - count + 1))
    left = await _budget(scene)
    await _ask(scene, replace(scene.fleet.release.config, shards=str(count)), planned.kind)
    await _see_said(scene, NO_BUDGET, SAID_WITHIN)
    await asyncio.sleep(REST)
    await _see_nothing_changed(scene, before, planned.kind)
    if await _budget(scene) != left:
        scene.complain(f"{left - await _budget(scene)} IDENTIFYs were spent on a generation that the budget forbids")


async def miss_a_guild(scene: Scene, planned: Planned) -> None:
    """Ask for another shard count while one guild does not come to new sessions: it must be given up in time."""
    count, before = int(planned.value), bound_by_now(scene)
    guild = scene.chance.choice(sorted(guild.id for guild in await scene.control.guilds()))
    await scene.control.faults.absent([guild])
    scene.injected.identifies_due += count
    config = replace(scene.fleet.release.config, shards=str(count), warm_within=max(LEAST_WARM, scene.wish.seconds / 2))
    await _ask(scene, config, planned.kind)
    await _see_said(scene, NOT_WARM, config.warm_within + SPARE + count * BUCKET_S)
    await asyncio.sleep(REST)
    await _see_nothing_changed(scene, before, planned.kind)
    begun = len({e.shard for e in scene.ledger.connections.log if isinstance(e, Begun) and e.shard[1] == count})
    if begun < count:
        scene.complain(f"only {begun} of {count} shards of the generation that was given up had begun")
    await scene.control.faults.absent([guild], on=False)


async def _ask(scene: Scene, config: BotConfig, kind: str) -> None:
    """Roll the wish out."""
    scene.state = kind
    wanted = bound_by(config)
    scene.say(f"{kind}: a new revision wishes {wanted.shard_count} shards with intents {wanted.intents}")
    await roll(scene, scene.fleet.release.next(config))
    scene.state = kind
    scene.injected.faults[kind] += 1


def bound_by_now(scene: Scene) -> Bound:
    """What the sessions are bound to that the fleet has now."""
    return replace(bound_by(scene.fleet.release.config), shard_count=scene.fleet.shards)


async def _see_nothing_changed(scene: Scene, before: Bound, kind: str) -> None:
    if not await _until(lambda: _is_served_by(scene, before), SAID_WITHIN):
        scene.complain(f"after {kind} not all sessions of before, or others, were connected")


async def _see_said(scene: Scene, reason: str, within: float) -> None:
    """Wait until `/status` of every process names a reason."""

    async def said() -> bool:
        return all(reason in str(status) for status in await scene.fleet.statuses())

    if await _until(said, within):
        scene.say(f"every process says why: {reason!r}")
    else:
        scene.complain(f"not every /status names the reason {reason!r} within {within:.0f} s: {await _reasons(scene)}")


async def _see_reserve(scene: Scene) -> None:
    left = await _budget(scene)
    if left < RESERVE:
        scene.complain(f"{left} IDENTIFYs are left; a generation must leave {RESERVE}")


async def _budget(scene: Scene) -> int:
    """IDENTIFYs that are left of the day's."""
    return int(str((await scene.control.faults.spend_budget(0))["remaining"]))


async def _is_served_by(scene: Scene, wanted: Bound) -> bool:
    return wanted.serves(await scene.control.sessions())


async def _reasons(scene: Scene) -> list[object]:
    """What the processes say about the wish."""
    return [(status.get("change"), status.get("generations")) for status in await scene.fleet.statuses()]


async def _until(is_so: Callable[[], Awaitable[bool]], within: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while True:
                if await is_so():
                    return True
                await asyncio.sleep(LOOK_EVERY)
    return False


ACTIONS: Mapping[str, Callable[[Scene, Planned], Awaitable[None]]] = MappingProxyType(
    {
        "reshard": change_count,
        "intents": change_intents,
        "reshard_refused": refuse_for_budget,
        "reshard_unready": miss_a_guild,
    }
)
