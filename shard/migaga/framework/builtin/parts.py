"""What the core module needs of the runtime, and small helpers that its parts share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass

from migaga.common.text import did_you_mean
from migaga.framework.access import Access
from migaga.framework.context import Context
from migaga.framework.errors import UserError
from migaga.framework.guild_settings import GuildSettings
from migaga.framework.modules import ModuleSet
from migaga.framework.scope import LoadedModule
from migaga.framework.spec import CommandSpec
from migaga.storage.access import AccessStore
from migaga.storage.retention import Retention


@dataclass(frozen=True, slots=True)
class CoreParts:
    """Parts of the runtime. Provided as a service to the core module."""

    settings: GuildSettings
    rules: AccessStore
    access: Access
    retention: Retention
    modules: ModuleSet
    guild_days: float
    reload: Callable[[str], Awaitable[None]]

    def module(self, name: str) -> LoadedModule:
        """Return a running module by name.

        Raises:
            UserError: There is none; names the nearest.
        """
        wanted = name.strip().casefold().replace(" ", "_")
        for module in self.modules.loaded:
            if module.spec.name == wanted:
                return module
        names = [module.spec.name for module in self.modules.loaded]
        raise UserError(f"There is no module with this name.{did_you_mean(wanted, names)}")

    def commands(self) -> Iterable[tuple[LoadedModule, CommandSpec]]:
        """Return all commands of running modules."""
        for module in self.modules.loaded:
            for command in module.spec.commands:
                yield module, command


def here(context: Context) -> int:
    """Return the guild of a command that is for guilds only."""
    if context.guild_id is None:
        raise UserError("This works in servers only.")
    return int(context.guild_id)


def suggestions(names: Iterable[str], typed: str, limit: int = 25) -> list[str]:
    """Return the names that fit what was typed: those that begin with it first, then those that contain it."""
    wanted = typed.strip().lstrip("!/").casefold()
    fitting = sorted({name for name in names if wanted in name.casefold()})
    fitting.sort(key=lambda name: not name.casefold().startswith(wanted))
    return fitting[:limit]
