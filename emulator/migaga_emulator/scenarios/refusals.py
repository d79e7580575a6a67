"""Discord refuses: the day's IDENTIFYs are used up, or the token is revoked. Called by `inject.py` and `runner.py`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from migaga.common.errors import MigagaError
from migaga_emulator.scenarios.members import Member
from migaga_emulator.scenarios.plan import Planned
from migaga_emulator.scenarios.scene import Crash, Scene

ENDS_WITHIN = 60.0
"""Seconds in which processes must have ended when the token is revoked."""
QUIET = 1.0
"""Seconds until what people have begun is done."""
EXIT_CREDENTIALS = 78
REFUSED_TOKEN = "Discord refuses the bot token"  # noqa: S105 - what the log must say
USED_UP = "used up"


async def spend_budget(scene: Scene, planned: Planned) -> None:
    """Somebody else uses up the day's IDENTIFYs."""
    told = await scene.control.faults.spend_budget()
    scene.say(f"the day's IDENTIFYs are used up: {told.get('remaining')} left")
    scene.injected.faults["budget"] += 1


async def revoke_token(scene: Scene, planned: Planned) -> None:
    """Revoke the token: every process must end by itself and say why. Later it is good again."""
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
    codes = await _left(fleet.members, within=ENDS_WITHIN + scene.patience)
    injected.complaints += token_complaints(codes, fleet.members)
    if (left := started + planned.value - time.monotonic()) > 0:
        await asyncio.sleep(left)
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


async def _left(members: Sequence[Member], *, within: float) -> list[int]:
    """Wait until every process has ended by itself; returns their exit codes. MigagaError when one stays."""
    running = [member.process for member in members if member.process is not None]
    try:
        async with asyncio.timeout(within):
            return list(await asyncio.gather(*(process.left() for process in running)))
    except TimeoutError as error:
        raise MigagaError(f"not every process has ended within {within:.0f} s") from error


def token_complaints(codes: Sequence[int], members: Sequence[Member]) -> list[str]:
    """What processes that lost their token did wrong: their exit codes, and what their logs do not say."""
    found = [
        f"process {number} left with exit code {code} when the token was refused, not {EXIT_CREDENTIALS}"
        for number, code in enumerate(codes)
        if code != EXIT_CREDENTIALS
    ]
    silent = [member.number for member in members if member.process and not member.process.said(REFUSED_TOKEN)]
    return [*found, *(f"the log of process {number} does not say that the token is refused" for number in silent)]


def budget_complaints(statuses: Sequence[Mapping[str, object]], members: Sequence[Member]) -> list[str]:
    """What processes whose shards may not identify do not show: in /status, and in their logs."""
    found: list[str] = []
    for member, status in zip(members, statuses, strict=True):
        shards = status.get("shards")
        states = (
            [shard.get("state") for shard in shards if isinstance(shard, Mapping)] if isinstance(shards, list) else []
        )
        if states and all(state == "live" for state in states):
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
