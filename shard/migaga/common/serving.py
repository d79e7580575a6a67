"""Serves HTTP on one port until a block ends: health and metrics of shard processes and of the operator."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeAlias

from aiohttp import web

from migaga.common.errors import ConfigError

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serve_routes(
    routes: Mapping[str, Handler], host: str, port: int, *, remedy: str, log: logging.Logger
) -> AsyncIterator[int]:
    """Serve GET requests, and give the port that was taken (`port` 0 takes any free one).

    Args:
        routes: Path -> what answers it.
        host: The address to listen on.
        port: TCP port.
        remedy: What to do when the address cannot be listened on, a sentence.
        log: Is told the address.

    Raises ConfigError when the address cannot be listened on.
    """
    app = web.Application()
    app.add_routes([web.get(path, handler) for path, handler in routes.items()])
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            why = f"the HTTP port {host}:{port} cannot be opened: {error.strerror or error}"
            raise ConfigError(f"{why}. {remedy}") from error
        taken = int(runner.addresses[0][1])
        log.info("metrics and health at http://%s:%d", f"[{host}]" if ":" in host else host, taken)
        yield taken
    finally:
        await runner.cleanup()
