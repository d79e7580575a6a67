"""All sessions of all bots: who may identify and resume, and which session gets which event. Synchronous, no sockets.

`connection.py` brings what clients say, the world what happens; the control API injects faults through `faults.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from migaga_emulator.gateway.identify import IdentifyRequest, ResumeRequest, judge_intents, judge_shard
from migaga_emulator.gateway.limits import IdentifyBudget, Verdict, WindowCounter
from migaga_emulator.gateway.opcodes import (
    NEVER_RESUME_AFTER,
    SESSION_ENDING_CLIENT_CODES,
    SESSION_ENDING_SERVER_CODES,
    CloseCode,
)
from migaga_emulator.gateway.recovery import Recovery
from migaga_emulator.gateway.session import Event, Generation, Session, Sink
from migaga_emulator.ledger.book import BotLedger, Ledger
from migaga_emulator.ledger.connections import Begun, Ended
from migaga_emulator.ledger.events import Occurrence
from migaga_emulator.rules import Rules
from migaga_emulator.world.dispatch import Dispatch
from migaga_emulator.world.intents import Intent
from migaga_emulator.world.state import Bot
from migaga_emulator.world.world import World

ABNORMAL = 1006
"""What a websocket says when the connection ended without a close frame."""
CLIENT = "client "
"""How the ledger's words begin for a connection that its client has closed."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An IDENTIFY or RESUME that failed: closed with a code, or answered with op 9 `d: false` when there is none."""

    close: CloseCode | None


class BotGateway:
    """What the gateway knows of one bot."""

    def __init__(self, rules: Rules) -> None:
        self.budget = IdentifyBudget(
            total=rules.identify_total,
            window_s=rules.identify_window_s,
            max_concurrency=rules.max_concurrency,
            interval_s=rules.identify_interval_s,
        )
        self.sessions: dict[str, Session] = {}
        self.latest: Generation | None = None
        self.recovery = Recovery(max_concurrency=rules.max_concurrency, interval_s=rules.identify_interval_s)
        self.refused: dict[str, CloseCode] = {}
        """Ids of sessions that were closed with 4007 or 4009: a RESUME gets the same code again."""
        self.member_requests: dict[int, WindowCounter] = {}

    def connected_covers(self, guild_id: int) -> bool:
        """Whether a connected session gets the events of this guild."""
        return any(s.connected and s.gets(guild_id) for s in self.sessions.values())


