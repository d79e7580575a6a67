"""Asks pods for their `/status`, all at once and with a limit. `bots.py` calls it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress

import aiohttp

from migaga_operator.builders.fleet import HTTP_PORT
from migaga_operator.json_types import as_text, at_path

WITHIN = 2.0
"""Seconds for all pods together."""
_LARGEST = 8 * 1024 * 1024


async def ask_pods(pods: Iterable[object], session: aiohttp.ClientSession) -> Mapping[str, object]:
    """Return the `/status` document of each pod by its name. A pod that does not answer in time is missing."""
    running = {
        as_text(at_path(pod, "metadata", "name")): as_text(at_path(pod, "status", "podIP"))
        for pod in pods
        if at_path(pod, "status", "phase") == "Running"
    }
    found: dict[str, object] = {}

    async def ask(name: str, address: str) -> None:
        with suppress(aiohttp.ClientError, ValueError, OSError):
            async with session.get(f"http://{address}:{HTTP_PORT}/status") as answer:
                # A part of a document is no JSON: what is too large counts as no answer.
                found[name] = json.loads(await answer.content.read(_LARGEST))

    with suppress(TimeoutError):
        async with asyncio.timeout(WITHIN):
            await asyncio.gather(*(ask(name, address) for name, address in running.items() if address))
    return dict(found)
