"""A pod as a Deployment controller sees it, and which of several goes first. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path
from migaga_operator.local.store import is_leaving
from migaga_operator.observed import read_time

_PHASES = ("Pending", "Unknown", "Running")
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Pod:
    """What matters of a pod."""

    name: str
    hash: str
    phase: str
    is_leaving: bool
    has_ended: bool
    is_ready: bool
    available_at: datetime | None
    """When it has been ready for long enough; None while it is not ready."""
    is_available: bool
    ready_since: datetime
    restarts: int
    created: datetime


def read_pod(pod: object, min_ready: timedelta, now: datetime) -> Pod:
    """Read a pod as it is kept.

    Args:
        pod: The object.
        min_ready: How long it has to be ready before it counts as available.
        now: The time.
    """
    ready = condition(pod, "Ready")
    is_ready = ready.get("status") == "True"
    since = read_time(as_text(ready.get("lastTransitionTime"))) or now
    phase = as_text(at_path(pod, "status", "phase")) or "Pending"
    containers = as_list(at_path(pod, "status", "containerStatuses"))
    return Pod(
        name=as_text(at_path(pod, "metadata", "name")),
        hash=as_text(as_mapping(at_path(pod, "metadata", "labels")).get("pod-template-hash")),
        phase=phase,
        is_leaving=is_leaving(pod),
        has_ended=phase in {"Failed", "Succeeded"},
        is_ready=is_ready,
        available_at=since + min_ready if is_ready else None,
        is_available=is_ready and since + min_ready <= now,
        ready_since=since if is_ready else _NEVER,
        restarts=sum(as_whole(at_path(item, "restartCount")) or 0 for item in containers),
        created=read_time(as_text(at_path(pod, "metadata", "creationTimestamp"))) or now,
    )


def removal_order(pods: Iterable[Pod]) -> list[Pod]:
    """Order pods by which goes first: not begun, not ready, ready for the shortest, most restarts, youngest."""
    return sorted(
        pods,
        key=lambda pod: (
            _PHASES.index(pod.phase) if pod.phase in _PHASES else 0,
            pod.is_ready,
            -pod.ready_since.timestamp(),
            -pod.restarts,
            -pod.created.timestamp(),
            pod.name,
        ),
    )


def condition(item: object, kind: str) -> dict[str, object]:
    """Return a condition of an object's status; empty when it is not there."""
    found = (as_mapping(one) for one in as_list(at_path(item, "status", "conditions")))
    return dict(next((one for one in found if one.get("type") == kind), {}))