class Hub:
    """Sessions of all bots."""

    def __init__(self, world: World, rules: Rules, ledger: Ledger, *, clock: Callable[[], float], seed: int) -> None:
        self.world = world
        self.rules = rules
        self.ledger = ledger
        self.clock = clock
        self.resume_url = ""
        """Where RESUME goes; set when the server knows its port."""
        self.logins_refused = 0
        """IDENTIFYs and RESUMEs with a token that is nobody's, or was revoked."""
        self.absent: set[int] = set()
        """Guilds that a fault keeps from sessions that begin now."""
        self._random = random.Random(seed)
        self._bots: dict[int, BotGateway] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Called when a session begins, ends, or changes hands."""
        world.subscribe(self._on_dispatch)

    def of(self, bot_id: int) -> BotGateway:
        """The gateway's state of one bot."""
        state = self._bots.get(bot_id)
        if state is None:
            state = self._bots[bot_id] = BotGateway(self.rules)
        return state

    def sessions(self) -> Iterator[Session]:
        """Every session that exists, connected or waiting for a RESUME."""
        for state in self._bots.values():
            yield from state.sessions.values()

    def bot_of_token(self, token: str) -> Bot | None:
        """The bot whose token this is, unless it was revoked."""
        return self.world.bot_by_token(token)

    def identify(self, request: IdentifyRequest, sink: Sink, *, peer: int = 0) -> Session | Refusal:
        """Begin a session: READY and a GUILD_CREATE for each guild are pushed into it. Counts against the budget.

        `peer` is the client's TCP port, for the ledger.
        """
        bot = self.bot_of_token(request.token)
        if bot is None:
            self.logins_refused += 1
            return Refusal(CloseCode.AUTHENTICATION_FAILED)
        now, state, ledger = self.clock(), self.of(bot.user.id), self.ledger.of(bot.user.id)
        generation = Generation(request.shard_id, request.shard_count, request.intents)
        code = self._judge(bot, generation)
        verdict = state.budget.count(now) if code is not None else state.budget.identify(generation.shard_id, now)
        if verdict is Verdict.EXHAUSTED:
            ledger.identifies_rejected["budget exhausted"] += 1
            self.reset_token(bot, injected=False)
            return Refusal(CloseCode.AUTHENTICATION_FAILED)
        if code is not None or verdict is Verdict.EARLY:
            ledger.identifies_rejected["op 9: too early" if code is None else f"close {int(code)}"] += 1
            return Refusal(code)
        ledger.identifies += 1
        session = Session(f"{self._random.getrandbits(128):032x}", bot.user.id, generation, self.rules)
        session.presence = dict(request.presence or {})
        session.large_threshold = request.large_threshold
        ledger.connections.begun(Begun(now, (generation.shard_id, generation.shard_count), "identify", peer))
        self._begin(session, sink, request, now)
        return session

    def resume(
        self, request: ResumeRequest, sink: Sink, *, at_resume_url: bool, peer: int = 0
    ) -> tuple[Session, list[Event]] | Refusal:
        """Attach a client to its session again; returns the events it has missed. RESUMED is still to be pushed."""
        bot = self.bot_of_token(request.token)
        if bot is None:
            self.logins_refused += 1
            return Refusal(CloseCode.AUTHENTICATION_FAILED)
        now, state, ledger = self.clock(), self.of(bot.user.id), self.ledger.of(bot.user.id)
        if not at_resume_url:
            ledger.resumes_elsewhere += 1
        self.expire(now)
        session = state.sessions.get(request.session_id)
        refused = state.refused.get(request.session_id) if session is None else session.refuse_with
        if refused is not None:
            return self._resume_failed(ledger, f"session was closed with {int(refused)}", refused)
        if session is None:
            return self._resume_failed(ledger, "unknown or ended session", None)
        if request.seq > session.seq:
            session.refuse_with = CloseCode.INVALID_SEQ
            return self._resume_failed(ledger, "seq was never sent", CloseCode.INVALID_SEQ)
        missed = session.missed(request.seq, now)
        if missed is None:
            self.end(session, injected=False)
            return self._resume_failed(ledger, "events are no longer kept", None)
        ledger.resumes += 1
        shard = (session.generation.shard_id, session.generation.shard_count)
        ledger.connections.begun(Begun(now, shard, "resume", peer, len(missed)))
        session.attach(sink)
        self._coverage_changed(state, session, now)
        return session, missed

    def closed(self, session: Session, sink: Sink, *, client_code: int | None, server_code: int | None) -> None:
        """The connection of a session is gone, for whatever reason. Decides whether the session can be resumed."""
        how = _who_closed(client_code, server_code)
        self.ledger.of(session.bot_id).closes[how] += 1
        if session.sink is not sink:
            return
        now = self.clock()
        self._connection_ended(session, now, how)
        if server_code in SESSION_ENDING_SERVER_CODES:
            self.end(session, injected=True)
        elif server_code is None and client_code in SESSION_ENDING_CLIENT_CODES:
            self.end(session, injected=False)
        elif server_code in NEVER_RESUME_AFTER:
            # Nobody but the control API closes a session's connection with these.
            self.of(session.bot_id).refused[session.id] = CloseCode(server_code)
            self.end(session, injected=True)
        else:
            session.detach(now, left=how.startswith(CLIENT))
            self._coverage_changed(self.of(session.bot_id), session, now)

    def end(self, session: Session, *, injected: bool, pause_s: float = 0.0) -> None:
        """Destroy a session. `injected`: a fault did it, so what it still held could reach nobody.

        `pause_s` is what Discord asks a client to wait before its next IDENTIFY.
        """
        state, now = self.of(session.bot_id), self.clock()
        if state.sessions.pop(session.id, None) is None:
            return
        self._connection_ended(session, now, "destroyed")
        session.destroy(injected=injected, now=now)
        if injected:
            state.recovery.cut(session.generation, now, pause_s=pause_s)
        self._coverage_changed(state, session, now)

    def expire(self, now: float) -> None:
        """End the sessions that nobody resumed in time."""
        for session in [session for session in self.sessions() if session.expired(now)]:
            self.end(session, injected=False)

    def reset_token(self, bot: Bot, token: str | None = None, *, injected: bool = True) -> str:
        """Give the bot a new token: its sessions end, the old token is refused everywhere. Returns the new one.

        `injected` is False when the client has earned it by overspending its budget.
        """
        bot.token = token or self.world.guilds.new_token(bot.user.id)
        bot.revoked = False
        self.end_all(bot.user.id, injected=injected)
        return bot.token

    def restore_token(self, bot: Bot) -> None:
        """Accept a revoked token again."""
        bot.revoked = False
        self.of(bot.user.id).recovery.release(self.clock())

    def end_all(self, bot_id: int, *, injected: bool = True) -> None:
        """End every session of a bot because its token is no longer good: 4004."""
        if injected:
            self.of(bot_id).recovery.hold()
        for session in list(self.of(bot_id).sessions.values()):
            sink = session.sink
            self.end(session, injected=injected)
            if sink is not None:
                sink.close(CloseCode.AUTHENTICATION_FAILED)

    def session_start_limit(self, bot_id: int) -> dict[str, int]:
        """The object of GET /gateway/bot; times in milliseconds."""
        now, budget = self.clock(), self.of(bot_id).budget
        return {
            "total": budget.total,
            "remaining": budget.remaining(now),
            "reset_after": round(budget.reset_after(now) * 1000),
            "max_concurrency": budget.max_concurrency,
        }

    def _judge(self, bot: Bot, generation: Generation) -> CloseCode | None:
        guild_ids = self.world.guild_ids_of(bot.user.id)
        mine = sum(1 for guild_id in guild_ids if generation.covers(guild_id))
        return judge_intents(generation.intents, bot.privileged_intents) or judge_shard(
            generation.shard_count, self.rules, mine, len(guild_ids)
        )

    def _resume_failed(self, ledger: BotLedger, reason: str, close: CloseCode | None) -> Refusal:
        ledger.resumes_failed[reason] += 1
        return Refusal(close)

    def _begin(self, session: Session, sink: Sink, request: IdentifyRequest, now: float) -> None:
        generation, state = session.generation, self.of(session.bot_id)
        state.sessions[session.id] = session
        state.latest = generation
        state.recovery.release(now)
        state.recovery.identified(generation, now)
        session.attach(sink)
        mine = sorted(guild_id for guild_id in self.world.guild_ids_of(session.bot_id) if generation.covers(guild_id))
        session.lacks = self.absent.intersection(mine)
        session.push("READY", orjson.dumps(self._ready(session, request, mine)), now)
        ledger = self.ledger.of(session.bot_id)
        if generation.intents & Intent.GUILDS:
            for guild_id in mine:
                if not self.world.core.guild(guild_id).unavailable and guild_id not in session.lacks:
                    self.push_guild(session, ledger, guild_id, now)
        self._coverage_changed(state, session, now)

    def push_guild(self, session: Session, ledger: BotLedger, guild_id: int, now: float) -> None:
        """Push a GUILD_CREATE that belongs to this session alone: after READY, or when an outage ends."""
        payload = self.world.guild_create(
            guild_id,
            session.bot_id,
            intents=session.generation.intents,
            large_threshold=session.large_threshold,
        )
        ledger.for_session("GUILD_CREATE", payload)
        session.push("GUILD_CREATE", orjson.dumps(payload), now)

    def _ready(self, session: Session, request: IdentifyRequest, guild_ids: list[int]) -> dict[str, object]:
        shard = {"shard": [request.shard_id, request.shard_count]} if request.shard_given else {}
        return {
            "v": 10,
            "user_settings": {},
            "user": self.world.ready_user(session.bot_id),
            "session_type": "normal",
            "session_id": session.id,
            "resume_gateway_url": self.resume_url,
            "relationships": [],
            "private_channels": [],
            "presences": [],
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in guild_ids],
            "guild_join_requests": [],
            "geo_ordered_rtc_regions": ["newark", "us-east", "us-central"],
            "auth": {},
            "application": self.world.partial_application(session.bot_id),
            "_trace": ["gateway"],
        } | shard

    def _coverage_changed(self, state: BotGateway, session: Session, now: float) -> None:
        guild_ids = (g for g in self.world.bots[session.bot_id].guild_ids if session.generation.covers(g))
        self.ledger.of(session.bot_id).gaps.update(guild_ids, state.connected_covers, now)
        self.on_change()

    def _connection_ended(self, session: Session, now: float, how: str) -> None:
        shard = (session.generation.shard_id, session.generation.shard_count)
        self.ledger.of(session.bot_id).connections.ended(Ended(now, shard, how))

    def _on_dispatch(self, dispatch: Dispatch) -> None:
        if dispatch.guild_id is not None and self._out(dispatch):
            return
        now = self.clock()
        for bot_id in self._receivers(dispatch):
            self._publish(bot_id, dispatch, now)

    def _out(self, dispatch: Dispatch) -> bool:
        guild = self.world.core.guilds.get(dispatch.guild_id or 0)
        return guild is not None and guild.unavailable and dispatch.name != "GUILD_DELETE"

    def _receivers(self, dispatch: Dispatch) -> list[int]:
        if dispatch.bot_id is not None:
            return [dispatch.bot_id]
        guild_id = dispatch.guild_id
        there = [bot for bot in self.world.bots.values() if guild_id is None or guild_id in bot.guild_ids]
        return [bot.user.id for bot in there if self.world.may_see(bot.user.id, dispatch)]

    def _publish(self, bot_id: int, dispatch: Dispatch, now: float) -> None:
        state, ledger = self.of(bot_id), self.ledger.of(bot_id)
        views = _Views(self.world, dispatch, bot_id)
        fate: Occurrence | None = None
        covering = [session for session in state.sessions.values() if session.gets(dispatch.guild_id)]
        if _is_due(state, covering, views, now):
            fate = ledger.published(dispatch.name, dispatch.payload, now, dispatch.guild_id)
        for session in covering:
            if views.wanted(session.generation.intents):
                session.push(dispatch.name, views.payload(session.generation.intents), now, fate)
                if fate is None:
                    ledger.for_session(dispatch.name, dispatch.payload)
        # A session of another shard count that its client has left in order is nobody's: a cut-over leaves such ones.
        if fate is not None and all(session.was_left for session in covering):
            empty = state.budget.remaining(now) == 0
            budget_in = state.budget.reset_after(now) if empty else 0.0
            beside = {session.generation.shard_count for session in covering}
            fate.unsent = state.recovery.excuses(dispatch.guild_id, now, budget_in=budget_in, beside=beside)
        if dispatch.guild_id is not None and dispatch.name == "GUILD_DELETE" and "unavailable" not in dispatch.payload:
            ledger.gaps.forget(dispatch.guild_id, now)
        if dispatch.guild_id is not None and dispatch.name == "GUILD_CREATE":
            ledger.gaps.update([dispatch.guild_id], state.connected_covers, now)


