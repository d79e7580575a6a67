"""`migaga db`: bring the database to what the code needs, say where it stands, compare the two."""

from __future__ import annotations

import asyncio
import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from migaga.cli.output import Json, foreign_output_apart, say, say_json, table
from migaga.common.commands import Command
from migaga.common.settings import load_settings
from migaga.framework.builtin.core import load_core
from migaga.framework.loader import load_modules
from migaga.framework.reload import module_schemas
from migaga.storage.database import Database, open_database
from migaga.storage.drift import find_drift
from migaga.storage.schema import CORE_SCHEMA, ModuleSchema, SchemaResult, current, upgrade

Report = Mapping[str, str | list[str] | None]
Action = Callable[[Database, Sequence[ModuleSchema], Callable[[str], None]], Awaitable[tuple[Sequence[Report], bool]]]

DEFAULT_CONFIG = Path("config.ini")

FAILED = 1
"""Exit code when a schema could not be upgraded, or `check` found differences."""


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, summary in (
        ("upgrade", "apply the migrations that are missing; safe to run beside a fleet and several times at once"),
        ("current", "show the revisions of the core and of each module; changes nothing"),
        ("check", "compare the tables with what the code expects; exit code 1 when they differ"),
    ):
        action = actions.add_parser(name, help=summary, description=summary)
        action.add_argument(
            "--config", type=Path, default=None, metavar="FILE", help="configuration file (default: config.ini)"
        )
        action.add_argument("--json", action="store_true", help="print one JSON object on stdout")


def run(arguments: Namespace) -> int:
    """Do what was asked and return the exit code."""
    config = arguments.config or (DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None)
    settings = load_settings(config, os.environ)
    with foreign_output_apart():
        found = load_modules(settings.modules.load, settings.modules.directories, taken=[load_core().spec])
    for failure in found.failures:
        _progress(str(failure))
    schemas = module_schemas([loaded.spec for loaded in found.modules])
    failures = [{"name": f.name, "reason": f.reason, "hint": f.hint} for f in found.failures]
    return asyncio.run(_run(settings.database.url, schemas, ACTIONS[arguments.action], failures, arguments.json))


async def _run(
    url: str, schemas: Sequence[ModuleSchema], action: Action, failures: Sequence[Json], as_json: bool
) -> int:
    async with open_database(url) as database:
        reports, good = await action(database, schemas, _progress)
        # A module that cannot be read may have tables that were not looked at.
        good = good and not failures
        if as_json:
            say_json({"database": database.label, "schemas": reports, "failures": failures, "good": good})
        else:
            say(f"database {database.label}")
            rows = [(one["name"], one["revision"] or "-", one["state"]) for one in reports]
            say(table(("schema", "revision", "state"), rows))
    return 0 if good else FAILED


def _progress(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


async def _upgrade(
    database: Database, schemas: Sequence[ModuleSchema], progress: Callable[[str], None]
) -> tuple[Sequence[Report], bool]:
    results = await upgrade(database, schemas, on_progress=progress)
    return [_report(result, "applied") for result in results], all(result.error is None for result in results)


async def _current(
    database: Database, schemas: Sequence[ModuleSchema], progress: Callable[[str], None]
) -> tuple[Sequence[Report], bool]:
    results = await current(database, schemas)
    return [_report(result, "missing") for result in results], all(result.error is None for result in results)


async def _check(
    database: Database, schemas: Sequence[ModuleSchema], progress: Callable[[str], None]
) -> tuple[Sequence[Report], bool]:
    reports: list[Report] = []
    revisions = {result.name: result.revision for result in await current(database, schemas)}
    for schema in (CORE_SCHEMA, *schemas):
        drift = list(await find_drift(database, schema))
        for line in drift:
            progress(f"{schema.name}: {line}")
        state = "differs" if drift else "as expected"
        revision = revisions[schema.name]
        reports.append({"name": schema.name, "revision": revision, "state": state, "differences": drift})
    return reports, not any(report["differences"] for report in reports)


def _report(result: SchemaResult, what: str) -> Report:
    state = result.error or ("newer than this code" if result.newer else "")
    if not state:
        state = f"{len(result.applied)} {what}" if result.applied else "up to date"
    return {"name": result.name, "revision": result.revision, what: list(result.applied), "state": state}


ACTIONS: Mapping[str, Action] = {"upgrade": _upgrade, "current": _current, "check": _check}

COMMAND = Command("db", "upgrade the database and say where it stands", configure, run)
