"""`migaga shard`: some shards of a bot in this process; other processes run the others."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import replace

from migaga.cli.run import add_config, read_settings, serve
from migaga.common import values
from migaga.common.commands import Command
from migaga.common.errors import UsageError


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    add_config(parser)
    parser.add_argument("--ids", required=True, metavar="IDS", help="shards of this process, such as 0,2 or 0-3")
    parser.add_argument("--count", required=True, metavar="N", help="shards of the whole bot")


def run(arguments: Namespace) -> int:
    """Run the shards that the command line names."""
    try:
        ids, count = values.shard_ids(arguments.ids), values.integer(1, 16_384)(arguments.count)
    except ValueError as error:
        raise UsageError(f"migaga shard: {error}.") from error
    if not arguments.ids.strip():
        raise UsageError("migaga shard: --ids names no shard. Write some, such as 0,2 or 0-3, or `all`.")
    if ids and ids[-1] >= count:
        raise UsageError(f"migaga shard: with --count {count}, ids go from 0 to {count - 1}, not {ids[-1]}.")
    settings = read_settings(arguments.config)
    return serve(replace(settings, shards=replace(settings.shards, count=count, ids=ids)))


COMMAND = Command("shard", "run some shards of a bot in this process", configure, run)
