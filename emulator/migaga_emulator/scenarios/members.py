"""The processes of a scenario's fleet: one for each place, on one database; starting, replacing and stopping them.

Nobody tells a process its shards: they share them by leases. Called by `runner.py` and by what goes wrong.
"""

from __future__ import annotations

import asyncio
import math
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

import aiohttp

from migaga.common.errors import MigagaError
from migaga_emulator.control.client import ControlClient
from migaga_emulator.scenarios.processes import BotConfig, BotProcess, free_port, launch, until_ready

START_WITHIN = 90.0
BUCKET_S = 5.5
"""Seconds that a shard may wait for the one before it in its IDENTIFY bucket."""
WARM = "running"
"""What `/status` calls a process whose start is over, whether it has shards or not."""
LOOK_EVERY = 0.05
_STATUS_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Release:
    """What a Deployment's pods are made of: the image and its settings."""

    config: BotConfig
    environment: Mapping[str, str]

    @property
    def revision(self) -> int:
        """Which release it is."""
        return self.config.revision

    def next(self, config: BotConfig | None = None, environment: Mapping[str, str] | None = None) -> Release:
        """The release after this one: the same, but for what is given."""
        return Release(
            replace(self.config if config is None else config, revision=self.revision + 1),
            {**self.environment, **(environment or {})},
        )


