"""`migaga run`: a bot with all its shards in this process."""

from __future__ import annotations

import asyncio
import os
from argparse import ArgumentParser, Namespace
from importlib import import_module
from pathlib import Path

from migaga.common import logs
from migaga.common.commands import Command
from migaga.common.settings import Settings, load_settings
from migaga.process.signals import StopSignals

DEFAULT_CONFIG = Path("config.ini")


def add_config(parser: ArgumentParser) -> None:
    """Declare `--config`."""
    parser.add_argument(
        "--config", type=Path, default=None, metavar="FILE", help="configuration file (default: config.ini)"
    )


def read_settings(config: Path | None) -> Settings:
    """Read the named file; without one `config.ini` if there is one, and the environment in any case."""
    if config is None and DEFAULT_CONFIG.is_file():
        config = DEFAULT_CONFIG
    return load_settings(config, os.environ)


def serve(settings: Settings) -> int:
    """Run the bot's process in this one, and return the exit code."""
    # A stop that is asked for during the imports, which take seconds, must not be missed.
    signals = StopSignals()
    signals.install()
    logs.configure(settings.log.level, "json" if settings.log.format == "json" else "text", settings.secrets)
    settings.credentials()
    app = import_module("migaga.process.app")
    code: int = asyncio.run(app.serve(settings, signals))
    return code


def run(arguments: Namespace) -> int:
    """Run all shards that the configuration names."""
    return serve(read_settings(arguments.config))


COMMAND = Command("run", "run a bot: all its shards in this process", add_config, run)
