"""A fleet as `migaga up` runs it: started from a manifest, changed by writing it anew, stopped. Called by the demo."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from migaga.common.errors import MigagaError

_LONGEST_LINE = 4 * 1024 * 1024
IMAGE = "migaga:here"
"""A name that nothing else has: it means the installation that runs."""


@dataclass(frozen=True, slots=True)
class BotPlan:
    """What is asked for, as a person writes it into a manifest."""

    application_id: int
    token: str
    database_url: str
    modules: tuple[str, ...]
    replicas: int
    environment: Mapping[str, str]

    def changed(self, **environment: str) -> BotPlan:
        """The same with further variables: another revision of the pods."""
        return replace(self, environment={**self.environment, **environment})

    def write(self, path: Path) -> None:
        """Write the manifest, readable by its owner only, because the token is in it."""
        path.touch(mode=0o600)
        # Half a file would be another wish.
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps({"kind": "List", "items": [self._secret(), self._bot()]}, indent=1))
        part.replace(path)

    def _secret(self) -> object:
        values = {"token": self.token, "database-url": self.database_url}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "demo"}, "stringData": values}

    def _bot(self) -> object:
        spec = {
            "applicationId": str(self.application_id),
            "image": IMAGE,
            "tokenSecretRef": {"name": "demo"},
            "database": {"urlSecretRef": {"name": "demo"}},
            "replicas": self.replicas,
            "modules": [{"name": name} for name in self.modules],
            "pod": {"env": [{"name": name, "value": value} for name, value in self.environment.items()]},
        }
        return {
            "apiVersion": "migaga.dev/v1alpha1",
            "kind": "BotDeployment",
            "metadata": {"name": "demo"},
            "spec": spec,
        }


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod, as `migaga up --json` tells of it."""

    name: str
    revision: str
    state: str
    ready: bool
    pid: int | None
    address: str

    @property
    def is_leaving(self) -> bool:
        """Whether it has been asked to end."""
        return self.state == "Terminating"


@dataclass(frozen=True, slots=True)
class Moment:
    """The fleet at one moment."""

    is_ready: bool = False
    """All shards are connected."""
    pods: tuple[Pod, ...] = ()

    def is_at_rest(self, replicas: int, revisions: int) -> bool:
        """Whether as many pods as were asked for are ready, all of one revision, which is not the first ones'."""
        seen = {pod.revision for pod in self.pods}
        all_ready = all(pod.ready and not pod.is_leaving for pod in self.pods)
        return self.is_ready and all_ready and len(self.pods) == replicas and seen == {str(revisions)}


class UpProcess:
    """One running `migaga up`. Make it with `up_process`."""

    def __init__(self, process: asyncio.subprocess.Process, say: Callable[[str], None], log: Path) -> None:
        self._process = process
        self._say = say
        self._log = log
        self._changed = asyncio.Event()
        self._asked_to_stop = False
        self.pids: list[int] = []
        """Every process of a pod that was seen, in the order of their starts."""
        self.moment = Moment()
        """The fleet as it was told last."""

    async def follow(self, output: asyncio.StreamReader) -> None:
        """Read what it tells until it ends."""
        async for line in output:
            self._take(json.loads(line))
        await self._process.wait()
        self._wake()

    async def until(self, holds: Callable[[Moment], bool], within: float, what: str) -> Moment:
        """Wait for a moment.

        Raises MigagaError when it does not come in `within` seconds (`what` says so), or the fleet ends by itself.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not holds(self.moment):
                    await self._check_running()
                    await self._changed.wait()
                return self.moment
        raise MigagaError(f"{what} after {within:.0f} s; the logs are in {self._log.parent}: {await self._tail()}")

    async def stop(self, within: float) -> None:
        """Ask it to drain. Raises MigagaError when it does not end in time, or not in order."""
        self.ask()
        try:
            code = await asyncio.wait_for(self.ended(), within)
        except TimeoutError as late:
            raise MigagaError(
                f"`migaga up` did not end within {within:.0f} s of SIGTERM: {await self._tail()}"
            ) from late
        if code != 0:
            raise MigagaError(f"`migaga up` left with exit code {code}: {await self._tail()}")

    def ask(self) -> None:
        """Send SIGTERM: the first asks it to drain, the second to kill."""
        self._asked_to_stop = True
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait for its end, and return the exit code."""
        return await self._process.wait()

    async def kill(self) -> None:
        """End it at once; its pods end with it."""
        self._asked_to_stop = True
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    def _take(self, told: Mapping[str, object]) -> None:
        said = told.get("said")
        if isinstance(said, str):
            self._say(said)
            return
        self.moment = read_moment(told)
        self.pids += [pod.pid for pod in self.moment.pods if pod.pid is not None and pod.pid not in self.pids]
        self._wake()

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def _check_running(self) -> None:
        code = self._process.returncode
        if code is not None and not self._asked_to_stop:
            raise MigagaError(f"`migaga up` ended by itself with exit code {code}: {await self._tail()}")

    async def _tail(self) -> str:
        lines = (await asyncio.to_thread(self._log.read_text, errors="replace")).splitlines()
        return lines[-1] if lines else "it said nothing"


def read_moment(told: Mapping[str, object]) -> Moment:
    """Read what `migaga up --json` tells of a moment."""
    bots, pods = _rows(told.get("bots")), _rows(told.get("pods"))
    return Moment(
        is_ready=bool(bots) and all(row["is_ready"] == "True" for row in bots),
        pods=tuple(
            Pod(
                name=str(row["name"]),
                revision=str(row["revision"]),
                state=str(row["state"]),
                ready=row["ready"] is True,
                pid=row["pid"] if isinstance(row["pid"], int) else None,
                address=str(row["address"]),
            )
            for row in pods
        ),
    )


def _rows(value: object) -> Sequence[Mapping[str, object]]:
    return [row for row in value if isinstance(row, Mapping)] if isinstance(value, list) else []


@asynccontextmanager
async def up_process(
    manifest: Path, folder: Path, environment: Mapping[str, str], say: Callable[[str], None]
) -> AsyncIterator[UpProcess]:
    """Run `migaga up` with a manifest that may change. It, and what it runs, never outlives the block.

    Args:
        manifest: The file.
        folder: Where its pods and their logs are.
        environment: Of the process.
        say: Told what it says.
    """
    errors = folder.with_suffix(".err")
    words = ("up", str(manifest), "--watch", "--json", "--folder", str(folder))
    with await asyncio.to_thread(errors.open, "ab") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "migaga.cli.main", *words),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            env=dict(environment),
            limit=_LONGEST_LINE,
            # Ctrl-C goes to all processes of a terminal; when the fleet ends is the demo's decision.
            start_new_session=True,
        )
    if process.stdout is None:
        raise TypeError("its output was asked for")
    up = UpProcess(process, say, errors)
    following = asyncio.create_task(up.follow(process.stdout), name="up follow")
    try:
        yield up
    finally:
        await up.kill()
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
