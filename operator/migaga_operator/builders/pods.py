"""The pod templates of shards and workers: admitted by Pod Security `restricted`, and the same for the same spec."""

from __future__ import annotations

from collections.abc import Sequence

from migaga_operator.builders.env import MODE_FOLDER, STATE_FOLDER, TOKEN_FOLDER, shard_env, worker_env
from migaga_operator.builders.fleet import (
    HTTP_PORT,
    REVISION_LABEL,
    SHARDS,
    WORKER_PORT,
    WORKERS,
    Fleet,
    labels,
    mode_name,
    selector,
)
from migaga_operator.crd.pod import Resources, Spread
from migaga_operator.crd.record import dump
from migaga_operator.crd.spec import WorkerPool
from migaga_operator.json_types import Json, Manifest

_CONTAINER_SECURITY: Manifest = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}
_POD_SECURITY: Manifest = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_START_TRIES = 150
"""With one try every two seconds, five minutes to load modules and to wait for the database."""


def shard_template(fleet: Fleet) -> Manifest:
    """Return the template of the shard pods."""
    token = fleet.spec.token_secret_ref
    secret: Manifest = {"secretName": token.name, "items": [{"key": token.key, "path": "token"}]}
    volumes: list[Json] = [
        {"name": "token", "secret": secret},
        {"name": "fleet", "configMap": {"name": mode_name(fleet.owner)}},
        {"name": "state", "emptyDir": {}},
    ]
    mounts: list[Json] = [
        {"name": "token", "mountPath": TOKEN_FOLDER, "readOnly": True},
        {"name": "fleet", "mountPath": MODE_FOLDER, "readOnly": True},
        {"name": "state", "mountPath": STATE_FOLDER},
    ]
    container = {
        **_container(fleet, SHARDS, ["run"], fleet.spec.pod.resources),
        "env": shard_env(fleet),
        "volumeMounts": [*mounts, *_shared_mounts(fleet)],
    }
    return _template(fleet, SHARDS, "", container, volumes)


def worker_template(fleet: Fleet, pool: WorkerPool) -> Manifest:
    """Return the template of a worker pool's pods: no token, no state, a port for the shard pods."""
    container = {
        **_container(fleet, WORKERS, ["worker"], pool.resources or fleet.spec.pod.resources),
        "env": worker_env(fleet, pool.name),
        "volumeMounts": _shared_mounts(fleet),
    }
    return _template(fleet, WORKERS, pool.name, container, [])


def _container(fleet: Fleet, name: str, arguments: Sequence[str], resources: Resources) -> Manifest:
    ports: list[Json] = [{"name": "http", "containerPort": HTTP_PORT, "protocol": "TCP"}]
    if name == WORKERS:
        ports.append({"name": "workers", "containerPort": WORKER_PORT, "protocol": "TCP"})
    found: dict[str, Json] = {
        "name": name,
        "image": fleet.spec.image,
        "command": ["migaga"],
        "args": list(arguments),
        "ports": ports,
        "startupProbe": _probe("/healthz", period=2, failures=_START_TRIES),
        "livenessProbe": _probe("/healthz", period=10, failures=6),
        "readinessProbe": _probe("/readyz", period=2, failures=3),
        "securityContext": _CONTAINER_SECURITY,
        # The last line of the log is the reason in words; the operator shows it in status.
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    if fleet.spec.image_pull_policy:
        found["imagePullPolicy"] = fleet.spec.image_pull_policy
    amounts = {"requests": dict(resources.requests), "limits": dict(resources.limits)}
    found["resources"] = {kind: given for kind, given in amounts.items() if given}
    return found


def _probe(path: str, *, period: int, failures: int) -> Manifest:
    get: Manifest = {"path": path, "port": "http", "scheme": "HTTP"}
    return {"httpGet": get, "periodSeconds": period, "timeoutSeconds": 5, "failureThreshold": failures}


def _shared_mounts(fleet: Fleet) -> list[Json]:
    return [{"name": "tmp", "mountPath": "/tmp"}, *map(dump, fleet.spec.pod.volume_mounts)]  # noqa: S108 - a mount point


def _template(fleet: Fleet, component: str, pool: str, container: Manifest, volumes: Sequence[Json]) -> Manifest:
    pod = fleet.spec.pod
    own: dict[str, str] = {**pod.labels, **labels(fleet.owner, component, pool), REVISION_LABEL: str(fleet.revision)}
    metadata: dict[str, Json] = {"labels": own}
    if pod.annotations:
        metadata["annotations"] = dict(pod.annotations)
    spec: dict[str, Json] = {
        "serviceAccountName": fleet.owner.name,
        "automountServiceAccountToken": False,
        # Variables of Services named MIGAGA_... would be taken for settings.
        "enableServiceLinks": False,
        "securityContext": _POD_SECURITY,
        "terminationGracePeriodSeconds": pod.termination_grace_period_seconds,
        "containers": [container],
        "volumes": [*volumes, {"name": "tmp", "emptyDir": {}}, *map(dump, pod.volumes)],
        "topologySpreadConstraints": _spread(fleet, component, pool),
    }
    wishes: dict[str, Json] = {
        "imagePullSecrets": [dump(item) for item in pod.image_pull_secrets],
        "nodeSelector": dict(pod.node_selector),
        "tolerations": [dump(item) for item in pod.tolerations],
        "affinity": pod.affinity,
        "priorityClassName": pod.priority_class_name,
    }
    return {"metadata": metadata, "spec": {**spec, **{name: given for name, given in wishes.items() if given}}}


def _spread(fleet: Fleet, component: str, pool: str) -> list[Json]:
    ours: Manifest = {"matchLabels": selector(fleet.owner, component, pool)}
    given = fleet.spec.pod.topology_spread_constraints or tuple(
        Spread(1, key, "ScheduleAnyway") for key in ("kubernetes.io/hostname", "topology.kubernetes.io/zone")
    )
    return [
        {
            "maxSkew": item.max_skew,
            "topologyKey": item.topology_key,
            "whenUnsatisfiable": item.when_unsatisfiable,
            "labelSelector": item.label_selector or ours,
        }
        for item in given
    ]
