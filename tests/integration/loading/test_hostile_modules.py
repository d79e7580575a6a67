"""Modules that break things while they are loaded: each is named with the reason, and the others run."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from tests.support.forked import Forked

from migaga.api import BaseModule, Context, command
from migaga.framework.builtin.core import load_core
from migaga.framework.loader import load_modules
from migaga.storage.catalogue import Catalogue
from migaga.testing.bot import TestBot

HEAD = "import sqlalchemy as sa\nfrom migaga.api import *\n"
GOOD = HEAD + 'class Good(BaseModule):\n    """Works."""\n'
COMMAND = "\n    @command{more}\n    async def {name}(self, ctx: Context{takes}) -> None:\n        {doc}\n"


def module(name: str, *, more: str = "", takes: str = "", doc: str = '"""Do it."""') -> str:
    head = f'{HEAD}class {name.capitalize()}(BaseModule):\n    """Breaks."""\n'
    return head + COMMAND.format(name=f"{name}_it", more=more, takes=takes, doc=doc)


HOSTILE = {
    "ends": ("raise SystemExit(0)", ["SystemExit: 0", "line 1"]),
    "interrupts": ("\nraise KeyboardInterrupt", ["KeyboardInterrupt", "line 2"]),
    "cancels": ("import asyncio\nraise asyncio.CancelledError", ["CancelledError", "line 2"]),
    "odd": ("raise BaseException('odd')", ["BaseException: odd"]),
    "deep": ("def f(): return f()\nf()", ["RecursionError"]),
    "syntax": ("def broken(:", ["not valid Python", "syntax.py, line 1"]),
    "coding": ("# -*- coding: nonsense -*-", ["not valid Python", "unknown encoding"]),
    "nul": ("x = 1\x00", ["not valid Python", "null bytes"]),
    "signature": (module("signature", takes=", thing: list[str]"), ["Signature.signature_it(thing)", "list[str]"]),
    "untyped": (module("untyped", takes=", thing"), ["Untyped.untyped_it(thing)", "no type"]),
    "crowded": (module("crowded", takes="".join(f", a{i}: int" for i in range(26))), ["26 parameters", "allows 25"]),
    "wordy": (module("wordy", doc=f'"""{"x" * 101}"""'), ["101 characters", "allows 100"]),
    "silent": (module("silent", doc="pass"), ["has no description", "docstring"]),
    "number": (module("number", doc="pass\n    number_it.__doc__ = 5"), ["has no description"]),
    "unicode": (module("unicode", more='("Grüße")'), ["'Grüße' is not lower case", "'grüße'"]),
    "blank": (module("blank", more='("a b")'), ["has a ' '"]),
    "wide": (module("wide", more=f'("{"x" * 33}")'), ["33 characters", "1 to 32"]),
    "endless": (module("endless").replace("endless_it", "y" * 65), ["has 65 characters", "at most 64"]),
    "numbered": (module("numbered") + "    name = 5", ["5 cannot be the name of a module"]),
    "ünï": (HEAD + "class Ünï(BaseModule): pass", ["'ünï' cannot be the name of a module"]),
    "grabs": (
        module("grabs")
        + "    metadata = sa.MetaData()\n    sa.Table('Guild_Option', metadata, sa.Column('id', sa.Integer))",
        ["the table 'guild_option' is taken by the module 'core'", "Start the names of its tables"],
    ),
    "helping": (module("helping", more='("help")'), ["slash command 'help' is taken by the module 'core'"]),
    "option": (
        module("option") + "\n    class Options(GuildOptions):\n        size: int = option(3, 5)",
        ["Option.Options.size", "has no description"],
    ),
    "wrong_table": (
        module("wrong_table").replace("Wrong_table", "WrongTable") + "    metadata = 5",
        ["no `sqlalchemy.MetaData`"],
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_module_that_breaks_things_is_named_and_the_others_run(tmp_path: Path, name: str) -> None:
    text, told = HOSTILE[name]
    (tmp_path / f"{name}.py").write_text(text)
    (tmp_path / "good.py").write_text(GOOD)
    result = load_modules([name, "good"], [tmp_path], taken=[load_core().spec])
    assert [one.spec.name for one in result.modules] == ["good"]
    [failure] = result.failures
    assert failure.name == name
    missing = [part for part in told if part not in str(failure)]
    assert not missing, f"{missing} not in: {failure}"


def test_a_module_that_loops_is_given_up_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "loops.py").write_text("x = 1\nwhile True:\n    x += 1\n")
    (tmp_path / "good.py").write_text(GOOD)
    result = load_modules(["loops", "good"], [tmp_path], import_seconds=0.3)
    assert [one.spec.name for one in result.modules] == ["good"]
    assert "still being imported after 0.3 s" in result.failures[0].reason
    assert "loops.py, line" in result.failures[0].reason
    assert "async start()" in result.failures[0].hint


def test_a_module_that_blocks_outside_of_python_is_left_behind(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    (tmp_path / "blocks.py").write_text(f"\nopen({str(gate)!r}).read()\n")
    (tmp_path / "good.py").write_text(GOOD)
    began = time.monotonic()
    result = load_modules(["blocks", "good"], [tmp_path], import_seconds=0.3)
    assert time.monotonic() - began < 10
    assert [one.spec.name for one in result.modules] == ["good"]
    assert "blocks.py, line 2" in result.failures[0].reason
    with gate.open("w"):
        pass  # Its thread may end now.


def test_the_json_is_one_object_whatever_modules_print(tmp_path: Path, forked: Forked) -> None:
    (tmp_path / "prints.py").write_text(
        "import os, subprocess, sys\nprint('hello')\nsys.stdout.write('x')\nos.write(1, b'raw')\n"
        "subprocess.run(['echo', 'child'])\n" + module("prints") + f"    print({'{'!r})\n"
    )
    (tmp_path / "broken.py").write_text("print('[')\n1/0")
    (tmp_path / "config.ini").write_text("[Modules]\nLoad = prints, broken, nowhere\nDirectories = .\n")
    done = forked.migaga("modules", "list", "--json", folder=tmp_path)
    listed = json.loads(done.out)
    assert done.code == 1
    assert [one["name"] for one in listed["modules"]] == ["prints"]
    assert sorted(one["name"] for one in listed["failures"]) == ["broken", "nowhere"]
    assert "child" in done.err
    upgraded = forked.migaga("db", "upgrade", "--json", folder=tmp_path)
    assert upgraded.code == 1
    report = json.loads(upgraded.out)
    assert not report["good"]
    assert [one["name"] for one in report["schemas"]] == ["core"]
    assert sorted(one["name"] for one in report["failures"]) == ["broken", "nowhere"]


def test_exit_codes_tell_whether_all_is_well(tmp_path: Path, forked: Forked) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "config.ini").write_text("[Modules]\nLoad = good\nDirectories = .\n")
    assert forked.migaga("modules", "list", folder=tmp_path).code == 0
    assert forked.migaga("modules", "show", "good", folder=tmp_path).code == 0
    assert forked.migaga("modules", "show", "goood", folder=tmp_path).code == 64
    assert forked.migaga("modules", "list", "--config", "nowhere.ini", folder=tmp_path).code == 78
    (tmp_path / "good.py").write_text("1/0")
    assert forked.migaga("modules", "list", folder=tmp_path).code == 1
    assert forked.migaga("modules", "show", "good", folder=tmp_path).code == 1


def test_a_broken_database_url_does_not_keep_modules_from_being_listed(tmp_path: Path, forked: Forked) -> None:
    (tmp_path / "config.ini").write_text("[Database]\nUrl = nonsense://user:hidden@host/x\n")
    done = forked.migaga("modules", "list", "--json", folder=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["failures"] == []


def test_a_folder_without_modules_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("")
    (tmp_path / "empty" / "folder.py").mkdir()
    (tmp_path / "file.py").write_text("")
    result = load_modules(["points"], [tmp_path / "empty", tmp_path / "file.py", tmp_path / "empty"])
    assert [one.spec.name for one in result.modules] == ["points"]
    empty, file = result.failures
    assert f"the folder {tmp_path / 'empty'} holds no module" in empty.reason
    assert "Not a directory" in file.reason


def test_a_link_to_nothing_is_told_and_the_rest_of_the_folder_loads(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text(GOOD)
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    result = load_modules(["good"], [tmp_path])
    assert [one.spec.name for one in result.modules] == ["good"]
    assert "points to nothing" in result.failures[0].reason


def test_two_modules_of_one_name_are_told_apart_by_their_files(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "good.py").write_text(GOOD)
    result = load_modules(["good"], [tmp_path / "one", tmp_path / "two"])
    assert [one.spec.source for one in result.modules] == [tmp_path / "one" / "good.py"]
    [failure] = result.failures
    assert (
        f"the module name 'good' is taken by {tmp_path}/one/good.py; this is {tmp_path}/two/good.py" in failure.reason
    )


@pytest.mark.parametrize("name", ["json", "types", "asyncio", "hikari", "migaga"])
def test_a_file_named_like_a_library_hides_nothing(tmp_path: Path, name: str) -> None:
    (tmp_path / f"{name}.py").write_text(f"import json, types, asyncio, hikari\n{module(name)}")
    result = load_modules([name], [tmp_path])
    assert result.failures == ()
    assert result.modules[0].spec.name == name
    assert json.loads("[1]") == [1]


def test_a_file_that_its_package_lacks_is_named_without_our_own_names(tmp_path: Path) -> None:
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "__init__.py").write_text("from .tables import words\n")
    [failure] = load_modules(["bad"], [tmp_path]).failures
    assert "it imports '.tables', and has no such file" in failure.reason
    assert "migaga_directory" not in str(failure)


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), ValueError("no key")])
async def test_a_module_whose_start_fails_is_named_and_the_others_run(bot: TestBot, error: BaseException) -> None:
    class Ends(BaseModule):
        async def start(self) -> None:
            raise error

    class Runs(BaseModule):
        @command
        async def answer(self, ctx: Context) -> str:
            """Answer."""
            return "here"

    with pytest.raises(AssertionError, match=f"module ends: it fails to start: {type(error).__name__}"):
        await bot.load(Ends, Runs)
    assert [one.spec.name for one in bot.runtime.modules.loaded] == ["core", "runs"]
    records = {record.name: record for record in await Catalogue(bot.database).list_modules()}
    assert (records["runs"].loaded, records["ends"].loaded) == (True, False)
    assert type(error).__name__ in str(records["ends"].error)
