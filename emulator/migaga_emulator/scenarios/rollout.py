"""Replaces the processes of a fleet as a Deployment does, good image or bad, and changes their number.

A Deployment with `maxSurge: 1` and `maxUnavailable: 0`: one new pod at a time; an old one gets SIGTERM when the new one
is Ready, and the next new one is created at that moment, because pods that end do not count. Called by `inject.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from migaga.common.errors import MigagaError
from migaga_emulator.scenarios import images
from migaga_emulator.scenarios.members import Member, Release, numbers
from migaga_emulator.scenarios.plan import Planned
from migaga_emulator.scenarios.processes import is_ready
from migaga_emulator.scenarios.scene import Roll, Scene

READY_WITHIN = 90.0
"""Seconds that a new process has until it must be Ready."""
ENDS_WITHIN = 5.0
"""Seconds that a process of a bad image has to end."""
BACK_OFF = (0.0, 10.0, 20.0, 40.0)
"""Seconds after which a container that has ended is started again, each time that it ends: a kubelet's."""
REST = 3.0
"""Seconds for which a fleet is looked at when it has come to rest."""
LOOK_EVERY = 0.25


async def roll(scene: Scene, release: Release, *, stop_after: int | None = None) -> None:
    """Replace every process that is not of this release, in random order; return when the last one is told to leave.

    Args:
        scene: whose fleet.
        release: what the processes are to become.
        stop_after: the roll is broken off after so many.
    """
    fleet = scene.fleet
    fleet.release = release
    old = [member for member in fleet.members if member.release.revision != release.revision]
    scene.chance.shuffle(old)
    replaced = old[:stop_after]
    scene.injected.rolls.append(Roll(release.revision, full=len(replaced) == len(old)))
    for member in replaced:
        if not await _surge(scene, release):
            return
        scene.say(f"SIGTERM to process {member.pid}, number {member.number}")
        fleet.dismiss(member, within=scene.patience)


async def _surge(scene: Scene, release: Release) -> bool:
    member = await scene.fleet.add(release)
    scene.say(f"process {member.pid}, number {member.number}, of revision {release.revision} starts")
    try:
        await scene.fleet.until_ready(member, within=READY_WITHIN)
    except MigagaError as error:
        scene.complain(f"the roll has stopped at process number {member.number}: {error}")
        return False
    return True


async def roll_forward(scene: Scene, planned: Planned) -> None:
    """Bring the next release, with another schema where that was asked for."""
    scene.state = "rolling"
    fleet = scene.fleet
    config = images.newer(fleet.release.config) if scene.wish.schema_change else fleet.release.config
    await roll(scene, fleet.release.next(config), stop_after=int(planned.value) or None)
    scene.injected.faults["roll"] += 1


async def roll_back(scene: Scene, planned: Planned) -> None:
    """Bring the image before this one back, as a release of its own: a new revision number, the old contents."""
    scene.state = "rolling back"
    fleet = scene.fleet
    config = images.older(fleet.release.config) if scene.wish.schema_change else fleet.release.config
    await roll(scene, fleet.release.next(config))
    scene.injected.faults["roll_back"] += 1


async def scale(scene: Scene, planned: Planned) -> None:
    """Have `value` processes, and wait until the shards are shared out among them."""
    fleet, wanted = scene.fleet, int(planned.value)
    scene.state = f"to {wanted}"
    scene.say(f"{len(fleet.members)} processes become {wanted}")
    scene.injected.steps.append(time.monotonic())
    scene.injected.faults["scale"] += 1
    added = [await fleet.add() for _ in range(wanted - len(fleet.members))]
    leaving = scene.chance.sample(fleet.members, max(0, len(fleet.members) - wanted))
    for member in leaving:
        fleet.dismiss(member, within=scene.patience)
    await asyncio.gather(*(_until_ready(scene, member) for member in added))
    even = await scene.until_even()
    await asyncio.sleep(REST)
    if not even or not await scene.until_even(within=0.0):
        scene.complain(f"processes {numbers(fleet.members)} have {scene.shares()} of {fleet.shards} shards at rest")
    else:
        scene.say(f"at rest with {scene.shares()} shards")


async def _until_ready(scene: Scene, member: Member) -> None:
    try:
        await scene.fleet.until_ready(member, within=READY_WITHIN)
    except MigagaError as error:
        scene.complain(f"process number {member.number} was not ready: {error}")


async def bad_image(scene: Scene, planned: Planned, *, image: images.Image) -> None:
    """Roll a bad image out, which a Deployment never gets beyond the first pod; after `value` seconds take it back."""
    scene.state = f"bad: {image.name}"
    fleet = scene.fleet
    scene.say(f"a new image is rolled out that {image.summary}")
    release = fleet.release.next(image.change(fleet.release.config, fleet.folder), image.environment(fleet.folder))
    scene.injected.faults[f"bad_{image.name}"] += 1
    until = time.monotonic() + planned.value
    member = await fleet.add(release)
    tries = {member.pid}
    scene.injected.tries.append(tries)
    await _keep_up(scene, member, tries, until)
    fleet.members.remove(member)
    scene.say("the roll is taken back")
    await _end(member)
    # The revision that failed is used up: what comes after it has a higher one.
    fleet.release = Release(replace(fleet.release.config, revision=release.revision), fleet.release.environment)


async def _keep_up(scene: Scene, member: Member, tries: set[int], until: float) -> None:
    """Start the process again whenever it ends, as a kubelet does, and see that it is never Ready for long."""
    restarts = 0
    while member.process is not None and time.monotonic() < until:
        member.process.expect_end()
        if not member.process.is_running:
            pause = BACK_OFF[min(restarts, len(BACK_OFF) - 1)]
            restarts += 1
            await asyncio.sleep(min(pause, max(0.0, until - time.monotonic())))
            if time.monotonic() < until:
                await scene.fleet.launch(member)
                tries.add(member.pid)
        elif await is_ready(member.port):
            scene.complain("a process of a bad image said that it is Ready: the roll would have gone on")
            return
        await asyncio.sleep(LOOK_EVERY)


async def _end(member: Member) -> None:
    """SIGTERM, and SIGKILL to a process that does not end."""
    if member.process is None:
        return
    try:
        await member.process.stop(within=ENDS_WITHIN)
    except MigagaError:
        # What a bad image does at its end is nobody's concern.
        await member.process.kill()


def schema_complaints(members: Iterable[Member]) -> list[str]:
    """What releases with different schemas could not write beside each other, by the logs of their processes."""
    return [
        f"process number {member.number} failed beside another schema: {error}"
        for member in members
        if member.process is not None
        for error in member.process.errors(images.NOTES)[:1]
    ]


ACTIONS: Mapping[str, Callable[[Scene, Planned], Awaitable[None]]] = MappingProxyType(
    {
        "roll": roll_forward,
        "roll_back": roll_back,
        "scale": scale,
        **{f"bad_{image.name}": partial(bad_image, image=image) for image in images.BAD},
    }
)
