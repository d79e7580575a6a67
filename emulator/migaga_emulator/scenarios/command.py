"""`migaga scenario NAME`: real processes against an emulated Discord while things go wrong, judged by its ledger.

The last line printed is one JSON object; docs/emulator.md says what its fields mean. Exit code 0 only if it passed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path

from migaga.common.commands import Command
from migaga.common.errors import UsageError
from migaga.common.text import did_you_mean
from migaga_emulator.scenarios.catalogue import SCENARIOS, Scenario
from migaga_emulator.scenarios.proxy import server_url
from migaga_emulator.scenarios.runner import Order, run_scenario, summary

RATE = 200.0
LEAST_SECONDS = 3.0
MOST_SHARDS = 1_000
MOST_PROCESSES = 64
MOST_ROLLS = 100


def configure(parser: ArgumentParser) -> None:
    """Declare the options of `migaga scenario`."""
    width = max(map(len, SCENARIOS))
    lines = [f"  {one.name.ljust(width)}  {one.summary}" for one in SCENARIOS.values()]
    parser.formatter_class = RawDescriptionHelpFormatter
    parser.epilog = "\n".join(["scenarios:", *lines])
    parser.add_argument("name", metavar="NAME", help="one of the scenarios below")
    parser.add_argument("--shards", type=int, metavar="N", help="shards of the bot (default: the scenario's)")
    parser.add_argument("--processes", type=int, metavar="N", help="processes of the bot (default: the scenario's)")
    parser.add_argument("--rate", type=float, default=RATE, metavar="EVENTS_PER_S", help=f"default {RATE:.0f}")
    parser.add_argument("--seconds", type=float, metavar="S", help="length of the traffic (default: the scenario's)")
    parser.add_argument("--seed", type=int, default=1, metavar="K", help="decides what people do and what goes wrong")
    parser.add_argument("--database", metavar="URL", help="an empty database (default: an SQLite file of its own)")
    parser.add_argument("--probe", default="probe", metavar="MODULE", help="the module that reports handled events")
    parser.add_argument("--probe-directory", type=Path, metavar="DIR", help="where that module is, when not built in")
    parser.add_argument("--rolls", type=int, default=1, metavar="N", help="rolling: so many updates, one after another")
    parser.add_argument(
        "--back", action="store_true", help="rolling: the last one is broken off half-way and goes back"
    )
    parser.add_argument(
        "--schema-change", action="store_true", help="rolling: the new release has another database schema"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="leave logs, database and what went wrong there")
    parser.add_argument("--json", action="store_true", help="print nothing but the last line")


def run(options: Namespace) -> int:
    """Run the scenario; 0 when it passed, 1 when it did not."""
    order = read_order(options)
    try:
        outcome = asyncio.run(run_scenario(order, None if options.json else sys.stdout))
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    sys.stdout.write(json.dumps(summary(order, outcome)) + "\n")
    return 1 if outcome.why else 0


def read_order(options: Namespace) -> Order:
    """Check what the command line asks for. Raises UsageError, which names the option and what to write."""
    scenario = SCENARIOS.get(options.name)
    if scenario is None:
        raise UsageError(
            f"there is no scenario {options.name!r}.{did_you_mean(options.name, SCENARIOS)} "
            "`migaga scenario --help` lists them."
        )
    shards = scenario.shards if options.shards is None else options.shards
    processes = _processes(scenario, shards, options.processes)
    seconds = scenario.seconds if options.seconds is None else options.seconds
    _within("--shards", shards, 1, MOST_SHARDS)
    _within("--processes", processes, 1, min(shards, MOST_PROCESSES))
    _within("--rate", options.rate, 1, 5_000)
    _within("--seconds", seconds, LEAST_SECONDS, 86_400)
    _within("--rolls", options.rolls, 1, MOST_ROLLS)
    if scenario.name != "rolling" and (options.back or options.schema_change or options.rolls != 1):
        raise UsageError("--rolls, --back and --schema-change belong to the scenario rolling.")
    if scenario.needs_server:
        server_url(options.database or "")
    directory = options.probe_directory
    if directory is not None and not directory.is_dir():
        raise UsageError(f"--probe-directory: there is no folder {directory}.")
    return Order(
        scenario=scenario,
        shards=shards,
        processes=processes,
        rate=options.rate,
        seconds=seconds,
        seed=options.seed,
        database=options.database,
        rolls=options.rolls,
        back=options.back,
        schema_change=options.schema_change,
        probe=options.probe,
        probe_directory=None if directory is None else directory.resolve(),
        keep=None if options.keep is None else options.keep.resolve(),
    )


def _processes(scenario: Scenario, shards: int, asked: int | None) -> int:
    return min(scenario.processes, max(1, shards)) if asked is None else asked


def _within(option: str, value: float, least: float, most: float) -> None:
    if not least <= value <= most:
        raise UsageError(f"{option} is {value:g}: write {least:g} to {most:g}.")


COMMAND = Command("scenario", "a fleet against the emulator while things go wrong", configure, run)
