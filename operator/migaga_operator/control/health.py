"""The HTTP port of the operator: /healthz, /readyz and /metrics. The composition root opens it first."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from migaga.common.serving import Handler, serve_routes
from migaga_operator.control.metrics import CONTENT_TYPE, OperatorMetrics

_LOG = logging.getLogger(__name__)

Reasons = Callable[[], Sequence[str]]
"""Gives what is wrong; nothing when all is well."""


@asynccontextmanager
async def serve_health(
    host: str, port: int, *, metrics: OperatorMetrics, not_alive: Reasons, not_ready: Reasons
) -> AsyncIterator[int]:
    """Serve until the block ends, and give the port that was taken (`port` 0 takes any free one).

    Raises ConfigError when the address cannot be listened on.
    """

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    routes = {"/healthz": _answer(not_alive), "/readyz": _answer(not_ready), "/metrics": exposition}
    remedy = "Set MIGAGA_HTTP_PORT (0 takes any free one) or MIGAGA_HTTP_HOST."
    async with serve_routes(routes, host, port, remedy=remedy, log=_LOG) as taken:
        yield taken


def _answer(reasons: Reasons) -> Handler:
    async def handle(_: web.Request) -> web.Response:
        found = list(reasons())
        return web.json_response({"ok": not found, "reasons": found}, status=503 if found else 200)

    return handle
