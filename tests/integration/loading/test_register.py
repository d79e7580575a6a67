"""Discord is told the commands once per fleet, only when they have changed, and what it refuses is explained."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import hikari
import pytest
from tests.support.forked import Forked

from migaga.api import BaseModule, Context, command, group
from migaga.framework.declare import read_module
from migaga.framework.register import RegistrationError, register_commands
from migaga.framework.spec import ModuleSpec
from migaga.storage.catalogue import Catalogue
from migaga.storage.database import Database, open_database
from migaga.storage.process_lock import process_lock
from migaga.storage.schema import upgrade
from migaga_emulator.server import Emulator, run_emulator


class Points(BaseModule):
    points = group("points", "Points")

    @points.command()
    async def give(self, ctx: Context, amount: int) -> None:
        """Give points."""

    @command
    async def hello(self, ctx: Context) -> None:
        """Greet."""


SPEC = read_module(Points)


class Site:
    """An emulated Discord, a bot's REST client and its database."""

    def __init__(self, emulator: Emulator, rest: hikari.api.RESTClient, database: Database, application: int) -> None:
        self.emulator, self.rest, self.database, self.application = emulator, rest, database, application

    async def register(self, *modules: ModuleSpec) -> bool:
        return await register_commands(self.rest, self.application, self.database, modules)

    async def known(self) -> list[str]:
        return sorted(one.name for one in await self.rest.fetch_application_commands(self.application))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with run_emulator() as emulator, open_database(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}") as database:
        await upgrade(database)
        bot = emulator.create_bot("Testy")
        app = hikari.RESTApp(url=emulator.api_url)
        await app.start()
        async with app.acquire(bot.token, hikari.TokenType.BOT) as rest:
            yield Site(emulator, rest, database, bot.application_id)
        await app.close()


async def test_commands_are_registered_when_they_change_and_only_then(site: Site) -> None:
    assert await site.register(SPEC)
    assert await site.known() == ["hello", "points"]
    assert not await site.register(SPEC)
    assert await site.register(replace(SPEC, commands=SPEC.commands[1:]))
    assert len(await site.known()) == 1


async def test_of_many_processes_one_tells_discord(site: Site) -> None:
    told = await asyncio.gather(*(site.register(SPEC) for _ in range(5)))
    assert sorted(told) == [False, False, False, False, True]


PROCESS = """
import asyncio, sys
import hikari
from migaga.framework.loader import load_modules
from migaga.framework.register import register_commands
from migaga.storage.database import open_database

async def main(url, api, token, application):
    specs = [module.spec for module in load_modules(["games", "people"]).modules]
    app = hikari.RESTApp(url=api)
    await app.start()
    async with open_database(url, pool_size=2) as database, app.acquire(token, hikari.TokenType.BOT) as rest:
        wait_for_others()
        print(await register_commands(rest, int(application), database, specs))
    await app.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_of_six_processes_that_start_at_once_one_tells_discord(database_url: str, forked: Forked) -> None:
    async with run_emulator() as emulator:
        async with open_database(database_url) as database:
            await upgrade(database)
        bot = emulator.create_bot("Testy")
        arguments = (database_url, emulator.api_url, bot.token, str(bot.application_id))
        done = await forked.together(PROCESS, *arguments, count=6)
        assert [(one.code, one.err) for one in done] == [(0, "")] * 6
        assert sorted(one.out for one in done) == ["False\n"] * 5 + ["True\n"]


async def test_telling_discord_does_not_wait_for_a_change_of_the_schema(site: Site) -> None:
    async with process_lock(site.database, "schema", 1, "changing the schema"):
        assert await site.register(SPEC)


async def test_a_bot_without_commands_takes_back_what_it_had(site: Site) -> None:
    await site.register(SPEC)
    assert await site.register()
    assert await site.known() == []


async def test_a_refused_command_is_named_and_tried_again(site: Site) -> None:
    [hello] = [one for one in SPEC.commands if one.path == ("hello",)]
    wrong = replace(SPEC, commands=(replace(hello, description="x" * 101),))
    for _ in range(2):
        with pytest.raises(RegistrationError, match=r"/hello \(module points\) 'description'"):
            await site.register(wrong)
    assert await Catalogue(site.database).registered_digest() is None
