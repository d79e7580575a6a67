"""The HTTP port of a process: /metrics, /healthz, /readyz and /status.

The composition root opens it early, so that a process that waits for its database can be seen waiting.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from migaga.common.logs import REDACTOR
from migaga.common.serving import Handler, serve_routes
from migaga.observe.metrics import CONTENT_TYPE, Metrics

_LOG = logging.getLogger(__name__)

Json = Mapping[str, "Json"] | Sequence["Json"] | str | float | bool | None


@dataclass(frozen=True, slots=True)
class Probes:
    """What the port asks the process."""

    not_ready: Callable[[], Sequence[str]]
    """Reasons why the process is not ready; none when it is."""
    status: Callable[[], Mapping[str, Json]]
    """What `/status` shows. Must hold no secrets."""


@asynccontextmanager
async def serve_http(host: str, port: int, metrics: Metrics, probes: Probes) -> AsyncIterator[int]:
    """Serve until the block ends, and give the port that was taken (`port` 0 takes any free one).

    Raises ConfigError when the address cannot be listened on.
    """
    routes = {
        "/metrics": _metrics(metrics),
        "/healthz": _healthz,
        "/readyz": _readyz(metrics, probes),
        "/status": _status(probes),
    }
    remedy = "Set another Port (0 takes any free one) or Host in section [Http]."
    async with serve_routes(routes, host, port, remedy=remedy, log=_LOG) as taken:
        yield taken


def _metrics(metrics: Metrics) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return handle


async def _healthz(_: web.Request) -> web.Response:
    """Answer at all: the event loop is alive."""
    return web.Response(text="ok\n")


def _readyz(metrics: Metrics, probes: Probes) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        reasons = [REDACTOR.clean(reason) for reason in probes.not_ready()]
        metrics.ready(is_ready=not reasons)
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    return handle


def _status(probes: Probes) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        return web.json_response(probes.status())

    return handle
