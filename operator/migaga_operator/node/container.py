"""One container: prepared, started, asked, restarted, ended. `pod_run.py` runs one for each container of a pod."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import replace
from datetime import UTC, datetime

from migaga_operator.node.asking import Asked, run_command
from migaga_operator.node.containers import Container
from migaga_operator.node.logs import bound, last_lines, log_file
from migaga_operator.node.pauses import BackOff
from migaga_operator.node.pod import RestartPolicy
from migaga_operator.node.preparing import Prepared, Preparing
from migaga_operator.node.probing import Prober, Unhealthy
from migaga_operator.node.process import Exit, Process, StartError, started
from migaga_operator.node.records import Ended, Record, Running, Waiting
from migaga_operator.node.stopping import Stop, first
from migaga_operator.node.surroundings import PodSurroundings

_LOG = logging.getLogger(__name__)
_CANNOT_START = 128
"""As containerd tells of a command that is not there."""


class ContainerRun:
    """Runs a container until it has ended for good."""

    def __init__(
        self,
        container: Container,
        pod: PodSurroundings,
        *,
        policy: RestartPolicy,
        grace: int,
        runs: int,
        waiting: Waiting,
    ) -> None:
        """Make it, without starting anything.

        Args:
            container: What to run.
            pod: What it is run with.
            policy: Whether an end is followed by a restart.
            grace: Seconds from SIGTERM to SIGKILL when a probe ends it.
            runs: How often it was started before.
            waiting: What it waits for at first.
        """
        self._container = container
        self._pod = pod
        self._policy = policy
        self._grace = grace
        self._name = f"{pod.name} {container.name}"
        self._logs = pod.logs / container.name
        self._back_off = BackOff(pod.tools.times)
        self._preparing = Preparing(container, pod, self.wait_for)
        self.record = Record(
            container.name,
            container.image,
            waiting,
            restarts=runs,
            is_sidecar=container.is_sidecar,
        )
        """How it stands."""
        self.has_started = asyncio.Event()
        """Set once its startup probe, if it has one, has succeeded."""

    async def run(self, stop: Stop) -> None:
        """Run it, again as often as its policy says, until it has ended for good or the end is wished."""
        while await self._turn(stop):
            pass

    async def _turn(self, stop: Stop) -> bool:
        """Run it once; returns whether it is to run again."""
        prepared = await self._preparing.prepare(stop)
        if prepared is None:
            return False
        ended = await self._run_once(prepared, stop)
        self._set(state=ended, is_ready=False, is_started=False, pid=None)
        if stop.is_begun or not self._runs_again(ended.code):
            return False
        await self._pause(ended, stop)
        return True

    async def bound_logs(self) -> None:
        """Keep its logs small."""
        await asyncio.to_thread(bound, self._logs)

    def note_end(self) -> None:
        """The pod has ended while this container waited to begin, or to begin again."""
        if not isinstance(self.record.state, Waiting):
            return
        if self.record.last is not None:
            self._set(state=self.record.last, last=None)
        else:
            said = "The container was not running when the pod ended"
            self._set(state=Ended(137, "ContainerStatusUnknown", None, datetime.now(UTC), message=said))

    def wait_for(self, waiting: Waiting) -> None:
        """Tell what it waits for."""
        last = self.record.state if isinstance(self.record.state, Ended) else self.record.last
        self._set(state=waiting, last=last)

    def _set(self, **changes: object) -> None:
        record = replace(self.record, **changes)  # type: ignore[arg-type]  # names of its fields, in this file alone
        if record != self.record:
            self.record = record
            self._pod.changed()

    def _runs_again(self, code: int) -> bool:
        return self._policy == "Always" or (self._policy == "OnFailure" and code != 0)

    async def _pause(self, ended: Ended, stop: Stop) -> None:
        pause = self._back_off.pause(asyncio.get_running_loop().time())
        if pause <= 0:
            return
        said = f"back-off {pause:g}s restarting failed container={self._container.name} pod={self._pod.name}"
        self._set(state=Waiting("CrashLoopBackOff", said), last=ended)
        await first(stop.wait(), timeout=pause)

    async def _run_once(self, prepared: Prepared, stop: Stop) -> Ended:
        restarts = self.record.restarts + int(self.record.has_run)
        log = log_file(self._logs, restarts)
        began, container_id = datetime.now(UTC), f"process://{uuid.uuid4().hex}"
        last = self.record.state if isinstance(self.record.state, Ended) else self.record.last
        try:
            async with started(prepared.launch, log) as process:
                self._set(
                    state=Running(began),
                    last=last,
                    restarts=restarts,
                    pid=process.pid,
                    image_id=prepared.image_id,
                    container_id=container_id,
                )
                self._tell_health(self._container.startup is None, self._container.is_ready_at_once)
                ended = await self._watch(process, prepared, stop)
        except StartError as error:
            self._set(last=last, restarts=restarts, image_id=prepared.image_id, container_id=container_id)
            return Ended(_CANNOT_START, "StartError", None, datetime.now(UTC), 0, str(error), container_id)
        reason = "Completed" if ended.code == 0 else "Error"
        shows = ended.code != 0 and self._container.shows_log
        message = await asyncio.to_thread(last_lines, log) if shows else ""
        return Ended(ended.code, reason, began, datetime.now(UTC), ended.signal, message, container_id)

    async def _watch(self, process: Process, prepared: Prepared, stop: Stop) -> Exit:
        unhealthy = Unhealthy()
        asked = Asked(
            self._pod.address,
            self._container.port_numbers,
            self._pod.tools.session,
            prepared.launch,
            prepared.places,
        )
        prober = Prober(self._container, asked, self._name, self._tell_health, unhealthy)
        async with asyncio.TaskGroup() as group:
            probing = group.create_task(prober.run(), name=f"probes {self._name}")
            await first(process.wait(), stop.wait(), unhealthy.wait())
            if not process.has_ended:
                await self._end(process, asked, stop, unhealthy)
            probing.cancel()
        return await process.wait()

    def _tell_health(self, is_started: bool, is_ready: bool) -> None:
        self._set(is_started=is_started, is_ready=is_ready)
        if is_started:
            self.has_started.set()

    async def _end(self, process: Process, asked: Asked, stop: Stop, unhealthy: Unhealthy) -> None:
        """End a process: the hook, SIGTERM, and SIGKILL to its group when the time is over."""
        over = Stop()
        if unhealthy.is_told:
            over.begin(self._grace if unhealthy.grace is None else unhealthy.grace)
        hook = self._container.pre_stop
        if hook is not None:
            await first(run_command(hook, asked), process.wait(), stop.until_over(), over.until_over())
        process.terminate()
        await first(process.wait(), stop.until_over(), over.until_over())
        if not process.has_ended:
            _LOG.warning("%s did not end within its grace period and is killed", self._name)
            process.kill_group()
            await process.wait()
