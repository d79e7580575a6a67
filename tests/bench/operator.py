"""What the operator costs and how soon it acts: `python -m tests.bench.operator --bots 300 --json`.

A real control plane and the operator as a real process, with bots of ten pods each. There are no nodes: the pods'
status is written and their `/status` answered by this process (`tests/support/faked_pods.py`). Times between an edit
and what came of it are the API server's own, from its audit log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.bench.figures import cpu, load, memory, reconciles, spread, table
from tests.support.audit_log import AuditLog, Request
from tests.support.bots import BOTS, manifest
from tests.support.cluster_tools import ToolsMissingError, find_tools
from tests.support.control_plane import ControlPlane
from tests.support.faked_pods import FakedPods, faked_pods
from tests.support.operator import ACCOUNT, ALL, OperatorProcess, rights_of_the_chart
from tests.unit.operator_crd.manifests import put

DEFINITION = Path(__file__).parents[2] / "charts" / "migaga" / "files" / "botdeployments.yaml"
PODS = 10
"""Of each bot; each has one shard."""
SETTLED = 15.0
"""Seconds without a write of the operator after which it is at rest."""
LONGEST = 900.0
"""Seconds for all bots to become Ready, or to come to rest."""
MAKERS = 8
_MERGE = {"Content-Type": "application/merge-patch+json"}
_BUCKET = re.compile(r'migaga_operator_reconcile_seconds_bucket\{le="([^"]+)"\} (\S+)')


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    bots: int
    edits: int
    rest: float
    """Seconds at rest."""
    pause: float
    """Seconds from one edit to the next, on average."""
    kills: int


@dataclass(slots=True)
class Bench:
    """The control plane: what is done to it, and what it tells."""

    session: aiohttp.ClientSession
    log: AuditLog
    pods: FakedPods
    size: Size
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # the same bots each time
    edited: int = 0

    async def make_bots(self) -> None:
        """Create all bots."""
        names = iter(range(self.size.bots))

        async def make() -> None:
            for number in names:
                fixed = put({"mode": "Fixed", "count": PODS, "maxPerPod": 1}, "shards")
                bot = manifest(f"bot-{number:03}", fixed, put(PODS, "replicas"))
                async with self.session.post(BOTS.format("bots"), json=bot) as answer:
                    assert answer.status == 201, await answer.text()

        async with asyncio.TaskGroup() as group:
            for _ in range(MAKERS):
                group.create_task(make())

    async def until_ready(self) -> None:
        """Wait until all bots are Ready and at rest."""
        async with asyncio.timeout(LONGEST):
            while True:
                async with self.session.get(BOTS.format("bots")) as answer:
                    bots = (await answer.json())["items"]
                calm = sum(_is_calm(bot) for bot in bots)
                sys.stderr.write(f"{calm} of {len(bots)} bots are Ready and at rest\n")
                if calm == self.size.bots:
                    return
                await asyncio.sleep(3.0)

    async def until_settled(self) -> None:
        """Wait until the operator writes nothing any more."""
        async with asyncio.timeout(LONGEST):
            while True:
                end = time.time()
                if not _writes(self.log.between(end - SETTLED, end)):
                    return
                await asyncio.sleep(1.0)

    async def edit(self, name: str) -> str:
        """Change a bot's image, and return the id of the request."""
        self.edited += 1
        change = {"spec": {"image": f"registry.example/migaga:5.1.{self.edited}"}}
        path = f"{BOTS.format('bots')}/{name}"
        async with self.session.patch(path, data=json.dumps(change), headers=_MERGE) as answer:
            assert answer.status == 200, await answer.text()
            return answer.headers["Audit-Id"]

    async def reaction(self, name: str, edit: str, since: int, seconds: float) -> float:
        """Return the seconds from when the API server had an edit to when it had the Deployment that comes of it."""
        asked = await self.log.until(lambda one: one.id == edit, since, seconds)
        done = await self.log.until(lambda one: _is_write_of(one, name, asked.received), since, seconds)
        return done.answered - asked.received

    def names(self) -> list[str]:
        """Return all bots in an order of chance."""
        names = [f"bot-{number:03}" for number in range(self.size.bots)]
        self.chance.shuffle(names)
        return names


@asynccontextmanager
async def open_bench(plane: ControlPlane, size: Size) -> AsyncIterator[Bench]:
    """Speak for the pods of a control plane that runs, and read its log, until the block ends."""
    # Without nodes the scheduler would say of each pod that it has no place.
    plane.scheduler.stop()
    context = plane.context()
    connector = aiohttp.TCPConnector(ssl=context)
    with AuditLog(plane.logs / "audit.json") as log:
        async with (
            aiohttp.ClientSession(plane.url, connector=connector) as session,
            faked_pods(plane.url, context, PODS) as pods,
        ):
            yield Bench(session, log, pods, size)


async def measure(size: Size, plane: ControlPlane, kubeconfig: Path) -> dict[str, Any]:
    """Do it all, and return what was found."""
    operators = [OperatorProcess(plane, kubeconfig, "first", ALL)]
    try:
        async with open_bench(plane, size) as bench:
            found = await _measure_one(bench, operators[0])
            recoveries = []
            for number in range(size.kills):
                recoveries.append(await _recover(bench, operators, plane, kubeconfig, f"next-{number}"))
                await bench.until_settled()
    finally:
        for operator in operators:
            if operator.code is None:
                operator.end(signal.SIGKILL)
    return {**found, "recoveries": recoveries, "load": load(), "priority": os.getpriority(os.PRIO_PROCESS, 0)}


