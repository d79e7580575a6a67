"""The HTTP port of the operator: /healthz, /readyz and /metrics. The composition root opens it first."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from aiohttp import web

from migaga.common.errors import ConfigError
from migaga_operator.control.metrics import CONTENT_TYPE, OperatorMetrics

_LOG = logging.getLogger(__name__)

Reasons = Callable[[], Sequence[str]]
"""Gives what is wrong; nothing when all is well."""
_Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serve_health(
    host: str, port: int, *, metrics: OperatorMetrics, not_alive: Reasons, not_ready: Reasons
) -> AsyncIterator[int]:
    """Serve until the block ends, and give the port that was taken (`port` 0 takes any free one).

    Raises ConfigError when the address cannot be listened on.
    """

    async def exposition(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    app = web.Application()
    routes = [("/healthz", _answer(not_alive)), ("/readyz", _answer(not_ready)), ("/metrics", exposition)]
    app.add_routes([web.get(path, handler) for path, handler in routes])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = f"the HTTP port {host}:{port} cannot be opened: {error.strerror or error}"
            raise ConfigError(f"{why}. Set MIGAGA_HTTP_PORT (0 takes any free one) or MIGAGA_HTTP_HOST.") from error
        taken = int(runner.addresses[0][1])
        _LOG.info("metrics and health at http://%s:%d", f"[{host}]" if ":" in host else host, taken)
        yield taken
    finally:
        await runner.cleanup()


def _answer(reasons: Reasons) -> _Handler:
    async def handle(_: web.Request) -> web.Response:
        found = list(reasons())
        return web.json_response({"ok": not found, "reasons": found}, status=503 if found else 200)

    return handle
