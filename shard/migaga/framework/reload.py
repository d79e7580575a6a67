"""Load a module again from disk, in two steps: prepare the new code beside the old, then take over.

The runtime makes and starts the new instance between the two; when that fails it just drops what was prepared. Running
handlers hold the old instance and finish in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from migaga.framework.importing import Imported
from migaga.framework.loader import LoadedModule, LoadResult, ModuleRefusedError, load_source, refuse_clashes
from migaga.framework.slash import command_payloads
from migaga.framework.sources import ModuleFailure
from migaga.framework.spec import ModuleSpec
from migaga.storage.database import Database
from migaga.storage.schema import ModuleSchema, upgrade


@dataclass(frozen=True, slots=True)
class PreparedReload:
    """A new version of a module that could take over."""

    old: LoadedModule
    new: LoadedModule
    commands_changed: bool
    """Whether Discord has to be told."""
    _imported: Imported

    def take_over(self) -> None:
        """Make the new code what imports of its name give. Call it when the new instance has started."""
        self._imported.take_over()


async def prepare_reload(old: LoadedModule, others: Sequence[ModuleSpec], database: Database) -> PreparedReload:
    """Load a module's code from disk, check it and bring its tables up to it.

    Args:
        old: What runs.
        others: The other modules that run.
        database: Where its tables are.

    Raises:
        ModuleRefusedError: the new code cannot be used; nothing has changed but, at most, applied migrations, beside
            which the old code goes on working.
    """
    new, imported = await asyncio.to_thread(load_source, old.source, again=True)
    if new.spec.name != old.spec.name:
        failure = ModuleFailure(
            old.spec.name, f"its name has become {new.spec.name!r}.", "Restart the bot to load it under the new name."
        )
        raise ModuleRefusedError(failure)
    refuse_clashes(new, others)
    result = await upgrade_schemas(LoadResult((new,), ()), database)
    if result.failures:
        raise ModuleRefusedError(result.failures[0])
    changed = command_payloads([old.spec]) != command_payloads([new.spec])
    return PreparedReload(old, new, changed, imported)


async def upgrade_schemas(result: LoadResult, database: Database) -> LoadResult:
    """Bring the tables of all modules up to their code; those whose tables cannot be are refused."""
    schemas = module_schemas([module.spec for module in result.modules])
    failed = {outcome.name: outcome.error for outcome in await upgrade(database, schemas) if outcome.error is not None}
    kept = tuple(module for module in result.modules if module.spec.name not in failed)
    refused = tuple(ModuleFailure(name, reason, "") for name, reason in failed.items())
    return LoadResult(kept, (*result.failures, *refused))


def module_schemas(specs: Sequence[ModuleSpec]) -> list[ModuleSchema]:
    """Return the tables of the modules that have some."""
    return [
        ModuleSchema(spec.name, spec.metadata, spec.migrations)
        for spec in specs
        if spec.metadata is not None and (spec.metadata.tables or spec.migrations is not None)
    ]
