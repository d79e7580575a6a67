"""Small parts of the composition root (`app.py`): modules from the settings, the eye on the database."""

from __future__ import annotations

import asyncio
import logging
from asyncio import CancelledError

import hikari
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import IntegrityError

from migaga.common.errors import MigagaError
from migaga.common.settings import Settings
from migaga.framework.loader import load_modules
from migaga.framework.runtime import FrameworkRuntime, FrameworkSettings
from migaga.observe.metrics import Metrics
from migaga.process.state import ProcessState
from migaga.storage.database import Database

_LOG = logging.getLogger(__name__)

PING_EVERY = 5.0
PING_TIMEOUT = 5.0


def framework_settings(settings: Settings) -> FrameworkSettings:
    """Return what the framework needs of the configuration."""
    return FrameworkSettings(
        prefix=settings.bot.prefix,
        whitelisted_bots=settings.bot.whitelisted_bot_ids,
        owners=settings.bot.owner_ids,
        guild_days=settings.retention.guild_days,
        options=settings.modules.options,
    )


async def load_feature_modules(runtime: FrameworkRuntime, settings: Settings, intents: hikari.Intents) -> None:
    """Load the configured modules. One that cannot run is named in the log and in the status; the others run."""
    # Importing reads files, and a module may do anything while it is imported: not in the event loop.
    result = await asyncio.to_thread(load_modules, settings.modules.load, settings.modules.directories)
    await runtime.load(result)
    for module in runtime.modules.loaded:
        missing = module.spec.intents & ~intents
        if missing:
            names = ", ".join(str(intent.name) for intent in missing)
            _LOG.warning("module %s wants events of %s: add them to Intents in section [Bot]", module.spec.name, names)


def count_errors(database: Database, metrics: Metrics) -> None:
    """Count what the database refuses or cannot do, by kind. A row that is there already is no error."""

    def note(context: ExceptionContext) -> None:
        error = context.original_exception
        if isinstance(context.sqlalchemy_exception, IntegrityError) or isinstance(error, CancelledError):
            return
        metrics.database_error("connection" if context.is_disconnect or context.connection is None else "statement")

    for engine in (database.engine, database.reading_engine, database.lease_engine):
        event.listen(engine.sync_engine, "handle_error", note)


async def watch_database(database: Database, state: ProcessState) -> None:
    """Ask the database now and then whether it is there, for /readyz and /status, until cancelled."""
    while True:
        await asyncio.sleep(PING_EVERY)
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await database.ping()
        except (MigagaError, TimeoutError) as error:
            if state.database_error is None:
                _LOG.error("the database does not answer: %s", error)
            state.database = "unreachable"
            state.database_error = str(error) or f"no answer within {PING_TIMEOUT:.0f} s"
        else:
            if state.database_error is not None:
                _LOG.info("the database answers again")
            state.database, state.database_error = "connected", None
