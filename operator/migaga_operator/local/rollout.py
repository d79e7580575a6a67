"""What a Deployment says of its rollout: the conditions Available and Progressing. Pure; `deployments.py` calls it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from migaga_operator.json_types import Json, as_text, as_whole, at_path
from migaga_operator.local.pods import condition
from migaga_operator.local.store import written
from migaga_operator.observed import read_time

COMPLETE = "NewReplicaSetAvailable"
UPDATED = "ReplicaSetUpdated"
LATE = "ProgressDeadlineExceeded"
_DEFAULT_DEADLINE = 600
"""Seconds, where a Deployment says nothing (Kubernetes' own default)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Pods of a Deployment that are not leaving."""

    wanted: int
    least_available: int
    replicas: int
    updated: int
    ready: int
    available: int

    @property
    def is_complete(self) -> bool:
        """Whether all is as it is asked for."""
        return self.replicas == self.updated == self.available == self.wanted


def conditions(deployment: object, counts: Counts, now: datetime) -> Json:
    """Return the conditions; each keeps the time of its last change as long as its status is the same."""
    voice = _Voice(deployment, now)
    enough = counts.available >= counts.least_available
    reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
    text = f"{counts.available} of {counts.wanted} pods are available."
    return [voice.say("Available", enough, reason, text), _progressing(voice, counts)]


def deadline_of(deployment: object, status: object) -> datetime | None:
    """Return when a rollout that does not move counts as stuck; None when none is under way or it is stuck already."""
    found = condition({"status": status}, "Progressing")
    since = read_time(as_text(found.get("lastUpdateTime")))
    if found.get("reason") != UPDATED or since is None:
        return None
    return since + _deadline(deployment)


def _progressing(voice: _Voice, counts: Counts) -> Json:
    deployment, kind = voice.deployment, "Progressing"
    before = condition(deployment, kind)
    text = f"{counts.updated} of {counts.wanted} pods are of the newest template, {counts.available} are available."
    if counts.is_complete:
        return voice.say(kind, True, COMPLETE, text)
    reason = before.get("reason")
    since = read_time(as_text(before.get("lastUpdateTime"))) or voice.now
    is_rolling = counts.updated < counts.wanted or counts.replicas != counts.updated
    if reason == COMPLETE and not is_rolling:
        # It was there: pods that stop being ready later are no rollout.
        return voice.say(kind, True, COMPLETE, text)
    if _has_moved(deployment, counts) or reason not in {UPDATED, LATE}:
        return {**voice.say(kind, True, UPDATED, text), "lastUpdateTime": written(voice.now)}
    if reason == LATE or voice.now - since >= _deadline(deployment):
        said = f"{text} Nothing has changed for {_deadline(deployment).total_seconds():.0f} s."
        return voice.say(kind, False, LATE, said)
    return voice.say(kind, True, UPDATED, text)


def _has_moved(deployment: object, counts: Counts) -> bool:
    def before(name: str) -> int:
        return as_whole(at_path(deployment, "status", name)) or 0

    observed, asked = before("observedGeneration"), as_whole(at_path(deployment, "metadata", "generation")) or 0
    old, old_before = counts.replicas - counts.updated, before("replicas") - before("updatedReplicas")
    return (
        observed < asked
        or counts.updated > before("updatedReplicas")
        or old < old_before
        or counts.ready > before("readyReplicas")
        or counts.available > before("availableReplicas")
    )


def _deadline(deployment: object) -> timedelta:
    seconds = as_whole(at_path(deployment, "spec", "progressDeadlineSeconds"))
    return timedelta(seconds=_DEFAULT_DEADLINE if seconds is None else seconds)


@dataclass(frozen=True, slots=True)
class _Voice:
    """Says what is so now of a Deployment, knowing what was said before."""

    deployment: object
    now: datetime

    def say(self, kind: str, holds: bool, reason: str, message: str) -> dict[str, Json]:
        """Return a condition."""
        status = "True" if holds else "False"
        before = condition(self.deployment, kind)
        same_status = before.get("status") == status
        same_reason = same_status and before.get("reason") == reason
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": message,
            "lastTransitionTime": self._since(before, "lastTransitionTime", same_status),
            "lastUpdateTime": self._since(before, "lastUpdateTime", same_reason),
        }

    def _since(self, before: Mapping[str, object], name: str, is_same: bool) -> str:
        return (as_text(before.get(name)) if is_same else "") or written(self.now)
