"""`migaga operator`: runs the bots of a Kubernetes cluster."""

from __future__ import annotations

import asyncio
import logging
from argparse import Namespace
from importlib import import_module

from migaga.common import logs
from migaga.common.commands import Command
from migaga_operator.control.options import configure, read_options


def run(arguments: Namespace) -> int:
    """Run until SIGTERM, or until the Lease is lost. Returns the exit code."""
    options = read_options(arguments)
    logs.configure(options.log.level, "json" if options.log.format == "json" else "text")
    # Each request is a line of these, and more than one.
    logging.getLogger("urllib3").setLevel(max(logging.INFO, logging.getLogger().level))
    # `--help` and a wrong argument need neither kopf nor the client.
    app = import_module("migaga_operator.control.app")
    code: int = asyncio.run(app.serve(options))
    return code


COMMAND = Command("operator", "run the BotDeployments of a Kubernetes cluster", configure, run)
