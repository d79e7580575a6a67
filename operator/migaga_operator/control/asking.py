"""Asks the pods of a bot for their `/status`, all at once and within a time limit. Each look at a bot begins with it.

A pod that does not answer is missing in the result: it cannot be told, which is not the same as "it has nothing".
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiohttp

from migaga_operator.builders.fleet import COMPONENT_LABEL, HTTP_PORT, SHARDS
from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path

_LOG = logging.getLogger(__name__)

SECONDS = 2.0
"""For all pods of a bot together."""
LARGEST = 4 * 1024 * 1024
"""Bytes of one answer; a pod with a thousand shards stays far below."""
AT_ONCE = 128
"""Connections that are open at once, whatever bot they are for."""


class PodAsker:
    """Asks pods over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, seconds: float = SECONDS) -> None:
        self._session = session
        self._seconds = seconds

    async def ask(self, pods: Iterable[object]) -> dict[str, object]:
        """Return the `/status` documents of those shard pods that answer in time, by name."""
        found: dict[str, object] = {}
        urls = {as_text(at_path(pod, "metadata", "name")): url for pod in pods if (url := status_url(pod))}
        tasks = [asyncio.create_task(self._ask(name, url, found), name=f"ask {name}") for name, url in urls.items()]
        if not tasks:
            return found
        try:
            await asyncio.wait(tasks, timeout=self._seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return found

    async def _ask(self, name: str, url: str, found: dict[str, object]) -> None:
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status == 200:
                    body = await _read_at_most(response.content, LARGEST)
                    found[name] = json.loads(body)
        except (aiohttp.ClientError, OSError, ValueError, RecursionError) as error:
            _LOG.debug("pod %s does not answer at %s: %s", name, url, error)


@asynccontextmanager
async def open_asker(seconds: float = SECONDS) -> AsyncIterator[PodAsker]:
    """Open the connections to pods until the block ends."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=AT_ONCE, limit_per_host=2, keepalive_timeout=15),
        timeout=aiohttp.ClientTimeout(total=seconds),
        cookie_jar=aiohttp.DummyCookieJar(),
    ) as session:
        yield PodAsker(session, seconds)


def status_url(pod: object) -> str:
    """Return where a shard pod shows its status; empty while nobody listens there. Pods that leave are asked too."""
    labels = as_mapping(at_path(pod, "metadata", "labels"))
    address = as_text(at_path(pod, "status", "podIP"))
    if labels.get(COMPONENT_LABEL) != SHARDS or not address or not _has_begun(pod):
        return ""
    return f"http://{f'[{address}]' if ':' in address else address}:{_port(pod)}/status"


def _has_begun(pod: object) -> bool:
    states = [at_path(item, "state", "running") for item in as_list(at_path(pod, "status", "containerStatuses"))]
    return any(state is not None for state in states)


def _port(pod: object) -> int:
    for container in as_list(at_path(pod, "spec", "containers")):
        for port in as_list(at_path(container, "ports")):
            if at_path(port, "name") == "http":
                return as_whole(at_path(port, "containerPort")) or HTTP_PORT
    return HTTP_PORT


async def _read_at_most(stream: aiohttp.StreamReader, most: int) -> bytes:
    """Read a body. Raises ValueError when it is larger."""
    parts, size = [], 0
    async for part in stream.iter_chunked(64 * 1024):
        size += len(part)
        if size > most:
            raise ValueError(f"more than {most} bytes")
        parts.append(part)
    return b"".join(parts)
