"""`migaga new module NAME`: write a module with its test, ready to change."""

from __future__ import annotations

import keyword
from argparse import ArgumentParser, Namespace
from importlib import resources
from pathlib import Path
from string import Template

from migaga.cli.output import say
from migaga.common.commands import Command
from migaga.common.errors import UsageError
from migaga.framework.errors import DeclarationError
from migaga.framework.naming import check_module_name, title_of
from migaga.framework.sources import discover

FILES = {"__init__.py": "module.py.txt", "test_{name}.py": "test.py.txt", "README.md": "readme.md.txt"}
"""File of the new module -> template."""


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="KIND")
    module = kinds.add_parser("module", help="a feature module", description="Write a module with its test.")
    module.add_argument("name", metavar="NAME", help="lower case letters, digits and `_`, such as `reminders`")
    module.add_argument(
        "--directory", type=Path, default=Path(), metavar="D", help="folder to write it into (default: this one)"
    )


def run(arguments: Namespace) -> int:
    """Write the files and return the exit code."""
    directory: Path = arguments.directory
    folder = directory / check_free(arguments.name, directory)
    names = {
        "name": arguments.name,
        "title": title_of(arguments.name),
        "cls": "".join(word.capitalize() for word in arguments.name.split("_")),
        "command": arguments.name.replace("_", "-"),
        "directory": str(directory),
    }
    try:
        folder.mkdir(parents=True)
        for file, template in FILES.items():
            text = resources.files("migaga.cli.templates").joinpath(template).read_text("utf-8")
            (folder / file.format(**names)).write_text(Template(text).substitute(names), "utf-8")
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}): choose another --directory") from error
    say(f"{folder} written. Next:")
    say(f"  pytest {folder}")
    say(f"  migaga modules show {arguments.name} --directory {directory}")
    return 0


def check_free(name: str, directory: Path) -> str:
    """Return the name when a module can be written under it.

    Raises:
        UsageError: no module can have it, or one has.
    """
    try:
        check_module_name(name, "NAME")
    except DeclarationError as error:
        raise UsageError(f"{error.reason}. {error.hint}") from None
    if keyword.iskeyword(name):
        raise UsageError(f"{name!r} is a word of Python: choose another name")
    if name.startswith("test_") or name.endswith("_test") or name in {"core", "tests", "conftest", "setup"}:
        raise UsageError(f"{name!r} is not loaded as a module: choose another name")
    for source in discover()[0]:
        if source.name == name:
            raise UsageError(f"there is a module {name!r} already ({source.place}): choose another name")
    for path in (directory / name, directory / f"{name}.py"):
        if path.exists():
            raise UsageError(f"{path} exists already: choose another name or --directory")
    return name


COMMAND = Command("new", "write a new module with its test", configure, run)