def _is_due(state: BotGateway, covering: Sequence[Session], views: _Views, now: float) -> bool:
    """Whether a bot is to get an event: by the intents of all its sessions, else of its latest IDENTIFY.

    While two generations have other intents, what only one of them gets may be handled, and need not be.
    """
    current = [session for session in covering if session.is_current(now)] or covering
    intents = {session.generation.intents for session in current}
    if not intents and state.latest is not None:
        intents = {state.latest.intents}
    return bool(intents) and all(views.wanted(each) for each in intents)


def _who_closed(client_code: int | None, server_code: int | None) -> str:
    if server_code is not None:
        return f"server {int(server_code)}"
    return "dropped" if client_code in {None, ABNORMAL} else f"{CLIENT}{client_code}"


class _Views:
    """One event as sessions with different intents see it; each view is serialised once."""

    def __init__(self, world: World, dispatch: Dispatch, bot_id: int) -> None:
        self._world = world
        self._dispatch = dispatch
        self._bot_id = bot_id
        self._made: dict[int, bytes] = {}

    def wanted(self, intents: int) -> bool:
        """Whether these intents receive it. A bot is told of changes of itself without GUILD_MEMBERS."""
        wanted = self._dispatch.intents
        if wanted == 0 or wanted & intents:
            return True
        return self._dispatch.name == "GUILD_MEMBER_UPDATE" and self._is_own()

    def payload(self, intents: int) -> bytes:
        """The serialised payload for these intents."""
        view = self._view(intents)
        made = self._made.get(view)
        if made is None:
            made = self._made[view] = orjson.dumps(self._payload(intents))
        return made

    def _view(self, intents: int) -> int:
        return intents if self._dispatch.name == "GUILD_CREATE" else intents & Intent.MESSAGE_CONTENT

    def _payload(self, intents: int) -> Mapping[str, object]:
        dispatch = self._dispatch
        if dispatch.name == "GUILD_CREATE" and dispatch.guild_id is not None:
            return self._world.guild_create(dispatch.guild_id, self._bot_id, intents=intents)
        if intents & Intent.MESSAGE_CONTENT:
            return dispatch.payload
        return self._world.strip_content(dispatch, self._bot_id)

    def _is_own(self) -> bool:
        user = self._dispatch.payload.get("user")
        return isinstance(user, Mapping) and user.get("id") == str(self._bot_id)
