"""A bot at work in an emulated Discord: real sockets, a real database, the runtime of production, in this process.

The fixture `bot` (`plugin.py`) opens one for each test.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import hikari

from migaga.common.clock import MonotonicClock
from migaga.common.settings import Credentials
from migaga.fleet.fleet import Fleet, Gateway
from migaga.fleet.member import Member
from migaga.fleet.parts import NoBreaker, random_token
from migaga.fleet.plan import FleetPlan
from migaga.framework.declare import read_module
from migaga.framework.loader import LoadedModule, LoadResult, load_modules
from migaga.framework.module import BaseModule
from migaga.framework.options import GuildOptions
from migaga.framework.runtime import FrameworkRuntime, FrameworkSettings
from migaga.framework.sources import Source
from migaga.framework.values import encode
from migaga.gateway.discord import Discord, open_discord
from migaga.gateway.identify import Budget, IdentifyGate
from migaga.gateway.observer import Unobserved
from migaga.storage.database import Database, open_database
from migaga.storage.leases import open_lease_store
from migaga.storage.schema import upgrade
from migaga.testing.people import Channel, Guild, Person, Reply
from migaga.testing.quiet import Quiet
from migaga_emulator.populate import text_channel
from migaga_emulator.rules import Rules
from migaga_emulator.server import Emulator, run_emulator
from migaga_emulator.world.state import Bot, Message

T = TypeVar("T")
M = TypeVar("M", bound=BaseModule)
RULES = Rules(
    identify_total=1_000_000,
    identify_interval_s=0.0,
    max_concurrency=16,
    rest_global_per_s=100_000,
    rest_limits=(),
    rest_default_limit=100_000,
)
"""No waiting for limits: what a test means to say about them it says with rules of its own."""
SETTINGS = FrameworkSettings()


class TestBot:
    """A bot, the guild it is in and the people there."""

    __test__ = False

    def __init__(
        self,
        emulator: Emulator,
        account: Bot,
        discord: Discord,
        database: Database,
        settings: FrameworkSettings = SETTINGS,
    ) -> None:
        self.emulator = emulator
        self.account = account
        self.database = database
        """What the bot stores."""
        self._discord = discord
        self._stack = AsyncExitStack()
        self._modules: list[LoadedModule] = []
        self._manager = discord.event_manager(_INTENTS)
        self.runtime = FrameworkRuntime(settings, discord, database, self._manager)
        self._quiet = Quiet(emulator, account, self.runtime)
        self.guild = self.make_guild("Testing")
        """The guild in which people are unless it is said otherwise."""
        self.owner = Person(self.guild, emulator.world.core.user(self.guild.state.owner_id), self._quiet)
        """Who owns the guild, and may do everything there."""

    @property
    def id(self) -> int:
        """The bot's user id."""
        return self.account.user.id

    def make_guild(self, name: str, *, permissions: hikari.Permissions | None = None) -> Guild:
        """Make another guild with a channel `general`, and let the bot join it.

        Args:
            name: Its name.
            permissions: What the bot may do there; everything but Administrator when left out.
        """
        world = self.emulator.world
        state = world.guilds.create(name, world.guilds.create_user(f"owner_of_{name.lower()}"))
        text_channel(world, state, "general")
        if permissions is None:
            world.guilds.add_bot(state, self.account)
        else:
            world.guilds.add_bot(state, self.account, bits=int(permissions))
        return Guild(world, state)

    async def load(self, *modules: type[BaseModule] | str) -> None:
        """Load modules, by class or by the name of a built-in one, and connect the bot.

        Raises:
            AssertionError: One of them does not run; says why.
        """
        await self._start(await asyncio.to_thread(_loaded, modules))

    async def load_from(self, directory: Path, *names: str) -> None:
        """Load modules from the files in a folder, as `[Modules] Directories` does, and connect the bot."""
        await self._start(await asyncio.to_thread(load_modules, names, [directory]))

    async def _start(self, result: LoadResult) -> None:
        assert not self._modules, "load all modules at once"
        self._modules = list(result.modules)
        failures = [*result.failures, *await self.runtime.load(LoadResult(result.modules, ()))]
        assert not failures, "\n".join(str(failure) for failure in failures)
        await self._connect()

    def module(self, kind: type[M]) -> M:
        """Return the running instance of a module."""
        for module in self.runtime.modules.loaded:
            if isinstance(module.instance, kind):
                return module.instance
        raise LookupError(f"{kind.__name__} is not loaded")

    async def member(
        self,
        name: str,
        *,
        permissions: hikari.Permissions = hikari.Permissions.NONE,
        roles: tuple[int, ...] = (),
        guild: Guild | None = None,
        is_bot: bool = False,
    ) -> Person:
        """Let a person join a guild, with a role of these permissions and further roles."""
        where = guild or self.guild
        person = self.outsider(name, guild=where, is_bot=is_bot)
        await person.joins()
        if permissions:
            roles = (*roles, where.role(f"role of {name}", permissions=permissions))
        for role in roles:
            where.give(person, role)
        await self.quiet()
        return person

    async def join_owner(self) -> Person:
        """Let the owner of the bot join the guild."""
        person = Person(self.guild, self.account.owner, self._quiet)
        await person.joins()
        return person

    def outsider(self, name: str, *, guild: Guild | None = None, is_bot: bool = False) -> Person:
        """Make a person who is in no guild; `joins` lets them in."""
        user = self.emulator.world.guilds.create_user(name.lower(), global_name=name)
        user.bot = is_bot
        return Person(guild or self.guild, user, self._quiet)

    async def options(self, module: type[BaseModule] | str, guild: Guild | None = None, **values: object) -> None:
        """Set options of a module in a guild."""
        name = module if isinstance(module, str) else self.module(module).spec.name
        specs = {one.name: one for m in self.runtime.modules.loaded if m.spec.name == name for one in m.spec.options}
        for option, value in values.items():
            await self.runtime.settings.set((guild or self.guild).id, name, option, encode(specs[option], value))

    async def read_options(self, kind: type[GuildOptions], guild: Guild | None = None) -> GuildOptions:
        """Return a guild's options."""
        return await self.runtime.settings.load((guild or self.guild).id, kind.module_name, kind)

    async def run_task(self, module: type[BaseModule], handler: str) -> None:
        """Run a task once, now, with the arguments that it takes. An error of it is raised."""
        await self.runtime.modules.run_task(self.module(module).spec.name, handler)

    async def quiet(self) -> None:
        """Wait until the bot has finished everything, or only waits for people."""
        await self._quiet.wait()

    async def no_reply(self) -> None:
        """Check that the bot has said nothing since the last thing that a person did."""
        await self.quiet()
        said = self._quiet.said
        assert not said, f"the bot said: {[message.content for message in said]}"

    @property
    def said(self) -> list[Message]:
        """The bot's messages since the last thing that a person did, as far as they have come."""
        return self._quiet.said

    async def wait_for(self, what: Callable[[], T]) -> T:
        """Wait until `what` returns something that is true, and return it."""
        return await self._quiet.until(what, "what was waited for does not happen")

    async def says(self) -> list[Reply]:
        """Return what the bot has said since the last thing that a person did, wherever it was."""
        await self.quiet()
        return [Reply(message) for message in self._quiet.said]

    def messages(self, channel: Channel | None = None) -> list[Message]:
        """Return the messages of a channel, oldest first."""
        return list((channel or self.guild.general).state.messages.values())

    async def _connect(self) -> None:
        info, clock = await self._discord.gateway(), MonotonicClock()

        async def budget() -> Budget:
            return info.budget

        store = await self._stack.enter_async_context(open_lease_store(self.database))
        member = Member(store, clock, revision=0, capacity=1, address="", new_id=random_token)
        fleet = Fleet(
            Gateway(
                self._discord, info, self._manager, IdentifyGate(info.budget, budget, clock, Unobserved()), NoBreaker()
            ),
            FleetPlan(1, (0,), _INTENTS),
            member,
            router=self.runtime,
            store=store,
            clock=clock,
            observer=Unobserved(),
        )
        await fleet.start()
        self._stack.push_async_callback(fleet.stop, timedelta(seconds=1))
        self._quiet.fleet = fleet
        await self._quiet.connected()
        await self.quiet()

    async def close(self) -> None:
        """Disconnect."""
        await self._stack.aclose()


