"""The module system of one process: loads modules, routes events to them, reloads and stops them.

`process/app.py` and `migaga.testing` open one `FrameworkRuntime` and give its `route` to the gateway.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import cast

import aiohttp
import hikari

from migaga.common.alive import Alive, AlwaysAlive
from migaga.common.ending import end_tasks
from migaga.common.errors import MigagaError
from migaga.common.pause import Pause
from migaga.framework.access import Access
from migaga.framework.autocompletes import Autocompletes
from migaga.framework.building import Builder
from migaga.framework.builtin.core import load_core
from migaga.framework.builtin.parts import CoreParts
from migaga.framework.committing import committing
from migaga.framework.cooldowns import Cooldowns
from migaga.framework.departures import Departures, HasLeft
from migaga.framework.edits import Edits
from migaga.framework.guild_keeper import GuildKeeper
from migaga.framework.guild_settings import GuildSettings
from migaga.framework.guild_source import RestGuildSource
from migaga.framework.guilds import GuildDirectory
from migaga.framework.interactions import InteractionRouter
from migaga.framework.loader import LoadResult
from migaga.framework.modules import START_SECONDS, ModuleSet
from migaga.framework.option_defaults import Given, check_defaults
from migaga.framework.resolver import RestResolver
from migaga.framework.routing import EventRouter
from migaga.framework.running import Runner
from migaga.framework.scope import Application, Environment, Metrics, NoMetrics
from migaga.framework.sources import ModuleFailure
from migaga.framework.tasks import Tasks
from migaga.framework.texts import TextCommands
from migaga.framework.uncalled import TextNames
from migaga.framework.waiting import Waiting
from migaga.gateway.discord import Discord
from migaga.gateway.handling import Handlers
from migaga.gateway.received import Received
from migaga.storage.access import AccessStore
from migaga.storage.database import Database
from migaga.storage.options import OptionStore
from migaga.storage.retention import Retention

_log = logging.getLogger(__name__)
_REFRESH = 30.0
"""Seconds after which prefixes and switches that another process has set are seen."""


@dataclass(frozen=True, slots=True)
class FrameworkSettings:
    """What the configuration says about the framework."""

    prefix: str = "!"
    whitelisted_bots: frozenset[int] = frozenset()
    owners: frozenset[int] = frozenset()
    guild_days: float = 30
    """Days after which the data of a guild is deleted that the bot has left."""
    start_seconds: float = START_SECONDS
    """How long a module's `start()` may take."""
    options: Given = field(default_factory=dict)
    """What modules' options are in guilds that have not set them."""


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """One module as the status page shows it."""

    name: str
    loaded: bool
    commands: int = 0
    listeners: int = 0
    running: int = 0
    """Handlers that run now."""
    error: str | None = None


