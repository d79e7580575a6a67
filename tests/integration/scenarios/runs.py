"""Scenarios as a person runs them: `migaga ...` in a process of its own, a few at a time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

AT_ONCE = 4
"""Runs beside each other: they sleep most of the time, and a small machine has two cores."""
LONGEST = 300.0
TIMES = re.compile(
    r"gaps? was [0-9]+ ms|was handled [0-9.]+ s after|^ready [0-9.]+ s after|not answered within 3 s$"
    r"|answers were wrong: autocomplete .*: suggested \[\] instead of"
)
"""Complaints about how long something took. While other runs use the same cores, they say nothing. Suggestions that
come too late are none: they are the apology of an autocomplete."""
TOO_LATE = -1
"""The code of a run that did not end in time."""

FIELDS = [
    *("scenario", "seed", "shards", "processes", "pids", "database", "emulator", "events_sent", "events_by_type"),
    *("events_handled", "lost", "repeated", "expired", "undeliverable", "effects_lost", "effects_repeated"),
    *("identifies", "identifies_rejected", "resumes", "handovers", "faults", "interactions_sent"),
    *("interactions_answered", "gap_ms", "passed", "why"),
]

PROBE = '''
"""Tells the ledger of handled events, in the simplest way that does."""

import os

import aiohttp
import hikari
from migaga.api import BaseModule, listen


class Plain(BaseModule):
    """Another probe."""

    @listen(hikari.ShardPayloadEvent)
    async def tell(self, event: hikari.ShardPayloadEvent, http: aiohttp.ClientSession) -> None:
        told = {"events": [{"name": event.name, "payload": dict(event.payload)}]}
        async with http.post(os.environ["PROBE_URL"] + "/ledger/handled", json=told) as answer:
            assert answer.status == 200, await answer.text()
'''


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended."""

    code: int
    out: str
    err: str

    @property
    def was_slow(self) -> bool:
        """Whether it failed by times alone."""
        if self.code == TOO_LATE:
            return True
        return self.code == 1 and bool(self.out) and all(TIMES.search(why) for why in self.last["why"])

    @property
    def last(self) -> Mapping[str, Any]:
        """The JSON of the last line."""
        assert self.out, self.err
        found: Mapping[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


def migaga(*words: str) -> Ended:
    """Run `migaga` to its end."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "migaga.cli.main", *words],
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
            stdin=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if not name.startswith(("MIGAGA_", "PROBE_"))},
        )
    except subprocess.TimeoutExpired:
        return Ended(TOO_LATE, "", f"it did not end within {LONGEST:.0f} s")
    return Ended(done.returncode, done.stdout, done.stderr)


class Runs:
    """Runs that go on beside each other, by name."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._words: dict[str, Sequence[str]] = {}
        self._again: dict[str, Callable[[], Sequence[str]]] = {}
        self._runs: dict[str, Future[Ended]] = {}

    def begin(self, name: str, *words: str, again: Callable[[], Sequence[str]] | None = None) -> None:
        """Begin a run as soon as there is room. `again` gives the words of another try: with a folder of its own."""
        self._words[name] = words
        if again is not None:
            self._again[name] = again
        self._runs[name] = self._pool.submit(migaga, *words)

    def ended(self, name: str) -> Ended:
        """Wait for its end. One that was only too slow runs once more when nothing else does."""
        ended = self._runs[name].result()
        if ended.was_slow and name in self._again:
            wait(self._runs.values())
            self.begin(name, *self._again.pop(name)())
            ended = self._runs[name].result()
        return ended

    def kept(self, name: str) -> Path:
        """The folder in which a run leaves its logs."""
        words = self._words[name]
        return Path(words[words.index("--keep") + 1])

    def passed(self, name: str) -> Mapping[str, Any]:
        """Wait until it has passed, and give its last line."""
        ended = self.ended(name)
        assert ended.code == 0, f"{ended.out[-3_000:]}{ended.err}\n{self._words[name]}"
        assert "p%40ss" not in ended.out + ended.err, "the database's password is shown"
        last = ended.last
        assert list(last) == FIELDS
        assert (last["passed"], last["why"], last["lost"]) == (True, [], 0)
        assert (last["effects_lost"], last["effects_repeated"], last["identifies_rejected"]) == (0, 0, 0)
        assert last["events_sent"] == last["events_handled"] + last["undeliverable"] > 80
        assert sum(last["events_by_type"].values()) == last["events_sent"]
        assert len(set(last["pids"])) == len(last["pids"])
        return last


def write_probe(folder: Path) -> Path:
    """Write the other probe; returns its folder."""
    modules = folder / "modules"
    modules.mkdir()
    (modules / "plain.py").write_text(PROBE)
    return modules