async def _measure_one(bench: Bench, operator: OperatorProcess) -> dict[str, Any]:
    begun = time.monotonic()
    await bench.make_bots()
    await bench.until_ready()
    ready = time.monotonic() - begun
    await bench.until_settled()
    found: dict[str, Any] = {
        "bots": bench.size.bots,
        "pods": len(bench.pods),
        "seconds_until_all_are_ready": round(ready, 1),
        "rest": await _rest(bench, operator),
        "edits": await _edits(bench, operator),
    }
    await bench.until_ready()
    await bench.until_settled()
    return {**found, "rss_mib_peak": memory(operator.pid, "VmHWM")}


async def _rest(bench: Bench, operator: OperatorProcess) -> dict[str, Any]:
    before, answers = await _buckets(operator), bench.pods.answers
    begin, used = time.time(), cpu(operator.pid)
    await asyncio.sleep(bench.size.rest)
    end, now = time.time(), cpu(operator.pid)
    asked = [one for one in bench.log.between(begin, end) if one.user == ACCOUNT]
    verbs = Counter(f"{one.verb} {one.resource}" for one in asked)
    seconds = end - begin
    return {
        "seconds": round(seconds, 1),
        "rss_mib": memory(operator.pid, "VmRSS"),
        "cores": round((now - used) / seconds, 3),
        "api_requests_per_second": {verb: round(count / seconds, 2) for verb, count in verbs.items()},
        "writes_per_minute": round(60 * len(_writes(asked)) / seconds, 2),
        "questions_to_pods_per_second": round((bench.pods.answers - answers) / seconds, 1),
        "reconcile": reconciles(before, await _buckets(operator), seconds),
        "load": load(),
    }


async def _edits(bench: Bench, operator: OperatorProcess) -> dict[str, Any]:
    before, begin, names, found = await _buckets(operator), time.time(), list[str](), list[float]()
    for _ in range(bench.size.edits):
        names = names or bench.names()
        name, since = names.pop(), bench.log.read()
        found.append(await bench.reaction(name, await bench.edit(name), since, 60.0))
        await asyncio.sleep(bench.chance.uniform(0.0, 2 * bench.size.pause))
    seconds = time.time() - begin
    asked = [one for one in bench.log.between(begin, begin + seconds) if one.user == ACCOUNT]
    return {
        "count": len(found),
        "seconds": round(seconds, 1),
        "to_first_child_write": spread(found),
        "api_requests_per_second": round(len(asked) / seconds, 1),
        "reconcile": reconciles(before, await _buckets(operator), seconds),
        "load": load(),
    }


async def _recover(
    bench: Bench, operators: list[OperatorProcess], plane: ControlPlane, kubeconfig: Path, name: str
) -> dict[str, float]:
    """Kill the operator, edit a bot and start the next operator at once; return the seconds from the kill."""
    since, (bot, *_) = bench.log.read(), bench.names()
    operators[-1].end(signal.SIGKILL)
    killed = time.time()
    operators.append(OperatorProcess(plane, kubeconfig, name, ALL))
    edit = await bench.edit(bot)
    held = await bench.log.until(lambda one: _is_lease(one, killed), since, 120.0)
    acted = killed + await bench.reaction(bot, edit, since, 120.0)
    return {"until_lease": round(held.answered - killed, 2), "until_reaction": round(acted - killed, 2)}


def _is_calm(bot: Mapping[str, Any]) -> bool:
    status = bot.get("status", {})
    says = {one["type"]: one["status"] for one in status.get("conditions", [])}
    is_new = status.get("observedGeneration") == bot["metadata"]["generation"]
    return is_new and says.get("Ready") == "True" and says.get("Progressing") == "False"


def _writes(asked: Sequence[Request]) -> list[Request]:
    """The operator's writes, without its Lease and without questions about its rights."""
    ours = (one for one in asked if one.user == ACCOUNT and one.is_write)
    return [one for one in ours if one.resource not in {"leases", "selfsubjectaccessreviews"}]


def _is_write_of(one: Request, name: str, after: float) -> bool:
    is_ours = one.user == ACCOUNT and one.is_write and one.code < 300
    return is_ours and (one.resource, one.name) == ("deployments", name) and one.received > after


def _is_lease(one: Request, after: float) -> bool:
    is_ours = one.user == ACCOUNT and one.is_write and one.code < 300
    return is_ours and one.resource == "leases" and one.received > after


async def _buckets(operator: OperatorProcess) -> dict[float, float]:
    """Return how many reconciles took at most so many seconds."""
    text = (await asyncio.to_thread(operator.ask, "/metrics"))[1]
    return {float(limit): float(count) for limit, count in _BUCKET.findall(text)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print a table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bots", type=int, default=100)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--rest", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--pause", type=float, default=1.0, metavar="SECONDS", help="between edits, on average")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    words = parser.parse_args(arguments)
    size = Size(words.bots, words.edits, words.rest, words.pause, words.kills)
    try:
        plane = ControlPlane(find_tools())
    except ToolsMissingError as missing:
        sys.stderr.write(f"{missing}\n")
        return 69
    try:
        plane.start()
        plane.kubectl("create", "namespace", "bots")
        plane.kubectl("apply", "--server-side", "-f", str(DEFINITION))
        plane.kubectl("wait", "--for=condition=Established", "--timeout=60s", "-f", str(DEFINITION))
        with rights_of_the_chart(plane) as kubeconfig:
            found = asyncio.run(measure(size, plane, kubeconfig))
    finally:
        plane.remove()
    sys.stdout.write((json.dumps(found) if words.json else table(found)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
