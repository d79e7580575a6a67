"""HTTP side of the gateway: GET /gateway, GET /gateway/bot, and the websocket itself. Mounted by `server.py`."""

from __future__ import annotations

import asyncio

from aiohttp import web

from migaga_emulator.gateway.compress import Plain, packer_for
from migaga_emulator.gateway.connection import CLOSE_TIMEOUT_S, Connection
from migaga_emulator.gateway.entrance import Entrance, json_response
from migaga_emulator.gateway.faults import GatewayFaults
from migaga_emulator.gateway.hub import Hub
from migaga_emulator.gateway.opcodes import CloseCode

GATEWAY_PATH = "/gateway"
RESUME_PATH = "/gateway/resume"
MAX_FRAME_BYTES = 1 << 20
"""Frames beyond this are cut off by the websocket itself (1009); those above 4,096 bytes get 4002."""


class GatewayRoutes:
    """Handlers and the live connections."""

    def __init__(self, hub: Hub, faults: GatewayFaults, entrance: Entrance) -> None:
        self._hub = hub
        self._entrance = entrance
        self._faults = faults
        self.url = ""
        """`ws://...` of the gateway; set when the server knows its port."""

    def add_to(self, app: web.Application, api: str) -> None:
        """Register the routes; `api` is the prefix of the REST API."""
        app.router.add_get(f"{api}/gateway", self.get_gateway)
        app.router.add_get(f"{api}/gateway/bot", self.get_gateway_bot)
        app.router.add_get(GATEWAY_PATH, self.connect)
        app.router.add_get(GATEWAY_PATH + "/", self.connect)
        app.router.add_get(RESUME_PATH, self.connect)
        app.router.add_get(RESUME_PATH + "/", self.connect)

    async def get_gateway(self, request: web.Request) -> web.Response:
        """GET /gateway: needs no token."""
        return json_response({"url": self.url})

    async def get_gateway_bot(self, request: web.Request) -> web.Response:
        """GET /gateway/bot: url, recommended shards and the session start limit."""
        bot = await self._entrance.admit(request)
        if isinstance(bot, web.Response):
            return bot
        body = {
            "url": self.url,
            "shards": self._hub.rules.recommended_shards,
            "session_start_limit": self._hub.session_start_limit(bot.user.id),
        }
        return json_response(body)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """The websocket of a client."""
        if self._faults.refuses():
            return web.Response(status=503)
        ws = web.WebSocketResponse(autoping=True, compress=False, max_msg_size=MAX_FRAME_BYTES, timeout=CLOSE_TIMEOUT_S)
        await ws.prepare(request)
        transport = request.transport
        if not isinstance(transport, asyncio.Transport):
            return ws
        packer = packer_for(request.query.get("compress"))
        right = request.query.get("v") == "10" and request.query.get("encoding", "json") == "json"
        refuse_with = None if right and packer is not None else CloseCode.INVALID_VERSION
        connection = Connection(
            self._hub,
            ws,
            transport,
            packer=packer or Plain(),
            at_resume_url=request.path.startswith(RESUME_PATH),
        )
        with self._faults.watching(connection):
            await connection.run(hello=self._faults.says_hello(), refuse_with=refuse_with)
        return ws
