"""A bot as an operating system process, started and stopped the way an operator does it. Called by the scenarios."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import aiohttp

from migaga.common.errors import MigagaError

_ERROR = re.compile(r"\b(ERROR|CRITICAL)\b")
PROBE_EVERY = 0.1
"""Seconds between two questions to `/readyz`."""
LAST_LINES = 1
"""Lines of a log in an error, which is one line itself."""


@dataclass(frozen=True, slots=True)
class BotConfig:
    """What one process of the fleet is told."""

    application_id: int
    token: str
    api_url: str
    database_url: str
    modules: tuple[str, ...]
    shards: str
    http_port: int
    owner_ids: tuple[int, ...] = ()
    module_directories: tuple[Path, ...] = ()
    stop_grace: float | None = None
    """Seconds that handlers have at a stop; None: the default."""
    intents: str | None = None
    """Names of intents; None: the default."""
    revision: int = 0
    """Grows with each release."""
    capacity: int = 16
    """Shards that a process would like to hold at most."""
    armed_for: float = 60.0
    """Seconds for which two generations run beside each other before the next one takes over."""
    warm_within: float = 600.0
    """Seconds in which it must take over, or be given up."""
    state_directory: Path | None = None
    """Where a process keeps what it has finished; None: nowhere."""
    log_level: str = "INFO"

    def at(self, port: int, state_directory: Path, database_url: str) -> BotConfig:
        """The same for one process of the fleet."""
        return replace(self, http_port=port, state_directory=state_directory, database_url=database_url)

    def write(self, path: Path) -> None:
        """Write it as a `config.ini`, readable by its owner only, because the token is in it."""
        path.touch(mode=0o600)
        path.write_text(
            "\n".join(
                [
                    "[Env]",
                    f"ClientId = {self.application_id}",
                    f"Token = {self.token}",
                    "[Bot]",
                    f"OwnerIds = {' '.join(map(str, self.owner_ids))}",
                    *([] if self.intents is None else [f"Intents = {self.intents}"]),
                    "[Database]",
                    f"Url = {self.database_url}",
                    "[Discord]",
                    f"ApiUrl = {self.api_url}",
                    "[Shards]",
                    f"Count = {self.shards}",
                    *([] if self.stop_grace is None else [f"StopGrace = {self.stop_grace:g}"]),
                    "[Modules]",
                    f"Load = {' '.join(self.modules)}",
                    f"Directories = {', '.join(map(str, self.module_directories))}",
                    "[Fleet]",
                    f"Revision = {self.revision}",
                    f"Capacity = {self.capacity}",
                    f"ArmedFor = {self.armed_for:g}",
                    f"WarmWithin = {self.warm_within:g}",
                    f"StateDirectory = {self.state_directory or 'none'}",
                    "[Http]",
                    f"Port = {self.http_port}",
                    "[Log]",
                    f"Level = {self.log_level}",
                    "",
                ]
            )
        )


class BotProcess:
    """One running `migaga run`. Make it with `launch`."""

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log
        self._asked_to_stop = False

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.returncode is None

    def freeze(self) -> None:
        """SIGSTOP: it does nothing any more, and its connections stay."""
        if self.is_running:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: it goes on where it was."""
        if self.is_running:
            self._process.send_signal(signal.SIGCONT)

    async def end(self, *, within: float) -> int:
        """Send SIGTERM and wait for the end; returns the exit code.

        Args:
            within: Seconds until it is killed.

        Raises:
            MigagaError: It had to be killed.
        """
        self._asked_to_stop = True
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self._process.wait(), within)
        except TimeoutError as late:
            await self.kill()
            raise MigagaError(
                f"the bot did not stop within {within:.0f} s of SIGTERM; its log {self._log} ends: {self.tail()}"
            ) from late

    async def stop(self, *, within: float = 30.0) -> None:
        """Send SIGTERM and wait for the end.

        Args:
            within: Seconds until it is killed.

        Raises:
            MigagaError: It had to be killed, or left with an exit code other than 0.
        """
        code = await self.end(within=within)
        if code != 0:
            raise MigagaError(f"the bot left with exit code {code}; its log {self._log} ends: {self.tail()}")

    async def kill(self) -> None:
        """Send SIGKILL and wait for the end."""
        self._asked_to_stop = True
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def watch(self) -> None:
        """Return when it was asked to stop and did; raise `MigagaError` when it ends by itself."""
        code = await self._process.wait()
        if not self._asked_to_stop:
            raise MigagaError(f"the bot ended by itself with exit code {code}; its log {self._log} ends: {self.tail()}")

    def expect_end(self) -> None:
        """From now on it may end by itself."""
        self._asked_to_stop = True

    def said(self, *words: str) -> bool:
        """Whether a line of its log, or of those of the processes before it in its place, has all these words."""
        lines = self._log.read_text(errors="replace").splitlines()
        return any(all(word in line for word in words) for line in lines)

    def errors(self, about: str) -> list[str]:
        """The lines of that log that are errors and have this text."""
        lines = self._log.read_text(errors="replace").splitlines()
        return [line for line in lines if about in line and _ERROR.search(line)]

    def tail(self) -> str:
        """Return the last lines of its log."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-LAST_LINES:])


async def launch(words: Sequence[str], config: Path, log: Path, environment: Mapping[str, str]) -> BotProcess:
    """Start `migaga` with `words` (a sub-command and its options) and `config`, its output appended to `log`."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "migaga.cli.main", *words, "--config", str(config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=dict(environment),
            # Ctrl-C goes to all processes of a terminal; when the bot stops is the scenario's decision.
            start_new_session=True,
        )
    return BotProcess(process, log)


async def until_ready(port: int, within: float) -> None:
    """Ask `/readyz` as a probe does, until it answers 200.

    Args:
        port: Of the bot's HTTP server on loopback.
        within: Seconds.

    Raises:
        MigagaError: It was not ready in time; the message has its reasons.
    """
    told = "it does not answer"
    async with aiohttp.ClientSession() as session:
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    with suppress(aiohttp.ClientConnectionError):
                        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                            if answer.status == 200:
                                return
                            told = await answer.text()
                    await asyncio.sleep(PROBE_EVERY)
    raise MigagaError(f"the bot is not ready after {within:.0f} s: {told.strip()}")


async def is_ready(port: int) -> bool:
    """Whether `/readyz` says 200 now."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1)) as session:
        with suppress(aiohttp.ClientError, TimeoutError):
            async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return answer.status == 200
    return False


def free_port() -> int:
    """Return a TCP port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
