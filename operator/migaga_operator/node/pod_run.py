"""One pod of a node, from its address to its last report. `node.py` runs one for each pod, in a task of its own."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import cast

from migaga.common.errors import MigagaError, UnavailableError
from migaga_operator.json_types import Manifest
from migaga_operator.node import logs
from migaga_operator.node.container import ContainerRun
from migaga_operator.node.containers import Container
from migaga_operator.node.downward import NO_AMOUNTS, Facts
from migaga_operator.node.pod import Pod, RestartPolicy
from migaga_operator.node.pod_folder import PodFolder
from migaga_operator.node.records import Waiting
from migaga_operator.node.status import Known, build_status
from migaga_operator.node.stopping import Nudge, Stop, first
from migaga_operator.node.surroundings import PID_ANNOTATION, PodStatusChange, PodSurroundings, Tools

_LOG = logging.getLogger(__name__)
_NODE_ENDS = "Terminated"


class PodRun:
    """Runs a pod until it has ended and everybody knows it."""

    def __init__(self, pod: Pod, tools: Tools) -> None:
        self._pod = pod
        self._tools = tools
        self._address = tools.addresses.host if pod.uses_host_network else tools.addresses.take()
        self._folder = PodFolder(tools.folder / "pods" / pod.folder_name, pod)
        self._stop, self._stop_sidecars = Stop(), Stop()
        self._changed = asyncio.Event()
        self._metadata_changed = Nudge()
        self._is_final = False
        self._ends_with_node = asyncio.Event()
        self._fault: tuple[str, str] | None = None
        self._started = datetime.now(UTC)
        self._status = pod.status
        self._told: PodStatusChange | None = None
        around = PodSurroundings(
            tools,
            pod.full_name,
            self._folder,
            tools.folder / "logs" / f"{pod.namespace}_{pod.name}_{pod.folder_name}"[:200],
            self._address,
            self._facts,
            self._changed.set,
        )
        self.logs = around.logs
        """The folder with a folder of logs for each container."""
        self._inits = [self._make(item, around, _init_policy(item, pod.policy)) for item in pod.inits]
        self._containers = [self._make(item, around, pod.policy) for item in pod.containers]

    def update(self, pod: Pod) -> None:
        """Take the newer object: its metadata, and whether it is to end."""
        if pod.labels != self._pod.labels or pod.annotations != self._pod.annotations:
            self._metadata_changed.send()
        self._pod = pod
        if pod.is_leaving:
            self.end()

    def end(self) -> None:
        """End it within its grace period. May be called again; the time never gets longer."""
        self._stop.begin(self._pod.grace)

    def end_with_node(self) -> None:
        """End it because the node ends, not because anybody wished the end of the pod."""
        self._ends_with_node.set()
        if not self._stop.is_begun:
            self._fault = (_NODE_ENDS, "Pod was terminated in response to imminent node shutdown.")
            self._changed.set()
        self.end()

    async def run(self) -> None:
        """Run it. Returns when nothing of it is left and its end was reported."""
        try:
            await self._run()
        finally:
            self._tools.addresses.give_back(self._address)
            await self._folder.remove()
            await asyncio.to_thread(logs.close, self.logs)
            _LOG.info("pod %s has ended", self._pod.full_name)

    async def _run(self) -> None:
        _LOG.info("pod %s begins at %s", self._pod.full_name, self._address)
        async with asyncio.TaskGroup() as group:
            helpers = [group.create_task(self._report_changes(), name=f"report {self._pod.full_name}")]
            if not self._pod.is_over:
                self._changed.set()
                await self._live(group)
            await self._stop.wait()
            for task in helpers:
                task.cancel()
        await self._folder.remove()
        if self._fault is None or self._fault[0] != _NODE_ENDS:
            await self._report_until_heard()
        else:
            await self._report(gone=False)

    async def _live(self, group: asyncio.TaskGroup) -> None:
        """Run all containers, until all have ended for good."""
        try:
            if not await self._until_filled():
                return
            keeper = group.create_task(self._keep_filled(), name=f"volumes {self._pod.full_name}")
            try:
                await self._run_containers(group)
            finally:
                keeper.cancel()
        except Exception:
            # Whatever it is: the other pods go on, and this one says that it does not.
            _LOG.exception("pod %s cannot be run", self._pod.full_name)
            self._fault = ("NodeFault", "The node failed to run the pod; its log says why.")
        finally:
            for run in (*self._inits, *self._containers):
                run.note_end()
            self._is_final = True
            self._changed.set()

    async def _run_containers(self, group: asyncio.TaskGroup) -> None:
        sidecars = []
        try:
            for run in self._inits:
                if run.record.is_sidecar:
                    name = f"sidecar {self._pod.full_name} {run.record.name}"
                    sidecars.append(group.create_task(run.run(self._stop_sidecars), name=name))
                    await first(self._stop.wait(), run.has_started.wait())
                else:
                    await run.run(self._stop)
                if not run.record.is_done:
                    return
            async with asyncio.TaskGroup() as containers:
                for run in self._containers:
                    name = f"container {self._pod.full_name} {run.record.name}"
                    containers.create_task(run.run(self._stop), name=name)
        finally:
            left = self._stop.deadline - asyncio.get_running_loop().time()
            self._stop_sidecars.begin(max(1.0, left) if self._stop.is_begun else self._pod.grace)
            await asyncio.gather(*sidecars)

    async def _until_filled(self) -> bool:
        """Wait until all volumes have what they need; returns False when the pod is to end before that."""
        while not self._stop.is_begun:
            trouble = await self._fill()
            if not trouble:
                return True
            for run in (*self._inits, *self._containers):
                run.wait_for(Waiting("ContainerCreating", trouble))
            await first(self._stop.wait(), self._tools.nudge.wait(), timeout=self._tools.times.refresh)
        return False

    async def _keep_filled(self) -> None:
        while True:
            nudges = (self._tools.nudge.wait(), self._metadata_changed.wait())
            await first(*nudges, timeout=self._tools.times.refresh)
            trouble = await self._fill()
            if trouble:
                _LOG.debug("pod %s keeps its files as they were: %s", self._pod.full_name, trouble)
            for run in (*self._inits, *self._containers):
                await run.bound_logs()

    async def _fill(self) -> str:
        """Bring the volumes up to date; returns what is missing, in words."""
        try:
            missing = await self._folder.refresh(self._facts(), self._tools.source)
        except UnavailableError as error:
            return str(error)
        except OSError as error:
            return f"its volumes cannot be written: {error.strerror}"
        return " ".join(map(str, missing))

    async def _report_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            if not await self._report(gone=False):
                await asyncio.sleep(self._tools.times.refresh)
                self._changed.set()

    async def _report_until_heard(self) -> None:
        is_heard = await self._report(gone=True)
        while not (is_heard or self._ends_with_node.is_set()):
            await first(self._ends_with_node.wait(), timeout=self._tools.times.refresh)
            is_heard = await self._report(gone=True)

    async def _report(self, *, gone: bool) -> bool:
        """Tell how it stands, if that is new; returns False when it could not be told."""
        self._status = self._build()
        pid = self._containers[0].record.pid
        annotations = {PID_ANNOTATION: None if pid is None else str(pid)}
        pod = self._pod
        change = PodStatusChange(pod.namespace, pod.name, pod.uid, self._status, annotations, gone)
        if change == self._told:
            return True
        try:
            await self._tools.report(change)
        except (MigagaError, OSError) as error:
            _LOG.warning("the status of pod %s could not be told, and is told again: %s", pod.full_name, error)
            return False
        self._told = change
        return True

    def _build(self) -> Manifest:
        if self._pod.is_over:
            return cast("Manifest", self._pod.status)
        known = Known(
            tuple(run.record for run in self._containers),
            tuple(run.record for run in self._inits),
            self._address,
            self._tools.addresses.host,
            self._started,
            self._is_final,
            self._fault if self._is_final else None,
        )
        return build_status(known, self._status, datetime.now(UTC))

    def _facts(self) -> Facts:
        pod = self._pod
        return Facts(
            namespace=pod.namespace,
            name=pod.name,
            uid=pod.uid,
            labels=pod.labels,
            annotations=pod.annotations,
            node_name=self._tools.node_name,
            account=pod.account,
            address=self._address,
            host_address=self._tools.addresses.host,
            amounts={item.name: item.amounts or NO_AMOUNTS for item in (*pod.inits, *pod.containers)},
            capacity=self._tools.capacity,
        )

    def _make(self, container: Container, around: PodSurroundings, policy: RestartPolicy) -> ContainerRun:
        waits_for_others = self._pod.inits and container in self._pod.containers
        waiting = Waiting("PodInitializing" if waits_for_others else "ContainerCreating")
        return ContainerRun(
            container,
            around,
            policy=policy,
            grace=self._pod.grace,
            runs=self._pod.restarts_before(container.name),
            waiting=waiting,
        )


def _init_policy(container: Container, policy: RestartPolicy) -> RestartPolicy:
    if container.is_sidecar:
        return "Always"
    return "OnFailure" if policy == "Always" else policy
