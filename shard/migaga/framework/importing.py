"""Import the code of a module, the first time and again from disk.

A second import happens beside the first: the new code gets Python's names for a moment, then the old has them back
until `Imported.take_over`. So old and new handlers can run at the same time, and new code that fails changes nothing.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import CodeType, ModuleType

from migaga.framework.sources import Source, package_of


class _Shared:
    """`sys.modules` and `sys.meta_path` are the whole process's: one thread at a time changes them."""

    lock = threading.RLock()


def give_up_lock() -> None:
    """Let others import although a thread that never ends holds the lock: what it does later is about its own names."""
    _Shared.lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class Imported:
    """The imported code of one module."""

    root: ModuleType
    files: dict[str, ModuleType]
    """All of its files by Python's name."""

    def take_over(self) -> None:
        """Make this code what an import of its name gives from now on."""
        with _Shared.lock:
            _put(self.root.__name__, self.files)


def import_source(source: Source, *, again: bool = False) -> Imported:
    """Import a module's code.

    Args:
        source: What to import.
        again: From disk, beside code that is already there, which keeps Python's names.

    Raises:
        BaseException: whatever the code raises.
    """
    name = source.import_name
    with _Shared.lock:
        _make_parent(source)
        if not again and source.directory is None:
            root = importlib.import_module(name)
            return Imported(root, _files(name))
        with _names_kept(name, keep=again), _read_from_disk(name):
            importlib.invalidate_caches()
            root = importlib.import_module(name)
            return Imported(root, _files(name))


def _make_parent(source: Source) -> None:
    if source.directory is None:
        return
    package = package_of(source.directory)
    if package not in sys.modules:
        parent = ModuleType(package, f"Modules in {source.directory}.")
        parent.__path__ = [str(source.directory)]
        sys.modules[package] = parent


def _files(name: str) -> dict[str, ModuleType]:
    return {key: module for key, module in sys.modules.items() if key == name or key.startswith(f"{name}.")}


def _put(name: str, files: dict[str, ModuleType]) -> None:
    for key in _files(name):
        del sys.modules[key]
    sys.modules.update(files)
    parent, _, child = name.rpartition(".")
    if parent in sys.modules and name in files:
        setattr(sys.modules[parent], child, files[name])


@contextmanager
def _names_kept(name: str, *, keep: bool) -> Iterator[None]:
    """Take a module's names away for an import; give them back after it, or when it fails."""
    before = _files(name)
    for key in before:
        del sys.modules[key]
    done = False
    try:
        yield
        done = True
    finally:
        if keep or not done:
            _put(name, before)


class _FreshLoader(SourceFileLoader):
    """Compiles what the file says now. A cached compilation may be of the same second and length, but older."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _FreshFinder(MetaPathFinder):
    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name and not fullname.startswith(f"{self._name}."):
            return None
        for entry in sys.path if path is None else path:
            spec = FileFinder(entry, (_FreshLoader, SOURCE_SUFFIXES)).find_spec(fullname)
            if spec is not None:
                return spec
        return None


@contextmanager
def _read_from_disk(name: str) -> Iterator[None]:
    finder = _FreshFinder(name)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
