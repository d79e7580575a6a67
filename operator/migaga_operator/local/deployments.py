"""Decides what a Deployment's pods need: `step(deployment, pods, now)`. Pure; `controller.py` does what it says.

As Kubernetes' own controller does, with pods that belong to their Deployment directly: revisions are told apart by the
label `pod-template-hash`. Only rolling updates, because our builders make nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from migaga_operator.json_types import Json, Manifest, as_list, as_mapping, as_text, as_whole, at_path, digest
from migaga_operator.local.pods import Pod, read_pod, removal_order
from migaga_operator.local.rollout import Counts, conditions, deadline_of
from migaga_operator.local.store import uid_of

HASH_LABEL = "pod-template-hash"
_DEFAULT_SHARE = "25%"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done now, and what is to be said."""

    create: int
    """Pods of the newest template to create."""
    delete: tuple[str, ...]
    """Names of pods to delete."""
    status: Json
    look_at: datetime | None
    """When the answer changes though nothing else does; None: never."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What a Deployment asks for, in pods."""

    replicas: int
    surge: int
    unavailable: int
    min_ready: timedelta

    @property
    def least_available(self) -> int:
        return self.replicas - self.unavailable


def step(deployment: Manifest, pods: Sequence[Manifest], now: datetime) -> Step:
    """Return the next step for a Deployment.

    Args:
        deployment: As it is kept.
        pods: All pods of its namespace.
        now: The time, with its zone.
    """
    wish, newest = _read_wish(deployment), template_hash(deployment)
    mine = [read_pod(pod, wish.min_ready, now) for pod in pods if _belongs(pod, deployment)]
    there = [pod for pod in mine if not pod.is_leaving]
    ended = tuple(pod.name for pod in there if pod.has_ended)
    active = [pod for pod in there if not pod.has_ended]
    new = removal_order(pod for pod in active if pod.hash == newest)
    old = removal_order(pod for pod in active if pod.hash != newest)
    surplus = new[: max(0, len(new) - wish.replicas)]
    leaving = [*surplus, *_old_to_delete(wish, old, new[len(surplus) :])]
    counts = Counts(
        wanted=wish.replicas,
        least_available=wish.least_available,
        replicas=len(active),
        updated=len(new),
        ready=sum(pod.is_ready for pod in active),
        available=sum(pod.is_available for pod in active),
    )
    status = _status(deployment, counts, now)
    moments = [pod.available_at for pod in active if pod.available_at is not None and pod.available_at > now]
    deadline = deadline_of(deployment, status)
    if deadline is not None and deadline > now:
        moments.append(deadline)
    return Step(
        create=max(0, min(wish.replicas - len(new), wish.replicas + wish.surge - len(active))),
        delete=(*ended, *(pod.name for pod in leaving)),
        status=status,
        look_at=min(moments, default=None),
    )


def new_pod(deployment: Manifest, suffix: str) -> Manifest:
    """Return a pod of a Deployment's template.

    Args:
        deployment: As it is kept.
        suffix: What tells the pod from its siblings: lower case letters and digits.
    """
    template = as_mapping(at_path(deployment, "spec", "template"))
    metadata = as_mapping(at_path(deployment, "metadata"))
    owner: Manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "name": as_text(metadata.get("name")),
        "uid": uid_of(deployment),
        "controller": True,
        "blockOwnerDeletion": False,
    }
    hashed = template_hash(deployment)
    given = as_mapping(template.get("metadata"))
    return cast(
        "Manifest",
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **given,
                "name": f"{owner['name']}-{hashed}-{suffix}",
                "namespace": metadata.get("namespace"),
                "labels": {**as_mapping(given.get("labels")), HASH_LABEL: hashed},
                "ownerReferences": [owner],
            },
            "spec": template.get("spec"),
        },
    )


def template_hash(deployment: object) -> str:
    """Return the name of a Deployment's pod template: another template has another."""
    return digest(at_path(deployment, "spec", "template"))[:10]


def _old_to_delete(wish: _Wish, old: Sequence[Pod], new: Sequence[Pod]) -> Sequence[Pod]:
    """Return the pods of former templates that may go: those that serve nobody first, then as others are available."""
    waiting = sum(not pod.is_available for pod in new)
    useless = [pod for pod in old if not pod.is_available]
    gone = useless[: max(0, len(old) + len(new) - wish.least_available - waiting)]
    serving = [pod for pod in old if pod.is_available]
    available = len(serving) + len(new) - waiting
    return [*gone, *serving[: max(0, available - wish.least_available)]]


def _status(deployment: Manifest, counts: Counts, now: datetime) -> Json:
    return {
        "observedGeneration": as_whole(at_path(deployment, "metadata", "generation")) or 0,
        "replicas": counts.replicas,
        "updatedReplicas": counts.updated,
        "readyReplicas": counts.ready,
        "availableReplicas": counts.available,
        "unavailableReplicas": max(0, counts.wanted - counts.available),
        "conditions": conditions(deployment, counts, now),
    }


def _read_wish(deployment: Manifest) -> _Wish:
    asked = as_whole(at_path(deployment, "spec", "replicas"))
    replicas = 1 if asked is None else max(0, asked)
    rolling = at_path(deployment, "spec", "strategy", "rollingUpdate")
    surge = _share(at_path(rolling, "maxSurge"), replicas, up=True)
    unavailable = min(replicas, _share(at_path(rolling, "maxUnavailable"), replicas, up=False))
    # Without either nothing could ever move.
    if not surge and not unavailable:
        unavailable = min(1, replicas)
    seconds = as_whole(at_path(deployment, "spec", "minReadySeconds")) or 0
    return _Wish(replicas, surge, unavailable, timedelta(seconds=seconds))


def _share(value: object, replicas: int, *, up: bool) -> int:
    number = as_whole(value)
    if number is not None:
        return max(0, number)
    percent = int((as_text(value) or _DEFAULT_SHARE).removesuffix("%"))
    return (replicas * percent + (99 if up else 0)) // 100


def _belongs(pod: object, deployment: object) -> bool:
    owners = as_list(at_path(pod, "metadata", "ownerReferences"))
    return any(at_path(owner, "uid") == uid_of(deployment) for owner in owners)
