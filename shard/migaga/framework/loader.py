"""Find, import and read modules. What cannot be used is named, with the reason; the others run.

`migaga run` and `migaga modules list` call `load_modules`; `reload.py` uses `load_source`.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from migaga.common.text import did_you_mean
from migaga.framework.clashes import find_clashes
from migaga.framework.declare import FaultyModuleError, read_module
from migaga.framework.errors import DeclarationError
from migaga.framework.guarded import call_guarded
from migaga.framework.importing import Imported, give_up_lock, import_source
from migaga.framework.module import BaseModule
from migaga.framework.naming import snake_case
from migaga.framework.sources import ModuleFailure, Source, discover
from migaga.framework.spec import ModuleSpec

IMPORT_SECONDS = 60.0
"""How long the import of one module may take."""


@dataclass(frozen=True, slots=True)
class LoadedModule:
    """A module's class, read; the runtime makes the instance."""

    spec: ModuleSpec
    cls: type[BaseModule]
    source: Source


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What became of all modules."""

    modules: tuple[LoadedModule, ...]
    failures: tuple[ModuleFailure, ...]


class ModuleRefusedError(Exception):
    """A module cannot be used; `failure` says why."""

    def __init__(self, failure: ModuleFailure) -> None:
        super().__init__(str(failure))
        self.failure = failure


def load_modules(
    names: Sequence[str] | None = None,
    directories: Sequence[Path] = (),
    *,
    taken: Sequence[ModuleSpec] = (),
    import_seconds: float = IMPORT_SECONDS,
) -> LoadResult:
    """Load modules. Reads files: call it before the event loop runs, or in a thread.

    Args:
        names: The modules to load, from wherever they are. None or empty: all that are found, but those whose class
            says `load_by_default = False`.
        directories: Folders that hold modules: one file or one package for each.
        taken: Modules that run anyway, whose names no other can have: the framework's own.
        import_seconds: How long the import of each may take; one that takes longer is given up.
    """
    sources, failures = discover(directories)
    chosen, unknown = _choose(sources, names or ())
    failures.extend(unknown)
    modules: list[LoadedModule] = []
    for source in chosen:
        try:
            module, _ = load_source(source, import_seconds=import_seconds)
            if not names and not module.cls.load_by_default:
                continue
        except ModuleRefusedError as refused:
            failures.append(refused.failure)
        else:
            modules.append(module)
    return without_clashes(LoadResult(tuple(modules), tuple(failures)), taken)


def without_clashes(result: LoadResult, taken: Sequence[ModuleSpec]) -> LoadResult:
    """Move modules that want what another one has to the failures: the first one has it, and those of `taken`."""
    kept: list[LoadedModule] = []
    failures = list(result.failures)
    for module in result.modules:
        try:
            refuse_clashes(module, [*taken, *(other.spec for other in kept)])
        except ModuleRefusedError as refused:
            failures.append(refused.failure)
        else:
            kept.append(module)
    return LoadResult(tuple(kept), tuple(failures))


def _choose(sources: list[Source], names: Sequence[str]) -> tuple[list[Source], list[ModuleFailure]]:
    if not names:
        return sources, []
    chosen: list[Source] = []
    unknown: list[ModuleFailure] = []
    for name in dict.fromkeys(names):
        fitting = [source for source in sources if source.name.casefold() == name.casefold()]
        chosen.extend(fitting)
        if not fitting:
            known = sorted({source.name for source in sources})
            hint = f"{did_you_mean(name, known).strip()} There are: {', '.join(known)}.".strip()
            unknown.append(ModuleFailure(name, "there is no module of this name.", hint))
    return chosen, unknown


def load_source(
    source: Source, *, again: bool = False, import_seconds: float = IMPORT_SECONDS
) -> tuple[LoadedModule, Imported]:
    """Import and read one module.

    Args:
        source: Where it is.
        again: From disk, beside the code that runs.
        import_seconds: How long it may take.

    Raises:
        ModuleRefusedError: it cannot be used.
    """
    outcome = call_guarded(lambda: _load(source, again=again), import_seconds)
    if outcome.value is not None:
        return outcome.value
    if outcome.abandoned:
        give_up_lock()
    if outcome.error is None:
        where = _last_line(outcome.stuck, source)
        reason = f"it was still being imported after {import_seconds:g} s ({where})."
        raise ModuleRefusedError(ModuleFailure(source.name, reason, "Do what takes long in `async start()`."))
    reason, hint = _explain(outcome.error, source)
    raise ModuleRefusedError(ModuleFailure(source.name, reason, hint)) from outcome.error


def _load(source: Source, *, again: bool) -> tuple[LoadedModule, Imported]:
    imported = import_source(source, again=again)
    cls = _find_class(imported.root, source)
    return LoadedModule(read_module(cls, source.path), cls, source), imported


def _explain(error: BaseException, source: Source) -> tuple[str, str]:
    """Return the reason and what to do, of whatever a module raised."""
    if isinstance(error, FaultyModuleError):
        return _faults(error)
    if isinstance(error, DeclarationError):
        return f"{error.where}: {error.reason}.", error.hint
    return _import_fault(error, source)


def _faults(error: FaultyModuleError) -> tuple[str, str]:
    if len(error.faults) == 1:
        return f"{error.where}: {error.reason}.", error.hint
    return f"{len(error.faults)} faults:\n" + "\n".join(f"  {fault}" for fault in error.faults), ""


def _find_class(root: ModuleType, source: Source) -> type[BaseModule]:
    if source.attribute is not None:
        found: object = getattr(root, source.attribute, None)
        if isinstance(found, type) and issubclass(found, BaseModule):
            return found
        raise DeclarationError(
            f"{root.__name__}:{source.attribute}",
            "it is no class that inherits from `BaseModule`",
            "Correct the entry point.",
        )
    classes = list(_candidates(root))
    leaves = [cls for cls in dict.fromkeys(classes) if not any(cls in other.__mro__[1:] for other in classes)]
    named = [cls for cls in leaves if source.name in {snake_case(cls.__name__), cls.__dict__.get("name")}]
    fitting = leaves if len(leaves) == 1 else named
    if len(fitting) == 1:
        return fitting[0]
    if leaves:
        names = ", ".join(cls.__name__ for cls in leaves)
        raise DeclarationError(
            source.place,
            f"it has several modules ({names})",
            "Put each into a file of its own, or mark bases with `_`.",
        )
    raise DeclarationError(
        source.place,
        "it has no class that inherits from `BaseModule`",
        "Write `class Name(BaseModule):` in it; a package imports the class in its `__init__.py`.",
    )


def _candidates(root: ModuleType) -> Iterator[type[BaseModule]]:
    values: Iterable[object] = vars(root).values()
    for value in values:
        if not isinstance(value, type) or not issubclass(value, BaseModule) or value.__name__.startswith("_"):
            continue
        if f"{value.__module__}.".startswith(f"{root.__name__}."):
            yield value


def _import_fault(error: BaseException, source: Source) -> tuple[str, str]:
    if isinstance(error, SyntaxError):
        where = f"{error.filename}, line {error.lineno}" if error.filename else source.place
        return f"it is not valid Python: {error.msg} ({where}).", "Correct that line."
    where = _line(error, source)
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.startswith(f"{source.import_name}."):
        own = error.name.removeprefix(source.import_name)
        return f"it imports {own!r}, and has no such file ({where}).", "Write that file, or correct the import."
    if isinstance(error, ModuleNotFoundError) and error.name:
        own = f"from .{error.name.split('.')[-1]} import ..."
        hint = f"Install what provides it where Migaga runs; for a file of the module itself write `{own}`."
        return f"it imports {error.name!r}, which is not there ({where}).", hint
    if isinstance(error, ImportError):
        return f"it cannot be imported: {error} ({where}).", "Correct the import."
    said = str(error) or "no message"
    return f"it fails while it is imported: {type(error).__name__}: {said} ({where}).", "Correct that line."


def _line(error: BaseException, source: Source) -> str:
    """Return the last line of the module itself that led to the error."""
    return _last_line(traceback.extract_tb(error.__traceback__), source)


def _last_line(frames: Iterable[traceback.FrameSummary], source: Source) -> str:
    inside = [frame for frame in frames if source.path is not None and frame.filename.startswith(str(source.path))]
    return f"{inside[-1].filename}, line {inside[-1].lineno}" if inside else source.place


def refuse_clashes(module: LoadedModule, others: Sequence[ModuleSpec]) -> None:
    """Refuse a module that wants what another one has.

    Raises:
        ModuleRefusedError: with everything that clashes.
    """
    clashes = find_clashes(module.spec, others)
    if clashes:
        reason = "; ".join(clash.reason for clash in clashes) + "."
        hint = " ".join(dict.fromkeys(clash.hint for clash in clashes))
        raise ModuleRefusedError(ModuleFailure(module.spec.name, reason, hint))
