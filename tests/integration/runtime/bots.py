"""Real `migaga` processes for the tests of this folder."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from migaga_emulator.scenarios.processes import free_port

PROBE = '''
"""Notes every message it sees in a file, one id a line."""

import os

import hikari
from migaga.api import BaseModule, listen


class NotesMessages(BaseModule):
    """Notes messages."""

    @listen(hikari.GuildMessageCreateEvent)
    async def note(self, event: hikari.GuildMessageCreateEvent) -> None:
        line = f"{int(event.message_id)}\\n".encode()
        with open(os.environ["PROBE_FILE"], "ab", buffering=0) as file:
            file.write(line)
'''


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended."""

    code: int
    out: str
    err: str


def environment(**extra: str) -> dict[str, str]:
    """Return this process's environment without settings of ours, and with `extra`."""
    return {**{name: value for name, value in os.environ.items() if not name.startswith("MIGAGA_")}, **extra}


async def run_to_end(*words: str, cwd: Path, env: Mapping[str, str] | None = None, seconds: float = 40) -> Ended:
    """Run `migaga` with these words until it ends by itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migaga.cli.main", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=environment(**(env or {})),
    )
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Ended(process.returncode or 0, out.decode(), err.decode())


@dataclass
class Bot:
    """A running bot."""

    process: asyncio.subprocess.Process
    port: int
    log: Path
    http: aiohttp.ClientSession

    def errors(self) -> str:
        return self.log.read_text()

    async def get(self, path: str) -> tuple[int, Any]:
        """Ask its HTTP port: status and JSON; 0 when nobody listens yet."""
        try:
            async with self.http.get(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status, await answer.json()
        except aiohttp.ClientConnectionError:
            return 0, {}

    async def until(self, wanted: Callable[[Mapping[str, Any]], bool], seconds: float = 40) -> Mapping[str, Any]:
        """Wait until /status says what is wanted, and return it."""
        async with asyncio.timeout(seconds):
            while True:
                assert self.process.returncode is None, self.errors()
                code, status = await self.get("/status")
                if code == 200 and wanted(status):
                    found: Mapping[str, Any] = status
                    return found
                await asyncio.sleep(0.05)

    async def ready(self) -> Mapping[str, Any]:
        return await self.until(lambda status: status["ready"])

    async def stop(self, signal: int = 15, seconds: float = 30) -> int:
        """Ask it to stop, and return its exit code."""
        self.process.send_signal(signal)
        async with asyncio.timeout(seconds):
            return await self.process.wait()


@asynccontextmanager
async def running(folder: Path, config: str, *words: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Bot]:
    """Run `migaga run` (or `words`) on a configuration; the HTTP port is added."""
    port = free_port()
    file, log = folder / "config.ini", folder / "log.txt"
    await asyncio.to_thread(file.write_text, f"{config}\n[Http]\nPort = {port}\n")
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "migaga.cli.main", *(words or ("run",)), "--config", str(file)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            env=environment(**(env or {})),
        )
    async with aiohttp.ClientSession() as http:
        try:
            yield Bot(process, port, log, http)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def probe_module(folder: Path) -> tuple[Path, Path]:
    """Write the probe module; returns its folder and the file that it writes to."""
    modules = folder / "probe_modules"
    modules.mkdir(exist_ok=True)
    (modules / "notes_messages.py").write_text(PROBE)
    noted = folder / "noted.txt"
    noted.touch()
    return modules, noted
