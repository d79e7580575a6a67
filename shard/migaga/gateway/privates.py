"""The one module that touches hikari's private names (hikari 2.7), behind names of ours.

`OpenShard` opens up hikari's shard: what it keeps to itself becomes a property, what it does in one piece calls a hook.
`shard.py` holds our rules and knows nothing private. `missing_names` lists what a new hikari no longer has.

Faults of hikari that are repaired here (each has a test in tests/integration/hikari_faults):
a failed handshake leaks its heartbeat; a shard cannot be closed before its handshake is over; closing always destroys
the session; a shard that is cancelled while it connects leaks its client session; 4001, 4003 and 4005 end the shard; a
replay starves the event loop, and so does every IDENTIFY; `get_user_id` fails during a replay. `pace.py` repairs what
`OpenBuckets` lets it see.
"""

from __future__ import annotations

import asyncio
import logging
import platform
import random
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
import hikari
from hikari import errors
from hikari.impl import shard as hikari_shard
from hikari.impl.buckets import RESTBucketManager
from hikari.impl.event_manager import EventManagerImpl
from hikari.impl.shard import GatewayShardImpl
from hikari.internal import net
from hikari.internal.data_binding import JSONObject
from hikari.internal.routes import CompiledRoute

from migaga.common.ending import end_tasks
from migaga.gateway.received import Received

_LOG = logging.getLogger(__name__)

OP_DISPATCH, OP_HEARTBEAT, OP_IDENTIFY, OP_RESUME = 0, 1, 2, 6
OP_REQUEST_GUILD_MEMBERS = 8
OP_RECONNECT, OP_INVALID_SESSION, OP_HEARTBEAT_ACK = 7, 9, 11
RESUMABLE_CLOSE = 3_000
"""Any close code but 1000 and 1001 leaves the session alive."""
HELLO_TIMEOUT = 30.0
CLOSE_WITHIN = 0.5
"""Seconds that a connection which is closed may take to say goodbye: another process waits for its shard."""
YIELD_EVERY = 50
"""Dispatches after which other tasks get a turn, though more are buffered."""
FATAL_CLOSES = frozenset({4004, 4010, 4011, 4012, 4013, 4014})
"""Discord says not to reconnect after these (opcodes-and-status-codes, "Gateway Close Event Codes")."""

# hikari starts a program (`file`) in the event loop for every IDENTIFY, to learn what cannot change.
_ARCHITECTURE = platform.architecture()
vars(hikari_shard)["platform"] = SimpleNamespace(system=platform.system, architecture=lambda: _ARCHITECTURE)

_opening: ContextVar[list[aiohttp.ClientSession] | None] = ContextVar("opening", default=None)


def _create_client_session(**arguments: Any) -> aiohttp.ClientSession:
    """Make the session of a connection, and let who opens it know: hikari forgets it when it is cancelled."""
    session = net.create_client_session(**arguments)
    opening = _opening.get()
    if opening is not None:
        opening.append(session)
    return session


vars(hikari_shard)["net"] = SimpleNamespace(
    create_tcp_connector=net.create_tcp_connector, create_client_session=_create_client_session
)
# hikari waits before every new connection within 30 s of the last one; `reconnects.py` decides instead.
vars(hikari_shard)["_BACKOFF_WINDOW"] = 0.0

_SHARD_NAMES = (
    *("_connect", "_heartbeat", "_keep_alive", "_poll_events", "_send_json", "_handshake_event", "_is_closing"),
    *("_heartbeat_latency", "_keep_alive_task", "_last_heartbeat_ack_received", "_last_heartbeat_sent"),
    *(
        "_non_priority_rate_limit",
        "_resume_gateway_url",
        "_seq",
        "_session_id",
        "_shard_id",
        "_token",
        "_total_rate_limit",
        "_user_id",
        "_ws",
    ),
)
_MANAGER_NAMES = ("_consumers", "_enabled_for_event", "_event_factory")
_REST_NAMES = ("_token",)
_BUCKET_NAMES = ("_real_hashes_to_buckets", "_route_hash_to_bucket_hash")


def missing_names() -> list[str]:
    """Return the private names that this module uses and the installed hikari does not have."""
    owners: tuple[tuple[type, tuple[str, ...]], ...] = (
        (GatewayShardImpl, _SHARD_NAMES),
        (EventManagerImpl, _MANAGER_NAMES),
        (RESTBucketManager, _BUCKET_NAMES),
        (hikari.impl.RESTClientImpl, _REST_NAMES),
    )
    return [f"{owner.__name__}.{name}" for owner, names in owners for name in names if not hasattr(owner, name)]