@dataclass(slots=True, eq=False)
class Member:
    """One place of the fleet, as a pod is: its settings, its folder, and the process that runs in it now."""

    number: int
    release: Release
    config: Path
    port: int
    log: Path
    process: BotProcess | None = None

    @property
    def pid(self) -> int:
        """The process in it now, or the last one; 0 before the first."""
        return 0 if self.process is None else self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether there is a process in it that has not ended."""
        return self.process is not None and self.process.is_running


async def _same_database(release: Release, number: int) -> str:
    return release.config.database_url


@dataclass(slots=True)
class Fleet:
    """All processes. None of them outlives the block `async with fleet`."""

    control: ControlClient
    folder: Path
    release: Release
    """What new processes are made of."""
    shards: int
    address: Callable[[Release, int], Awaitable[str]] = _same_database
    """The database's address as the process of this number is told it."""
    members: list[Member] = field(default_factory=list)
    """The places that there should be now."""
    everyone: list[Member] = field(default_factory=list)
    """Those and all that there were."""
    pids: list[int] = field(default_factory=list)
    """Every process that ran, in the order of their starts."""
    revisions: dict[int, int] = field(default_factory=dict)
    """The release of each process, by process id."""
    changed_at: float = -math.inf
    """When a process was last started or told to leave: shards move after that, and dialogues end with their moves."""
    complaints: list[str] = field(default_factory=list)
    """Processes that ended by themselves, or not in order."""
    _watching: asyncio.TaskGroup = field(default_factory=asyncio.TaskGroup)
    _leaving: set[asyncio.Task[None]] = field(default_factory=set)
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Fleet:
        await self._watching.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for member in self.everyone:
            if member.process is not None:
                await member.process.kill()
        await self._watching.__aexit__(kind, error, trace)

    async def start(self, processes: int) -> None:
        """Start so many processes at once and wait until all shards are connected."""
        for _ in range(processes):
            await self.add()
        await self.until_served()

    async def until_warm(self) -> float:
        """Wait until the first process has loaded and checked everything, and may begin to take shards; that moment."""
        while True:
            if any(status.get("phase") == WARM for status in await self.statuses()):
                return time.monotonic()
            await asyncio.sleep(LOOK_EVERY)

    async def restart(self) -> None:
        """Start every place that is empty, and wait until all shards are connected."""
        for member in self.members:
            if not member.is_running:
                await self.launch(member)
        await self.until_served()

    async def until_served(self) -> None:
        """Wait until all shards are connected. Raises MigagaError when a process ends meanwhile, or it takes long."""
        await self.unless_ended(self.until_connected(self.shards))

    async def add(self, release: Release | None = None) -> Member:
        """Make another place and start its process; returns at once."""
        release = self.release if release is None else release
        number, port = len(self.everyone), free_port()
        state = self.folder / f"state-{number}"
        state.mkdir(exist_ok=True)
        config = self.folder / f"process-{number}.ini"
        release.config.at(port, state, await self.address(release, number)).write(config)
        member = Member(number, release, config, port, self.folder / f"process-{number}.log")
        self.everyone.append(member)
        self.members.append(member)
        await self.launch(member)
        return member

    async def launch(self, member: Member) -> None:
        """Start the process of a place, with the folder that the one before it had; returns at once."""
        member.process = await launch(("run",), member.config, member.log, member.release.environment)
        self.changed_at = time.monotonic()
        self.pids.append(member.pid)
        self.revisions[member.pid] = member.release.revision
        self._watching.create_task(self._watch(member.process), name=f"watch process {member.pid}")

    def dismiss(self, member: Member, *, within: float) -> None:
        """SIGTERM to a process whose place goes. Returns at once; what is wrong with its end is noted."""
        self.members.remove(member)
        task = self._watching.create_task(self._leave(member, within), name=f"process {member.pid} leaves")
        self._leaving.add(task)

    async def until_left(self) -> None:
        """Wait until all that were dismissed have ended."""
        await asyncio.gather(*self._leaving)

    async def stop(self, *, within: float) -> None:
        """SIGTERM to all, and wait for their ends. What is wrong with these is noted."""
        await asyncio.gather(*(self._leave(member, within) for member in self.members))

    async def end(self, *, within: float) -> list[int]:
        """SIGTERM to all; returns their exit codes. One that has to be killed is noted."""
        return list(await asyncio.gather(*(self._end(member, within) for member in self.members)))

    async def finish(self, *, within: float) -> None:
        """The end of a scenario: stop what still runs."""
        await asyncio.gather(*(self._leave(member, within) for member in self.members if member.is_running))

    async def until_connected(self, count: int) -> None:
        """Wait until this many sessions are connected."""
        await self.control.wait_for_sessions(count, timeout=START_WITHIN + count * BUCKET_S)

    async def until_ready(self, member: Member, *, within: float) -> None:
        """Wait until `/readyz` of a process says 200. MigagaError when it does not in time, or ends."""
        await until_ready(member.port, within)

    async def unless_ended(self, waiting: Awaitable[None]) -> None:
        """Wait, unless a process ends by itself: then raise MigagaError."""
        work = asyncio.ensure_future(waiting)
        ended = asyncio.create_task(self._ended.wait(), name="scenario: a process has ended")
        try:
            await asyncio.wait({work, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise MigagaError(self.complaints[-1])
            work.result()
        finally:
            for task in (work, ended):
                task.cancel()
            await asyncio.gather(work, ended, return_exceptions=True)

    def expect_ends(self) -> None:
        """From now on processes may end by themselves."""
        for member in self.members:
            if member.process is not None:
                member.process.expect_end()

    async def statuses(self) -> list[dict[str, object]]:
        """What /status of each process says; empty for one that does not answer."""
        async with aiohttp.ClientSession(timeout=_STATUS_TIMEOUT) as http:
            return [await _status(http, member.port) for member in self.members]

    async def _leave(self, member: Member, within: float) -> None:
        self.changed_at = time.monotonic()
        if member.process is not None:
            try:
                await member.process.stop(within=within)
            except MigagaError as error:
                self.complaints.append(str(error))

    async def _end(self, member: Member, within: float) -> int:
        try:
            return 0 if member.process is None else await member.process.end(within=within)
        except MigagaError as error:
            self.complaints.append(str(error))
            return -signal.SIGKILL

    async def _watch(self, process: BotProcess) -> None:
        try:
            await process.watch()
        except MigagaError as error:
            self.complaints.append(str(error))
            self._ended.set()


async def _status(http: aiohttp.ClientSession, port: int) -> dict[str, object]:
    try:
        async with http.get(f"http://127.0.0.1:{port}/status") as answer:
            told = await answer.json()
    except (aiohttp.ClientError, TimeoutError):
        return {}
    return told if isinstance(told, dict) else {}


def member_environment(probe: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without settings of a bot of ours, and with the probe's."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("MIGAGA_")}, **probe}


def numbers(members: Sequence[Member]) -> str:
    """Name processes by their numbers, for people."""
    return ", ".join(str(member.number) for member in members)
