"""What a fleet costs at rest: `python -m tests.bench.rest --shards 200 --processes 10 --seconds 60`.

Real processes on a MariaDB server of its own and the emulator, with nobody saying anything. Counted by the server
(its `Questions`) and by the kernel (CPU time of each process).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import BotInfo
from migaga_emulator.rules import Rules
from migaga_emulator.scenarios.processes import BotConfig, BotProcess, free_port, launch
from migaga_emulator.server import run_emulator
from tests.support.mariadb import PACKAGE, MariaDbServer

COME_TO_REST = 60.0
"""Seconds until shares are evened out, and nothing of the start is left."""
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


async def questions(server: MariaDbServer) -> int:
    """Statements that the server has been sent so far; asking is one of them, with two of the connection."""
    rows = await server.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
    return int(str(rows[0][1]))


async def measure(shards: int, processes: int, seconds: float, server: MariaDbServer) -> dict[str, object]:
    """Start a fleet, let it rest, and count."""
    rules = Rules(recommended_shards=shards, max_concurrency=shards)
    async with run_emulator(rules, seed=1) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Resting")
        await control.create_guilds(2 * shards, members=2, bot=bot.id)
        with tempfile.TemporaryDirectory(prefix="migaga-rest-") as name:
            return await _measure_in(Path(name), bot, emulator.api_url, control, (shards, processes, seconds), server)


async def _measure_in(
    folder: Path,
    bot: BotInfo,
    api_url: str,
    control: ControlClient,
    size: tuple[int, int, float],
    server: MariaDbServer,
) -> dict[str, object]:
    shards, processes, seconds = size
    await server.execute("CREATE DATABASE rest")
    base = BotConfig(
        application_id=bot.id,
        token=bot.token,
        api_url=api_url,
        database_url=server.url("rest"),
        modules=(),
        shards=str(shards),
        http_port=0,
        capacity=-(-shards // processes),
    )
    running: list[BotProcess] = []
    try:
        for number in range(processes):
            config = folder / f"{number}.ini"
            base.at(free_port(), folder / f"state-{number}", base.database_url).write(config)
            running.append(await launch(("run",), config, folder / f"{number}.log", os.environ))
        await control.wait_for_sessions(shards, timeout=600)
        sys.stderr.write(f"{shards} shards are connected; they come to rest\n")
        await asyncio.sleep(COME_TO_REST)
        before, used = await questions(server), [cpu_seconds(one.pid) for one in running]
        await asyncio.sleep(seconds)
        after, now = await questions(server), [cpu_seconds(one.pid) for one in running]
        cores = [(is_ - was) / seconds for is_, was in zip(now, used, strict=True)]
    finally:
        for one in running:
            await one.kill()
    return {
        "shards": shards,
        "processes": processes,
        "seconds": seconds,
        "statements_per_second": round((after - before) / seconds, 1),
        "cores_mean": round(sum(cores) / len(cores), 4),
        "cores_max": round(max(cores), 4),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shards", type=int, default=200)
    parser.add_argument("--processes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=60.0)
    words = parser.parse_args(arguments)
    daemon, installer = shutil.which("mariadbd"), shutil.which("mariadb-install-db")
    if daemon is None or installer is None:
        sys.stderr.write(f"mariadbd is not installed: install the Debian package {PACKAGE}\n")
        return 69
    server = MariaDbServer(daemon, installer)
    try:
        server.install()
        server.start()
        told = asyncio.run(measure(words.shards, words.processes, words.seconds, server))
    finally:
        server.remove()
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
