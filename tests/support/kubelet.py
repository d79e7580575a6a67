"""A node of a test cluster: registers itself, and runs as processes what the scheduler binds to it.

`python -m tests.support.kubelet --kubeconfig FILE --name node-1 --folder DIR`, one process for each node; tests start
it and wait for the line `ready`. SIGTERM ends its pods and then itself; SIGKILL is a machine that is lost, and its pods
die with it. Options:

--images FILE   what images mean: JSON, `{name: folder or null}`, read at each look; null is the running installation.
                Without it every image is the running installation.
--zone ZONE, --label KEY=VALUE   labels of the node.

It needs the rights of an administrator, or of the user `system:node:NAME` in the group `system:nodes`. A container that
mounts the token of its ServiceAccount finds a kubeconfig in KUBECONFIG: the usual path of the token is not there.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import logging
import signal
import socket
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from migaga.common import logs
from migaga.common.errors import UnavailableError
from migaga_operator.json_types import Json, Manifest
from migaga_operator.node.addresses import Addresses
from migaga_operator.node.images import ImageFile, Images, KnownImages, running_installation
from migaga_operator.node.node import Node, machine_capacity
from migaga_operator.node.places import Places
from migaga_operator.node.status import show_time
from migaga_operator.node.surroundings import PodStatusChange
from tests.support.node_api import STRATEGIC, Access, Api, ApiSource, ListMirror, RefusedError, read_access

_LOG = logging.getLogger(__name__)
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
LEASE_SECONDS = 40
BEAT_SECONDS = 2.0
ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
VERSION = "v1.34.0"


class Agent:
    """Speaks for a node with the API server."""

    def __init__(self, name: str, api: Api, labels: Mapping[str, str], host: str) -> None:
        self.name = name
        self._api = api
        self._labels = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", **labels}
        self._host = host

    async def register(self) -> None:
        """Make the Node object, or take the one that is there, and say that it is ready."""
        metadata: Manifest = {"name": self.name, "labels": dict(self._labels)}
        node: Manifest = {"apiVersion": "v1", "kind": "Node", "metadata": metadata}
        try:
            await self._api.ask("POST", "/api/v1/nodes", node)
        except RefusedError as error:
            if error.status != 409:
                raise
            await self._api.ask("PATCH", f"/api/v1/nodes/{self.name}", {"metadata": metadata}, kind=STRATEGIC)
        await self.tell_status()

    async def beat(self) -> None:
        """Renew the Lease and the status until cancelled."""
        while True:
            try:
                await self._renew()
                await self.tell_status()
            except (UnavailableError, RefusedError) as error:
                _LOG.warning("the node could not say that it lives: %s", error)
            await asyncio.sleep(BEAT_SECONDS)

    async def tell_status(self) -> None:
        """Say that the node is ready, and what it has."""
        size = machine_capacity()
        # More than the machine has: nothing enforces it, and tests want several nodes on it.
        amounts: Manifest = {
            "cpu": "64",
            "memory": f"{max(64 * 2**30, int(size['memory']))}",
            "pods": "250",
            "ephemeral-storage": "100Gi",
        }
        now = show_time(datetime.now(UTC))
        conditions: list[Json] = [
            _condition("Ready", "True", "KubeletReady", now),
            *(_condition(f"{kind}Pressure", "False", "KubeletIsFine", now) for kind in ("Memory", "Disk", "PID")),
        ]
        addresses: list[Json] = [
            {"type": "InternalIP", "address": self._host},
            {"type": "Hostname", "address": self.name},
        ]
        status: Manifest = {
            "capacity": amounts,
            "allocatable": amounts,
            "conditions": conditions,
            "addresses": addresses,
            "nodeInfo": _node_info(self.name),
        }
        await self._api.ask("PATCH", f"/api/v1/nodes/{self.name}/status", {"status": status}, kind=STRATEGIC)

    async def take(self, change: PodStatusChange) -> None:
        """Write what the node says of a pod; what is gone is deleted."""
        path = f"/api/v1/namespaces/{change.namespace}/pods/{change.name}"
        # The uid is a condition: a pod of the same name that came later is left alone.
        metadata: Manifest = {"uid": change.uid, "annotations": dict(change.annotations)}
        status = {
            **change.status,
            **{key: _replaced(change.status[key]) for key in ("podIPs", "hostIPs") if key in change.status},
        }
        try:
            await self._api.ask("PATCH", f"{path}/status", {"metadata": metadata, "status": status}, kind=STRATEGIC)
            if change.gone:
                await self._api.ask("DELETE", path, {"gracePeriodSeconds": 0, "preconditions": {"uid": change.uid}})
        except RefusedError as error:
            if error.status not in {404, 409}:
                raise

    async def _renew(self) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec: Manifest = {"holderIdentity": self.name, "leaseDurationSeconds": LEASE_SECONDS, "renewTime": now}
        try:
            await self._api.ask("PATCH", f"{LEASES}/{self.name}", {"spec": spec}, kind=STRATEGIC)
        except RefusedError as error:
            if error.status != 404:
                raise
            metadata: Manifest = {"name": self.name, "namespace": "kube-node-lease"}
            lease: Manifest = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
            await self._api.ask("POST", LEASES, {**lease, "spec": spec})


class Kubeconfigs:
    """Kubeconfig files for containers that mount the token of a ServiceAccount."""

    def __init__(self, access: Access, folder: Path) -> None:
        self._access, self._folder = access, folder

    def variables(self, places: Places) -> Mapping[str, str]:
        """Return KUBECONFIG, for a container that has a token."""
        mount = places.mounts.get(ACCOUNT)
        if mount is None:
            return {}
        authority = base64.b64encode(self._access.authority).decode()
        cluster = {"server": self._access.server, "certificate-authority-data": authority}
        context = {"cluster": "here", "user": "me", "namespace": (mount / "namespace").read_text().strip()}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "here", "cluster": cluster}],
            "users": [{"name": "me", "user": {"tokenFile": str(mount / "token")}}],
            "contexts": [{"name": "here", "context": context}],
            "current-context": "here",
        }
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self._folder, suffix=".kubeconfig", delete=False) as opened:
            json.dump(content, opened)
        return {"KUBECONFIG": opened.name}


async def run(arguments: argparse.Namespace) -> None:
    """Be the node until SIGTERM."""
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    folder = Path(arguments.folder).resolve()
    access = read_access(Path(arguments.kubeconfig), folder / "access")
    with Addresses.claim() as addresses:
        async with Api(access) as api:
            labels = dict(item.split("=", 1) for item in arguments.label)
            if arguments.zone:
                labels["topology.kubernetes.io/zone"] = arguments.zone
            agent = Agent(arguments.name, api, labels, addresses.host)
            await agent.register()
            async with Node(
                arguments.name,
                folder=folder,
                images=_images(arguments.images),
                source=ApiSource(api),
                addresses=addresses,
                report=agent.take,
                variables=Kubeconfigs(access, folder / "kubeconfigs").variables,
            ) as node:
                await _serve(agent, node, api, stop)


async def _serve(agent: Agent, node: Node, api: Api, stop: asyncio.Event) -> None:
    pods = ListMirror(api, "/api/v1/pods", f"fieldSelector=spec.nodeName%3D{agent.name}")
    ready = asyncio.Event()

    async def changed() -> None:
        await node.sync(pods.objects.values())
        ready.set()

    async def announce() -> None:
        await ready.wait()
        print("ready", flush=True)

    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(agent.beat(), name="beat"),
            group.create_task(pods.follow(changed), name="pods"),
            group.create_task(announce(), name="announce"),
        ]
        await stop.wait()
        # The pods end while the node still says that it lives.
        await node.close()
        for task in tasks:
            task.cancel()


def _images(path: str) -> Images:
    return ImageFile(Path(path)) if path else KnownImages({}, others=running_installation())


def _condition(kind: str, status: str, reason: str, now: str) -> Json:
    return {"type": kind, "status": status, "reason": reason, "message": reason, "lastHeartbeatTime": now}


def _replaced(items: Json) -> list[Json]:
    """Say of a list that it is the whole list, where the API would merge it."""
    return [{"$patch": "replace"}, *(item for item in (items if isinstance(items, list) else []))]


def _node_info(name: str) -> Manifest:
    return {
        "architecture": "amd64",
        "bootID": name,
        "containerRuntimeVersion": "process://1",
        "kernelVersion": "0",
        "kubeProxyVersion": VERSION,
        "kubeletVersion": VERSION,
        "machineID": name,
        "operatingSystem": "linux",
        "osImage": socket.gethostname(),
        "systemUUID": name,
    }


def main(words: Sequence[str] | None = None) -> None:
    """Read the command line and be the node."""
    parser = argparse.ArgumentParser("python -m tests.support.kubelet")
    parser.add_argument("--kubeconfig", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--images", default="")
    parser.add_argument("--zone", default="")
    parser.add_argument("--label", action="append", default=[])
    logs.configure("INFO", "text", ())
    asyncio.run(run(parser.parse_args(words)))


if __name__ == "__main__":
    main()
