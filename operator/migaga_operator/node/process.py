"""The process of a container, in a session of its own, ended as a group. Used by `container.py` and `asking.py`."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from migaga.common.errors import MigagaError
from migaga_operator.node.environment import Launch

_LAUNCH = Path(__file__).with_name("launch.py")


class StartError(MigagaError):
    """A command cannot be started at all."""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended."""

    code: int
    """128 and the signal, where a signal ended it."""
    signal: int = 0


class Process:
    """A process that runs. Made by `started`."""

    def __init__(self, inner: asyncio.subprocess.Process) -> None:
        self._inner = inner

    @property
    def pid(self) -> int:
        """Its id, which is that of its group too."""
        return self._inner.pid

    @property
    def has_ended(self) -> bool:
        """Whether the main process is gone."""
        return self._inner.returncode is not None

    async def wait(self) -> Exit:
        """Wait until the main process has ended. What it started may still run."""
        code = await self._inner.wait()
        return Exit(code) if code >= 0 else Exit(128 - code, -code)

    def terminate(self) -> None:
        """Ask the main process to end, as Kubernetes does: by SIGTERM."""
        with suppress(ProcessLookupError):
            self._inner.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """End the process and everything that it started in its session's group, at once."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._inner.pid, signal.SIGKILL)


@asynccontextmanager
async def started(launch: Launch, log: Path | None = None) -> AsyncIterator[Process]:
    """Start a process; when the block is left, it and its group are ended.

    Args:
        launch: What to start.
        log: The file that its output is added to; None: nobody reads it.

    Raises StartError when there is no such command, or the machine refuses to start it.
    """
    command = await asyncio.to_thread(_find, launch)
    output = await asyncio.to_thread(_open, log)
    # The file is opened by a process of its own session, so that a signal to the node's group does not reach it.
    try:
        inner = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(_LAUNCH), str(os.getpid()), command, *launch.command[1:]),
            cwd=launch.folder,
            env=dict(launch.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise StartError(f"{launch.command[0]} cannot be started: {_words(error)}") from error
    finally:
        os.close(output)
    process = Process(inner)
    try:
        yield process
    finally:
        process.kill_group()
        await process.wait()


def _find(launch: Launch) -> str:
    word = launch.command[0]
    if "\0" in "".join(launch.command):
        raise StartError(f"the command {word.partition(chr(0))[0]} has a NUL in it. Correct it.")
    if "/" in word:
        found = Path(launch.folder, word)
        if not found.is_file():
            raise StartError(f'exec: "{word}": no such file. Correct the command, or put the file into the image.')
        return str(found)
    path = shutil.which(word, path=launch.environment.get("PATH", ""))
    if path is None:
        raise StartError(f'exec: "{word}": executable file not found in PATH. Correct the command, or the image.')
    return path


def _open(log: Path | None) -> int:
    if log is None:
        return os.open(os.devnull, os.O_WRONLY)
    log.parent.mkdir(parents=True, exist_ok=True)
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _words(error: OSError | ValueError) -> str:
    # A ValueError may quote the environment, which holds secrets.
    return error.strerror or "the machine refuses it" if isinstance(error, OSError) else "it has a NUL or no text in it"
