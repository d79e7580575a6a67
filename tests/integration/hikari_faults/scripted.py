"""A gateway that does what a test tells it, step by step, over a real websocket."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

BOT_ID = 111111111111111111
SESSION = "a-session-nobody-may-see"


@dataclass
class Connection:
    """One connection of a client, as its script sees it."""

    ws: web.WebSocketResponse
    url: str
    """The address of the gateway."""
    number: int
    """0 for the first connection of the test."""
    deflate: zlib._Compress = field(default_factory=zlib.compressobj)
    received: list[Mapping[str, Any]] = field(default_factory=list)
    inbox: asyncio.Queue[Mapping[str, Any]] = field(default_factory=asyncio.Queue)

    gone: asyncio.Event = field(default_factory=asyncio.Event)
    close_code: int | None = None

    async def send(self, op: int, d: object = None, *, s: int | None = None, t: str | None = None) -> None:
        body = orjson.dumps({"op": op, "d": d, "s": s, "t": t})
        await self.ws.send_bytes(self.deflate.compress(body) + self.deflate.flush(zlib.Z_SYNC_FLUSH))

    async def hello(self, interval_ms: int = 45_000) -> None:
        await self.send(10, {"heartbeat_interval": interval_ms})

    async def ready(self, url: str, s: int = 1) -> None:
        user = {"id": str(BOT_ID), "username": "Testy", "discriminator": "0", "avatar": None, "bot": True}
        body = {
            **{"v": 10, "session_id": SESSION, "resume_gateway_url": url, "user": user, "guilds": []},
            **{"application": {"id": str(BOT_ID), "flags": 0}, "shard": [0, 1]},
        }
        await self.send(0, body, s=s, t="READY")

    async def event(self, s: int, t: str = "TYPING_START", d: Mapping[str, Any] | None = None) -> None:
        await self.send(0, d if d is not None else {"number": s}, s=s, t=t)

    async def resumed(self, s: int) -> None:
        await self.send(0, {}, s=s, t="RESUMED")

    async def expect(self, op: int) -> Mapping[str, Any]:
        """Return the next payload of this kind, leaving out others."""
        async with asyncio.timeout(10):
            while True:
                payload = await self.inbox.get()
                if payload["op"] == op:
                    return payload

    async def close(self, code: int) -> None:
        await self.ws.close(code=code, message=b"as the script says")

    async def until_closed(self) -> None:
        async with asyncio.timeout(15):
            await self.gone.wait()


Script = Callable[[Connection], Coroutine[object, object, None]]


@dataclass
class ScriptedGateway:
    """The server: its address, and every connection it had."""

    url: str
    connections: list[Connection] = field(default_factory=list)
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def connection(self, number: int, seconds: float = 10) -> Connection:
        """Wait for a connection."""
        async with asyncio.timeout(seconds), self.arrived:
            await self.arrived.wait_for(lambda: len(self.connections) > number)
        return self.connections[number]


@asynccontextmanager
async def scripted_gateway(script: Script) -> AsyncIterator[ScriptedGateway]:
    """Serve a gateway on which each connection runs `script`, then stays open until the client closes it."""
    numbers = count()
    running: set[asyncio.Task[None]] = set()

    async def handle(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(autoclose=False, max_msg_size=0)
        await ws.prepare(request)
        connection = Connection(ws, gateway.url, next(numbers))
        gateway.connections.append(connection)
        async with gateway.arrived:
            gateway.arrived.notify_all()
        task = asyncio.create_task(script(connection), name="script")
        running.add(task)
        task.add_done_callback(running.discard)
        async for message in ws:
            if message.type in {WSMsgType.BINARY, WSMsgType.TEXT}:
                payload = orjson.loads(message.data)
                connection.received.append(payload)
                connection.inbox.put_nowait(payload)
        connection.close_code = ws.close_code
        connection.gone.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return ws

    app = web.Application()
    app.router.add_get("/", handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway = ScriptedGateway(f"ws://127.0.0.1:{runner.addresses[0][1]}")
    try:
        yield gateway
    finally:
        for connection in gateway.connections:
            await connection.ws.close(code=WSCloseCode.GOING_AWAY)
        await runner.cleanup()
        await asyncio.gather(*running, return_exceptions=True)
