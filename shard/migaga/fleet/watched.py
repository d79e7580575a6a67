"""A shard as the watch for silent shards sees it. `steward.py` makes one for each shard that it holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from migaga.fleet.held import HeldShard
from migaga.fleet.parts import ShardKey

KnownGuilds = Callable[[ShardKey], Awaitable[Sequence[int]]]


class Watched:
    """One shard, to be probed and reconnected. `silence.WatchedShard`."""

    def __init__(self, held: HeldShard, known: KnownGuilds) -> None:
        """`known` tells some guilds of a shard that the bot is in."""
        self._held = held
        self._known = known

    @property
    def key(self) -> ShardKey:
        """Generation and shard id."""
        return self._held.key

    @property
    def is_listening(self) -> bool:
        """Whether its handshake is over and it reads its socket."""
        connection = self._held.connection
        return connection is not None and connection.is_live and not connection.is_held

    async def known_guilds(self) -> Sequence[int]:
        """Return some guilds of this shard."""
        return await self._known(self.key)

    async def probe(self, guild_id: int, nonce: str) -> bool:
        """Ask Discord for the bot's own member in a guild."""
        connection = self._held.connection
        return connection is not None and await connection.ask_member(guild_id, nonce)

    def reconnect(self, reason: str) -> None:
        """End the connection, and RESUME."""
        connection = self._held.connection
        if connection is not None:
            self._held.spawn(connection.reconnect(reason), "reconnect")
