"""The scenarios: what each does and what must hold. A new one is a row here. Called by `command.py`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from migaga_emulator.scenarios import plan
from migaga_emulator.scenarios.judge import Bounds
from migaga_emulator.scenarios.plan import Planned, Wish

IDENTIFY_INTERVAL = 5.0


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario with its defaults."""

    name: str
    summary: str
    plan: Callable[[Wish], Sequence[Planned]]
    bounds: Callable[[Wish], Bounds]
    shards: int = 16
    processes: int = 4
    most_processes: int | None = None
    seconds: float = 60.0
    max_concurrency: int = 16
    watches_budget: bool = False
    """At the end, processes with shards that may not identify must say so."""


def cold_start_within(shards: int, max_concurrency: int) -> float:
    """Seconds from the first IDENTIFY in which all shards must be ready: 1.1 x what Discord's rules allow, and 3 s."""
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
        "restart",
        "SIGKILL and restart in place, at random times",
        plan.restarts,
        # Only the watermark is stored today: what was handled above it comes again, and RESUME says how much that is.
        lambda wish: Bounds(repeated="replayed", faults=True),
    ),
    Scenario(
        "gateway-faults",
        "connections dropped, op 7, op 9, close codes 4000 to 4009, latency, on random shards",
        plan.gateway_faults,
        lambda wish: Bounds(repeated="any", identifies="first and ended", undeliverable=True, faults=True),
        seconds=300.0,
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
        "one process, many shards, all of which must identify",
        plan.nothing,
        lambda wish: Bounds(resumes="none", ready_within=cold_start_within(wish.shards, 16)),
        shards=64,
        processes=1,
        most_processes=1,
        seconds=20.0,
    ),
)

SCENARIOS: Mapping[str, Scenario] = MappingProxyType({scenario.name: scenario for scenario in _ALL})
