"""kopf: watches the API server and tells what changes. The only file that loads it.

kopf only wakes us. Its handlers here are `on.event` alone, because for all others it writes to the objects: finalizers
for daemons, timers and deletions, annotations for creations and updates. It runs in a thread with an event loop of its
own: when it ends it cancels every task of its loop, and it takes the signals of the process where it can.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import kopf

from migaga.common.errors import UnavailableError
from migaga_operator.kube.connection import Login
from migaga_operator.kube.kinds import Resource

_LOG = logging.getLogger(__name__)
_BEAT = 1.0
_JOIN = 10.0
_LOGGERS = {"kopf": logging.WARNING, "kopf._core.reactor.running": logging.ERROR}
"""From which severity on its words are of use. That signals are ours, of which it warns, is as it should be."""

Told = Callable[[bool, Mapping[str, object]], None]
"""Whether the object is gone, and the object."""


class _NothingKept(kopf.DiffBaseStorage):
    """What kopf keeps of an object to tell later what has changed: nothing.

    It would copy each object several times at each event, although no handler here asks for changes. While fleets roll
    that was a quarter of this process's work.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> None:
        return None

    def store(self, **_: Any) -> None:
        return None


class WatchesEndedError(UnavailableError):
    """The watches have ended by themselves, and cannot be begun again in this process."""


class Watches:
    """The watches of all kinds in all namespaces of an operator."""

    def __init__(
        self, resources: Sequence[Resource], namespaces: Sequence[str], login: Callable[[], Login], told: Told
    ) -> None:
        """Take what to watch and whom to tell.

        Args:
            resources: The kinds; each has to be there.
            namespaces: Their names; empty stands for all.
            login: Gives the credentials as they are now. Called in a thread.
            told: Is called in the event loop of `run` for each object and each change.
        """
        self._resources = resources
        self._namespaces = [name for name in namespaces if name]
        self._login = login
        self._told = told
        self._stop = threading.Event()
        self._beat_at = time.monotonic()

    @property
    def silent_for(self) -> float:
        """Seconds since the thread's event loop last turned."""
        return time.monotonic() - self._beat_at

    async def run(self) -> None:
        """Watch until cancelled. Raises WatchesEndedError when kopf gives up; the reason is in its log."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        faults: list[BaseException] = []

        def work() -> None:
            try:
                asyncio.run(self._watch(loop))
            except BaseException as error:  # whatever ends the thread has to end the process
                faults.append(error)
            finally:
                with suppress(RuntimeError):  # our own loop may have ended before
                    loop.call_soon_threadsafe(ended.set)

        thread = threading.Thread(target=work, name="watches", daemon=True)
        thread.start()
        try:
            await ended.wait()
        finally:
            self._stop.set()
            await asyncio.to_thread(thread.join, _JOIN)
        reason = faults[0] if faults else None
        raise WatchesEndedError(f"the watches have ended ({reason!r}). This process ends too.") from reason

    async def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        for name, level in _LOGGERS.items():
            logging.getLogger(name).setLevel(level)
        beat = asyncio.create_task(self._beat(), name="beat of the watches")
        try:
            await kopf.operator(
                registry=self._registry(loop),
                settings=watch_settings(self._resources),
                standalone=True,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=self._stop,
            )
        finally:
            beat.cancel()

    async def _beat(self) -> None:
        while True:
            self._beat_at = time.monotonic()
            await asyncio.sleep(_BEAT)

    def _registry(self, loop: asyncio.AbstractEventLoop) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()

        @kopf.on.login(registry=registry)
        async def login(**_: object) -> kopf.ConnectionInfo:
            found = await asyncio.to_thread(self._login)
            return kopf.ConnectionInfo(
                server=found.server,
                ca_path=found.ca_path,
                insecure=found.insecure,
                scheme=found.scheme,
                token=found.token,
                username=found.username,
                password=found.password,
                certificate_path=found.certificate_path,
                private_key_path=found.private_key_path,
            )

        for resource in self._resources:
            kopf.on.event(resource.group, resource.version, resource.plural, registry=registry)(
                self._handler(resource, loop)
            )
        return registry

    def _handler(self, resource: Resource, loop: asyncio.AbstractEventLoop) -> Callable[..., object]:
        # Objects of a list do not say what they are.
        head = {"apiVersion": resource.api_version, "kind": resource.kind}

        async def noted(event: Mapping[str, object], **_: object) -> None:
            found = event["object"]
            if isinstance(found, Mapping):
                with suppress(RuntimeError):  # the process is ending
                    loop.call_soon_threadsafe(self._told, event["type"] == "DELETED", {**found, **head})

        return noted


def watch_settings(resources: Sequence[Resource]) -> kopf.OperatorSettings:
    """Return kopf's settings: nothing is written, nothing beyond our kinds is asked for, no stream stays dead."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.diffbase_storage = _NothingKept()
    # The process ends by itself; kopf's last resort is to kill it.
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = 290
    settings.watching.client_timeout = 320
    settings.watching.connect_timeout = 10
    settings.watching.inactivity_timeout = 90
    settings.watching.chunk_size = 500
    settings.watching.reconnect_backoff = 0.5
    settings.networking.request_timeout = 60
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = (1, 1, 2, 3, 5, 8, 13, 21, 30, 30, 30)
    for resource in resources:
        if resource.selector:
            settings.watching.label_selectors[resource.group, resource.version, resource.plural] = resource.selector
    return settings
