"""Bots on a control plane, for the tests of the operator: made, changed, looked at and deleted by the administrator."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

from tests.support.control_plane import ControlPlane
from tests.unit.operator_crd.manifests import Change, Node, put, smallest

BOTS = "/apis/migaga.dev/v1alpha1/namespaces/{}/botdeployments"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
FIXED: Change = put({"mode": "Fixed", "count": 2, "maxPerPod": 1}, "shards")
_NUMBERS = count(1)


def manifest(name: str, *changes: Change, namespace: str = "bots") -> Node:
    """Return a bot; no two of them are of one application."""
    found = smallest()
    found["metadata"] = {"name": name, "namespace": namespace}
    for change in (put(f"1234567890123{next(_NUMBERS):05}", "applicationId"), *changes):
        change(found)
    return found


def make(plane: ControlPlane, name: str, *changes: Change, namespace: str = "bots") -> None:
    """Create a bot."""
    code, answer = plane.request("POST", BOTS.format(namespace), manifest(name, *changes, namespace=namespace))
    assert code == 201, answer


def patch(plane: ControlPlane, what: str, change: object, *words: str) -> None:
    """Change an object of the namespace `bots`, named as `kind/name`."""
    plane.kubectl("patch", "-n", "bots", what, "--type=merge", "-p", json.dumps(change), *words)


def status(plane: ControlPlane, name: str, namespace: str = "bots") -> dict[str, Any]:
    """Return a bot's status; empty while there is none."""
    code, found = plane.request("GET", f"{BOTS.format(namespace)}/{name}")
    return dict(found.get("status", {})) if code == 200 else {}


def condition(plane: ControlPlane, name: str, kind: str) -> dict[str, Any]:
    """Return a condition of a bot; empty while there is none."""
    return next((one for one in status(plane, name).get("conditions", []) if one["type"] == kind), {})


def deployment(plane: ControlPlane, name: str, namespace: str = "bots") -> dict[str, Any]:
    """Return a Deployment; empty while there is none."""
    code, found = plane.request("GET", f"{DEPLOYMENTS.format(namespace)}/{name}")
    return dict(found) if code == 200 else {}


def delete(plane: ControlPlane, *names: str) -> None:
    """Delete bots, and wait until they are gone."""
    plane.kubectl("delete", "bot", "-n", "bots", *names, "--timeout=60s")
