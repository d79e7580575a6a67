"""Our nodes beside a real control plane: it schedules, rolls, drains and gives them up as it does with kubelets."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.integration.operator_node.house import FOREVER, LISTEN
from tests.support.control_plane import ControlPlane
from tests.support.nodes import NodeProcess, running_node

SPACE = "nodes"
NAMES = ("node-a", "node-b")
ASK = """
import json, os, ssl, sys, urllib.request
known = json.load(open(os.environ["KUBECONFIG"]))
cluster, user = known["clusters"][0]["cluster"], known["users"][0]["user"]
import base64
tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
request = urllib.request.Request(
    cluster["server"] + "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    json.dumps(body).encode(),
    {"Authorization": "Bearer " + open(user["tokenFile"]).read(), "Content-Type": "application/json"},
)
print(json.load(urllib.request.urlopen(request, context=tls))["status"]["userInfo"]["username"])
"""


@pytest.fixture
async def nodes(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[dict[str, NodeProcess]]:
    """Return two nodes with the rights of nodes, and an empty namespace."""
    plane = control_plane
    await plane.kubectl_async("create", "namespace", SPACE)
    await plane.kubectl_async("wait", "--for=create", "--timeout=60s", "-n", SPACE, "serviceaccount/default")
    async with AsyncExitStack() as stack:
        started = {}
        for name in NAMES:
            kubeconfig = await asyncio.to_thread(plane.user_kubeconfig, f"system:node:{name}", "system:nodes")
            options = ("--zone", name[-1])
            started[name] = await stack.enter_async_context(
                running_node(name, tmp_path / name, kubeconfig, options=options)
            )
        yield started
        # Nobody else confirms the end of pods on a node that is lost.
        await plane.kubectl_async("delete", "pod", "--all", "-n", SPACE, "--force", "--grace-period=0", "--timeout=60s")
        await plane.kubectl_async("delete", "namespace", SPACE, "--timeout=60s")
    await plane.kubectl_async("delete", "node", *NAMES)


def deployment(replicas: int = 2, **container: object) -> str:
    """Return a Deployment of processes that listen and are asked whether they are ready."""
    labels = {"app": "listener"}
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels},
    }
    runs = {
        "name": "main",
        "image": "any",
        "command": [sys.executable, "-c", LISTEN, "/etc/pair"],
        "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1},
        "volumeMounts": [{"name": "pair", "mountPath": "/etc/pair"}],
        **container,
    }
    spec = {
        "containers": [runs],
        "volumes": [{"name": "pair", "secret": {"secretName": "pair"}}],
        "topologySpreadConstraints": [spread],
        "terminationGracePeriodSeconds": 20,
    }
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "listener", "namespace": SPACE},
            "spec": {
                "replicas": replicas,
                "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec},
            },
        }
    )


async def pods(plane: ControlPlane) -> list[dict[str, Any]]:
    found = await plane.kubectl_async("get", "pods", "-n", SPACE, "-o", "json")
    items: list[dict[str, Any]] = json.loads(found.out)["items"]
    return items


async def until(plane: ControlPlane, wanted: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
    async with asyncio.timeout(90):
        while not wanted(found := await pods(plane)):
            await asyncio.sleep(0.2)
    return found


async def apply(plane: ControlPlane, manifest: str) -> None:
    await plane.kubectl_async("apply", "-f", "-", stdin=manifest)
    await plane.kubectl_async("rollout", "status", "-n", SPACE, "deployment/listener", "--timeout=90s")


async def test_a_deployment_runs_rolls_and_follows_its_secret(
    control_plane: ControlPlane, nodes: dict[str, NodeProcess]
) -> None:
    plane = control_plane
    await plane.kubectl_async("create", "-n", SPACE, "secret", "generic", "pair", "--from-literal=a=1")
    await apply(plane, deployment())
    first = await pods(plane)
    assert {pod["spec"]["nodeName"] for pod in first} == set(NAMES)
    assert len({pod["status"]["podIP"] for pod in first}) == 2
    assert all(Path(f"/proc/{pod['metadata']['annotations']['migaga.dev/pid']}").exists() for pod in first)

    # A file `ready` in the Secret makes the processes answer 500: they see it, and are not ready any more.
    await plane.kubectl_async("patch", "-n", SPACE, "secret", "pair", "-p", '{"stringData": {"ready": "no"}}')
    await plane.kubectl_async("wait", "-n", SPACE, "pod", "--all", "--for=condition=Ready=False", "--timeout=90s")
    await plane.kubectl_async("patch", "-n", SPACE, "secret", "pair", "-p", '{"data": {"ready": null}}')
    await plane.kubectl_async("wait", "-n", SPACE, "pod", "--all", "--for=condition=Ready", "--timeout=90s")

    await apply(plane, deployment(workingDir="/"))
    names = {pod["metadata"]["name"] for pod in first}
    left = await until(plane, lambda found: not names & {pod["metadata"]["name"] for pod in found})
    assert len(left) == 2
    await plane.kubectl_async("delete", "-n", SPACE, "pod", left[0]["metadata"]["name"], "--timeout=60s")
    await plane.kubectl_async("rollout", "status", "-n", SPACE, "deployment/listener", "--timeout=90s")


async def test_a_node_is_drained_and_a_lost_one_is_given_up(
    control_plane: ControlPlane, nodes: dict[str, NodeProcess]
) -> None:
    plane = control_plane
    await plane.kubectl_async("create", "-n", SPACE, "secret", "generic", "pair", "--from-literal=a=1")
    await apply(plane, deployment())
    await plane.kubectl_async("drain", "node-a", "--ignore-daemonsets", "--timeout=90s")
    await plane.kubectl_async("rollout", "status", "-n", SPACE, "deployment/listener", "--timeout=90s")
    on_b = await pods(plane)
    assert {pod["spec"]["nodeName"] for pod in on_b} == {"node-b"}
    await plane.kubectl_async("uncordon", "node-a")
    await nodes["node-b"].kill()
    pids = [pod["metadata"]["annotations"]["migaga.dev/pid"] for pod in on_b]
    await until(
        plane,
        lambda found: sum(pod["spec"].get("nodeName") == "node-a" and is_ready(pod) for pod in found) == 2,
    )
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def test_a_pod_has_the_token_of_its_account_and_its_end_is_told(
    control_plane: ControlPlane, nodes: dict[str, NodeProcess]
) -> None:
    plane = control_plane
    container = {
        "name": "main",
        "image": "any",
        "command": [sys.executable, "-c", f"{ASK}\nraise SystemExit(7)"],
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "once", "namespace": SPACE},
        "spec": {"containers": [container], "restartPolicy": "Never"},
    }
    await plane.kubectl_async("apply", "-f", "-", stdin=json.dumps(manifest))
    (pod,) = await until(plane, lambda found: found[0]["status"]["phase"] == "Failed")
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["message"]) == (7, f"system:serviceaccount:{SPACE}:default")


async def test_a_node_that_comes_back_takes_its_pods_again(
    control_plane: ControlPlane, nodes: dict[str, NodeProcess], tmp_path: Path
) -> None:
    plane = control_plane
    container = {"name": "main", "image": "any", "command": [sys.executable, "-c", FOREVER]}
    manifest = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "stays", "namespace": SPACE},
        "spec": {"containers": [container], "nodeName": "node-a"},
    }
    await plane.kubectl_async("apply", "-f", "-", stdin=json.dumps(manifest))
    (before,) = await until(plane, lambda found: is_ready(found[0]))
    await nodes["node-a"].kill()
    async with running_node("node-a", tmp_path / "node-a", plane.kubeconfig):
        (after,) = await until(
            plane, lambda found: is_ready(found[0]) and found[0]["status"]["containerStatuses"][0]["restartCount"] == 1
        )
        assert after["metadata"]["uid"] == before["metadata"]["uid"]
        assert after["status"]["podIPs"] == [{"ip": after["status"]["podIP"]}]
        await plane.kubectl_async("delete", "-n", SPACE, "pod", "stays", "--timeout=60s")


def is_ready(pod: dict[str, Any]) -> bool:
    """Return whether a pod is ready."""
    return any(
        item["type"] == "Ready" and item["status"] == "True" for item in pod.get("status", {}).get("conditions", [])
    )
