"""The examples of docs/modules.md are modules that load and do what the page says; its test passes for an author."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.support.forked import Forked

from migaga import api
from migaga.framework.loader import load_modules
from migaga.testing.bot import TestBot

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "modules.md").read_text("utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
EXAMPLES = [text for text in BLOCKS if "(BaseModule)" in text]
TESTS = [text for text in BLOCKS if "def test_" in text]
PYTEST = "import sys, pytest\nsys.exit(pytest.main(sys.argv[1:]))"


@pytest.mark.parametrize("text", EXAMPLES, ids=[str(index) for index in range(len(EXAMPLES))])
def test_an_example_is_a_module(tmp_path: Path, text: str) -> None:
    (tmp_path / "example.py").write_text(text)
    result = load_modules(["example"], [tmp_path])
    assert result.failures == ()
    assert len(result.modules) == 1


def test_every_block_of_python_is_tried() -> None:
    assert len(EXAMPLES) == 3
    assert len(TESTS) == 1
    assert len(BLOCKS) == 4


async def test_the_examples_do_what_they_say(tmp_path: Path, bot: TestBot) -> None:
    for name, text in zip(("greeter", "starry", "fruit"), EXAMPLES, strict=True):
        (tmp_path / f"{name}.py").write_text(text)
    await bot.load_from(tmp_path, "greeter", "starry", "fruit")
    anna, ben = await bot.member("Anna"), await bot.member("Ben")
    assert (await anna.says(f"!hi {ben.mention}")).content == f"Hello, {ben.mention}!"
    assert (await anna.slash("hello")).content == f"Hello, {anna.mention}!"
    assert (await anna.says("!stars")).content == "3 ⭐"
    assert (await anna.slash("fruit take", name="pear", count=2)).content == "2 pear"
    assert (await anna.says("!eat apple")).content == "1 apple"


def test_the_test_of_the_page_passes_as_an_author_runs_it(tmp_path: Path, forked: Forked) -> None:
    (tmp_path / "greeter.py").write_text(EXAMPLES[0])
    (tmp_path / "test_greeter.py").write_text(TESTS[0])
    done = forked.start(PYTEST, "-q", "-p", "no:cacheprovider", f"--rootdir={tmp_path}", folder=tmp_path)[0]
    assert "1 passed" in done.out, done.out + done.err
    assert done.code == 0


@pytest.mark.parametrize("name", re.findall(r"^\| `(\w+)[(`]", PAGE.split("## `Context`")[0], re.MULTILINE))
def test_every_documented_name_is_exported(name: str) -> None:
    assert name in {*api.__all__, "str"}


def test_every_exported_name_is_documented() -> None:
    names = set(re.findall(r"\w+", PAGE))
    assert [name for name in api.__all__ if name not in names] == []


@pytest.mark.parametrize("section", ["Using it from a module", "Column types"])
def test_what_the_page_about_the_database_names_can_be_imported(section: str) -> None:
    text = (DOCS / "database.md").read_text("utf-8").split(f"## {section}")[1].split("\n## ")[0]
    named = re.findall(r"^\| `(\w+)[(`]", text, re.MULTILINE)
    assert named
    assert [name for name in named if name not in api.__all__] == []
