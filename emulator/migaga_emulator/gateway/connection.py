"""One websocket of a client: reads, judges and answers payloads, writes frames in order. Used by `routes.py`.

What is decided about sessions is decided in `hub.py`; here is what belongs to a
connection: order, limits, heartbeats, closing.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import orjson
from aiohttp import WSMessage, WSMsgType, web

from migaga_emulator.gateway.compress import Packer, PayloadZlib, Plain
from migaga_emulator.gateway.hub import Hub, Refusal
from migaga_emulator.gateway.identify import parse_identify, parse_resume
from migaga_emulator.gateway.limits import WindowCounter
from migaga_emulator.gateway.members import request_members
from migaga_emulator.gateway.opcodes import CLOSE_REASONS, CloseCode, Opcode
from migaga_emulator.gateway.recovery import PAUSE_AFTER_OP_9_S
from migaga_emulator.gateway.session import Event, Session

CLOSE_TIMEOUT_S = 1.0
"""How long a close frame waits for the client's."""
RECONNECT_GRACE_S = 30.0
"""How long after op 7 a client that stays is closed."""
SILENCE_FACTOR = 1.5
"""A client that sends no heartbeat for this many intervals is closed: the documentation promises "some tolerance"."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    frame: bytes
    event: Event | None = None
    close: int | None = None
    at: float = 0.0
    """When it was queued, by the event loop's clock."""


