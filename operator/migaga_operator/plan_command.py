"""`migaga plan`: what would be done for a bot that is not there yet, without a cluster."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path

from migaga.common.commands import Command
from migaga.common.errors import ConfigError
from migaga_operator.crd.definition import as_yaml
from migaga_operator.crd.read import read_bot
from migaga_operator.files import read_one_bot
from migaga_operator.observed import observe
from migaga_operator.ops import Apply
from migaga_operator.planner import plan


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a file with one BotDeployment")
    parser.add_argument("--yaml", action="store_true", help="print the objects themselves")


def run(arguments: Namespace) -> int:
    """Print the plan. Raises ConfigError that holds every problem of the file."""
    bot = read_one_bot(arguments.file)
    spec = read_bot(bot)
    if isinstance(spec, tuple):
        lines = "\n".join(f"  {problem}" for problem in spec)
        raise ConfigError(f"{arguments.file}: this bot cannot work.\n{lines}")
    ops = plan(spec, observe(bot), datetime.now(UTC))
    if arguments.yaml:
        sys.stdout.write("---\n".join(as_yaml(op.manifest) for op in ops if isinstance(op, Apply)))
    else:
        sys.stdout.writelines(f"{op}\n" for op in ops)
    return 0


COMMAND = Command("plan", "print what would be done for a BotDeployment", configure, run)
