"""The composition root of `migaga operator`: connect, watch, be elected, reconcile, and end in order."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

from migaga.common.clock import MonotonicClock
from migaga.common.errors import MigagaError
from migaga_operator.control.asking import open_asker
from migaga_operator.control.audit import Audit, Scope
from migaga_operator.control.health import serve_health
from migaga_operator.control.leadership import Leadership
from migaga_operator.control.look import Looker, Surroundings
from migaga_operator.control.metrics import OperatorMetrics
from migaga_operator.control.options import Options
from migaga_operator.control.reconciler import Reconciler
from migaga_operator.control.seen import Seen
from migaga_operator.control.startup import find_resources
from migaga_operator.control.vitals import Vitals
from migaga_operator.control.watches import Watches
from migaga_operator.kube.client import Client
from migaga_operator.kube.connection import Connection, connect
from migaga_operator.kube.kinds import MONITOR, Resource
from migaga_operator.kube.leases import KubeLease
from migaga_operator.kube.objects import KubeCluster

_LOG = logging.getLogger(__name__)
_FINISH_SECONDS = 6.0
"""After SIGTERM, for what is under way: a request to the API server ends within 4 s."""
T = TypeVar("T")


async def serve(options: Options) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code. Raises MigagaError when it cannot go on."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    try:
        await Operator(options, connect(options.kubeconfig, options.context)).run(stop)
    except BaseExceptionGroup as group:
        known, faults = group.split(MigagaError)
        if faults is not None or known is None:
            raise
        raise _first(known) from group
    return 0


class Operator:
    """The parts of the process."""

    def __init__(self, options: Options, connection: Connection) -> None:
        self._options = options
        self._connection = connection
        self._clock = MonotonicClock()
        self._metrics = OperatorMetrics()
        self._client = Client(connection.api, self._metrics.requested)
        self._cluster = KubeCluster(self._client, options.identity)
        lease = KubeLease(self._client, options.lease_namespace or connection.namespace, options.lease)
        self._leadership = Leadership(lease, options.identity, self._clock)
        self._vitals = Vitals(self._leadership)
        self._seen = Seen()

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop`."""
        http, vitals = self._options.http, self._vitals
        async with AsyncExitStack() as stack:
            stack.callback(self._client.close)
            await stack.enter_async_context(
                serve_health(
                    http.host,
                    http.port,
                    metrics=self._metrics,
                    not_alive=vitals.not_alive,
                    not_ready=vitals.not_ready,
                )
            )
            resources = await _unless(stop, find_resources(self._client, self._options.namespaces, self._clock))
            if resources is None:
                return
            around = Surroundings(
                seen=self._seen,
                keeper=self._cluster,
                asker=await stack.enter_async_context(open_asker()),
                clock=self._clock,
                may_write=self._leadership.check,
                apis=frozenset({MONITOR.api_version} if MONITOR in resources else ()),
            )
            reconciler = Reconciler(Looker(around).look, self._clock, self._metrics)
            vitals.show(self._metrics, reconciler, self._seen)
            await self._work(stop, resources, reconciler)

    async def _work(self, stop: asyncio.Event, resources: Sequence[Resource], reconciler: Reconciler) -> None:
        def told(is_gone: bool, found: Mapping[str, object]) -> None:
            for bot in self._seen.remove(found) if is_gone else self._seen.put(found):
                reconciler.wake(bot)

        namespaces = self._options.namespaces
        scope = Scope(resources, namespaces)
        audit = Audit(self._seen, self._cluster, scope, clock=self._clock, wake=reconciler.wake)
        watches = Watches(resources, namespaces, self._connection.login, told)
        self._vitals.attach(watches, audit)
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            # Also where a part has failed: nothing writes any more then, and a successor need not wait.
            stack.push_async_callback(self._leadership.release)
            others = [
                group.create_task(watches.run(), name="watches"),
                group.create_task(self._leadership.run(), name="lease"),
                group.create_task(audit.run(), name="audit"),
            ]
            acting = group.create_task(self._act(audit, reconciler), name="reconciler")
            await stop.wait()
            _LOG.info("asked to stop: what is under way is finished")
            reconciler.stop()
            if self._leadership.is_held:
                await asyncio.wait({acting}, timeout=_FINISH_SECONDS)
            for task in (acting, *others):
                task.cancel()
            await self._leadership.release()

    async def _act(self, audit: Audit, reconciler: Reconciler) -> None:
        """Reconcile, once everything is known and the Lease is held."""
        await audit.until_complete()
        await self._leadership.acquired()
        for bot in self._seen.bots():
            reconciler.wake(bot)
        await reconciler.run()


async def _unless(stop: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """Return what comes of `work`; None when `stop` came first."""
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for one in (task, stopped):
            one.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


def _first(group: BaseExceptionGroup[MigagaError]) -> MigagaError:
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found if isinstance(found, MigagaError) else MigagaError(str(found))
