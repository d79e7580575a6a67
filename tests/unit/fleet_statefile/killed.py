"""Processes that use a state file and are killed with SIGKILL, at random or between two given system calls."""

from __future__ import annotations

import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

REPORT = struct.Struct("<cIQ")
CALLS = {"posix", "fcntl"}


@dataclass
class Said:
    """What a killed process has said before it died, in order: word, number, sequence number."""

    words: list[tuple[str, int, int]] = field(default_factory=list)

    def of(self, word: str, number: int | None = None) -> list[int]:
        return [seq for said, which, seq in self.words if said == word and number in (None, which)]


class Child:
    """A forked process that runs `work(say)` until it is killed or ends."""

    def __init__(self, work: Callable[[Callable[[str, int, int], None]], None], *, kill_at: int | None = None) -> None:
        """`kill_at`: it kills itself just before its system call of that number; the first is 1."""
        self._data = b""
        self._from, to = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            _run(work, to, kill_at)
        os.close(to)

    def kill_after(self, reports: int) -> None:
        """Kill it when it has said so much; wherever it is by then."""
        while len(self._data) < reports * REPORT.size:
            more = os.read(self._from, 65_536)
            assert more, "it has ended of its own accord"
            self._data += more
        os.kill(self.pid, signal.SIGKILL)

    def ended(self) -> tuple[Said, int]:
        """Wait for its end; return what it has said, and its exit code."""
        data = self._data + b"".join(iter(lambda: os.read(self._from, 65_536), b""))
        os.close(self._from)
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return Said([(word.decode(), number, seq) for word, number, seq in _reports(data)]), code


def _reports(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    for at in range(0, len(data) - REPORT.size + 1, REPORT.size):
        yield REPORT.unpack_from(data, at)


def _run(work: Callable[[Callable[[str, int, int], None]], None], to: int, kill_at: int | None) -> NoReturn:
    code = 1
    counted = 0

    def count(_frame: FrameType, event: str, called: object) -> None:
        nonlocal counted
        if event == "c_call" and getattr(called, "__module__", None) in CALLS:
            counted += 1
            if counted == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def say(word: str, number: int, seq: int) -> None:
        os.write(to, REPORT.pack(word.encode(), number, seq))

    try:
        if kill_at is not None:
            sys.setprofile(count)
        work(say)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)
