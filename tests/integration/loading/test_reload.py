"""A module is loaded again beside the old one, and takes over only when everything about it is fine."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from migaga.framework.loader import LoadedModule, LoadResult, ModuleRefusedError, load_modules
from migaga.framework.recorder import record_modules
from migaga.framework.reload import prepare_reload, upgrade_schemas
from migaga.storage.catalogue import Catalogue
from migaga.storage.database import Database, open_database

CODE = '''
import sqlalchemy as sa
from migaga.api import BaseModule, Context, GuildOptions, command, option
from .words import WORD

class Greeter(BaseModule):
    """Greets people."""

    metadata = sa.MetaData()
    table = sa.Table("greeter_words", metadata, sa.Column("id", sa.Integer, primary_key=True))

    class Options(GuildOptions):
        size: int = option(3, "How many")

    @command
    async def greet(self, ctx: Context) -> None:
        """Greet."""

    def word(self) -> str:
        return WORD
'''


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(f"sqlite+aiosqlite:///{tmp_path / 'bot.db'}") as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "modules" / "greeter").mkdir(parents=True)
    (tmp_path / "modules" / "greeter" / "words.py").write_text("WORD = 'old'\n")
    (tmp_path / "modules" / "greeter" / "__init__.py").write_text(CODE)
    return tmp_path / "modules"


@pytest.fixture
async def old(folder: Path, database: Database) -> LoadedModule:
    result = await upgrade_schemas(await load(["greeter"], folder), database)
    assert result.failures == ()
    return result.modules[0]


async def load(names: list[str], *folders: Path) -> LoadResult:
    return await asyncio.to_thread(load_modules, names, folders)


def word(module: LoadedModule) -> str:
    found: str = module.cls().word()  # type: ignore[attr-defined]  # of the written class
    return found


async def test_new_code_runs_beside_the_old(folder: Path, database: Database, old: LoadedModule) -> None:
    running = old.cls()
    # Of the same length and within the same second as what Python might have cached.
    (folder / "greeter" / "words.py").write_text("WORD = 'new'\n")
    prepared = await prepare_reload(old, [], database)
    assert word(prepared.new) == "new"
    assert word(old) == "old"
    assert running.word() == "old"  # type: ignore[attr-defined]  # of the written class
    assert sys.modules[old.cls.__module__].Greeter is old.cls
    prepared.take_over()
    assert sys.modules[old.cls.__module__].Greeter is prepared.new.cls
    assert not prepared.commands_changed


async def test_files_below_are_read_again_and_shared_ones_are_not(folder: Path, database: Database) -> None:
    (folder / "shared.py").write_text("class Shared: pass\n")
    (folder / "greeter" / "deep").mkdir()
    (folder / "greeter" / "deep" / "__init__.py").write_text("from .inner import WORD\n")
    (folder / "greeter" / "deep" / "inner.py").write_text("from ...shared import Shared\nWORD = 'old'\n")
    (folder / "greeter" / "words.py").write_text("from .deep import WORD\nfrom .deep.inner import Shared\n")
    old = (await load(["greeter"], folder)).modules[0]
    (folder / "greeter" / "deep" / "inner.py").write_text("from ...shared import Shared\nfrom .added import WORD\n")
    (folder / "greeter" / "deep" / "added.py").write_text("WORD = 'new'\n")
    (folder / "shared.py").write_text("class Shared: changed = True\n")
    prepared = await prepare_reload(old, [], database)
    shared = sys.modules[f"{old.cls.__module__}.words"].Shared
    prepared.take_over()
    assert (word(old), word(prepared.new)) == ("old", "new")
    # Old and new code agree on what is shared.
    assert sys.modules[f"{old.cls.__module__}.words"].Shared is shared
    assert not hasattr(shared, "changed")


async def test_a_change_of_commands_is_seen(folder: Path, database: Database, old: LoadedModule) -> None:
    (folder / "greeter" / "__init__.py").write_text(CODE.replace("Greet.", "Greet loudly."))
    assert (await prepare_reload(old, [], database)).commands_changed


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("1/0", "ZeroDivisionError"),
        (CODE.replace("ctx: Context", "ctx: int"), "Greeter.greet(ctx)"),
        (CODE.replace("class Greeter", "class Other"), "its name has become 'other'"),
        (CODE.replace('"greeter_words"', '"module_command"'), "module_command"),
        (CODE.replace("async def greet", "async def roll"), "'roll' is taken by the module 'games'"),
    ],
)
async def test_code_that_cannot_be_used_changes_nothing(
    folder: Path, database: Database, old: LoadedModule, code: str, told: str
) -> None:
    games = (await load(["games"])).modules[0].spec
    before = {name: module for name, module in sys.modules.items() if name.startswith("migaga_directory")}
    (folder / "greeter" / "__init__.py").write_text(code)
    with pytest.raises(ModuleRefusedError) as refused:
        await prepare_reload(old, [games], database)
    assert told in str(refused.value)
    assert {name: module for name, module in sys.modules.items() if name.startswith("migaga_directory")} == before
    assert word(old) == "old"


async def test_a_built_in_module_is_reloaded_under_its_own_name(database: Database) -> None:
    old = (await load(["people"])).modules[0]
    prepared = await prepare_reload(old, [], database)
    assert prepared.new.cls is not old.cls
    assert prepared.new.cls.__module__ == old.cls.__module__
    assert sys.modules[old.cls.__module__].__dict__[old.cls.__name__] is old.cls


async def test_modules_are_recorded_with_commands_and_options(
    folder: Path, database: Database, old: LoadedModule
) -> None:
    (folder / "broken.py").write_text("1/0")
    catalogue = Catalogue(database)
    await record_modules(catalogue, await load(["greeter", "broken", "points"], folder))
    found = {record.name: record for record in await catalogue.list_modules()}
    assert [(one.name, one.text_names, one.usage) for one in found["greeter"].commands] == [
        ("greet", ("greet",), "!greet")
    ]
    assert [(one.name, one.kind, one.default) for one in found["greeter"].options] == [("size", "whole number", 3)]
    assert found["greeter"].loaded
    assert not found["broken"].loaded
    assert "ZeroDivisionError" in str(found["broken"].error)
    assert len(found["points"].commands) >= 8


async def test_a_module_whose_table_is_taken_is_refused_and_the_others_run(tmp_path: Path, database: Database) -> None:
    text = CODE.replace("from .words import WORD", "WORD = ''")
    (tmp_path / "greeter.py").write_text(text.replace('"greeter_words"', '"module_option"'))
    result = await upgrade_schemas(await load(["greeter", "people"], tmp_path), database)
    assert [module.spec.name for module in result.modules] == ["people"]
    assert "module_option" in str(result.failures[0])