_INTENTS = hikari.Intents.ALL


def _loaded(modules: tuple[type[BaseModule] | str, ...]) -> LoadResult:
    names = [module for module in modules if isinstance(module, str)]
    built_in = load_modules(names) if names else LoadResult((), ())
    given = tuple(
        LoadedModule(read_module(module), module, Source(module.__name__, "directory", module.__module__))
        for module in modules
        if not isinstance(module, str)
    )
    return LoadResult((*built_in.modules, *given), built_in.failures)


@asynccontextmanager
async def run_bot(
    database_url: str, *, rules: Rules = RULES, settings: FrameworkSettings = SETTINGS
) -> AsyncIterator[TestBot]:
    """Run a bot that is not connected yet: `load` does it.

    Args:
        database_url: Where it keeps its data.
        rules: Discord's limits.
        settings: What the configuration says about the framework.
    """
    async with AsyncExitStack() as stack:
        emulator = await stack.enter_async_context(run_emulator(rules))
        account = emulator.create_bot("Testy")
        database = await stack.enter_async_context(open_database(database_url))
        credentials = Credentials(account.application_id, account.token)
        discord = await stack.enter_async_context(
            open_discord(credentials, emulator.api_url, calls_per_second=rules.rest_global_per_s)
        )
        bot = TestBot(emulator, account, discord, database, settings)
        await stack.enter_async_context(bot.runtime)
        stack.push_async_callback(bot.close)
        yield bot


async def make_template(path: Path) -> None:
    """Make a SQLite database that has the core's tables, so that not every test migrates."""
    async with open_database(f"sqlite+aiosqlite:///{path}") as database:
        await upgrade(database)
