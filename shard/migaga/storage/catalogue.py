"""What the fleet's modules are, and what Discord was told about their commands.

The framework records a module when it loads it; `migaga modules list`, help and the operator read it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.storage.database import Database
from migaga.storage.portable import delete_where, retrying, upsert
from migaga.storage.tables import command_registration, module, module_command, module_option
from migaga.storage.types import JsonValue

T = TypeVar("T")

GLOBAL = "global"
"""Scope of commands that every guild has; a guild's own commands have its id as scope."""


@dataclass(frozen=True, slots=True)
class CommandRecord:
    """One command of a module."""

    name: str
    """Slash path, words joined by a blank; or a menu's name."""
    description: str
    type: str = "command"
    """`command`, `user` or `message` (context menus)."""
    text_names: tuple[str, ...] = ()
    """Names of the text form, the main one first."""
    usage: str = ""
    permissions: int = 0
    """Bits of what the person needs."""
    bot_permissions: int = 0
    owner_only: bool = False
    guild_only: bool = True


@dataclass(frozen=True, slots=True)
class OptionRecord:
    """One per-guild option of a module."""

    name: str
    kind: str
    default: JsonValue
    description: str


@dataclass(frozen=True, slots=True)
class ModuleRecord:
    """One module."""

    name: str
    title: str
    description: str
    commands: tuple[CommandRecord, ...] = ()
    options: tuple[OptionRecord, ...] = ()
    intents: int = 0
    loaded: bool = True
    error: str | None = None
    """Why it is not loaded."""


class Catalogue:
    """The catalogue of one fleet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, record: ModuleRecord) -> None:
        """Store a module as it is now, with its commands and options; what it no longer has goes."""

        async def work(session: AsyncSession) -> None:
            await upsert(session, module, _module_row(record))
            for table in (module_command, module_option):
                await delete_where(session, table, table.c.module == record.name)
            for command in record.commands:
                await upsert(session, module_command, _command_row(record.name, command))
            for option in record.options:
                await upsert(session, module_option, _option_row(record.name, option))

        await retrying(self._database, work)

    async def forget(self, name: str) -> None:
        """Drop a module from the catalogue. Its tables and the guilds' options stay."""

        async def work(session: AsyncSession) -> None:
            await delete_where(session, module, module.c.name == name)
            for table in (module_command, module_option):
                await delete_where(session, table, table.c.module == name)

        await retrying(self._database, work)

    async def list_modules(self) -> Sequence[ModuleRecord]:
        """Return all recorded modules, by name."""
        async with self._database.read() as session:
            modules = (await session.execute(sa.select(module).order_by(module.c.name))).mappings().all()
            commands = (await session.execute(sa.select(module_command).order_by(module_command.c.name))).mappings()
            of_command = _grouped((row["module"], _read_command(row)) for row in commands)
            options = (await session.execute(sa.select(module_option).order_by(module_option.c.name))).mappings()
            of_option = _grouped((row["module"], _read_option(row)) for row in options)
        return [
            ModuleRecord(
                row["name"],
                row["title"],
                row["description"],
                of_command.get(row["name"], ()),
                of_option.get(row["name"], ()),
                row["intents"],
                row["loaded"],
                row["error"],
            )
            for row in modules
        ]

    async def registered_digest(self, scope: str = GLOBAL) -> bytes | None:
        """Return the digest of the commands that Discord was last told; None when it was told nothing."""
        query = sa.select(command_registration.c.digest).where(command_registration.c.scope == scope)
        async with self._database.read() as session:
            digest: bytes | None = await session.scalar(query)
        return digest

    async def set_registered_digest(self, digest: bytes, scope: str = GLOBAL) -> None:
        """Note what Discord was told just now.

        Args:
            digest: Of the commands' payload, at most 32 bytes.
            scope: `GLOBAL` or a guild's id.
        """
        row = {"scope": scope, "digest": digest, "updated_at": datetime.now(UTC)}
        await retrying(self._database, lambda session: upsert(session, command_registration, row))


def _grouped(pairs: Iterable[tuple[str, T]]) -> Mapping[str, tuple[T, ...]]:
    found: dict[str, list[T]] = {}
    for name, item in pairs:
        found.setdefault(name, []).append(item)
    return {name: tuple(items) for name, items in found.items()}


def _module_row(record: ModuleRecord) -> Mapping[str, object]:
    return {
        "name": record.name,
        "title": record.title,
        "description": record.description,
        "loaded": record.loaded,
        "error": record.error,
        "intents": record.intents,
        "updated_at": datetime.now(UTC),
    }


def _command_row(name: str, command: CommandRecord) -> Mapping[str, object]:
    return {"module": name, **asdict(command), "text_names": list(command.text_names)}


def _option_row(name: str, option: OptionRecord) -> Mapping[str, object]:
    return {"module": name, **asdict(option)}


def _read_command(row: sa.RowMapping) -> CommandRecord:
    values = {field.name: row[field.name] for field in fields(CommandRecord)}
    return CommandRecord(**(values | {"text_names": tuple(row["text_names"])}))


def _read_option(row: sa.RowMapping) -> OptionRecord:
    return OptionRecord(row["name"], row["kind"], row["default"], row["description"])
