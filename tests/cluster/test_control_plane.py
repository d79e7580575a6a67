"""The control plane itself: what the other tests of this folder rely on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator

import pytest
from tests.support.control_plane import ControlPlane

RESTRICTED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER = {"name": "main", "image": "example:1", "securityContext": RESTRICTED}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [CONTAINER]}},
    },
}
NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {"name": "node-a", "labels": {"kubernetes.io/hostname": "node-a"}},
    "status": {
        "capacity": {"cpu": "4", "memory": "8Gi", "pods": "50"},
        "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "50"},
        "conditions": [{"type": "Ready", "status": "True", "reason": "Test", "message": "it is"}],
    },
}
_numbers = itertools.count(1)


@pytest.fixture
def space(control_plane: ControlPlane) -> Iterator[str]:
    """Return a namespace of its own."""
    name = f"harness-{next(_numbers)}"
    control_plane.kubectl("create", "namespace", name)
    yield name
    control_plane.kubectl("delete", "namespace", name, "--wait=false")


def test_a_deployment_gets_pods_and_takes_them_along(control_plane: ControlPlane, space: str) -> None:
    plane = control_plane
    plane.kubectl("apply", "-n", space, "-f", "-", stdin=json.dumps(DEPLOYMENT))
    plane.kubectl("wait", "-n", space, "deployment/web", "--for=jsonpath={.status.replicas}=2", "--timeout=60s")
    plane.kubectl("delete", "-n", space, "deployment/web", "--cascade=foreground", "--timeout=60s")
    assert plane.get("pods", "-n", space)["items"] == []


def test_pods_are_bound_to_a_node_that_registers_itself(control_plane: ControlPlane, space: str) -> None:
    plane = control_plane
    node = plane.user_kubeconfig("system:node:node-a", "system:nodes")
    plane.kubectl("create", "-f", "-", stdin=json.dumps(NODE), kubeconfig=node)
    try:
        plane.kubectl("apply", "-n", space, "-f", "-", stdin=json.dumps(DEPLOYMENT))
        plane.kubectl("wait", "-n", space, "deployment/web", "--for=jsonpath={.status.replicas}=2", "--timeout=60s")
        bound = ("--for=jsonpath={.spec.nodeName}=node-a", "--timeout=60s")
        plane.kubectl("wait", "-n", space, "pod", "-l", "app=web", *bound)
        # A node sees the Secrets of its own pods alone.
        refused = plane.kubectl("get", "secrets", "-n", space, kubeconfig=node, check=False)
        assert "Forbidden" in refused.err
    finally:
        plane.kubectl("delete", "node/node-a")
        plane.kubectl("delete", "pods", "-n", space, "--all", "--force", "--grace-period=0")


def test_a_service_account_can_do_what_it_was_given(control_plane: ControlPlane, space: str) -> None:
    plane = control_plane
    plane.kubectl("create", "serviceaccount", "reader", "-n", space)
    plane.kubectl("create", "role", "reader", "-n", space, "--verb=get,list", "--resource=pods")
    plane.kubectl("create", "rolebinding", "reader", "-n", space, "--role=reader", f"--serviceaccount={space}:reader")
    mine = plane.service_account_kubeconfig(space, "reader")
    assert "No resources found" in plane.kubectl("get", "pods", kubeconfig=mine).err
    refused = plane.kubectl("get", "secrets", kubeconfig=mine, check=False)
    assert "Forbidden" in refused.err
    users = {(event["user"]["username"], event["responseStatus"]["code"]) for event in plane.audit()}
    assert (f"system:serviceaccount:{space}:reader", 403) in users


def test_the_api_server_comes_back_where_it_was_with_what_it_had(control_plane: ControlPlane, space: str) -> None:
    plane = control_plane
    url = plane.url
    plane.api_server.stop()
    plane.api_server.start_and_wait(120)
    assert plane.url == url
    assert plane.get("namespace", space)["metadata"]["name"] == space
    # The controllers are there again too.
    plane.kubectl("apply", "-n", space, "-f", "-", stdin=json.dumps(DEPLOYMENT))
    plane.kubectl("wait", "-n", space, "deployment/web", "--for=jsonpath={.status.replicas}=2", "--timeout=60s")
