"""Pods without nodes: somebody writes their status and answers for their processes, so that their bots are Ready.

`tests/bench/operator.py` uses it, on a control plane whose scheduler is stopped (it would say that there are no nodes).
Each pod has a loopback address of its own, and `/status` there tells of its share of the shards.
"""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web

from migaga_operator.builders.fleet import BOT_LABEL, HTTP_PORT, REVISION_LABEL
from migaga_operator.node.addresses import Addresses

_LOG = logging.getLogger(__name__)
_PODS = "/api/v1/pods"
_SELECTED = {"labelSelector": BOT_LABEL}
_AT_ONCE = 16
_MERGE = {"Content-Type": "application/merge-patch+json"}
_LARGEST_LINE = 2**22


@dataclass(slots=True)
class _Fleet:
    """The pods of one bot: each has one shard, and surplus ones wait for one."""

    free: list[int]
    held: dict[str, int] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)

    def come(self, uid: str) -> None:
        """A pod takes a shard that nobody has."""
        if self.free:
            self.held[uid] = self.free.pop(0)
        else:
            self.waiting.append(uid)

    def go(self, uid: str) -> None:
        """A pod hands its shard over."""
        if uid in self.waiting:
            self.waiting.remove(uid)
        shard = self.held.pop(uid, None)
        if shard is not None:
            self.free.append(shard)
            if self.waiting:
                self.come(self.waiting.pop(0))


@dataclass(frozen=True, slots=True)
class _Pod:
    uid: str
    address: str
    revision: int
    fleet: _Fleet
    server: asyncio.Server


class FakedPods:
    """All pods of the cluster that belong to bots. Opened by `faked_pods`."""

    def __init__(
        self, session: aiohttp.ClientSession, addresses: Addresses, shards: int, group: asyncio.TaskGroup
    ) -> None:
        self._session, self._addresses, self._shards, self._group = session, addresses, shards, group
        self._fleets: dict[tuple[str, str], _Fleet] = defaultdict(lambda: _Fleet(list(range(shards))))
        self._pods: dict[str, _Pod] = {}
        self._by_address: dict[str, _Pod] = {}
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._answering = web.Server(self._answer)
        self.answers = 0
        """Questions for `/status` that were answered."""

    def __len__(self) -> int:
        return len(self._pods)

    def close(self) -> None:
        """Answer nobody any more."""
        for pod in self._pods.values():
            pod.server.close()

    async def watch(self) -> None:
        """Follow the pods until cancelled."""
        while True:
            try:
                await self._watch_once()
            except (aiohttp.ClientError, TimeoutError) as error:
                _LOG.warning("the watch of pods is begun again: %s", error)
                await asyncio.sleep(0.5)

    async def _watch_once(self) -> None:
        async with self._session.get(_PODS, params=_SELECTED) as answer:
            listed = await answer.json()
        for pod in listed["items"]:
            await self._note("ADDED", pod)
        version = listed["metadata"]["resourceVersion"]
        params = {**_SELECTED, "watch": "1", "resourceVersion": version}
        async with self._session.get(_PODS, params=params) as stream:
            while line := await stream.content.readline():
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                await self._note(event["type"], event["object"])

    async def _note(self, kind: str, pod: Mapping[str, Any]) -> None:
        uid = pod["metadata"]["uid"]
        if kind == "DELETED":
            gone = self._pods.pop(uid, None)
            if gone is not None:
                gone.server.close()
                gone.fleet.go(uid)
                del self._by_address[gone.address]
                self._addresses.give_back(gone.address)
        elif uid not in self._pods:
            await self._begin(pod)

    async def _begin(self, pod: Mapping[str, Any]) -> None:
        metadata = pod["metadata"]
        address, labels = self._addresses.take(), metadata["labels"]
        server = await asyncio.get_running_loop().create_server(self._answering, address, HTTP_PORT)
        fleet = self._fleets[metadata["namespace"], labels[BOT_LABEL]]
        found = _Pod(metadata["uid"], address, int(labels.get(REVISION_LABEL, 1)), fleet, server)
        fleet.come(found.uid)
        self._pods[found.uid] = self._by_address[address] = found
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        self._group.create_task(self._write(path, running_on(address)))

    async def _write(self, path: str, status: Mapping[str, Any]) -> None:
        async with (
            self._turns,
            self._session.patch(path, data=json.dumps({"status": status}), headers=_MERGE) as answer,
        ):
            if answer.status not in {200, 404}:
                _LOG.warning("%s: %d %s", path, answer.status, await answer.text())

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        assert request.transport is not None
        pod = self._by_address.get(request.transport.get_extra_info("sockname")[0])
        if pod is None:
            return web.Response(status=503)
        self.answers += 1
        shard = pod.fleet.held.get(pod.uid)
        return web.json_response(status_document(() if shard is None else (shard,), self._shards, pod.revision))


def status_document(shards: tuple[int, ...], count: int, revision: int) -> Mapping[str, Any]:
    """Return the `/status` of a process that serves some of `count` shards."""
    return {
        "application": {"name": "Faked"},
        "phase": "running",
        "ready": True,
        "shard_count": count,
        "recommended_shards": count,
        "shards": [{"id": shard, "state": "live", "lease": "mine"} for shard in shards],
        "identify": {"total": 1000, "remaining": 900},
        "process": {"revision": revision},
    }


def running_on(address: str) -> dict[str, Any]:
    """Return the status of a pod that runs and is ready."""
    state = {"running": {"startedAt": "2026-03-01T00:00:00Z"}}
    container = {"name": "shards", "ready": True, "restartCount": 0, "image": "x", "imageID": "x", "state": state}
    conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Ready", "ContainersReady")]
    return {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": conditions,
        "containerStatuses": [container],
    }


@asynccontextmanager
async def faked_pods(url: str, context: ssl.SSLContext, shards: int) -> AsyncIterator[FakedPods]:
    """Speak for all pods of bots until the block ends.

    Args:
        url: The API server.
        context: The administrator's, for TLS.
        shards: How many shards each bot has.
    """
    async with (
        aiohttp.ClientSession(
            url,
            connector=aiohttp.TCPConnector(ssl=context),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
            read_bufsize=_LARGEST_LINE,
        ) as session,
        asyncio.TaskGroup() as group,
    ):
        with Addresses.claim() as addresses:
            pods = FakedPods(session, addresses, shards, group)
            watching = group.create_task(pods.watch())
            try:
                yield pods
            finally:
                watching.cancel()
                pods.close()
