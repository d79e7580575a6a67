"""A gateway client that obeys nothing by itself: tests decide what it sends, and see all that it gets."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
import zstandard

GUILDS = 1 << 0
GUILD_MEMBERS = 1 << 1
GUILD_MESSAGES = 1 << 9
DIRECT_MESSAGES = 1 << 12
MESSAGE_CONTENT = 1 << 15
USUAL = GUILDS | GUILD_MEMBERS | GUILD_MESSAGES | DIRECT_MESSAGES | MESSAGE_CONTENT

Payload = dict[str, object]


class Closed(Exception):  # noqa: N818 - what happened, as tests read it
    """The gateway closed the connection."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


@dataclass(slots=True)
class RawClient:
    """One websocket."""

    ws: aiohttp.ClientWebSocketResponse
    inflate: Callable[[bytes], bytes]
    seq: int = 0
    ready: Payload = field(default_factory=dict)
    kinds: set[aiohttp.WSMsgType] = field(default_factory=set)

    async def receive(self) -> Payload:
        """The next payload; raises `Closed`."""
        message = await self.ws.receive(timeout=5)
        self.kinds.add(message.type)
        if message.type is aiohttp.WSMsgType.CLOSE:
            raise Closed(message.data)
        if message.type is aiohttp.WSMsgType.TEXT:
            payload: Payload = json.loads(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            payload = json.loads(self.inflate(message.data))
        else:
            raise Closed(None)
        if isinstance(payload["s"], int):
            self.seq = payload["s"]
        return payload

    async def until(self, name: str) -> Payload:
        """Skip payloads up to this dispatch; returns its `d`."""
        while True:
            payload = await self.receive()
            if payload["t"] == name:
                data = payload["d"]
                assert isinstance(data, dict)
                return data

    async def op(self, op: int) -> Payload:
        """Skip payloads up to this opcode."""
        while True:
            payload = await self.receive()
            if payload["op"] == op:
                return payload

    async def close_code(self) -> int | None:
        """Read until the gateway closes; the code (None: without a close frame)."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return closed.code

    async def send(self, op: int, data: object = None) -> None:
        """Send a payload."""
        await self.ws.send_str(json.dumps({"op": op, "d": data}))

    async def identify(
        self, token: str, shard: tuple[int, int] | None = None, intents: object = USUAL, **more: object
    ) -> None:
        """Send IDENTIFY."""
        data: Payload = {"token": token, "intents": intents, "properties": {"os": "linux"}, **more}
        if shard is not None:
            data["shard"] = list(shard)
        await self.send(2, data)

    async def log_in(self, token: str, shard: tuple[int, int] | None = None, intents: object = USUAL) -> Payload:
        """IDENTIFY and wait for READY."""
        await self.identify(token, shard, intents)
        self.ready = await self.until("READY")
        return self.ready

    async def resume(self, token: str, ready: Payload, seq: object) -> None:
        """Send RESUME."""
        await self.send(6, {"token": token, "session_id": ready["session_id"], "seq": seq})


@asynccontextmanager
async def connected(
    url: str, *, hello: bool = True, query: str = "v=10&encoding=json", compress: str | None = None
) -> AsyncIterator[RawClient]:
    """A connection, past HELLO. It ends with 1000 unless the test has closed it."""
    async with aiohttp.ClientSession() as session:
        suffix = "" if compress is None else f"&compress={compress}"
        async with session.ws_connect(f"{url}?{query}{suffix}", autoclose=False, max_msg_size=0) as ws:
            client = RawClient(ws, inflater(compress))
            if hello:
                assert (await client.receive())["op"] == 10
            yield client


def inflater(compress: str | None) -> Callable[[bytes], bytes]:
    """How this connection's binary frames are read: one context for all of them."""
    if compress == "zlib-stream":
        return zlib.decompressobj().decompress
    if compress == "zstd-stream":
        return zstandard.ZstdDecompressor().decompressobj().decompress
    return zlib.decompress
