"""What the contexts of all kinds share: the process's parts, and what belongs to one run of one handler.

Made by `runtime.py` (the process) and by the running of handlers (`running.py`); read by `context.py`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

import hikari
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.common.alive import Alive
from migaga.common.discord_time import DiscordTime
from migaga.common.errors import UnavailableError
from migaga.common.pause import Pause
from migaga.framework.departures import Departures
from migaga.framework.guild_settings import GuildSettings
from migaga.framework.guilds import GuildDirectory
from migaga.framework.services import Services
from migaga.framework.spec import ModuleSpec
from migaga.framework.waiting import Waiting
from migaga.storage.database import Database

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Application:
    """The bot, as Discord knows it."""

    id: int
    """Application id."""
    bot_id: int
    """User id of the bot."""
    owners: frozenset[int] = frozenset()
    """User ids: the configured ones, the application's owner and its team."""


class Metrics(Protocol):
    """What the framework counts; `observe` implements it."""

    def command(self, module: str, command: str, outcome: str, seconds: float) -> None:
        """Count one use of a command: `ok`, `refused`, `wrong_use`, `unanswered`, `unavailable`, `expired`, `error`."""
        ...

    def handler(self, module: str, handler: str, outcome: str, seconds: float) -> None:
        """Count one run of a listener, component, menu, autocomplete or task; `again`: it has to run once more."""
        ...

    def event_paused(self, name: str) -> None:
        """Count an event that is not handled, because the bot is paused."""
        ...


class NoMetrics:
    """Counts nothing."""

    def command(self, module: str, command: str, outcome: str, seconds: float) -> None:
        """Count nothing."""

    def handler(self, module: str, handler: str, outcome: str, seconds: float) -> None:
        """Count nothing."""

    def event_paused(self, name: str) -> None:
        """Count nothing."""


@dataclass(slots=True, kw_only=True)
class Environment:
    """Parts of the process that contexts use."""

    application: Application
    discord: hikari.api.RESTClient
    """The framework's own calls."""
    rest: hikari.api.RESTClient
    """For handlers: commits the running handler's transaction before each call."""
    database: Database
    directory: GuildDirectory
    settings: GuildSettings
    departures: Departures = field(default_factory=Departures)
    waiting: Waiting
    services: Services = field(default_factory=Services)
    metrics: Metrics = field(default_factory=NoMetrics)
    now: Callable[[], float]
    """Wall clock: seconds since the epoch."""
    discord_time: DiscordTime
    """How old what Discord made is."""
    alive: Alive
    """Whether this process may act for its shards now (P1)."""
    pause: Pause = field(default_factory=Pause)
    """Whether the bot's operators have paused it: nothing starts."""


@dataclass(slots=True, eq=False)
class LoadedModule:
    """One loaded module: what it is, and the instance whose methods run."""

    spec: ModuleSpec
    instance: object
    services: Services
    log: logging.Logger
    running: int = 0
    """Handlers of it that run now."""
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def began(self) -> None:
        """Note that a handler of it begins."""
        self.running += 1
        self._idle.clear()

    def ended(self) -> None:
        """Note that a handler of it has ended."""
        self.running -= 1
        if not self.running:
            self._idle.set()

    async def idle(self) -> None:
        """Wait until no handler of it runs."""
        if self.running:
            await self._idle.wait()


@dataclass(slots=True, eq=False)
class Scope:
    """One run of one handler."""

    environment: Environment
    module: LoadedModule
    handler: str
    event_key: str
    """Names the event for effects that must happen once; the same when the event is repeated."""
    session: AsyncSession
    alive: Alive
    """Whether it may go on now."""
    guild_id: int | None = None
    channel_id: int | None = None
    patience: float | None = None
    """Seconds that the framework's own look-ups may take; None: as long as the database takes."""
    went_out: bool = False
    """Whether something may have happened that a rollback does not undo: a commit, a call to the outside."""
    _commits: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def until_valid(self) -> None:
        """Wait while this run may not act. A life that is over cancels whoever waits here."""
        while not self.alive.is_valid():
            await self.alive.until_valid()

    async def go_out(self) -> None:
        """Commit, before something that shows outside and cannot be taken back."""
        await self.commit()
        self.went_out = True

    async def look_up(self, work: Awaitable[T]) -> T:
        """Wait for what the framework itself asks the database, no longer than the person of this run can wait.

        Raises:
            UnavailableError: There was no answer in time.
        """
        try:
            async with asyncio.timeout(self.patience):
                return await work
        except TimeoutError as error:
            raise UnavailableError(f"the database gave no answer within {self.patience:g} s") from error

    async def commit(self) -> None:
        """End the transaction, if one was begun: nothing is held while the outside is called or waited for.

        Calls that a handler makes at the same time (`asyncio.gather`) commit one after the other. Neither the commit
        nor what follows it happens while this process may not act.
        """
        await self.until_valid()
        async with self._commits:
            if self.session.in_transaction():
                await self.session.commit()
                self.went_out = True
        await self.until_valid()
