"""Discord refuses: the day's IDENTIFYs are used up, or the token is revoked. Called by `inject.py` and `runner.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from migaga_emulator.scenarios.members import Member
from migaga_emulator.scenarios.plan import Planned
from migaga_emulator.scenarios.scene import Crash, Scene

SAID_WITHIN = 30.0
"""Seconds in which every process must say that the token is refused."""
LOOK_EVERY = 0.25
QUIET = 1.0
"""Seconds until what people have begun is done."""
EXIT_CREDENTIALS = 78
EXIT_UNAVAILABLE = 69
REFUSED_TOKEN = ("token", "refuse")
"""What /status and the log must name."""
USED_UP = "used up"


async def spend_budget(scene: Scene, planned: Planned) -> None:
    """Somebody else uses up the day's IDENTIFYs."""
    told = await scene.control.faults.spend_budget()
    scene.say(f"the day's IDENTIFYs are used up: {told.get('remaining')} left")
    scene.injected.faults["budget"] += 1


async def revoke_token(scene: Scene, planned: Planned) -> None:
    """Revoke the token: every process must say why it does nothing any more. Later it is good again."""
    fleet, injected = scene.fleet, scene.injected
    fleet.expect_ends()
    started = time.monotonic()
    shards = tuple((shard, fleet.shards) for shard in range(fleet.shards))
    crash = Crash(shards, started, started, scene.in_flight(shards))
    scene.gate.shut()
    scene.state = "no token"
    scene.say("the token is revoked")
    await scene.control.faults.revoke_token()
    injected.faults["token"] += 1
    await _see_said(scene)
    if (left := started + planned.value - time.monotonic()) > 0:
        await asyncio.sleep(left)
    injected.complaints += token_complaints(await fleet.end(within=scene.patience), fleet.members)
    # From now on a client could identify, but an operator needs the time of a start: nobody writes meanwhile.
    scene.awake.clear()
    await asyncio.sleep(QUIET)
    await scene.control.faults.restore_token()
    scene.say("the token is good again; the processes are started")
    await fleet.restart()
    scene.awake.set()
    injected.sessions_ended += len(shards)
    crash.back = time.monotonic()
    injected.crashes.append(crash)
    scene.gate.open()


async def _see_said(scene: Scene) -> None:
    """Wait until every process that still runs says in `/status` that its token is refused."""
    deadline = time.monotonic() + SAID_WITHIN
    silent = [0]
    while silent and time.monotonic() < deadline:
        statuses = await scene.fleet.statuses()
        silent = [
            member.number
            for member, status in zip(scene.fleet.members, statuses, strict=True)
            if member.is_running and not all(word in str(status.get("reasons")) for word in REFUSED_TOKEN)
        ]
        await asyncio.sleep(LOOK_EVERY)
    for number in silent:
        scene.complain(f"/status of process {number} does not say that the token is refused")


def token_complaints(codes: Sequence[int], members: Sequence[Member]) -> list[str]:
    """What processes that lost their token did wrong: their exit codes, and what their logs do not say."""
    found = [
        f"process {member.number} left with exit code {code} when the token was refused, not {EXIT_CREDENTIALS}"
        for member, code in zip(members, codes, strict=True)
        if code != EXIT_CREDENTIALS
    ]
    silent = [member.number for member in members if member.process and not member.process.said(*REFUSED_TOKEN)]
    return [*found, *(f"the log of process {number} does not say that the token is refused" for number in silent)]


async def end_without_budget(scene: Scene, *, within: float) -> None:
    """End a fleet some of whose shards may not identify: `/status`, the logs and the exit codes must say why."""
    fleet = scene.fleet
    statuses = await fleet.statuses()
    scene.injected.complaints += budget_complaints(statuses, fleet.members)
    codes = await fleet.end(within=within)
    scene.injected.complaints += budget_code_complaints(codes, statuses, fleet.members)


def budget_code_complaints(
    codes: Sequence[int], statuses: Sequence[Mapping[str, object]], members: Sequence[Member]
) -> list[str]:
    """Processes whose exit code does not say that shards of theirs may not identify."""
    found: list[str] = []
    for member, status, code in zip(members, statuses, codes, strict=True):
        allowed = {0, EXIT_UNAVAILABLE} if is_served(status) else {EXIT_UNAVAILABLE}
        if code not in allowed:
            found.append(f"process {member.number} left with exit code {code}, not {EXIT_UNAVAILABLE}: no budget")
    return found


def is_served(status: Mapping[str, object]) -> bool:
    """Whether all shards of a process are connected."""
    shards = status.get("shards")
    states = [shard.get("state") for shard in shards if isinstance(shard, Mapping)] if isinstance(shards, list) else []
    return bool(states) and all(state == "live" for state in states)


def budget_complaints(statuses: Sequence[Mapping[str, object]], members: Sequence[Member]) -> list[str]:
    """What processes whose shards may not identify do not show: in /status, and in their logs."""
    found: list[str] = []
    for member, status in zip(members, statuses, strict=True):
        if is_served(status):
            continue
        reasons = status.get("reasons")
        if USED_UP not in str(reasons):
            found.append(f"/status of process {member.number} does not say that the budget is used up: {reasons}")
        if member.process is not None and not member.process.said(USED_UP):
            found.append(f"the log of process {member.number} does not say that the budget is used up")
    return found


ACTIONS: Mapping[str, Callable[[Scene, Planned], Awaitable[None]]] = MappingProxyType(
    {"budget": spend_budget, "token": revoke_token}
)
