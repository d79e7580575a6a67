"""Faults of the gateway, injected by the control API: what happens to connections that live and to those that come."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from migaga_emulator.gateway.connection import Connection
from migaga_emulator.gateway.hub import Hub


@dataclass(frozen=True, slots=True)
class Target:
    """Which connections a fault hits; None means any."""

    bot_id: int | None = None
    shard_id: int | None = None
    shard_count: int | None = None

    def hits(self, connection: Connection) -> bool:
        """Whether this connection, which may not have identified yet, is meant."""
        session = connection.session
        if session is None:
            return self == Target()
        generation = session.generation
        return (
            self.bot_id in {None, session.bot_id}
            and self.shard_id in {None, generation.shard_id}
            and self.shard_count in {None, generation.shard_count}
        )


class GatewayFaults:
    """Live connections, and what was injected."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._live: set[Connection] = set()
        self._latencies: list[tuple[Target, float]] = []
        self._refuse = 0
        self._reconnect_first = 0

    @contextmanager
    def watching(self, connection: Connection) -> Iterator[None]:
        """Know a connection while it lives."""
        self._live.add(connection)
        connection.latency_of = self._latency_of
        try:
            yield
        finally:
            self._live.discard(connection)

    @property
    def live(self) -> int:
        """Number of open connections."""
        return len(self._live)

    def hit(self, target: Target) -> list[Connection]:
        """The live connections a fault would hit."""
        return [connection for connection in self._live if target.hits(connection)]

    def refuses(self) -> bool:
        """Whether the next connection is refused; uses up one refusal."""
        if self._refuse == 0:
            return False
        self._refuse -= 1 if self._refuse > 0 else 0
        return True

    def says_hello(self) -> bool:
        """Whether the next connection gets HELLO; else op 7, and one of those is used up."""
        if self._reconnect_first == 0:
            return True
        self._reconnect_first -= 1
        return False

    def refuse(self, times: int) -> None:
        """Refuse the next `times` connections with 503; -1: until told otherwise; 0: none."""
        self._refuse = times

    def reconnect_instead_of_hello(self, times: int) -> None:
        """Give the next `times` connections op 7 instead of HELLO."""
        self._reconnect_first = times

    def drop(self, target: Target) -> int:
        """Reset the TCP connections. Returns how many were hit, as all of these do."""
        connections = self.hit(target)
        for connection in connections:
            connection.drop()
        return len(connections)

    def close(self, target: Target, code: int) -> int:
        """Close with a code of the gateway or any websocket close code."""
        connections = self.hit(target)
        for connection in connections:
            connection.close(code)
        return len(connections)

    def reconnect(self, target: Target) -> int:
        """Send op 7."""
        connections = self.hit(target)
        for connection in connections:
            connection.reconnect()
        return len(connections)

    def invalidate(self, target: Target, *, resumable: bool) -> int:
        """Send op 9; not resumable destroys the session."""
        connections = self.hit(target)
        for connection in connections:
            connection.invalidate(resumable=resumable)
        return len(connections)

    def request_heartbeat(self, target: Target) -> int:
        """Send op 1."""
        connections = self.hit(target)
        for connection in connections:
            connection.request_heartbeat()
        return len(connections)

    def silence(self, target: Target) -> int:
        """Make the connections zombies: they stay open and send nothing any more."""
        connections = self.hit(target)
        for connection in connections:
            connection.silent = True
        return len(connections)

    def withhold(self, target: Target, names: Collection[str]) -> int:
        """Keep dispatches of these names (none: all) from sessions that are otherwise well, until they are resumed."""
        sessions = [connection.session for connection in self.hit(target) if connection.session is not None]
        for session in sessions:
            session.withhold(names)
        return len(sessions)

    def latency(self, target: Target, seconds: float) -> int:
        """Let every frame of these connections wait before it is written, also of those that come; 0 ends it."""
        self._latencies = [(other, value) for other, value in self._latencies if other != target]
        if seconds:
            self._latencies.append((target, seconds))
        return len(self.hit(target))

    def absent(self, guild_ids: Collection[int], *, on: bool) -> None:
        """Keep guilds, with their events, from sessions that begin from now on; or send what such sessions lack."""
        if on:
            self._hub.absent.update(guild_ids)
            return
        self._hub.absent.difference_update(guild_ids)
        for session in self._hub.sessions():
            for guild_id in sorted(session.lacks.intersection(guild_ids)):
                session.lacks.discard(guild_id)
                if not self._hub.world.core.guild(guild_id).unavailable:
                    self._hub.push_guild(session, self._hub.ledger.of(session.bot_id), guild_id, self._hub.clock())

    def clear(self) -> None:
        """End refusals, latencies and op 7 instead of HELLO; send what was withheld, and guilds that were absent."""
        self._refuse = self._reconnect_first = 0
        self._latencies.clear()
        self.absent(set(self._hub.absent), on=False)
        for session in self._hub.sessions():
            session.give_back(self._hub.clock())

    def _latency_of(self, connection: Connection) -> float:
        return max((seconds for target, seconds in self._latencies if target.hits(connection)), default=0.0)

    def drop_all(self) -> None:
        """The server ends: every client loses its connection."""
        for connection in list(self._live):
            connection.drop()