class Connection:
    """A client's websocket. It is the sink of the session that it identified or resumed."""

    def __init__(
        self, hub: Hub, ws: web.WebSocketResponse, transport: asyncio.Transport, *, packer: Packer, at_resume_url: bool
    ) -> None:
        self.session: Session | None = None
        self.latency_of: Callable[[Connection], float] = lambda connection: 0.0
        """Injected: how long each frame waits before it is written, in seconds."""
        self.silent = False
        """Injected: nothing is answered and nothing is sent any more."""
        self._hub = hub
        self._ws = ws
        self._transport = transport
        self._packer = packer
        self._at_resume_url = at_resume_url
        name = transport.get_extra_info("peername")
        self._peer = int(name[1]) if isinstance(name, tuple) else 0
        self._queue: deque[_Outgoing] = deque()
        self._wake = asyncio.Event()
        self._sends = WindowCounter(hub.rules.sends_per_minute, 60.0)
        self._presences = WindowCounter(hub.rules.presences_per_20_s, 20.0)
        self._server_code: int | None = None
        self._client_code: int | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._interval_s = hub.rules.heartbeat_interval_ms / 1000
        self._ops: dict[int, Callable[[object], None]] = {
            Opcode.HEARTBEAT: self._heartbeat,
            Opcode.IDENTIFY: self._identify,
            Opcode.RESUME: self._resume,
        }
        self._session_ops: dict[int, Callable[[Session, object], None]] = {
            Opcode.PRESENCE_UPDATE: self._presence,
            Opcode.VOICE_STATE_UPDATE: self._voice_state,
            Opcode.REQUEST_GUILD_MEMBERS: self._members,
            Opcode.REQUEST_SOUNDBOARD_SOUNDS: self._soundboard,
        }

    async def run(self, *, hello: bool = True, refuse_with: CloseCode | None = None) -> None:
        """Serve the client until one side closes. `hello` False: op 7 instead of HELLO."""
        if refuse_with is not None:
            self.close(refuse_with)
        elif hello:
            self.send(
                Opcode.HELLO, {"heartbeat_interval": self._hub.rules.heartbeat_interval_ms, "_trace": ["gateway"]}
            )
            self._expect_heartbeat()
        else:
            self.send(Opcode.RECONNECT, None)
            self._set_deadline(RECONNECT_GRACE_S, CloseCode.UNKNOWN_ERROR)
        writer = asyncio.create_task(self._write(), name="gateway writer")
        try:
            await self._read()
        finally:
            if self._deadline is not None:
                self._deadline.cancel()
            self._ended()
            if self._server_code is None:
                writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer

    def send(self, op: Opcode, data: object) -> None:
        """Queue a payload that is no dispatch."""
        self._enqueue(orjson.dumps({"t": None, "s": None, "op": int(op), "d": data}))

    def deliver(self, event: Event) -> None:
        """Queue a dispatch of the session."""
        self._enqueue(event.frame, event)

    def close(self, code: int) -> None:
        """Close with this code after what is queued. The first code counts."""
        if self._server_code is None:
            self._server_code = code
            if self.silent:
                self.silent = False
                self._queue.clear()
            self._enqueue(b"", close=code)

    def replaced(self) -> None:
        """The session went to another connection: close with 4000, without what is still queued."""
        self.session = None
        self._queue.clear()
        self.close(CloseCode.UNKNOWN_ERROR)

    def reconnect(self) -> None:
        """Ask the client to reconnect (op 7); one that stays is closed later."""
        self.send(Opcode.RECONNECT, None)
        self._set_deadline(RECONNECT_GRACE_S, CloseCode.UNKNOWN_ERROR)

    def invalidate(self, *, resumable: bool) -> None:
        """Take the session away (op 9). Resumable: it waits for a RESUME; else it is destroyed."""
        session, self.session = self.session, None
        if session is not None and resumable:
            self._hub.closed(session, self, client_code=None, server_code=CloseCode.UNKNOWN_ERROR)
        elif session is not None:
            self._hub.end(session, injected=True, pause_s=PAUSE_AFTER_OP_9_S)
        self._queue.clear()
        self.send(Opcode.INVALID_SESSION, resumable)

    def request_heartbeat(self) -> None:
        """Ask for a heartbeat at once (op 1)."""
        self.send(Opcode.HEARTBEAT, None)

    def drop(self) -> None:
        """Reset the TCP connection: no close frame, what is queued never leaves."""
        self._queue.clear()
        raw = self._transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._transport.abort()
        self._ended()

    def _enqueue(self, frame: bytes, event: Event | None = None, close: int | None = None) -> None:
        self._queue.append(_Outgoing(frame, event, close, asyncio.get_running_loop().time()))
        self._wake.set()

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._queue and not self.silent:
                if latency := self.latency_of(self):
                    # A slow line delays every frame by as much; it does not carry fewer of them.
                    due = self._queue[0].at + latency - asyncio.get_running_loop().time()
                    if due > 0:
                        await asyncio.sleep(due)
                if self._queue and not await self._write_one(self._queue.popleft()):
                    return

    async def _write_one(self, item: _Outgoing) -> bool:
        if item.close is not None:
            reason = CLOSE_REASONS.get(item.close, "").encode()
            await self._ws.close(code=item.close, message=reason)
            return False
        frame, binary = self._packer.pack(item.frame)
        try:
            await self._ws.send_frame(frame, WSMsgType.BINARY if binary else WSMsgType.TEXT)
        except ConnectionError:
            return False
        if item.event is not None and self.session is not None:
            self.session.written(item.event.seq)
        return True

    async def _read(self) -> None:
        async for message in self._ws:
            if self._server_code is None:
                self._receive(message)
        self._client_code = self._ws.close_code

    def _receive(self, message: WSMessage) -> None:
        if not self._sends.take(self._hub.clock()):
            self.close(CloseCode.RATE_LIMITED)
            return
        payload = _parse(message, self._hub.rules.max_payload_bytes)
        if payload is None:
            self.close(CloseCode.DECODE_ERROR)
            return
        op, data = payload
        if handler := self._ops.get(op):
            handler(data)
        elif session_handler := self._session_ops.get(op):
            if self.session is None:
                self.close(CloseCode.NOT_AUTHENTICATED)
            else:
                session_handler(self.session, data)
        else:
            self.close(CloseCode.UNKNOWN_OPCODE)

    def _heartbeat(self, data: object) -> None:
        if data is not None and (not isinstance(data, int) or isinstance(data, bool)):
            self.close(CloseCode.DECODE_ERROR)
            return
        self._expect_heartbeat()
        if self.session is not None and data is not None:
            self.session.acknowledge(data)
        self.send(Opcode.HEARTBEAT_ACK, None)

    def _identify(self, data: object) -> None:
        if self.session is not None:
            self.close(CloseCode.ALREADY_AUTHENTICATED)
            return
        request = parse_identify(data)
        if isinstance(request, CloseCode):
            self.close(request)
            return
        if request.compress and isinstance(self._packer, Plain):
            self._packer = PayloadZlib()
        outcome = self._hub.identify(request, self, peer=self._peer)
        if isinstance(outcome, Refusal):
            self._refused(outcome)
        else:
            self.session = outcome

    def _resume(self, data: object) -> None:
        if self.session is not None:
            self.close(CloseCode.ALREADY_AUTHENTICATED)
            return
        request = parse_resume(data)
        if isinstance(request, CloseCode):
            self.close(request)
            return
        outcome = self._hub.resume(request, self, at_resume_url=self._at_resume_url, peer=self._peer)
        if isinstance(outcome, Refusal):
            self._refused(outcome)
            return
        self.session, missed = outcome
        for event in missed:
            self.deliver(event)
        self.session.give_back(self._hub.clock())
        self.session.push("RESUMED", b'{"_trace":["gateway"]}', self._hub.clock())

    def _refused(self, refusal: Refusal) -> None:
        if refusal.close is None:
            self.send(Opcode.INVALID_SESSION, False)
        else:
            self.close(refusal.close)

    def _presence(self, session: Session, data: object) -> None:
        if not isinstance(data, Mapping) or "status" not in data:
            self.close(CloseCode.DECODE_ERROR)
        elif self._presences.take(self._hub.clock()):
            session.presence = dict(data)

    def _voice_state(self, session: Session, data: object) -> None:
        """Voice is not emulated: a well-formed update changes nothing."""
        if not isinstance(data, Mapping) or "guild_id" not in data:
            self.close(CloseCode.DECODE_ERROR)

    def _members(self, session: Session, data: object) -> None:
        if not request_members(self._hub, session, data):
            self.close(CloseCode.DECODE_ERROR)

    def _soundboard(self, session: Session, data: object) -> None:
        guild_ids = data.get("guild_ids") if isinstance(data, Mapping) else None
        if not isinstance(guild_ids, list):
            self.close(CloseCode.DECODE_ERROR)
            return
        for guild_id in guild_ids:
            payload = orjson.dumps({"guild_id": str(guild_id), "soundboard_sounds": []})
            session.push("SOUNDBOARD_SOUNDS", payload, self._hub.clock())

    def _expect_heartbeat(self) -> None:
        self._set_deadline(self._interval_s * SILENCE_FACTOR, CloseCode.UNKNOWN_ERROR)

    def _set_deadline(self, seconds: float, code: CloseCode) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.close, code)

    def _ended(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            self._hub.closed(session, self, client_code=self._client_code, server_code=self._server_code)


def _parse(message: WSMessage, max_bytes: int) -> tuple[int, object] | None:
    """Opcode and `d` of a payload; None when it cannot be read or is too long."""
    if message.type not in {WSMsgType.TEXT, WSMsgType.BINARY}:
        return None
    raw = message.data.encode() if isinstance(message.data, str) else message.data
    if len(raw) > max_bytes:
        return None
    try:
        payload = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(payload, dict) or not isinstance(payload.get("op"), int):
        return None
    return payload["op"], payload.get("d")
