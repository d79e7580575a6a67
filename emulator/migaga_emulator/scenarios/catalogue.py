"""The scenarios: what each does and what must hold. A new one is a row here. Called by `command.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from migaga_emulator.scenarios import chaos, generations, outage, plan
from migaga_emulator.scenarios.judge import Bounds
from migaga_emulator.scenarios.plan import Planned, Wish

IDENTIFY_INTERVAL = 5.0
AGAIN_WITHIN = 13.0
"""Seconds after the end of a process in which others handle its shards' events: 9 to be sure of it, and a few."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario with its defaults."""

    name: str
    summary: str
    plan: Callable[[Wish], Sequence[Planned]]
    bounds: Callable[[Wish], Bounds]
    shards: int = 16
    processes: int = 4
    seconds: float = 60.0
    max_concurrency: int = 16
    watches_start: bool = False
    """How the fleet starts is what counts: nobody waits until shares are even."""
    needs_server: bool = False
    """It cuts processes off from their database server."""
    uses_server: bool = False
    """It does so where there is one."""
    watches_budget: bool = False
    """At the end, processes with shards that may not identify must say so."""


def cold_start_within(shards: int, max_concurrency: int) -> float:
    """Seconds from the first warm process until all shards must be ready: 1.1 x what Discord allows, and 3 s."""
    return 1.1 * IDENTIFY_INTERVAL * (math.ceil(shards / max_concurrency) - 1) + 3.0


_ALL = (
    Scenario(
        "steady",
        "several processes, nothing goes wrong",
        plan.nothing,
        lambda wish: Bounds(resumes="none"),
        seconds=30.0,
    ),
    Scenario(
        "stop-start",
        "SIGTERM to all processes in the middle, started again a moment later",
        plan.stop_start,
        lambda wish: Bounds(resumes="one each", faults=True),
    ),
    Scenario(
        "rolling",
        "every process replaced by one of the next release, one more at a time, each when the one before is Ready",
        plan.rolls,
        lambda wish: Bounds(moves="once a step", gap_p99=0.5, gap_max=1.0, faults=True),
    ),
    Scenario(
        "rolling-bad-image",
        "releases that cannot reach the gateway, die or stand still at their first event, or do not start",
        plan.bad_images,
        lambda wish: Bounds(moves="bad images", repeated="any", faults=True),
        seconds=105.0,
    ),
    Scenario(
        "kill",
        "SIGKILL at random times, again and again; another process comes in another place",
        plan.kills,
        lambda wish: Bounds(repeated="any", again_within=AGAIN_WITHIN, faults=True),
        seconds=180.0,
    ),
    Scenario(
        "freeze",
        "SIGSTOP for 5 to 20 s",
        plan.freezes,
        lambda wish: Bounds(repeated="any", again_within=AGAIN_WITHIN, faults=True),
        seconds=180.0,
    ),
    Scenario(
        "restart",
        "SIGKILL and restart in place, at random times",
        plan.restarts,
        lambda wish: Bounds(repeated="in flight", faults=True),
    ),
    Scenario(
        "scale",
        "three times as many processes, then half of those: 2, 6, 3",
        plan.scaled,
        lambda wish: Bounds(moves="once a step", faults=True),
        processes=2,
        seconds=90.0,
    ),
    Scenario(
        "database-outage",
        "all connections to the database are cut for 30 s",
        outage.database_outage,
        lambda wish: Bounds(resumes="none", faults=True),
        needs_server=True,
    ),
    Scenario(
        "partition",
        "one process is cut off from the database for longer than its life",
        outage.partition,
        lambda wish: Bounds(repeated="any", most_resumes=2, faults=True),
        seconds=75.0,
        needs_server=True,
    ),
    Scenario(
        "gateway-faults",
        "connections dropped, op 7, op 9, close codes 4000 to 4009, latency, on random shards",
        plan.gateway_faults,
        lambda wish: Bounds(repeated="any", identifies="first and ended", undeliverable=True, faults=True),
        seconds=300.0,
    ),
    Scenario(
        "reshard",
        "twice the shards, then three quarters of that, while people go on: 8, 16, 12",
        generations.reshard,
        lambda wish: Bounds(repeated="share", faults=True),
        shards=8,
    ),
    Scenario(
        "intents",
        "an intent less, then the same as before, while people go on",
        generations.intents,
        lambda wish: Bounds(repeated="share", faults=True),
        shards=8,
    ),
    Scenario(
        "reshard-abort",
        "a new shard count whose sessions never become complete, and one for which there is no budget",
        generations.reshard_abort,
        lambda wish: Bounds(faults=True),
        shards=8,
    ),
    Scenario(
        "identify-exhausted",
        "the day's IDENTIFYs are used up and sessions are destroyed",
        plan.exhausted,
        lambda wish: Bounds(repeated="any", undeliverable=True, unrecovered=True, faults=True),
        watches_budget=True,
    ),
    Scenario(
        "token-revoked",
        "the token is revoked, later it is good again and the processes are started",
        plan.revoked,
        lambda wish: Bounds(repeated="any", identifies="first and ended", undeliverable=True, faults=True),
    ),
    Scenario(
        "cold-start",
        "a new fleet, many shards, all of which must identify",
        plan.nothing,
        lambda wish: Bounds(ready_within=cold_start_within(wish.shards, 16)),
        shards=64,
        seconds=20.0,
        watches_start=True,
    ),
    Scenario(
        "chaos",
        "all of it mixed: processes, their number, their database, the gateway",
        chaos.chaos,
        lambda wish: Bounds(repeated="any", identifies="first and ended", undeliverable=True, faults=True),
        seconds=600.0,
        uses_server=True,
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({scenario.name: scenario for scenario in _ALL})