def change_token(rest: hikari.impl.RESTClientImpl, token: str) -> None:
    """Let a REST client use another bot token from its next call on.

    hikari's own way, a token strategy, would try each refused token twice.
    """
    rest._token = f"{hikari.TokenType.BOT} {token}"


@dataclass(frozen=True, slots=True)
class Session:
    """Discord's session of one shard, and how far it has been received."""

    session_id: str = field(repr=False)
    resume_url: str
    seq: int


class OpenShard(GatewayShardImpl):
    """hikari's shard with a session that can be given and taken, and hooks where decisions are made."""

    # GatewayShardImpl has slots; these are ours.
    __slots__ = ("_bot_user_id", "_connected", "_handshake", "_has_ended", "_hello_deadline", "_lifetime")

    def __init__(self, *, bot_user_id: hikari.Snowflake, **arguments: Any) -> None:
        """Take what hikari's shard takes. `bot_user_id` is known from the start, not only after READY."""
        super().__init__(**arguments)
        self._user_id = self._bot_user_id = bot_user_id
        self._handshake_event = self._handshake = asyncio.Event()
        self._connected = asyncio.Event()
        self._has_ended = False
        self._lifetime: set[asyncio.Task[Any]] = set()
        self._hello_deadline: asyncio.Timeout | None = None

    # ---- hooks

    async def before_connect(self) -> None:
        """Called before a connection is opened. It may wait."""

    async def after_connect(self) -> None:
        """Called when a connection is up, or has failed."""

    async def before_handshake(self, op: int) -> bool:
        """Called after HELLO, before IDENTIFY or RESUME goes out. It may wait, and change what is resumed.

        False gives the connection up.
        """
        return True

    async def after_handshake_sent(self, op: int) -> None:
        """Called when IDENTIFY or RESUME has gone out."""

    async def on_ready(self, payload: Mapping[str, Any]) -> None:
        """Called for READY, when the session is known and before any of its events is handed on."""

    def on_resumed(self) -> None:
        """Called for RESUMED, after the missed events have been handed on."""

    def on_latency(self, seconds: float) -> None:
        """Called for each acknowledged heartbeat."""

    def on_end(self, reason: str, code: int | None) -> None:
        """Called when a connection ends, with the close code if Discord sent one. The session may be changed here."""

    @property
    def acknowledged(self) -> int | None:
        """What heartbeats tell Discord that it may forget."""
        return self._seq

    @property
    def is_held(self) -> bool:
        """Whether no further event may be handed on now."""
        return False

    async def until_free(self) -> None:
        """Wait until events may be handed on again."""

    @property
    def token(self) -> str:
        """What to log in with: asked for each connection, and again just before IDENTIFY or RESUME goes out."""
        return self._token

    # ---- what hikari keeps to itself

    @property
    def session(self) -> Session | None:
        """The session as far as it has been received; None before READY and when it was lost."""
        if self._session_id is None or self._resume_gateway_url is None or self._seq is None:
            return None
        return Session(self._session_id, self._resume_gateway_url, self._seq)

    @session.setter
    def session(self, session: Session | None) -> None:
        self._session_id = session.session_id if session else None
        self._resume_gateway_url = session.resume_url if session else None
        self._seq = session.seq if session else None

    def received(self, name: str, payload: Mapping[str, Any] | None) -> Received | None:
        """Make the event of the dispatch that has come just now; None when it belongs to no session.

        hikari's parser has made the payload for this call alone: it is handed on as it is.
        """
        session_id, seq = self._session_id, self._seq
        if session_id is None or seq is None:
            return None
        kept = payload if isinstance(payload, dict) else dict(payload or {})
        return Received(name, self._shard_id, session_id, seq, kept)

    @property
    def is_live(self) -> bool:
        """Whether the handshake of this connection is over."""
        return self.is_connected

    def get_user_id(self) -> hikari.Snowflake:
        """Return the bot's own id, also while a replay is still running."""
        return self._bot_user_id

    async def run(self) -> None:
        """Connect, and reconnect, until `leave` is called. Raises what hikari takes for the end of a shard."""
        task = self._keep_alive_task = asyncio.create_task(self._keep_alive(), name=f"shard {self.id}")
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await self.leave()
            raise
        if not task.cancelled():
            task.result()

    async def leave(self) -> None:
        """Close the connection in any state, leaving the session resumable. `run` returns."""
        task, ws = self._keep_alive_task, self._ws
        if task is None:
            return
        if ws is not None:
            # hikari closes with 1001 when it is cancelled, which destroys the session: it must believe it has.
            ws._sent_close = True
        await end_tasks(task)
        self._non_priority_rate_limit.close()
        self._total_rate_limit.close()
        if ws is not None:
            ws._sent_close = False
            with suppress(OSError, errors.GatewayError, TimeoutError):
                async with asyncio.timeout(CLOSE_WITHIN):
                    await ws.send_close(code=RESUMABLE_CLOSE, message=b"shard leaves, session stays")

    async def ask_member(self, guild_id: int, nonce: str) -> bool:
        """Ask for the bot's own member in a guild (op 8), within the limit of sendings. False without a connection.

        hikari's `request_guild_members` wants the GUILD_MEMBERS intent also where Discord does not.
        """
        asked = {"guild_id": str(guild_id), "user_ids": [str(self._bot_user_id)], "limit": 0, "nonce": nonce}
        if self._ws is None:
            return False
        try:
            await self._send_json({"op": OP_REQUEST_GUILD_MEMBERS, "d": asked})
        except (OSError, AttributeError, errors.GatewayError):
            return False  # It has ended in this moment.
        return True

    async def reconnect(self, reason: str) -> None:
        """End the present connection, leaving the session resumable; it is resumed at once."""
        ws = self._ws
        if ws is None:
            return
        self._end(reason, None)
        with suppress(OSError, errors.GatewayError, TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN):
                await ws.send_close(code=RESUMABLE_CLOSE, message=b"shard reconnects")

    async def _connect(self) -> tuple[asyncio.Task[None], ...]:
        self._has_ended = False
        self._connected.clear()
        await self.before_connect()
        self._token = self.token
        tasks: tuple[asyncio.Task[None], ...] = ()
        opened: list[aiohttp.ClientSession] = []
        _opening.set(opened)
        try:
            async with asyncio.timeout(HELLO_TIMEOUT) as self._hello_deadline:
                tasks = await super()._connect()
        except TimeoutError as error:
            self._end("no HELLO", None)
            raise errors.GatewayConnectionError(f"no HELLO within {HELLO_TIMEOUT:.0f} s") from error
        except errors.GatewayServerClosedConnectionError as error:
            raise self._closed(error) from error
        except errors.GatewayConnectionError:
            self._end("unreachable", None)
            raise
        finally:
            self._hello_deadline = None
            self._connected.set()
            await self.after_connect()
            if not tasks:
                await self._end_lifetime()
            if self._ws is None:
                for session in opened:
                    await session.close()
        return tasks

    async def _end_lifetime(self) -> None:
        """End the tasks of a handshake that failed; hikari would leave the heartbeat running."""
        tasks = self._lifetime - {asyncio.current_task()}
        await end_tasks(*tasks)

    async def _send_json(self, data: JSONObject, *, priority: bool = False) -> None:
        if data["op"] not in {OP_IDENTIFY, OP_RESUME}:
            await super()._send_json(data, priority=priority)
            return
        if self._hello_deadline is not None:
            self._hello_deadline.reschedule(None)
        op = int(data["op"])
        if not await self.before_handshake(op):
            raise errors.GatewayConnectionError("given up before the handshake")
        self._token = self.token
        if isinstance(details := data["d"], dict):
            details["token"] = self._token
            if op == OP_RESUME:
                details |= {"seq": self._seq, "session_id": self._session_id}
        await super()._send_json(data, priority=priority)
        await self.after_handshake_sent(op)

    async def _heartbeat(self, heartbeat_interval: float) -> None:
        loop = asyncio.get_running_loop()
        self._join_lifetime()
        # Discord asks for a first heartbeat at a random moment of the interval.
        await asyncio.sleep(heartbeat_interval * random.random())
        while True:
            await self._send_heartbeat()
            await asyncio.sleep(heartbeat_interval)
            waited = loop.time() - self._last_heartbeat_sent
            if self._last_heartbeat_ack_received < self._last_heartbeat_sent and not self.is_held:
                _LOG.warning("shard %d: no answer to a heartbeat for %.1f s, reconnecting", self.id, waited)
                self._end("zombie", None)
                return

    async def _send_heartbeat(self) -> None:
        self._last_heartbeat_sent = asyncio.get_running_loop().time()
        await self._send_json({"op": OP_HEARTBEAT, "d": self.acknowledged}, priority=True)

    async def _poll_events(self) -> None:
        self._join_lifetime()
        try:
            await self._poll()
        except errors.GatewayServerClosedConnectionError as error:
            closed = self._closed(error)
            await self._handshake_noticed()
            raise closed from error
        except errors.GatewayConnectionError:
            self._end("lost", None)
            await self._handshake_noticed()
            raise

    async def _handshake_noticed(self) -> None:
        """Let a handshake that is over be noticed before the connection's end is.

        hikari waits for the first of both and forgets the other: an end in the same instant would be an error that
        nobody ever looks at, which asyncio complains of.
        """
        if self._handshake.is_set():
            await self._connected.wait()

    def _closed(self, error: errors.GatewayServerClosedConnectionError) -> errors.GatewayServerClosedConnectionError:
        """Correct hikari's opinion about a close code, and let the session be kept or dropped."""
        code = 1006 if error.code is None else int(error.code)
        self._end(f"close {code}", code)
        return errors.GatewayServerClosedConnectionError(error.reason, code, code not in FATAL_CLOSES)

    def _end(self, reason: str, code: int | None) -> None:
        """Tell the end of this connection once, though several places see it."""
        if not self._has_ended:
            self._has_ended = True
            self.on_end(reason, code)

    async def _poll(self) -> None:
        ws = self._ws
        received = 0
        while ws is not None:
            payload = await ws.receive_json()
            op = payload["op"]
            if op == OP_DISPATCH:
                if self.is_held:
                    await self.until_free()
                await self._dispatched(payload["t"], payload["s"], payload["d"])
                received += 1
                if received % YIELD_EVERY == 0:
                    await asyncio.sleep(0)
            elif op == OP_HEARTBEAT_ACK:
                self._acknowledged_heartbeat()
            elif op == OP_HEARTBEAT:
                await self._send_heartbeat()
            elif op == OP_RECONNECT:
                self._end("op 7", None)
                return
            elif op == OP_INVALID_SESSION:
                if not payload["d"]:
                    self.session = None
                self._end("op 9", None)
                return

    async def _dispatched(self, name: str, seq: int | None, data: JSONObject) -> None:
        if seq is not None:
            self._seq = seq
        if name == "READY":
            self._session_id, self._resume_gateway_url = data["session_id"], data["resume_gateway_url"]
            self._user_id = self._bot_user_id = hikari.Snowflake(data["user"]["id"])
            await self.on_ready(data)
            self._handshake.set()
        self._event_manager.consume_raw_event(name, self, data)
        if name == "RESUMED":
            self.on_resumed()
            self._handshake.set()

    def _acknowledged_heartbeat(self) -> None:
        now = asyncio.get_running_loop().time()
        self._last_heartbeat_ack_received = now
        self._heartbeat_latency = now - self._last_heartbeat_sent
        self.on_latency(self._heartbeat_latency)

    def _join_lifetime(self) -> None:
        """Count the running task as one of this connection's."""
        self._last_heartbeat_ack_received = self._last_heartbeat_sent = asyncio.get_running_loop().time()
        if task := asyncio.current_task():
            self._lifetime.add(task)
            task.add_done_callback(self._out_of_lifetime)

    def _out_of_lifetime(self, task: asyncio.Task[Any]) -> None:
        self._lifetime.discard(task)
        if not task.cancelled():
            task.exception()  # Else asyncio tells of it when nobody waits for this connection any more.


