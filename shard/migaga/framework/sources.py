"""Where modules come from: built in, folders that the configuration names, and installed packages' entry points.

Nothing is imported here; `importing.py` does that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

BUILT_IN = "migaga_modules"
ENTRY_POINTS = "migaga.modules"
_NO_MODULES = frozenset({"conftest", "tests", "setup"})


@dataclass(frozen=True, slots=True)
class ModuleFailure:
    """A module that does not run, and why."""

    name: str
    """Of the module, or what stands for it: a file, a folder, a name in the configuration."""
    reason: str
    hint: str
    """What to do about it."""

    def __str__(self) -> str:
        """Return all of it as one text."""
        return f"module {self.name}: {self.reason} {self.hint}".rstrip()


@dataclass(frozen=True, slots=True)
class Source:
    """One place that holds one module."""

    name: str
    """As `[Modules] Load` names it: the folder's, file's or entry point's name."""
    kind: Literal["built-in", "directory", "entry point"]
    import_name: str
    """Python's name of it."""
    attribute: str | None = None
    """Of an entry point: the class in it."""
    path: Path | None = None
    """The file or folder."""
    directory: Path | None = None
    """Of a module in a folder: that folder."""
    package: str | None = None
    """Of an entry point: the installed package and its version."""

    @property
    def place(self) -> str:
        """How messages name it."""
        return str(self.path) if self.path is not None else f"{self.kind} {self.import_name}"

    @property
    def origin(self) -> str:
        """Where it comes from, for people: `built-in`, `directory /srv/modules`, `package my-package 1.0`."""
        if self.package is not None:
            return f"package {self.package}"
        return self.kind if self.directory is None else f"directory {self.directory}"


def discover(directories: Sequence[Path] = ()) -> tuple[list[Source], list[ModuleFailure]]:
    """Return every module there is, and what keeps a folder from being read."""
    found = list(_built_in())
    failures: list[ModuleFailure] = []
    for directory in dict.fromkeys(path.expanduser().resolve() for path in directories):
        inside, unreadable = _in_directory(directory)
        found.extend(inside)
        failures.extend(unreadable)
    found.extend(_entry_points())
    return found, failures


def _built_in() -> Iterator[Source]:
    spec = find_spec(BUILT_IN)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        for path in sorted(Path(place).iterdir()):
            if (path / "__init__.py").is_file():
                yield Source(path.name, "built-in", f"{BUILT_IN}.{path.name}", path=path)


def _in_directory(directory: Path) -> tuple[list[Source], list[ModuleFailure]]:
    package = package_of(directory)
    found: list[Source] = []
    failures: list[ModuleFailure] = []
    hint = "Correct `Directories` in `[Modules]`."
    try:
        for path in sorted(directory.iterdir()):
            is_package = (path / "__init__.py").is_file()
            name = path.name if is_package else path.stem
            if (not is_package and (path.suffix != ".py" or path.is_dir())) or _is_passed_over(name):
                continue
            if path.exists():
                found.append(Source(name, "directory", f"{package}.{name}", path=path, directory=directory))
            else:
                failures.append(ModuleFailure(name, f"{path} points to nothing.", "Correct or remove the link."))
    except OSError as error:
        failures.append(
            ModuleFailure(directory.name, f"the folder {directory} cannot be read ({error.strerror or error}).", hint)
        )
    if not found and not failures:
        reason = f"the folder {directory} holds no module: no file `name.py`, no folder with an `__init__.py`."
        failures.append(ModuleFailure(directory.name, reason, hint))
    return found, failures


def _is_passed_over(name: str) -> bool:
    return name.startswith(("_", ".", "test_")) or name.endswith("_test") or name in _NO_MODULES


def package_of(directory: Path) -> str:
    """Name the package that stands for a folder: two folders may hold files of the same name."""
    return f"migaga_directory_{hashlib.sha256(str(directory).encode()).hexdigest()[:12]}"


def _entry_points() -> Iterable[Source]:
    for point in sorted(entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        package = f"{point.dist.name} {point.dist.version}" if point.dist is not None else None
        yield Source(point.name, "entry point", point.module, attribute=point.attr or None, package=package)
