"""One session of the gateway: its sequence, its replay buffer, who is connected. Synchronous, no sockets.

`hub.py` makes sessions and pushes events into them; `connection.py` is the sink that carries them to a client.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from migaga_emulator.gateway.opcodes import CloseCode
from migaga_emulator.gateway.replay import ReplayBuffer
from migaga_emulator.gateway.withheld import Withheld
from migaga_emulator.rules import Rules

RECONNECT_S = 2.0
"""How long a client that loses no time may need to resume after its connection is gone."""
AWAY_S = 20.0
"""How long a session without a client still says which events its bot is to get: another process may take it over."""


class Fate(Protocol):
    """What the ledger wants to know of one event that was published once and may be in several sessions."""

    def delivered(self) -> None:
        """It was written to a live connection."""
        ...

    def destroyed(self) -> None:
        """A session that held it, and had not delivered it, was destroyed by an injected fault."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """One dispatch of one session."""

    seq: int
    name: str
    frame: bytes
    """The whole payload, uncompressed."""
    fate: Fate | None


class Sink(Protocol):
    """A connection that a session is attached to."""

    def deliver(self, event: Event) -> None:
        """Send this event after everything before it. Calls `Session.written` when it is on the wire."""
        ...

    def close(self, code: int) -> None:
        """Close the connection with this code."""
        ...

    def replaced(self) -> None:
        """Another connection has resumed the session: close, without what is still queued."""
        ...


@dataclass(frozen=True, slots=True)
class Generation:
    """What a session was identified with."""

    shard_id: int
    shard_count: int
    intents: int

    def covers(self, guild_id: int | None) -> bool:
        """Whether events of this guild (None: of no guild) belong to this shard."""
        return self.shard_id == (0 if guild_id is None else (guild_id >> 22) % self.shard_count)


def dispatch_frame(name: str, seq: int, payload: bytes) -> bytes:
    """A dispatch, put together from a payload that is serialised once for all sessions."""
    return b'{"t":"%s","s":%d,"op":0,"d":%s}' % (name.encode(), seq, payload)


class Session:
    """State of one session."""

    def __init__(self, session_id: str, bot_id: int, generation: Generation, rules: Rules) -> None:
        self.id = session_id
        self.bot_id = bot_id
        self.generation = generation
        self.seq = 0
        self.presence: dict[str, object] = {}
        self.large_threshold = 50
        self.refuse_with: CloseCode | None = None
        """Set by 4007: a RESUME gets the same code again."""
        self.lacks: set[int] = set()
        """Guilds that a fault keeps from this session: named in READY, never there."""
        self.sink: Sink | None = None
        self.detached_at: float | None = None
        self.was_left = False
        """Its client closed the connection itself, and nobody has come back."""
        self._resume_window_s = rules.resume_window_s
        self._replay: ReplayBuffer[Event] = ReplayBuffer(max_events=rules.replay_events, max_age_s=rules.replay_seconds)
        self._unwritten: deque[Event] = deque()
        self._withheld: Withheld[Fate | None] = Withheld()

    @property
    def connected(self) -> bool:
        """Whether a client is attached."""
        return self.sink is not None

    @property
    def replay_floor(self) -> int:
        """The lowest sequence number that can still be resumed from."""
        return self._replay.floor

    def gets(self, guild_id: int | None) -> bool:
        """Whether events of this guild (None: of no guild) come to this session."""
        return self.generation.covers(guild_id) and guild_id not in self.lacks

    def is_current(self, now: float) -> bool:
        """Whether a client is attached, or may be on its way back."""
        return self.connected or (self.detached_at is not None and now - self.detached_at <= AWAY_S)

    def push(self, name: str, payload: bytes, now: float, fate: Fate | None = None) -> None:
        """Append one event and hand it to the client, if there is one; unless a fault keeps it from the client."""
        if not self._withheld.takes(name, payload, fate):
            self._push(name, payload, now, fate)

    def withhold(self, names: Collection[str]) -> None:
        """Injected: keep dispatches of these names (none: all) from the client until `give_back`."""
        self._withheld.begin(names)

    def give_back(self, now: float) -> None:
        """End that fault: what was kept is appended now. Called for a RESUME, after what it has missed."""
        for kept in self._withheld.end():
            self._push(kept.name, kept.payload, now, kept.fate)

    def _push(self, name: str, payload: bytes, now: float, fate: Fate | None) -> None:
        self.seq += 1
        event = Event(self.seq, name, dispatch_frame(name, self.seq, payload), fate)
        self._replay.append(event.seq, event, now)
        self._unwritten.append(event)
        if self.sink is not None:
            self.sink.deliver(event)

    def written(self, seq: int) -> None:
        """Everything up to `seq` has been written to a live connection."""
        while self._unwritten and self._unwritten[0].seq <= seq:
            fate = self._unwritten.popleft().fate
            if fate is not None:
                fate.delivered()

    def acknowledge(self, seq: int) -> None:
        """A heartbeat named `seq`: what is not newer is forgotten."""
        self._replay.acknowledge(min(seq, self.seq))

    def attach(self, sink: Sink) -> None:
        """Connect a client; the one before, if any, is sent away."""
        before, self.sink = self.sink, sink
        self.detached_at, self.was_left = None, False
        if before is not None:
            before.replaced()

    def detach(self, now: float, *, left: bool = False) -> None:
        """The client is gone; the session waits for a RESUME. `left`: the client has closed the connection."""
        self.sink = None
        self.detached_at, self.was_left = now, left

    def expired(self, now: float) -> bool:
        """Whether nobody came back in time."""
        return self.detached_at is not None and now - self.detached_at > self._resume_window_s

    def missed(self, seq: int, now: float) -> list[Event] | None:
        """The events after `seq`, in order; None when some of them are gone."""
        kept = self._replay.since(seq, now)
        return None if kept is None else [item.item for item in kept]

    def destroy(self, *, injected: bool, now: float | None = None) -> None:
        """End it. What was never written is marked as destroyed when a fault was injected.

        What waited for a client that could long have been back (`RECONNECT_S`) was the client's to fetch.
        """
        if now is not None and self.detached_at is not None and now - self.detached_at > RECONNECT_S:
            injected = False
        self.sink = None
        fates = [event.fate for event in self._unwritten] + [kept.fate for kept in self._withheld.end()]
        self._unwritten.clear()
        for fate in fates:
            if injected and fate is not None:
                fate.destroyed()
