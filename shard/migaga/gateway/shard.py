"""One shard of the fleet: hikari's connection with our rules about sessions, turns, heartbeats and pressure.

`runner.py` makes one, and another from its session when it breaks. Nothing private of hikari is used here.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import hikari

from migaga.common import logs
from migaga.common.clock import Clock
from migaga.continuity.backoff import BackOff
from migaga.gateway.events import FleetEventManager
from migaga.gateway.intake import Intake
from migaga.gateway.lease import IdentifyTurns, ShardLease, Turn
from migaga.gateway.observer import Observer
from migaga.gateway.privates import OP_IDENTIFY, OpenShard, Session
from migaga.gateway.reconnects import Reconnects
from migaga.gateway.token import BotToken

_LOG = logging.getLogger(__name__)

SESSION_ENDS = frozenset({4003, 4006, 4007})
"""Close codes after which Discord wants a new session (4006 is an old form of 4003)."""
SESSION_TIMED_OUT = 4009
TOKEN_REFUSED = 4004
STEADY = 30.0
"""Seconds of life after which a session that timed out may be tried once more."""


class ShardState(StrEnum):
    """Where a shard is in its life."""

    STARTING = "starting"
    WAITING = "waiting to identify"
    CONNECTING = "connecting"
    RESUMING = "resuming"
    LIVE = "live"
    RECONNECTING = "reconnecting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Shared:
    """What all shards of a process share."""

    token: BotToken
    gateway_url: str
    shard_count: int
    intents: hikari.Intents
    bot_user_id: hikari.Snowflake
    http: hikari.impl.HTTPSettings
    proxy: hikari.impl.ProxySettings
    manager: FleetEventManager
    event_factory: hikari.api.EventFactory
    turns: IdentifyTurns
    clock: Clock
    observer: Observer


@dataclass(slots=True)
class ShardLife:
    """What of a shard outlives its connections."""

    shard_id: int
    intake: Intake
    state: ShardState = ShardState.STARTING
    since: float = 0.0
    latency: float | None = None
    """Seconds from the last heartbeat to its acknowledgement."""
    reason: str | None = None
    """Why the last connection ended."""
    resumes: int = 0
    identifies: int = 0
    back_off: BackOff = field(default_factory=BackOff)
    session_began: float | None = None
    """When the session began, or was first resumed by this process; None without one."""
    invalidated: bool = False
    """Discord ended the session by op 9: it wants a random pause before IDENTIFY."""
    timed_out: bool = False
    """The session was closed with 4009 and is tried once more."""
    refused: int | None = None
    """Number of the token that was refused when the session ended: another token has no part in that session."""


class FleetShard(OpenShard):
    """A gateway connection whose session can come from, and go to, another process."""

    def __init__(self, life: ShardLife, shared: Shared, lease: ShardLease, session: Session | None = None) -> None:
        """`session` is resumed; without one the shard waits for its turn to IDENTIFY."""
        super().__init__(
            bot_user_id=shared.bot_user_id,
            intents=shared.intents,
            shard_id=life.shard_id,
            shard_count=shared.shard_count,
            http_settings=shared.http,
            proxy_settings=shared.proxy,
            event_manager=shared.manager,
            event_factory=shared.event_factory,
            token=shared.token.value,
            url=shared.gateway_url,
        )
        self.session = session
        self._life = life
        self._shared = shared
        self._lease = lease
        self._paused = False
        self._storing = False
        self._waiting = AsyncExitStack()
        self._reconnects = Reconnects()
        self._turn: Turn | None = None
        self._logged_in_with = shared.token.number

    @property
    def token(self) -> str:
        """The token of now: the one before is refused when it was reset."""
        self._logged_in_with = self._shared.token.number
        return self._shared.token.value

    @property
    def has_old_token(self) -> bool:
        """Whether the token was changed since this connection logged in."""
        return self._logged_in_with != self._shared.token.number

    def pause(self) -> None:
        """Hand on no further event. Heartbeats go on."""
        self._paused = True
        self._enter(ShardState.STOPPING)

    # ---- the rules

    async def before_connect(self) -> None:
        """RESUME at once; IDENTIFY after the pause that Discord asks for, this shard's back-off, and its turn."""
        clock = self._shared.clock
        await clock.sleep(self._reconnects.wait(clock.now()))
        await self._lease.until_connectable()
        if self._life.refused not in {None, self._shared.token.number}:
            self.session = None
        self._life.refused = None
        await self._until_allowed()
        self._reconnects.begins(clock.now())

    async def _until_allowed(self) -> None:
        clock = self._shared.clock
        if self.session is not None:
            self._enter(ShardState.RESUMING)
            return
        self._enter(ShardState.WAITING)
        if self._life.invalidated:
            # Discord: wait a random 1 to 5 seconds after op 9 before identifying.
            await clock.sleep(random.uniform(1.0, 5.0))
            self._life.invalidated = False
        now = clock.now()
        await clock.sleep(self._life.back_off.ready_at(now) - now)
        turn = self._shared.turns.turn(self.id, recovery=self._lease.is_recovery)
        self._turn = await self._waiting.enter_async_context(turn)
        self._enter(ShardState.CONNECTING)

    async def before_handshake(self, op: int) -> bool:
        """Take the turn to IDENTIFY; or ask what to RESUME, which a taker learns only now."""
        if op == OP_IDENTIFY:
            return self._turn is not None and await self._turn.take() and self._lease.may_connect()
        opened_for = self.session
        if opened_for is None:
            return False
        self.session = await self._lease.session(opened_for)
        # The session of another gateway address needs another connection.
        return self.session is not None and self.session.resume_url == opened_for.resume_url

    async def after_handshake_sent(self, op: int) -> None:
        """Count, and let the next shard of the bucket go on."""
        if op == OP_IDENTIFY:
            if self._turn is not None:
                self._turn.sent()
            self._life.back_off.sent(self._shared.clock.now())
            self._life.identifies += 1
            await self._waiting.aclose()
        else:
            self._life.resumes += 1
            self._shared.observer.resume_sent()

    async def after_connect(self) -> None:
        """Give the turn back if it was not used."""
        self._turn = None
        await self._waiting.aclose()

    async def on_ready(self, payload: Mapping[str, Any]) -> None:
        """Store the new session before any of its events is handled."""
        if self._turn is not None:
            self._turn.answered()
        session = self.session
        if session is None:
            return
        logs.protect(session.session_id)
        self._life.session_began = self._shared.clock.now()
        _LOG.info("shard %d is ready with a new session and %d guilds", self.id, len(payload.get("guilds", ())))
        self._storing = True
        try:
            await self._lease.began(session)
        finally:
            self._storing = False
        self._enter(ShardState.LIVE)

    def on_resumed(self) -> None:
        """Go on where the session was."""
        _LOG.info("shard %d has resumed its session", self.id)
        if self._life.session_began is None:
            self._life.session_began = self._shared.clock.now()
        self._enter(ShardState.LIVE)
        self._lease.resumed()

    def on_latency(self, seconds: float) -> None:
        """Remember the latency."""
        self._life.latency = seconds
        self._shared.observer.shard_latency(self.id, seconds)

    def on_end(self, reason: str, code: int | None) -> None:
        """Decide whether the session is worth another RESUME."""
        had_session = self.session is not None
        if code in SESSION_ENDS or (code == SESSION_TIMED_OUT and self._timed_out_for_good()):
            self.session = None
        if code == TOKEN_REFUSED:
            self._life.refused = self._logged_in_with
        if reason == "op 9" and not had_session:
            self._life.invalidated = True
        if self.session is None:
            self._session_ended()
            if had_session:
                self._reconnects.session_lost()
        resuming = "the session stays" if self.session else "the session is lost"
        _LOG.info("shard %d: the connection ended (%s), %s", self.id, reason, resuming)
        self._life.reason = reason
        self._shared.observer.reconnected(reason)
        if self._life.state is not ShardState.STOPPING:
            self._enter(ShardState.RECONNECTING)

    def _session_ended(self) -> None:
        """Let a session that lived long enough end the back-off of this shard's IDENTIFYs."""
        began = self._life.session_began
        if began is not None:
            self._life.back_off.lived(self._shared.clock.now() - began)
            self._life.session_began = None

    def _timed_out_for_good(self) -> bool:
        """4009 on a session that was alive: RESUME once, then IDENTIFY."""
        life = self._life
        lived = self._shared.clock.now() - life.since if self.is_live else 0.0
        again = not self.is_live or (life.timed_out and lived < STEADY)
        life.timed_out = not again
        return again

    @property
    def acknowledged(self) -> int | None:
        """Heartbeats carry the stored watermark: Discord may forget what they carry."""
        session = self.session
        return self._lease.stored_seq(session.session_id if session else None)

    @property
    def is_held(self) -> bool:
        """Whether the shard is left, a new session is being stored, or there are more events than can be kept."""
        return self._paused or self._storing or not self._life.intake.has_room

    async def until_free(self) -> None:
        """Wait for room; for ever when the shard is left."""
        while self.is_held:
            await (self._shared.clock.sleep(3_600) if self._paused else self._life.intake.room())

    def _enter(self, state: ShardState) -> None:
        self._life.state = state
        self._life.since = self._shared.clock.now()
        self._shared.observer.shard_state(self.id, state.value)
