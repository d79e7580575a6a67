"""The status of a pod, made of what is known of its containers. Pure; `pod_run.py` reports it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from migaga_operator.json_types import Json, Manifest, as_list, as_mapping, as_text
from migaga_operator.node.records import Ended, Record, Running, State, Waiting

_OURS = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that a pod's status is made of."""

    containers: tuple[Record, ...]
    inits: tuple[Record, ...] = ()
    address: str = ""
    host_address: str = ""
    started: datetime | None = None
    is_final: bool = False
    """Whether nothing of the pod will be started again."""
    fault: tuple[str, str] | None = None
    """Reason and message, where the node itself ended or failed the pod."""


def build_status(known: Known, before: Mapping[str, object], now: datetime) -> Manifest:
    """Return the status.

    Args:
        known: What is known of the pod.
        before: The status as it was: what did not change keeps its times, and conditions of others stay.
        now: Aware.
    """
    phase = phase_of(known)
    status: dict[str, Json] = {"phase": phase, "conditions": _conditions(known, phase, before, now)}
    if known.host_address:
        status |= {"hostIP": known.host_address, "hostIPs": [{"ip": known.host_address}]}
    if known.address:
        status |= {"podIP": known.address, "podIPs": [{"ip": known.address}]}
    if known.started is not None:
        status["startTime"] = show_time(known.started)
    if known.fault is not None:
        status |= {"reason": known.fault[0], "message": known.fault[1]}
    if known.inits:
        status["initContainerStatuses"] = [_container(item) for item in known.inits]
    status["containerStatuses"] = [_container(item) for item in known.containers]
    return status


def phase_of(known: Known) -> str:
    """Return the phase. Source: getPhase in kubernetes/pkg/kubelet/kubelet_pods.go."""
    if known.fault is not None:
        return "Failed"
    states = [item.state for item in known.containers]
    if known.is_final:
        ended = [state for state in states if isinstance(state, Ended)]
        is_fine = len(ended) == len(states) and all(state.code == 0 for state in ended)
        return "Succeeded" if is_fine else "Failed"
    is_initialized = all(item.is_done for item in known.inits)
    return "Running" if is_initialized and any(item.has_run for item in known.containers) else "Pending"


def show_time(moment: datetime) -> str:
    """Write a time as Kubernetes does: in UTC, to the second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _conditions(known: Known, phase: str, before: Mapping[str, object], now: datetime) -> list[Json]:
    is_over = phase in {"Succeeded", "Failed"}
    waiting = [item.name for item in known.inits if not item.is_done]
    unready = [item.name for item in known.containers if not item.is_ready]
    initialized = ("ContainersNotInitialized", f"containers with incomplete status: {_names(waiting)}")
    ready = ("ContainersNotReady", f"containers with unready status: {_names(unready)}")
    if is_over:
        ready = ("PodCompleted" if phase == "Succeeded" else "PodFailed", "")
    is_ready = not unready and not waiting and not is_over
    wanted: Sequence[tuple[str, bool, tuple[str, str]]] = (
        ("PodScheduled", True, ("", "")),
        ("Initialized", not waiting, initialized),
        ("ContainersReady", is_ready, ready),
        ("Ready", is_ready, ready),
    )
    old = {as_text(as_mapping(item).get("type")): as_mapping(item) for item in as_list(before.get("conditions"))}
    others: list[Json] = [_plain(item) for kind, item in old.items() if kind and kind not in _OURS]
    return [*others, *(_condition(kind, holds, said, old.get(kind, {}), now) for kind, holds, said in wanted)]


def _condition(kind: str, holds: bool, said: tuple[str, str], old: Mapping[str, object], now: datetime) -> Json:
    status = "True" if holds else "False"
    since = as_text(old.get("lastTransitionTime")) if old.get("status") == status else ""
    found: dict[str, Json] = {"type": kind, "status": status, "lastTransitionTime": since or show_time(now)}
    if not holds:
        found["reason"] = said[0]
        if said[1]:
            found["message"] = said[1]
    return found


def _container(record: Record) -> Json:
    found: dict[str, Json] = {
        "name": record.name,
        "image": record.image,
        "imageID": record.image_id,
        "restartCount": record.restarts,
        "ready": record.is_ready,
        "started": record.is_started,
        "state": _state(record.state),
        "lastState": {} if record.last is None else _state(record.last),
    }
    if record.container_id:
        found["containerID"] = record.container_id
    return found


def _state(state: State) -> Json:
    if isinstance(state, Running):
        return {"running": {"startedAt": show_time(state.since)}}
    if isinstance(state, Waiting):
        waiting: dict[str, Json] = {"reason": state.reason}
        return {"waiting": {**waiting, "message": state.message} if state.message else waiting}
    ended: dict[str, Json] = {"exitCode": state.code, "reason": state.reason, "finishedAt": show_time(state.at)}
    if state.began is not None:
        ended["startedAt"] = show_time(state.began)
    if state.signal:
        ended["signal"] = state.signal
    if state.message:
        ended["message"] = state.message
    if state.container_id:
        ended["containerID"] = state.container_id
    return {"terminated": ended}


def _plain(item: Mapping[str, object]) -> Json:
    return {key: value for key, value in item.items() if isinstance(value, str | int)}


def _names(names: Sequence[str]) -> str:
    return f"[{' '.join(names)}]"