class OpenEventManager(EventManagerImpl):
    """hikari's event manager with its consumers within reach, to build events without dispatching them."""

    __slots__ = ("_building",)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        self._building = False
        super().__init__(*arguments, **named)

    def consume(self, name: str, shard: hikari.api.GatewayShard, payload: Mapping[str, Any]) -> bool:
        """Let hikari's own consumer build the events of a payload; they end in `dispatch`. False when it has none."""
        consumer = self._consumers.get(name.lower())
        if consumer is None:
            return False
        self._building = True
        try:
            consumer.callback(shard, dict(payload))
        finally:
            self._building = False
        return True

    def payload_event(
        self, name: str, shard: hikari.api.GatewayShard, payload: Mapping[str, Any]
    ) -> hikari.ShardPayloadEvent:
        """Build the event that carries the raw payload."""
        return self._event_factory.deserialize_shard_payload_event(shard, dict(payload), name=name)

    def _enabled_for_event(self, event_type: type[hikari.Event], /) -> bool:
        # Some consumers build an event only if somebody listens to it. While building, somebody does.
        return self._building


class OpenBuckets(RESTBucketManager):
    """hikari's rate limits of REST routes, and what it has learned about them."""

    __slots__ = ()

    def knows_route(self, route: CompiledRoute) -> bool:
        """Whether an answer has told the limit of a route."""
        return hash(route.route) in self._route_hash_to_bucket_hash

    def knows_place(self, route: CompiledRoute, authentication: str | None) -> bool:
        """Whether an answer of the last seconds has told how much is left of it in this channel, guild or webhook."""
        name = self._route_hash_to_bucket_hash.get(hash(route.route))
        if name is None:
            return False
        return route.create_real_bucket_hash(name, str(hash(authentication))) in self._real_hashes_to_buckets
