"""`BaseModule`: what every module's class inherits from. The runtime makes one instance of each class."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import ClassVar

import hikari
import sqlalchemy as sa

from migaga.framework.custom_ids import make_custom_id
from migaga.framework.services import Services
from migaga.framework.spec import ModuleSpec
from migaga.storage.database import Database


class BaseModule:
    """Base class of modules.

    The class's docstring is its description. Its decorated methods are commands, listeners, tasks and components;
    an inner class `Options` holds its per-guild options.
    """

    name: ClassVar[str] = ""
    """Its key in the database, in `config.ini` and in commands; the class's name in snake case when not set."""
    metadata: ClassVar[sa.MetaData | None] = None
    """Its tables."""
    migrations: ClassVar[Path | None] = None
    """Folder of its Alembic revisions; `migrations` beside its file when not set and there is one."""
    load_by_default: ClassVar[bool] = True
    """False: it runs only where `[Modules] Load` names it."""

    spec: ModuleSpec
    """What was read from the class."""
    rest: hikari.api.RESTClient
    """Calls to Discord."""
    database: Database
    log: logging.Logger
    """Named after the module."""
    services: Services
    """What was registered for dependency injection."""

    async def start(self) -> None:
        """Run once before any handler, after the module's tables exist. For subclasses."""

    async def stop(self) -> None:
        """Run once after the last handler has ended. For subclasses."""

    def custom_id(self, name: str, *arguments: object) -> str:
        """Make the custom id that the component or modal handler `name` answers.

        Raises:
            ValueError: it would be longer than Discord's 100 characters, or an argument cannot be written as text.
        """
        return make_custom_id(self.spec.name, name, arguments)
