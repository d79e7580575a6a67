"""A node with everything around it, and pods of little Python programs for it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from migaga.common.errors import UnavailableError
from migaga_operator.json_types import as_list, as_text, at_path
from migaga_operator.node.addresses import Addresses
from migaga_operator.node.images import KnownImages
from migaga_operator.node.node import Node
from migaga_operator.node.objects import TokenWish
from migaga_operator.node.pauses import Times
from migaga_operator.node.surroundings import PodStatusChange

QUICK = Times(back_off=0.2, longest_back_off=0.8, calm_after=30, refresh=0.1)
FOREVER = "import signal\nwhile True: signal.pause()"
LISTEN = """
import http.server, os, signal, sys, threading
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(500 if os.path.exists(f"{sys.argv[1]}{self.path}") else 200)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer((os.environ["POD_IP"], 8080), Answer)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("listening", flush=True)
server.serve_forever()
"""
"""Answers 200, and 500 for paths that are files of the folder it is given. Ends with 0 at SIGTERM."""


class Shelf:
    """Secrets, ConfigMaps and tokens, held in memory."""

    def __init__(self) -> None:
        self.secrets: dict[str, Mapping[str, bytes]] = {}
        self.config_maps: dict[str, Mapping[str, bytes]] = {}
        self.wishes: list[TokenWish] = []
        self.is_away = False

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        if self.is_away:
            raise UnavailableError("the shelf is locked. Wait.")
        return self.secrets.get(f"{namespace}/{name}")

    async def config_map(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        return self.config_maps.get(f"{namespace}/{name}")

    async def token(self, wish: TokenWish) -> bytes | None:
        self.wishes.append(wish)
        return b"a-token"


@dataclass
class Told:
    """What a node has reported."""

    changes: list[PodStatusChange] = field(default_factory=list)
    refusals: int = 0
    """How many reports are refused before the next one is taken."""
    _more: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, change: PodStatusChange) -> None:
        if self.refusals > 0:
            self.refusals -= 1
            raise UnavailableError("nobody listens")
        async with self._more:
            self.changes.append(change)
            self._more.notify_all()

    def of(self, name: str) -> list[PodStatusChange]:
        return [change for change in self.changes if change.name == name]

    async def until(self, name: str, wanted: Callable[[PodStatusChange], bool], *, skip: int = 0) -> PodStatusChange:
        """Return the first report of a pod that is as wanted, also of those made after the first `skip` ones."""

        def found() -> PodStatusChange | None:
            return next((change for change in self.changes[skip:] if change.name == name and wanted(change)), None)

        try:
            async with self._more, asyncio.timeout(60):
                await self._more.wait_for(found)
        except TimeoutError:
            raise AssertionError(f"never as wanted: {[change.status for change in self.of(name)][-2:]}") from None
        last = found()
        assert last is not None
        return last


@dataclass
class House:
    """A node, and what is around it."""

    node: Node
    shelf: Shelf
    images: KnownImages
    told: Told
    folder: Path

    async def ready(self, name: str = "one") -> PodStatusChange:
        return await self.told.until(name, is_ready)

    async def gone(self, name: str = "one") -> PodStatusChange:
        return await self.told.until(name, lambda change: change.gone)

    def log(self, name: str = "one", run: int = 0, container: str = "main") -> Path:
        (found,) = (self.folder / "logs").glob(f"default_{name}_*")
        return found / container / f"{run}.log"


@asynccontextmanager
async def open_house(folder: Path) -> AsyncIterator[House]:
    shelf, told = Shelf(), Told()
    images = KnownImages({"python": None})
    with Addresses.claim() as addresses:
        async with Node(
            "node-1",
            folder=folder,
            images=images,
            source=shelf,
            addresses=addresses,
            report=told.take,
            times=QUICK,
        ) as node:
            yield House(node, shelf, images, told, folder)


def container(code: str, *arguments: str, name: str = "main", **further: object) -> dict[str, object]:
    """Return a container that runs a program."""
    address = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
    env = [address, *as_list(further.pop("env", ()))]
    command = [sys.executable, "-c", code]
    return {"name": name, "image": "python", "command": command, "args": list(arguments), "env": env, **further}


def pod(name: str, *containers: object, leaves: bool = False, **spec: object) -> dict[str, object]:
    """Return a pod."""
    metadata: dict[str, object] = {"name": name, "namespace": "default", "uid": f"uid-{name}", "labels": {"app": name}}
    if leaves:
        metadata |= {"deletionTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {"containers": list(containers), "terminationGracePeriodSeconds": 20, **spec}}


def is_ready(change: PodStatusChange) -> bool:
    return condition(change, "Ready") == "True"


def condition(change: PodStatusChange, kind: str) -> str:
    found = [item for item in as_list(change.status.get("conditions")) if at_path(item, "type") == kind]
    return as_text(at_path(found[0], "status")) if found else ""


def state(change: PodStatusChange, *path: str, container: int = 0) -> object:
    """Return what stands at a path in the status of a container."""
    return at_path(as_list(change.status.get("containerStatuses"))[container], *path)


def waits_for(reason: str) -> Callable[[PodStatusChange], bool]:
    return lambda change: state(change, "state", "waiting", "reason") == reason


async def until(wanted: Callable[[], bool]) -> None:
    """Wait for what a process does and nobody reports."""
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(wanted):
            await asyncio.sleep(0.02)
