"""The figures of `tests/bench/operator.py`: how they are read, summed up and shown."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")


def reconciles(before: Mapping[float, float], after: Mapping[float, float], seconds: float) -> dict[str, object]:
    """Return how many there were in a time, and their quantiles as Prometheus would tell them."""
    counts = {limit: count - before[limit] for limit, count in sorted(after.items())}
    total = max(counts.values())
    quantiles = {f"p{q}": _quantile(counts, q / 100 * total) for q in (50, 99)}
    return {"per_second": round(total / seconds, 2), **quantiles}


def _quantile(counts: Mapping[float, float], rank: float) -> float | None:
    below, lower = 0.0, 0.0
    for limit, count in counts.items():
        if count >= rank and count > below:
            upper = lower if math.isinf(limit) else limit
            return round(lower + (upper - lower) * (rank - below) / (count - below), 3)
        below, lower = count, limit
    return None


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return quantiles: each the smallest value that so many are not above."""
    found = sorted(values)
    if not found:
        return {}
    places = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: round(found[math.ceil(part * len(found)) - 1], 3) for name, part in places.items()}


def memory(pid: int, name: str) -> float:
    """Return a line (such as VmRSS) of the kernel's account of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return round(next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024, 1)


def cpu(pid: int) -> float:
    """Seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def load() -> str:
    """Return the load of the machine in the last 1, 5 and 15 minutes."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg())


def table(found: Mapping[str, Any]) -> str:
    """Return it for people."""
    rest, edits = found["rest"], found["edits"]
    times = edits["to_first_child_write"]
    asked = "".join(f"\n{'':34}{verb}: {rate}/s" for verb, rate in sorted(rest["api_requests_per_second"].items()))
    kills = [f"{one['until_reaction']} s (Lease {one['until_lease']} s)" for one in found["recoveries"]]
    rows = {
        "bots, pods": f"{found['bots']}, {found['pods']}",
        "until all were Ready": f"{found['seconds_until_all_are_ready']} s",
        "memory at rest, at most": f"{rest['rss_mib']} MiB, {found['rss_mib_peak']} MiB",
        "cores at rest": rest["cores"],
        "writes at rest but the Lease": f"{rest['writes_per_minute']}/min",
        "requests at rest": asked.strip(),
        "reconciles at rest": _words(rest["reconcile"]),
        "reconciles while bots are edited": _words(edits["reconcile"]),
        f"edit to first child write ({edits['count']})": ", ".join(f"{name} {one} s" for name, one in times.items()),
        "SIGKILL to the next reaction": ", ".join(kills) or "not measured",
        "load (1, 5, 15 min), priority": f"{found['load']}, {found['priority']}",
    }
    return "\n".join(f"{name:34}{value}" for name, value in rows.items())


def _words(reconcile: Mapping[str, object]) -> str:
    return "{per_second}/s, p50 {p50} s, p99 {p99} s".format(**reconcile)
