"""Asks a container how it is, as its probes say. `probing.py` calls it and counts the outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from yarl import URL

from migaga_operator.node.environment import Launch
from migaga_operator.node.places import Places
from migaga_operator.node.probes import Action, Exec, HttpGet, Probe, TcpSocket, port_number
from migaga_operator.node.process import StartError, started

_AGENT = "kube-probe/1.0"


@dataclass(frozen=True, slots=True)
class Asked:
    """Where and with what a container is asked."""

    address: str
    ports: Mapping[str, int]
    session: aiohttp.ClientSession
    launch: Launch
    places: Places


async def ask(probe: Probe, asked: Asked) -> bool:
    """Ask once; returns whether the answer is fine. No answer within the probe's timeout is none."""
    try:
        async with asyncio.timeout(probe.timeout):
            return await _ask(probe.action, asked)
    except (TimeoutError, OSError, aiohttp.ClientError, ValueError):
        # ValueError: a path or header that cannot be sent.
        return False


async def run_command(action: Exec, asked: Asked) -> bool:
    """Run a command of a probe or hook in the container's environment; returns whether it ended with 0."""
    words = await asyncio.to_thread(lambda: tuple(map(asked.places.real, action.command)))
    launch = Launch(words, asked.launch.environment, asked.launch.folder)
    try:
        async with started(launch) as process:
            return (await process.wait()).code == 0
    except StartError:
        return False


async def _ask(action: Action, asked: Asked) -> bool:
    if isinstance(action, Exec):
        return await run_command(action, asked)
    port = port_number(action.port, asked.ports)
    if port is None:
        return False
    host = action.host or asked.address
    if isinstance(action, TcpSocket):
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
        return True
    return await _get(action, host, port, asked.session)


async def _get(action: HttpGet, host: str, port: int, session: aiohttp.ClientSession) -> bool:
    shown = f"[{host}]" if ":" in host else host
    url = URL(f"{action.scheme}://{shown}:{port}{action.path}", encoded=True)
    headers = {"User-Agent": _AGENT, "Accept": "*/*", "Connection": "close", **dict(action.headers)}
    # As a kubelet: certificates are not looked at, and where a redirection leads does not matter.
    async with session.get(url, headers=headers, allow_redirects=False, ssl=False) as answer:
        return 200 <= answer.status < 400
