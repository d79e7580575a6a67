"""A node: runs the pods that are given to it as processes of this machine.

`migaga up` gives it the pods of its own Deployments; an agent in the cluster tests gives it what a scheduler binds.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path

import aiohttp

from migaga_operator.node.addresses import Addresses
from migaga_operator.node.downward import Amounts
from migaga_operator.node.images import Images
from migaga_operator.node.objects import ObjectSource
from migaga_operator.node.pauses import Times
from migaga_operator.node.pod import Pod, read_pod
from migaga_operator.node.pod_run import PodRun
from migaga_operator.node.surroundings import MoreVariables, Report, Tools

_LOG = logging.getLogger(__name__)


class Node:
    """Runs pods. Used as `async with Node(...) as node`, or closed by `close()`."""

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        images: Images,
        source: ObjectSource,
        addresses: Addresses,
        report: Report,
        times: Times | None = None,
        variables: MoreVariables | None = None,
    ) -> None:
        """Make a node, inside a running event loop and best in the main thread: its processes end with that thread.

        Args:
            name: The node's name, as pods may be told it.
            folder: Where pods and logs are; this node's alone. What a node that died left in it is removed.
            images: What the names of images mean.
            source: Where Secrets, ConfigMaps and tokens are found.
            addresses: The pods' addresses; closed by whoever claimed them.
            report: Called with each change of a pod's status, one call for a pod at a time. It may raise MigagaError
                or OSError: the newest status is then reported again after a while.
            times: How long things take.
            variables: Further variables of each container, as far as it does not set them itself; called in a thread
                with where the container's paths really are.
        """
        self.name = name
        self._tools = Tools(
            name,
            folder,
            images,
            source,
            addresses,
            report,
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0), cookie_jar=aiohttp.DummyCookieJar()
            ),
            times or Times(),
            variables=variables,
            capacity=machine_capacity(),
        )
        self._runs: dict[str, PodRun] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._gone: dict[str, None] = {}
        self._one_at_a_time = asyncio.Lock()
        self._is_clean = False
        self._is_closing = False

    async def sync(self, pods: Iterable[object]) -> None:
        """Take the pods that are bound to this node, as they are wanted now. Does not wait for any of them.

        New ones begin, changed metadata is taken, and what is leaving or no longer among them ends within its grace
        period. What cannot be understood as a pod is left out.
        """
        async with self._one_at_a_time:
            if not self._is_clean:
                await asyncio.to_thread(shutil.rmtree, self._tools.folder / "pods", ignore_errors=True)
                self._is_clean = True
            if not self._is_closing:
                self._take({pod.uid: pod for pod in map(read_pod, pods) if pod is not None})

    def objects_changed(self) -> None:
        """Look at Secrets, ConfigMaps and images now, in place of when it is time."""
        self._tools.nudge.send()

    def logs(self, uid: str) -> Path | None:
        """Return the folder of a pod's logs, `<container>/<run>.log`; None for a pod that is not here (any more)."""
        run = self._runs.get(uid)
        return None if run is None else run.logs

    async def close(self) -> None:
        """End all pods, each within its grace period, and wait for that."""
        self._is_closing = True
        for run in self._runs.values():
            run.end_with_node()
        try:
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            await self._tools.session.close()

    async def __aenter__(self) -> Node:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def _take(self, wanted: Mapping[str, Pod]) -> None:
        for uid, pod in wanted.items():
            if uid in self._runs:
                self._runs[uid].update(pod)
            elif uid not in self._gone:
                self._begin(pod)
        self._gone = {uid: None for uid in self._gone if uid in wanted}
        for uid in self._runs.keys() - wanted.keys():
            self._runs[uid].end()

    def _begin(self, pod: Pod) -> None:
        run = self._runs[pod.uid] = PodRun(pod, self._tools)
        if pod.is_leaving:
            run.end()
        task = self._tasks[pod.uid] = asyncio.create_task(run.run(), name=f"pod {pod.full_name}")
        task.add_done_callback(lambda done: self._forget(pod, done))

    def _forget(self, pod: Pod, task: asyncio.Task[None]) -> None:
        self._runs.pop(pod.uid, None)
        self._tasks.pop(pod.uid, None)
        if task.cancelled() or task.exception() is None:
            self._gone[pod.uid] = None
        else:
            _LOG.error("the run of pod %s has failed", pod.full_name, exc_info=task.exception())


def machine_capacity() -> Amounts:
    """Return what this machine has: `cpu` in cores, `memory` in bytes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": Decimal(os.cpu_count() or 1), "memory": Decimal(memory)}
