"""What the documents promise is there: commands, make targets, links, and the README's module."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migaga.cli.main import COMMANDS
from migaga.framework.loader import load_modules

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*/README.md")])
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
FENCED = re.compile(r"```.*?```", re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links_of(page: Path) -> list[str]:
    """The links of a page that lead into the repository."""
    found = re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", page.read_text("utf-8")))
    return [link for link in found if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in links_of(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        assert not anchor or anchor in anchors_of(target), f"{page.name} links to {link}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached = {(ROOT / link.partition("#")[0]).resolve() for link in links_of(ROOT / "README.md")}
    assert {page for page in PAGES if page.parent.name == "docs"} <= reached


def test_the_readme_begins_with_the_two_commands() -> None:
    commands = re.findall(r"^make (\w+)", README.split("```")[1], re.MULTILINE)
    assert commands == ["demo", "test"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_is_named_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))) <= targets


def test_the_readme_names_every_command_and_no_other() -> None:
    table = README.split("| command | what it does |")[1].split("\n\n")[0]
    assert set(re.findall(r"`migaga (\w+)", table)) == set(COMMANDS)


def test_the_readmes_module_is_a_module(tmp_path: Path) -> None:
    (text,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "greeter.py").write_text(text)
    result = load_modules(["greeter"], [tmp_path])
    assert result.failures == ()
    (module,) = result.modules
    assert [command.text_names for command in module.spec.commands] == [(("hello",), ("hi",))]
