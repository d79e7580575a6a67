"""The processes of a scenario's fleet: which shards each has; starting and stopping. Called by `runner.py`.

Today a process is told its shards; a fleet whose processes share them by leases is told only its database.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import aiohttp

from migaga.common.errors import MigagaError
from migaga_emulator.control.client import ControlClient
from migaga_emulator.scenarios.processes import BotConfig, BotProcess, free_port, launch

START_WITHIN = 90.0
BUCKET_PAUSE = 5.5
"""Seconds between the starts of processes whose shards share IDENTIFY buckets."""
_STATUS_TIMEOUT = aiohttp.ClientTimeout(total=5)


def share(shards: int, processes: int, number: int) -> range:
    """The shards of one process: consecutive ones, shares differing by one at most."""
    return range(shards * number // processes, shards * (number + 1) // processes)


@dataclass(slots=True)
class Member:
    """One process of the fleet, and those that stand in its place later."""

    number: int
    words: Sequence[str]
    """The sub-command and its options."""
    config: Path
    port: int
    log: Path
    shards: range
    process: BotProcess | None = None


@dataclass(slots=True)
class Fleet:
    """All processes. None of them outlives the block `async with fleet`, which one that ends by itself cancels."""

    control: ControlClient
    members: list[Member]
    shards: int
    environment: dict[str, str]
    in_turn: bool
    """Shards of different processes share buckets: the processes start one after the other."""
    pids: list[int] = field(default_factory=list)
    """Every process that ran, in the order of their starts."""
    _watching: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)

    async def __aenter__(self) -> Fleet:
        await self._watching.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.members:
            if member.process is not None:
                await member.process.kill()
        await self._watching.__aexit__(kind, error, trace)

    async def start(self) -> None:
        """Start every process and wait until all shards are connected."""
        connected = 0
        for member in self.members:
            if self.in_turn and connected:
                await asyncio.sleep(BUCKET_PAUSE)
            await self.launch(member)
            connected += len(member.shards)
            if self.in_turn:
                await self.until_connected(connected)
        await self.until_connected(self.shards)

    async def launch(self, member: Member) -> None:
        """Start one process; returns at once."""
        member.process = await launch(member.words, member.config, member.log, self.environment)
        self.pids.append(member.process.pid)
        self._watching.create_task(member.process.watch(), name=f"watch process {member.process.pid}")

    async def until_connected(self, count: int) -> None:
        """Wait until this many sessions are connected."""
        await self.control.wait_for_sessions(count, timeout=START_WITHIN + count * BUCKET_PAUSE)

    def expect_ends(self) -> None:
        """From now on processes may end by themselves."""
        for member in self.members:
            if member.process is not None:
                member.process.expect_end()

    async def stop(self, *, within: float) -> None:
        """SIGTERM to all, and wait for their ends."""
        running = [member.process for member in self.members if member.process is not None]
        await asyncio.gather(*(process.stop(within=within) for process in running))

    async def left(self, *, within: float) -> list[int]:
        """Wait until every process has ended by itself; returns their exit codes. MigagaError when one stays."""
        running = [member.process for member in self.members if member.process is not None]
        try:
            async with asyncio.timeout(within):
                return list(await asyncio.gather(*(process.left() for process in running)))
        except TimeoutError as error:
            raise MigagaError(f"not every process has ended within {within:.0f} s") from error

    async def statuses(self) -> list[dict[str, object]]:
        """What /status of each process says; empty for one that does not answer."""
        async with aiohttp.ClientSession(timeout=_STATUS_TIMEOUT) as http:
            return [await _status(http, member.port) for member in self.members]


async def _status(http: aiohttp.ClientSession, port: int) -> dict[str, object]:
    try:
        async with http.get(f"http://127.0.0.1:{port}/status") as answer:
            told = await answer.json()
    except (aiohttp.ClientError, TimeoutError):
        return {}
    return told if isinstance(told, dict) else {}


def make_members(folder: Path, base: BotConfig, *, shards: int, processes: int) -> list[Member]:
    """Write a configuration for each process, and say what each is told."""
    members: list[Member] = []
    for number in range(processes):
        mine, port = share(shards, processes, number), free_port()
        config = folder / f"process-{number}.ini"
        base.on_port(port).write(config)
        ids = ",".join(map(str, mine))
        words = ("run",) if processes == 1 else ("shard", "--ids", ids, "--count", str(shards))
        members.append(Member(number, words, config, port, folder / f"process-{number}.log", mine))
    return members


def member_environment(probe: dict[str, str]) -> dict[str, str]:
    """This process's environment without settings of a bot of ours, and with the probe's."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("MIGAGA_")}, **probe}
