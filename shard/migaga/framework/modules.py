"""The modules that run in this process: start, stop, reload. Part of `runtime.py`.

Each has one instance; the routing table is replaced as a whole, so an event sees the old modules or the new ones.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

import hikari

from migaga.common.ending import end_tasks
from migaga.common.errors import ConfigError
from migaga.common.text import did_you_mean
from migaga.framework import loader
from migaga.framework.hooks import HookTooLongError, run_hook
from migaga.framework.inject import missing_services
from migaga.framework.loader import LoadResult, ModuleRefusedError
from migaga.framework.module import BaseModule
from migaga.framework.recorder import module_record, record_modules
from migaga.framework.register import register_commands
from migaga.framework.reload import prepare_reload, upgrade_schemas
from migaga.framework.routing import EventRouter
from migaga.framework.scope import Environment, LoadedModule
from migaga.framework.services import Services
from migaga.framework.sources import ModuleFailure
from migaga.framework.table import RoutingTable
from migaga.framework.tasks import Tasks
from migaga.storage.catalogue import Catalogue

_log = logging.getLogger(__name__)
_GRACE = 5.0
"""Seconds that handlers have to end when the process stops."""
START_SECONDS = 60.0
"""How long a module's `start()` may take: the others, and the shards of the process, wait for it."""
_STOP_SECONDS = 10.0
"""How long its `stop()` may take."""


class ModuleSet:
    """Modules at work."""

    def __init__(
        self, environment: Environment, tasks: Tasks, router: EventRouter, *, start_seconds: float = START_SECONDS
    ) -> None:
        self._environment = environment
        self._start_seconds = start_seconds
        self._tasks = tasks
        self._router = router
        self._classes: dict[str, loader.LoadedModule] = {}
        self._loaded: dict[str, LoadedModule] = {}
        self._changing = asyncio.Lock()
        self._retiring: set[asyncio.Task[None]] = set()
        self.failures: list[ModuleFailure] = []
        """What does not run, and why."""

    @property
    def loaded(self) -> list[LoadedModule]:
        """The running modules, in the order in which they were loaded."""
        return list(self._loaded.values())

    async def load(self, core: loader.LoadedModule, result: LoadResult) -> list[ModuleFailure]:
        """Bring tables up to date, start the modules and record them. Returns those that do not run."""
        async with self._changing:
            apart = loader.without_clashes(result, [core.spec])
            usable = await upgrade_schemas(apart, self._environment.database)
            failures = list(usable.failures)
            for module in (core, *usable.modules):
                try:
                    self._loaded[module.spec.name] = await self._start(module)
                except ModuleRefusedError as refused:
                    failures.append(refused.failure)
                else:
                    self._classes[module.spec.name] = module
            for failure in failures:
                _log.error("%s", failure)
            self.failures = failures
            origins = (f"{name} ({module.source.origin})" for name, module in self._classes.items())
            _log.info("modules that run: %s", ", ".join(origins))
            running = tuple(self._classes.values())
            await record_modules(Catalogue(self._environment.database), LoadResult(running, tuple(failures)))
            self._publish()
            for loaded in self.loaded:
                self._tasks.start(loaded)
            return failures

    async def register(self, application_id: hikari.Snowflakeish) -> bool:
        """Tell Discord the slash commands, when they have changed."""
        specs = [module.spec for module in self.loaded]
        return await register_commands(self._environment.discord, application_id, self._environment.database, specs)

    async def reload(self, name: str) -> bool:
        """Load a module again from disk. Returns whether Discord has to be told of its commands.

        Raises:
            ConfigError: There is no such module.
            ModuleRefusedError: The new code cannot be used; the old one runs on.
        """
        async with self._changing:
            old_class, old = self._classes.get(name), self._loaded.get(name)
            if old_class is None or old is None:
                raise ConfigError(f"there is no module {name!r} that runs.{did_you_mean(name, self._loaded)}")
            others = [module.spec for module in self.loaded if module.spec.name != name]
            prepared = await prepare_reload(old_class, others, self._environment.database)
            new = await self._start(prepared.new)
            prepared.take_over()
            self._classes[name], self._loaded[name] = prepared.new, new
            self._publish()
            await self._tasks.stop(old)
            self._tasks.start(new)
            await Catalogue(self._environment.database).record(module_record(new.spec))
        retiring = asyncio.create_task(self._retire(old, None), name=f"old module {name}")
        self._retiring.add(retiring)
        retiring.add_done_callback(self._retiring.discard)
        return prepared.commands_changed

    async def run_task(self, module: str, handler: str) -> None:
        """Run a task of a module once, now, whoever else runs it. What it raises is raised.

        Raises:
            LookupError: There is no such module or task.
        """
        loaded = self._loaded[module]
        specs = [spec for spec in loaded.spec.tasks if spec.handler == handler]
        if not specs:
            raise LookupError(f"module {module} has no task {handler}")
        await self._tasks.run_now(loaded, specs[0])

    async def stop(self) -> None:
        """Stop all modules, the last one first."""
        self._router.table = RoutingTable(())
        await end_tasks(*self._retiring)
        for module in reversed(self.loaded):
            await self._tasks.stop(module)
            await self._retire(module, _GRACE)
        self._loaded.clear()

    def _publish(self) -> None:
        self._router.table = RoutingTable(self.loaded)

    async def _start(self, module: loader.LoadedModule) -> LoadedModule:
        """Make the instance and run its start hook.

        Raises:
            ModuleRefusedError: One of them fails.
        """
        spec, log = module.spec, logging.getLogger(f"migaga.modules.{module.spec.name}")
        services = Services(self._environment.services)
        try:
            instance = module.cls()
            instance.spec, instance.log, instance.services = spec, log, services
            instance.rest, instance.database = self._environment.rest, self._environment.database
            await run_hook(instance.start, self._start_seconds)
        except HookTooLongError as error:
            reason = f"its start() was still running after {self._start_seconds:g} s ({error})."
            hint = "What takes that long belongs into a task, or behind a time limit of its own."
            raise ModuleRefusedError(ModuleFailure(spec.name, reason, hint)) from error
        except (Exception, SystemExit, KeyboardInterrupt) as error:
            # An author's code may raise anything; the other modules must run.
            _log.exception("module %s does not start", spec.name)
            reason = f"it fails to start: {type(error).__name__}: {error}."
            raise ModuleRefusedError(ModuleFailure(spec.name, reason, "The log has the traceback.")) from error
        missing = missing_services(spec, services)
        if missing:
            await self._stop(instance, spec.name)
            reason = f"its handlers ask for {', '.join(missing)}, which nobody provides."
            hint = "Call self.services.provide(Type, value) in its start()."
            raise ModuleRefusedError(ModuleFailure(spec.name, reason, hint))
        return LoadedModule(spec, instance, services, log)

    async def _retire(self, module: LoadedModule, grace: float | None) -> None:
        """Wait until the module's handlers have ended, at most `grace` seconds, then run its stop hook."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await module.idle()
        if isinstance(module.instance, BaseModule):
            await self._stop(module.instance, module.spec.name)

    async def _stop(self, instance: BaseModule, name: str) -> None:
        try:
            await run_hook(instance.stop, _STOP_SECONDS)
        except HookTooLongError as error:
            _log.error("module %s: its stop() was still running after %g s (%s)", name, _STOP_SECONDS, error)
        except (Exception, SystemExit, KeyboardInterrupt):
            _log.exception("module %s does not stop cleanly", name)
