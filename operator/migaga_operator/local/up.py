"""A fleet on this machine: what a cluster's control plane, a node and the operator do, in one process.

`up_command.py` runs it. Files -> store -> bots (planner) -> Deployments -> pods -> processes; down in the same order.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from migaga.common import logs
from migaga.common.errors import ConfigError
from migaga_operator.builders.fleet import Owner
from migaga_operator.crd.read import KIND
from migaga_operator.json_types import at_path
from migaga_operator.local.bots import BotReconciler
from migaga_operator.local.cluster import LocalCluster
from migaga_operator.local.controller import DeploymentController
from migaga_operator.local.machine import Machine
from migaga_operator.local.picture import draw
from migaga_operator.local.stopping import Stops
from migaga_operator.local.store import Store, ref_of
from migaga_operator.local.view import View
from migaga_operator.local.wanted import Wanted, read_wanted
from migaga_operator.local.watching import changes
from migaga_operator.ops import Event

_LOG = logging.getLogger(__name__)

SHOW_EVERY = 0.25
"""Seconds between two drawings at least."""
EXIT_NOT_READY = 1
EXIT_KILLED = 130


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks for."""

    files: Sequence[Path]
    folder: Path
    """Where pods have their files and logs."""
    images: Mapping[str, Path] = field(default_factory=dict)
    watch: bool = False
    seconds: float | None = None
    """How long to run; None: until a signal."""


class Up:
    """One run of `migaga up`."""

    def __init__(self, wish: Wish, wanted: Wanted, view: View, stops: Stops) -> None:
        self._wish = wish
        self._wanted = wanted
        self._view = view
        self._stops = stops
        self._is_ending = False
        self.store = Store()

    async def run(self) -> int:
        """Run until it is asked to end; nothing of it outlives the call. Returns the exit code."""
        self.bring(self._wanted)
        async with AsyncExitStack() as stack:
            machine = await stack.enter_async_context(Machine(self.store, self._wish.folder, self._wish.images))
            session = await stack.enter_async_context(aiohttp.ClientSession())
            bots = BotReconciler(self.store, LocalCluster(self.store, self._tell), session)
            async with asyncio.TaskGroup() as tasks:
                own = [
                    tasks.create_task(work(), name=f"up {name}") for name, work in self._works(machine, bots).items()
                ]
                watch = tasks.create_task(self._watch(), name="up files")
                await self._stops.first(self._wish.seconds)
                watch.cancel()
                is_ready = draw(self.store, bots.reports).all_ready
                await self.drain()
                for task in own:
                    task.cancel()
        if self._stops.is_urgent:
            return EXIT_KILLED
        return 0 if is_ready or self._wish.seconds is None else EXIT_NOT_READY

    def bring(self, wanted: Wanted) -> None:
        """Bring the store to what files ask for: what is in them no more is deleted."""
        logs.protect(*wanted.secrets)
        before, self._wanted = self._wanted, wanted
        for manifest in (*wanted.data.values(), *wanted.bots.values()):
            self.store.apply(manifest)
        for ref in (*before.bots, *before.data):
            if ref not in wanted.bots and ref not in wanted.data:
                self.store.delete(ref)
        for ref in wanted.left_out:
            self._view.say(f"{ref} is left out: `migaga up` runs {KIND}s, with Secrets and ConfigMaps")

    async def drain(self) -> None:
        """Let all pods end in order; asked again, end them at once."""
        self._is_ending = True
        self._view.say("the fleet ends: all pods finish what they do and store their sessions; Ctrl-C again kills them")
        for bot in self.store.all_of(KIND):
            # A stopped bot's pods know that nobody comes to take their shards.
            self.store.patch(ref_of(bot), ("spec", "mode"), "Stopped")
        ended = asyncio.create_task(self._until_no_pods(), name="up end")
        urgent = asyncio.create_task(self._stops.second(), name="up kill")
        try:
            await asyncio.wait({ended, urgent}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                self._kill()
                await ended
        finally:
            for task in (ended, urgent):
                task.cancel()
            await asyncio.gather(ended, urgent, return_exceptions=True)

    def _kill(self) -> None:
        for deployment in self.store.all_of("Deployment"):
            self.store.patch(ref_of(deployment), ("spec", "replicas"), 0)
        for pod in self.store.all_of("Pod"):
            self.store.delete(ref_of(pod), grace=0)

    def _works(self, machine: Machine, bots: BotReconciler) -> Mapping[str, Callable[[], Coroutine[None, None, None]]]:
        controller = DeploymentController(self.store)
        return {
            "node": machine.run,
            "deployments": controller.run,
            "bots": bots.run,
            "view": lambda: self._show(bots),
        }

    def _tell(self, owner: Owner, event: Event) -> None:
        # That a fleet which ends is not ready is no news.
        if not self._is_ending:
            self._view.say(f"{event.type}  {owner.name}  {event.reason}: {event.message}")

    async def _until_no_pods(self) -> None:
        version = self.store.version
        while self.store.all_of("Pod") or any(
            at_path(item, "spec", "replicas") != 0 for item in self.store.all_of("Deployment")
        ):
            version = await self.store.wait_for_change(version)

    async def _watch(self) -> None:
        if not self._wish.watch:
            return
        async for _ in changes(self._wish.files):
            try:
                wanted = await asyncio.to_thread(read_wanted, self._wish.files, self._wanted)
            except ConfigError as error:
                self._view.say(f"{error}\nNothing is changed.")
            else:
                self._view.say("the file has changed")
                self.bring(wanted)

    async def _show(self, bots: BotReconciler) -> None:
        while True:
            self._view.show(draw(self.store, bots.reports))
            version = self.store.version
            await asyncio.sleep(SHOW_EVERY)
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.store.wait_for_change(version)
