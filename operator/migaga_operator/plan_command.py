"""`migaga plan`: what would be done for a bot that is not there yet, without a cluster."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from migaga.common.commands import Command
from migaga.common.errors import ConfigError
from migaga_operator.crd.definition import as_yaml
from migaga_operator.crd.read import read_bot
from migaga_operator.crd.spec import BotSpec
from migaga_operator.files import read_one_bot
from migaga_operator.json_types import at_path
from migaga_operator.observed import observe
from migaga_operator.ops import Apply, Op
from migaga_operator.planner import plan


def configure(parser: ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a file with one BotDeployment")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--yaml", action="store_true", help="print the objects themselves")
    form.add_argument("--json", action="store_true", help="print what would be done, and what it costs, as one object")


def run(arguments: Namespace) -> int:
    """Print the plan. Raises ConfigError that holds every problem of the file."""
    bot = read_one_bot(arguments.file)
    spec = read_bot(bot)
    if isinstance(spec, tuple):
        lines = "\n".join(f"  {problem}" for problem in spec)
        raise ConfigError(f"{arguments.file}: this bot cannot work.\n{lines}")
    ops = [op for op in plan(spec, observe(bot), datetime.now(UTC)) if isinstance(op, Apply)]
    if arguments.yaml:
        sys.stdout.write("---\n".join(as_yaml(op.manifest) for op in ops))
    elif arguments.json:
        sys.stdout.write(json.dumps(_as_json(spec, ops)) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(spec, ops))
    return 0


def _lines(spec: BotSpec, ops: Sequence[Apply]) -> Iterator[str]:
    width = max(len(str(op.key)) for op in ops)
    yield from (f"apply  {str(op.key).ljust(width)}  {op.because}" for op in ops)
    yield ""
    pods = {op.key.name: at_path(op.manifest, "spec", "replicas") for op in _deployments(ops)}
    for name, replicas in pods.items():
        yield f"pods   {name}: {replicas}"
    if spec.mode == "Stopped":
        yield "cost   nothing: it is stopped"
    elif spec.shards.count is not None:
        yield f"cost   {spec.shards.count} IDENTIFYs of the day's budget, one for each shard"
    else:
        yield (
            "cost   one IDENTIFY for each shard; Discord says how many there are when the first pod asks, and pods "
            f"follow ({spec.shards.max_per_pod} shards in each at most)"
        )


def _as_json(spec: BotSpec, ops: Sequence[Apply]) -> Mapping[str, object]:
    return {
        "apply": [{"kind": op.key.kind, "name": op.key.name, "because": op.because} for op in ops],
        "pods": {op.key.name: at_path(op.manifest, "spec", "replicas") for op in _deployments(ops)},
        "identifies": 0 if spec.mode == "Stopped" else spec.shards.count,
    }


def _deployments(ops: Sequence[Op]) -> Iterator[Apply]:
    return (op for op in ops if isinstance(op, Apply) and op.key.kind == "Deployment")


COMMAND = Command("plan", "print what would be done for a BotDeployment", configure, run)
