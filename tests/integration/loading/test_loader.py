"""Modules are found, imported and read; what is wrong with one is told, and the others run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migaga.framework.loader import LoadResult, load_modules
from migaga.framework.sources import ModuleFailure

GOOD = '''
from migaga.api import BaseModule, Context, command

class Greeter(BaseModule):
    """Greets people."""

    @command
    async def {name}(self, ctx: Context) -> None:
        """Greet."""
'''


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def mine(result: LoadResult) -> dict[str, str]:
    return {module.spec.name: module.source.kind for module in result.modules if module.source.kind != "built-in"}


def failure(result: LoadResult, name: str) -> ModuleFailure:
    [found] = [one for one in result.failures if one.name == name]
    return found


def test_the_built_in_modules_load_and_get_along() -> None:
    result = load_modules()
    names = {module.spec.name for module in result.modules}
    assert {"config", "custom_commands", "games", "people", "points"} <= names
    assert result.failures == ()


def test_files_and_packages_of_a_folder_are_modules(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "greeter.py": GOOD.format(name="greet_one"),
            "_helper.py": "raise RuntimeError",
            "test_greeter.py": "raise RuntimeError",
            "conftest.py": "raise RuntimeError",
            "notes.txt": "",
            "other/__init__.py": "from .code import Other\n",
            "other/code.py": GOOD.format(name="greet_two").replace("Greeter", "Other"),
            "no_package/code.py": "raise RuntimeError",
        },
    )
    result = load_modules(None, [tmp_path])
    assert mine(result) == {"greeter": "directory", "other": "directory"}
    assert result.failures == ()
    assert "greeter" not in sys.modules


def test_only_named_modules_load_when_there_are_names(tmp_path: Path) -> None:
    write(tmp_path, {"greeter.py": GOOD.format(name="greet_one"), "broken.py": "1/0"})
    result = load_modules(["points", "Greeter"], [tmp_path])
    assert [module.spec.name for module in result.modules] == ["points", "greeter"]
    assert result.failures == ()


def test_an_unknown_name_is_told_the_nearest(tmp_path: Path) -> None:
    result = load_modules(["point"], [tmp_path])
    assert result.modules == ()
    assert "there is no module of this name" in failure(result, "point").reason
    assert 'Did you mean "points"?' in failure(result, "point").hint


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    result = load_modules(["points"], [tmp_path / "nowhere"])
    assert len(result.modules) == 1
    assert "No such file" in failure(result, "nowhere").reason
    assert "Directories" in failure(result, "nowhere").hint


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("import not_there", ["'not_there'", "line 1", "from .not_there import"]),
        ("from migaga.api import nothing_such", ["nothing_such"]),
        ("\ndef broken(:\n", ["not valid Python", "line 2"]),
        ("x = 1\n1/0", ["ZeroDivisionError", "division by zero", "line 2"]),
        ("raise SystemExit(3)", ["SystemExit"]),
        ("", ["no class", "BaseModule"]),
        ("class Bad: pass", ["no class", "BaseModule"]),
        (
            "from migaga.api import BaseModule\nclass A(BaseModule): pass\nclass B(BaseModule): pass",
            ["several modules (A, B)"],
        ),
        (
            "from migaga.api import *\nclass Bad(BaseModule):\n @command\n async def f(self): 'F.'",
            ["Bad.f", "context", "ctx: Context"],
        ),
        ("from migaga.api import *\nclass Core(BaseModule): pass", ["'core'"]),
        ("from migaga.api import *\nclass Points(BaseModule): pass", ["module name 'points' is taken"]),
        (
            "from migaga.api import *\nclass Bad(BaseModule):\n @command('x', text='points give')\n"
            " async def f(self, ctx: Context): 'F.'",
            ["text command 'points give' is taken by the module 'points'"],
        ),
        (
            "import sqlalchemy as sa\nfrom migaga.api import *\nclass Bad(BaseModule):\n metadata = sa.MetaData()\n"
            "sa.Table(next(iter(__import__('migaga_modules.points', fromlist=['Points']).Points.metadata.tables)),"
            " Bad.metadata, sa.Column('id', sa.Integer))",
            ["the table", "is taken by the module 'points'", "Start the names"],
        ),
    ],
)
def test_a_module_that_cannot_be_used_is_named_and_the_others_run(tmp_path: Path, text: str, told: list[str]) -> None:
    write(tmp_path, {"bad.py": text, "greeter.py": GOOD.format(name="greet_one")})
    result = load_modules(["points", "bad", "greeter"], [tmp_path])
    assert [module.spec.name for module in result.modules] == ["points", "greeter"]
    [found] = result.failures
    missing = [part for part in told if part not in str(found)]
    assert not missing, f"{missing} not in: {found}"


def test_the_line_of_the_module_is_named_also_for_errors_deeper_down(tmp_path: Path) -> None:
    write(tmp_path, {"bad/__init__.py": "from . import deep\n", "bad/deep.py": "\n\nimport json\njson.loads('{')\n"})
    found = failure(load_modules(["bad"], [tmp_path]), "bad")
    assert "deep.py, line 4" in found.reason


def test_two_folders_may_hold_files_of_the_same_name(tmp_path: Path) -> None:
    one = write(tmp_path / "one", {"greeter.py": GOOD.format(name="greet_one")})
    two = write(tmp_path / "two", {"greeter.py": GOOD.format(name="greet_two").replace("Greeter", "Second")})
    result = load_modules(["greeter"], [one, two])
    assert [module.spec.name for module in result.modules] == ["greeter", "second"]


def test_a_module_may_wait_to_be_named(tmp_path: Path) -> None:
    text = GOOD.format(name="greet_one").replace('people."""', 'people."""\n\n    load_by_default = False')
    write(tmp_path, {"greeter.py": text})
    assert mine(load_modules(None, [tmp_path])) == {}
    assert mine(load_modules(["greeter"], [tmp_path])) == {"greeter": "directory"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that Python finds packages in, as if they were installed."""
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("migaga_plugin")]:
        del sys.modules[name]


def test_installed_packages_offer_modules_by_entry_points(installed: Path) -> None:
    write(
        installed,
        {
            "migaga_plugin.py": GOOD.format(name="greet_plug"),
            "migaga_plugin-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: migaga-plugin\nVersion: 1\n",
            "migaga_plugin-1.dist-info/entry_points.txt": (
                "[migaga.modules]\nplugged = migaga_plugin:Greeter\nwrong = migaga_plugin:Nope\ngone = nowhere_such:X\n"
            ),
        },
    )
    result = load_modules(["plugged", "wrong", "gone"])
    assert mine(result) == {"greeter": "entry point"}
    assert result.modules[0].source.origin == "package migaga-plugin 1"
    assert "greeter" in mine(load_modules())
    assert "migaga_plugin:Nope" in failure(result, "wrong").reason
    assert "nowhere_such" in failure(result, "gone").reason
