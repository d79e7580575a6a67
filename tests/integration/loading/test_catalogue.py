"""Loading records what modules are and what their handlers need; what left the configuration leaves the catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from migaga.framework.loader import LoadResult, load_modules
from migaga.framework.recorder import record_modules
from migaga.framework.sources import ModuleFailure
from migaga.storage.catalogue import Catalogue, HandlerRecord, InjectedRecord, ParameterRecord
from migaga.storage.database import Database, open_database
from migaga.storage.schema import upgrade

CODE = '''
from datetime import timedelta
import hikari
from sqlalchemy.ext.asyncio import AsyncSession
from migaga.api import *

class Everything(BaseModule):
    """Has one handler of each kind."""

    class Options(GuildOptions):
        size: int = option(3, "How many")

    @command(permissions=hikari.Permissions.MANAGE_ROLES, bot_permissions=hikari.Permissions.BAN_MEMBERS)
    async def sort(self, ctx: Context, options: Options, db: AsyncSession, who: hikari.User, times: int = 1) -> None:
        """Sort somebody."""

    @user_command("Sort them", owner_only=True, guild_only=False)
    async def menu(self, ctx: Context, target: hikari.User) -> None: ...

    @listen(hikari.GuildMessageCreateEvent, hikari.MemberCreateEvent, guild_only=True)
    async def seen(self, event: hikari.Event, ctx: EventContext, rest: hikari.api.RESTClient) -> None: ...

    @listen(hikari.StartedEvent)
    async def started(self, event: hikari.StartedEvent) -> None: ...

    @task(every=timedelta(minutes=5), once_per="shard")
    async def sweep(self, ctx: TaskContext) -> None: ...

    @component("again")
    async def again(self, ctx: Context, game: int) -> None: ...

    @modal("form", permissions=hikari.Permissions.MANAGE_GUILD)
    async def form(self, ctx: Context) -> None: ...

    @autocomplete
    async def suggest(self, ctx: AutocompleteContext, value: str) -> list[str]: ...
'''

HANDLERS = {
    HandlerRecord(
        "sort",
        "command",
        "sort",
        "Context",
        (ParameterRecord("who", "user", True), ParameterRecord("times", "whole number", False)),
        (InjectedRecord("options", "options", "Options"), InjectedRecord("db", "database session", "AsyncSession")),
        permissions=1 << 28,
        bot_permissions=1 << 2,
        guild_only=True,
    ),
    HandlerRecord("menu", "user", "Sort them", "Context", owner_only=True),
    *(
        HandlerRecord(
            "seen",
            "listener",
            event,
            "EventContext",
            injected=(
                InjectedRecord("ctx", "context", "EventContext"),
                InjectedRecord("rest", "service", "RESTClient"),
            ),
            guild_only=True,
        )
        for event in ("GuildMessageCreateEvent", "MemberCreateEvent")
    ),
    HandlerRecord("started", "listener", "StartedEvent", None),
    HandlerRecord(
        "sweep",
        "task",
        "every 0:05:00, once per shard",
        "TaskContext",
        injected=(InjectedRecord("ctx", "context", "TaskContext"),),
    ),
    HandlerRecord(
        "again", "component", "again", "Context", (ParameterRecord("game", "whole number", True),), guild_only=True
    ),
    HandlerRecord("form", "modal", "form", "Context", permissions=1 << 5, guild_only=True),
    HandlerRecord(
        "suggest", "autocomplete", "suggest", "AutocompleteContext", (ParameterRecord("value", "text", True),)
    ),
}


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}") as opened:
        await upgrade(opened)
        yield opened


async def load(names: list[str], *folders: Path) -> LoadResult:
    return await asyncio.to_thread(load_modules, names, folders)


async def names_in(catalogue: Catalogue) -> list[str]:
    return [record.name for record in await catalogue.list_modules()]


async def test_what_every_handler_needs_is_recorded(tmp_path: Path, database: Database) -> None:
    (tmp_path / "everything.py").write_text(CODE)
    result = await load(["everything"], tmp_path)
    assert result.failures == ()
    await record_modules(Catalogue(database), result)
    [found] = await Catalogue(database).list_modules()
    assert set(found.handlers) == HANDLERS
    assert len(found.handlers) == len(HANDLERS)


async def test_a_module_that_left_the_configuration_leaves_the_catalogue(database: Database) -> None:
    catalogue = Catalogue(database)
    await record_modules(catalogue, await load(["games", "points", "people"]))
    assert await names_in(catalogue) == ["games", "people", "points"]
    await record_modules(catalogue, await load(["points", "pionts"]))
    assert await names_in(catalogue) == ["pionts", "points"]
    await record_modules(catalogue, await load(["points"]))
    [points] = await catalogue.list_modules()
    assert points.loaded
    assert points.handlers


async def test_processes_with_other_modules_that_start_at_once_leave_one_whole_catalogue(database: Database) -> None:
    many, few = await load(["games", "points", "people"]), await load(["points"])
    await asyncio.gather(*(record_modules(Catalogue(database), one) for one in [many, few] * 3))
    assert await names_in(Catalogue(database)) in (["games", "people", "points"], ["points"])


async def test_a_failure_of_any_name_can_be_recorded(database: Database) -> None:
    names = ["x" * 300, "half \udcff", "", "🫠", "x" * 300]
    failures = tuple(ModuleFailure(name, f"{name} cannot be read.", "Rename it.") for name in names)
    await record_modules(Catalogue(database), LoadResult((), failures))
    assert await names_in(Catalogue(database)) == ["", "half ?", "x" * 64, "🫠"]
