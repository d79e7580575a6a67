"""What a connection asks of whoever holds its shard, and of whoever says when it may IDENTIFY.

`fleet/` implements both; the gateway knows neither rows nor other processes.
"""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from migaga.gateway.privates import Session


class ShardLease(Protocol):
    """The holder of one shard, as its connection sees it."""

    async def until_connectable(self) -> None:
        """Return when a connection may be opened: the life is valid, the breaker closed, the shard held or wanted."""
        ...

    async def session(self, current: Session) -> Session | None:
        """Return the session to RESUME, asked for after HELLO; None: not this connection.

        A taker waits here, with its connection open, until the shard is its own.

        Args:
            current: What the connection was opened for, as far as it has been received.
        """
        ...

    @property
    def is_recovery(self) -> bool:
        """Whether the shard had a session in this generation before: an IDENTIFY may use the reserve."""
        ...

    async def began(self, session: Session) -> None:
        """Store a session that READY has begun. Returns when it is stored: no event of it is handed on before."""
        ...

    def may_connect(self) -> bool:
        """Whether a session may be begun or resumed in this moment: asked inline, just before it is."""
        ...

    def resumed(self) -> None:
        """Note RESUMED: what was missed has been handed on."""
        ...

    def stored_seq(self, session_id: str | None) -> int | None:
        """Return the stored watermark of this session: heartbeats tell Discord no more. None when it is not stored."""
        ...


class Turn(Protocol):
    """The turn of one shard to IDENTIFY."""

    async def take(self) -> bool:
        """Take the slot and count the IDENTIFY, after HELLO. False: not now; the connection is given up.

        True is good for a second: send at once.
        """
        ...

    def sent(self) -> None:
        """Note that IDENTIFY has gone out just now."""
        ...

    def answered(self) -> None:
        """Note that Discord has answered it: it has arrived."""
        ...


class IdentifyTurns(Protocol):
    """Says when a shard may IDENTIFY."""

    def turn(self, shard_id: int, *, recovery: bool) -> AbstractAsyncContextManager[Turn]:
        """Wait until it is worth connecting for: the breaker closed, budget left, the bucket free, first in line.

        Args:
            shard_id: Which; its bucket is `shard_id % max_concurrency`.
            recovery: The shard had a session in this generation before: it may use the reserve.
        """
        ...
