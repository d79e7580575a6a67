"""Real processes that start at once: forked from one that has imported everything, so that a test does not pay for it.

A `conftest.py` that wants the fixture `forked` writes `from tests.support.forked import *`. Each process has its own
arguments, folder, environment and output, runs Python code as `__main__` and ends with an exit code.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NoReturn, TypedDict

import pytest

__all__ = ["forked"]

ROOT = Path(__file__).parents[2]
PRELOADED = (
    *("migaga.cli.db", "migaga.cli.main", "migaga.cli.modules", "migaga.cli.new", "migaga.api", "migaga.cli.run"),
    *("alembic.command", "aiosqlite", "asyncmy", "sqlalchemy.dialects.mysql.asyncmy"),
    *("sqlalchemy.dialects.sqlite.aiosqlite", "migaga.framework.register"),
)
COMMAND_LINE = "import sys\nfrom migaga.cli.main import main\nsys.exit(main())"


class _Order(TypedDict):
    code: str
    arguments: list[str]
    folder: str
    environ: dict[str, str]
    count: int
    output: str


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one process."""

    code: int
    out: str
    err: str


class Forked:
    """Starts processes. Made by the fixture `forked`."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.support.forked"]
        self._server = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._one_at_a_time = threading.Lock()

    def start(
        self,
        code: str,
        *arguments: str,
        folder: Path = ROOT,
        environ: Mapping[str, str] | None = None,
        count: int = 1,
    ) -> list[Done]:
        """Run `count` processes of the same code at once and wait until all have ended.

        The code may call `wait_for_others()`, which returns in all of them at the same moment.
        """
        with self._one_at_a_time, tempfile.TemporaryDirectory() as output:
            given = {"PATH": os.environ.get("PATH", ""), "NO_COLOR": "1", **(environ or {})}
            order = _Order(
                code=code, arguments=list(arguments), folder=str(folder), environ=given, count=count, output=output
            )
            assert self._server.stdin is not None
            assert self._server.stdout is not None
            self._server.stdin.write(json.dumps(order) + "\n")
            codes: list[int] = json.loads(self._server.stdout.readline())
            files = [(Path(output, f"{index}.out"), Path(output, f"{index}.err")) for index in range(count)]
            return [
                Done(code, out.read_text("utf-8"), err.read_text("utf-8"))
                for code, (out, err) in zip(codes, files, strict=True)
            ]

    def migaga(self, *words: str, folder: Path, environ: Mapping[str, str] | None = None) -> Done:
        """Run the command line."""
        return self.start(COMMAND_LINE, *words, folder=folder, environ=environ)[0]

    async def together(self, code: str, *arguments: str, count: int) -> list[Done]:
        """Run processes while the event loop goes on."""
        return await asyncio.to_thread(self.start, code, *arguments, count=count)

    def stop(self) -> None:
        """End the process from which the others are forked."""
        assert self._server.stdin is not None
        self._server.stdin.close()
        self._server.wait(timeout=30)
        assert self._server.stdout is not None
        self._server.stdout.close()


FORKED = pytest.StashKey[Forked]()


@pytest.fixture(scope="session")
def forked(request: pytest.FixtureRequest) -> Forked:
    """Return what starts processes; one for the session."""
    if FORKED not in request.config.stash:
        made = Forked()
        request.config.add_cleanup(made.stop)
        request.config.stash[FORKED] = made
    return request.config.stash[FORKED]


def _child(order: _Order, index: int, barrier: Barrier) -> NoReturn:
    """Become the process that was asked for. Never returns."""
    code = 1
    try:
        for number, name in ((1, "out"), (2, "err")):
            file = os.open(f"{order['output']}/{index}.{name}", os.O_WRONLY | os.O_CREAT, 0o600)
            os.dup2(file, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.chdir(order["folder"])
        os.environ.clear()
        os.environ.update(order["environ"])
        sys.argv = ["migaga", *order["arguments"]]
        names = {"__name__": "__main__", "wait_for_others": barrier.wait}
        exec(compile(order["code"], "<process>", "exec"), names)
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _serve() -> None:
    for name in PRELOADED:
        importlib.import_module(name)
    context = multiprocessing.get_context("fork")
    for line in sys.stdin:
        order: _Order = json.loads(line)
        barrier = context.Barrier(order["count"], timeout=60)
        children = []
        for index in range(order["count"]):
            child = os.fork()
            if child == 0:
                _child(order, index, barrier)
            children.append(child)
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        sys.stdout.write(json.dumps(codes) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
