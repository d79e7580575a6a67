"""The API server's audit log as it grows: who asked for what, and when, by the API server's own clock.

`tests/bench/operator.py` measures by it, so that nothing is measured by asking more questions.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Self

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


@dataclass(frozen=True, slots=True)
class Request:
    """One request that was answered, or one watch that has ended."""

    id: str
    user: str
    verb: str
    resource: str
    """With its part, such as `pods/status`."""
    name: str
    code: int
    received: float
    """Seconds since 1970."""
    answered: float

    @property
    def is_write(self) -> bool:
        """Whether it changes something."""
        return self.verb in WRITES


class AuditLog:
    """Reads on where it stopped; a context manager. The API server begins a new file when one is large."""

    def __init__(self, path: Path) -> None:
        """Take the file, which may not be there yet."""
        self._path = path
        self._file: IO[str] | None = None
        self._rest = ""
        self.requests: list[Request] = []
        """All that were read, in the order of their answers."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def read(self) -> int:
        """Read what has come since the last time, and return how many requests are known."""
        self._read_file()
        while self._is_replaced():
            # What was written to the old file before the new one was there.
            self._read_file()
            if self._file is not None:
                self._file.close()
            self._file, self._rest = self._path.open(encoding="utf-8"), ""
            self._read_file()
        return len(self.requests)

    async def until(self, matches: Callable[[Request], bool], since: int, seconds: float) -> Request:
        """Wait for a request, the first `since` ones not counted. Raises TimeoutError when none comes in time."""
        async with asyncio.timeout(seconds):
            while True:
                known = self.read()
                for request in self.requests[since:known]:
                    if matches(request):
                        return request
                since = known
                await asyncio.sleep(0.02)

    def between(self, begin: float, end: float) -> list[Request]:
        """Return what was asked for in a time, in seconds since 1970."""
        self.read()
        return [request for request in self.requests if begin <= request.received < end]

    def _read_file(self) -> None:
        if self._file is None:
            return
        *lines, self._rest = (self._rest + self._file.read()).split("\n")
        events = (json.loads(line) for line in lines)
        self.requests += [_read(event) for event in events if event["stage"] == "ResponseComplete"]

    def _is_replaced(self) -> bool:
        try:
            now = self._path.stat()
        except FileNotFoundError:
            return False
        return self._file is None or now.st_ino != os.fstat(self._file.fileno()).st_ino


def _read(event: dict[str, Any]) -> Request:
    ref = event.get("objectRef", {})
    parts = [ref.get("resource", ""), *filter(None, [ref.get("subresource")])]
    return Request(
        id=event["auditID"],
        user=event["user"].get("username", ""),
        verb=event["verb"],
        resource="/".join(parts),
        name=ref.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        received=datetime.fromisoformat(event["requestReceivedTimestamp"]).timestamp(),
        answered=datetime.fromisoformat(event["stageTimestamp"]).timestamp(),
    )