class FrameworkRuntime:
    """Modules at work. Use it as an asynchronous context manager; `load` the modules inside."""

    def __init__(
        self,
        settings: FrameworkSettings,
        discord: Discord,
        database: Database,
        builder: Builder,
        *,
        metrics: Metrics | None = None,
        shard_ids: Callable[[], Sequence[int]] = lambda: (),
        alive: Alive | None = None,
        pause: Pause | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Make the parts; nothing runs yet.

        Args:
            settings: What the configuration says.
            discord: REST, and who the bot is.
            database: Where everything is stored.
            builder: Makes hikari's events.
            metrics: Who counts.
            shard_ids: The shards that this process has now, for tasks that run once per shard.
            alive: Whether this process may act for them now: nothing starts and nothing goes out while it may not.
                Left out: always, since it shares them with nobody.
            pause: Whether the bot is paused. Left out: it never is.
            now: Wall clock, seconds since the epoch.
        """
        self._settings = settings
        self._discord = discord
        self.database = database
        application = read_application(discord, settings.owners)
        rest: hikari.api.RESTClient = discord.rest
        alive = alive or AlwaysAlive()
        safe = committing(rest, alive)
        # What hikari's objects call (`message.delete()`) goes through their app: it must commit first too.
        discord.app.connect(cast("hikari.impl.RESTClientImpl", safe))
        self.settings = GuildSettings(OptionStore(database), settings.prefix)
        self.access_rules = AccessStore(database)
        self.retention = Retention(database)
        departures = Departures()
        self.directory = GuildDirectory(
            RestGuildSource(rest, application.bot_id), application.bot_id, departures=departures
        )
        self.environment = Environment(
            application=application,
            discord=rest,
            rest=safe,
            database=database,
            directory=self.directory,
            settings=self.settings,
            departures=departures,
            waiting=Waiting(departures),
            metrics=metrics or NoMetrics(),
            now=now,
            discord_time=discord.time,
            alive=alive,
            pause=pause or Pause(),
        )
        access = Access(self.access_rules, Cooldowns())
        runner = Runner(self.environment, access)
        texts = TextCommands(
            self.environment,
            runner,
            RestResolver(rest),
            Edits(),
            bots=settings.whitelisted_bots,
        )
        interactions = InteractionRouter(self.environment, runner, Autocompletes(self.environment, runner, access))
        self._router = EventRouter(
            self.environment,
            runner,
            builder,
            texts=texts,
            interactions=interactions,
            keeper=GuildKeeper(database, self.retention, rest),
        )
        self.access = access
        tasks = Tasks(self.environment, runner, shard_ids=shard_ids)
        self.modules = ModuleSet(self.environment, tasks, self._router, start_seconds=settings.start_seconds)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> FrameworkRuntime:
        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            services = self.environment.services
            services.provide(hikari.api.RESTClient, self.environment.rest)  # type: ignore[type-abstract]
            services.provide(aiohttp.ClientSession, session)
            services.provide(Database, self.database)
            services.provide(GuildSettings, self.settings)
            services.provide(GuildDirectory, self.directory)
            services.provide(Application, self.environment.application)
            services.provide(TextNames, TextNames(self.settings.prefix, lambda: [m.spec for m in self.modules.loaded]))
            services.provide(CoreParts, self._core_parts())
            stack.push_async_callback(self.directory.close)
            stack.push_async_callback(self.modules.stop)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def _core_parts(self) -> CoreParts:
        return CoreParts(
            settings=self.settings,
            rules=self.access_rules,
            access=self.access,
            retention=self.retention,
            modules=self.modules,
            guild_days=self._settings.guild_days,
            reload=self.reload,
        )

    async def load(self, result: LoadResult) -> list[ModuleFailure]:
        """Start the built-in and these modules: tables, start hooks, catalogue, slash commands, tasks.

        Returns what does not run, with the reason; the others run.

        Raises:
            ConfigError: The configuration sets an option that a module does not have, or to what it cannot be.
            MigagaError: The database cannot be used.
        """
        self.settings.begin_with(check_defaults(self._settings.options, [one.spec for one in result.modules]))
        failures = await self.modules.load(await asyncio.to_thread(load_core), result)
        await self.settings.refresh()
        refresher = asyncio.create_task(self.settings.keep_fresh(_REFRESH), name="guild settings")
        self._stack.push_async_callback(end_tasks, refresher)
        await self.register()
        return failures

    async def register(self) -> bool:
        """Tell Discord the slash commands if they have changed. A refusal is logged: text commands work on."""
        try:
            return await self.modules.register(self._discord.application.id)
        except (MigagaError, hikari.HikariError) as error:
            _log.error("slash commands stay as they were: %s", error)
            return False

    def route(self, event: Received) -> Handlers | None:
        """Return what runs the handlers of an event (the gateway's `Router`)."""
        return self._router.route(event)

    def refuse(self, event: Received, reason: str) -> Handlers | None:
        """Return what tells a person why their interaction is not run (the gateway's `Router`)."""
        return self._router.refuse(event, reason)

    def left(self, has_left: HasLeft) -> None:
        """Forget the guilds whose shard this process no longer has (the gateway's `Router`)."""
        self._router.left(has_left)

    def stopping(self) -> None:
        """End every handler's wait for a person: the process is being stopped. They are told to run it again."""
        self.environment.waiting.close()

    async def reload(self, name: str) -> None:
        """Load a module again from disk; the old code goes on until the new one has started.

        Raises:
            ModuleRefusedError: The new code cannot be used; the old one runs on.
            MigagaError: There is no such module.
        """
        if await self.modules.reload(name):
            await self.register()

    def status(self) -> list[ModuleStatus]:
        """Return how each module is."""
        running = [
            ModuleStatus(
                module.spec.name,
                True,
                len(module.spec.commands),
                len(module.spec.listeners),
                module.running,
            )
            for module in self.modules.loaded
        ]
        failed = [
            ModuleStatus(one.name, False, error=f"{one.reason} {one.hint}".strip()) for one in self.modules.failures
        ]
        return running + failed


def read_application(discord: Discord, owners: frozenset[int]) -> Application:
    """Return the bot's ids and who owns it: the configured people, the application's owner, its team."""
    application = discord.application
    people = set(owners) | {int(application.owner.id)}
    if application.team is not None:
        people |= {int(member) for member in application.team.members}
    return Application(int(application.id), int(discord.user.id), frozenset(people))
