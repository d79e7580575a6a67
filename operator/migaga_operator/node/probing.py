"""Keeps asking a running container by its probes and tells what came of it. `container.py` runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from migaga_operator.node.asking import Asked, ask
from migaga_operator.node.containers import Container
from migaga_operator.node.probes import Probe, Tally

_LOG = logging.getLogger(__name__)


class Unhealthy:
    """The wish that a container is restarted, because a probe failed for good."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.grace: int | None = None
        """The seconds that the probe gives its process to end; None: as the pod says."""

    def tell(self, probe: Probe) -> None:
        """Wish it."""
        self.grace = probe.grace
        self._event.set()

    async def wait(self) -> None:
        """Wait until it is wished."""
        await self._event.wait()

    @property
    def is_told(self) -> bool:
        """Whether it is wished."""
        return self._event.is_set()


@dataclass(frozen=True, slots=True)
class Prober:
    """Asks one run of a container."""

    container: Container
    asked: Asked
    name: str
    """Pod and container, for logs."""
    tell: Callable[[bool, bool], None]
    """Called with: has it started, is it ready."""
    unhealthy: Unhealthy

    async def run(self) -> None:
        """Ask until cancelled. Liveness and readiness are asked once the startup probe has succeeded."""
        began = asyncio.get_running_loop().time()
        if self.container.startup is not None:
            await self._until_started(self.container.startup, began)
            self.tell(True, self.container.readiness is None)
        async with asyncio.TaskGroup() as group:
            if self.container.liveness is not None:
                group.create_task(self._watch_life(self.container.liveness, began), name=f"liveness {self.name}")
            if self.container.readiness is not None:
                group.create_task(self._watch_readiness(self.container.readiness, began), name=f"ready {self.name}")

    async def _until_started(self, probe: Probe, began: float) -> None:
        tally = Tally(probe, verdict=False)
        while True:
            await self._outcome(probe, tally, began)
            if tally.decided and tally.verdict:
                return
            if tally.decided:
                await self._give_up(probe, "startup")

    async def _watch_life(self, probe: Probe, began: float) -> None:
        tally = Tally(probe, verdict=True)
        while True:
            await self._outcome(probe, tally, began)
            if not tally.verdict:
                await self._give_up(probe, "liveness")

    async def _watch_readiness(self, probe: Probe, began: float) -> None:
        tally = Tally(probe, verdict=False)
        while True:
            if await self._outcome(probe, tally, began):
                self.tell(True, tally.verdict)

    async def _outcome(self, probe: Probe, tally: Tally, began: float) -> bool:
        """Ask once, when it is time; returns whether the verdict changed."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, tally.due(began) - loop.time()))
        asked_at = loop.time()
        outcome = await ask(probe, self.asked)
        tally.asked(asked_at)
        return tally.take(outcome)

    async def _give_up(self, probe: Probe, kind: str) -> None:
        _LOG.warning("%s failed its %s probe %d times and will be restarted", self.name, kind, probe.failures)
        self.unhealthy.tell(probe)
        await asyncio.Event().wait()
