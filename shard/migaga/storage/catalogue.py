"""What the fleet's modules are, and what Discord was told about their commands.

The framework records a module when it loads it; `migaga modules list`, help and the operator read it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.storage.database import Database
from migaga.storage.portable import delete_where, retrying, upsert
from migaga.storage.tables import command_registration, module, module_command, module_handler, module_option
from migaga.storage.types import JsonValue

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

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
class ParameterRecord:
    """A value that a handler takes from a person."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True, slots=True)
class InjectedRecord:
    """An argument of a handler that is filled by its type."""

    argument: str
    source: str
    """`options`, `database session`, `context` or `service`."""
    type: str
    """Name of the type, such as `AsyncSession`."""


@dataclass(frozen=True, slots=True)
class HandlerRecord:
    """What one handler answers, and everything that it needs to be called: whoever calls it collects just that."""

    handler: str
    """Name of the method."""
    kind: str
    """`command`, `user`, `message`, `listener`, `task`, `component`, `modal` or `autocomplete`."""
    answers: str
    """A command's path, a menu's name, an event, a custom id's name, or how often the task runs."""
    context: str | None
    """The context class that it takes; None when it takes none."""
    parameters: tuple[ParameterRecord, ...] = ()
    injected: tuple[InjectedRecord, ...] = ()
    permissions: int = 0
    """Bits of what the person needs."""
    bot_permissions: int = 0
    owner_only: bool = False
    guild_only: bool = False


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
    handlers: tuple[HandlerRecord, ...] = ()


class Catalogue:
    """The catalogue of one fleet."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, record: ModuleRecord) -> None:
        """Store a module as it is now, with all that it has; what it no longer has goes."""
        await retrying(self._database, lambda session: _store(session, record))

    async def replace(self, records: Sequence[ModuleRecord]) -> Sequence[str]:
        """Store these modules and drop all others; return the names of those.

        The tables and the options of guilds of a module that is dropped stay.
        """
        names = [record.name for record in records]

        async def work(session: AsyncSession) -> Sequence[str]:
            for record in sorted(records, key=lambda one: one.name):  # One order, so that no two processes block.
                await _store(session, record)
            gone = (await session.scalars(sa.select(module.c.name).where(module.c.name.not_in(names)))).all()
            for name in gone:
                await _forget(session, name)
            return gone

        return await retrying(self._database, work)

    async def forget(self, name: str) -> None:
        """Drop a module from the catalogue. Its tables and the guilds' options stay."""
        await retrying(self._database, lambda session: _forget(session, name))

    async def list_modules(self) -> Sequence[ModuleRecord]:
        """Return all recorded modules, by name."""
        async with self._database.read() as session:
            modules = (await session.execute(sa.select(module).order_by(module.c.name))).mappings().all()
            commands = (await session.execute(sa.select(module_command).order_by(module_command.c.name))).mappings()
            of_command = _grouped((row["module"], _read_command(row)) for row in commands)
            options = (await session.execute(sa.select(module_option).order_by(module_option.c.name))).mappings()
            of_option = _grouped((row["module"], _read_option(row)) for row in options)
            order = (module_handler.c.handler, module_handler.c.kind, module_handler.c.answers)
            handlers = (await session.execute(sa.select(module_handler).order_by(*order))).mappings()
            of_handler = _grouped((row["module"], _read_handler(row)) for row in handlers)
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
                of_handler.get(row["name"], ()),
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


async def _store(session: AsyncSession, record: ModuleRecord) -> None:
    # The module's row comes first: who holds it may change the others.
    await upsert(session, module, _module_row(record))
    await _insert(session, module_command, record.name, {one.type + one.name: one for one in record.commands}.values())
    await _insert(session, module_option, record.name, {one.name: one for one in record.options}.values())
    handlers = {(one.handler, one.kind, one.answers): one for one in record.handlers}
    await _insert(session, module_handler, record.name, handlers.values())


async def _insert(session: AsyncSession, table: sa.Table, name: str, records: Collection[DataclassInstance]) -> None:
    await delete_where(session, table, table.c.module == name)
    if records:
        await session.execute(sa.insert(table), [{"module": name, **_plain(record)} for record in records])


async def _forget(session: AsyncSession, name: str) -> None:
    await delete_where(session, module, module.c.name == name)
    for table in (module_command, module_option, module_handler):
        await delete_where(session, table, table.c.module == name)


def _plain(record: DataclassInstance) -> Mapping[str, object]:
    """Return the fields, with lists where the database holds JSON."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(record).items()}


def _read_command(row: sa.RowMapping) -> CommandRecord:
    values = {field.name: row[field.name] for field in fields(CommandRecord)}
    return CommandRecord(**(values | {"text_names": tuple(row["text_names"])}))


def _read_option(row: sa.RowMapping) -> OptionRecord:
    return OptionRecord(row["name"], row["kind"], row["default"], row["description"])


def _read_handler(row: sa.RowMapping) -> HandlerRecord:
    values = {field.name: row[field.name] for field in fields(HandlerRecord)}
    values["parameters"] = tuple(ParameterRecord(**one) for one in row["parameters"])
    values["injected"] = tuple(InjectedRecord(**one) for one in row["injected"])
    return HandlerRecord(**values)
