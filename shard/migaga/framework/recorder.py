"""What the database's catalogue holds about modules: recorded when they are loaded."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from migaga.framework.loader import LoadResult
from migaga.framework.naming import title_of
from migaga.framework.needs import handlers_of
from migaga.framework.spec import CommandSpec, MenuSpec, ModuleSpec
from migaga.framework.usage import usage
from migaga.framework.values import encode
from migaga.storage.catalogue import Catalogue, CommandRecord, ModuleRecord, OptionRecord

_log = logging.getLogger(__name__)
LONGEST_NAME = 64
"""Characters of a module's name in the database."""


def module_record(spec: ModuleSpec) -> ModuleRecord:
    """Return what is recorded about one module."""
    options = tuple(
        OptionRecord(option.name, option.kind.value, encode(option, option.default), option.description)
        for option in spec.options
    )
    commands = (*map(_command, spec.commands), *map(_menu, spec.menus))
    return ModuleRecord(
        spec.name,
        spec.title,
        spec.description,
        commands,
        options,
        int(spec.intents),
        handlers=handlers_of(spec),
    )


def _command(command: CommandSpec) -> CommandRecord:
    needs = command.requirements
    return CommandRecord(
        " ".join(command.path),
        command.description,
        "command",
        tuple(" ".join(words) for words in command.text_names),
        usage(command),
        int(needs.permissions),
        int(needs.bot_permissions),
        needs.owner_only,
        needs.guild_only,
    )


def _menu(menu: MenuSpec) -> CommandRecord:
    needs = menu.requirements
    return CommandRecord(
        name=menu.name,
        description="",
        type=menu.type,
        permissions=int(needs.permissions),
        bot_permissions=int(needs.bot_permissions),
        owner_only=needs.owner_only,
        guild_only=needs.guild_only,
    )


async def record_modules(catalogue: Catalogue, result: LoadResult) -> None:
    """Record all modules, also those that do not run, with the reason. Others leave the catalogue; their data stays."""
    gone = await catalogue.replace(list(_records(result)))
    if gone:
        _log.info("no longer among the modules of this bot, their data stays: %s", ", ".join(gone))


def _records(result: LoadResult) -> Iterable[ModuleRecord]:
    yield from (module_record(module.spec) for module in result.modules)
    running = {module.spec.name for module in result.modules}
    for failure in result.failures:
        if failure.name not in running:
            # What stands for a module that was not read: a file or folder of any name.
            name = _storable(failure.name)[:LONGEST_NAME]
            error = _storable(f"{failure.reason} {failure.hint}".strip())
            yield ModuleRecord(name, title_of(name), "", loaded=False, error=error)


def _storable(text: str) -> str:
    """Replace what no database can keep: halves of characters, as in names of files that are not UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")
