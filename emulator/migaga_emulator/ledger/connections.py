"""When each shard of a bot was connected, by whom, and how its connections ended. Synchronous; times are given.

The hub writes it; scenarios read interruptions and hand-overs from it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

Shard = tuple[int, int]
"""Shard id and shard count."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A connection that has identified or resumed."""

    at: float
    shard: Shard
    how: Literal["identify", "resume"]
    peer: int
    """The client's TCP port, which tells its process; 0 when it is not known."""
    replayed: int = 0
    """Missed events that the RESUME brings again."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A connection that has lost its session, or a session that has lost its connection."""

    at: float
    shard: Shard
    how: str
    """`client 3000`, `server 4008`, `dropped`, or `destroyed` for a session that a fault or the client has ended."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """A time in which a shard had no connection; of no length when a session was taken over."""

    shard: Shard
    begun: float
    ended: float
    why: str
    """How the connection before ended; `replaced` when it still stood."""
    how: Literal["identify", "resume"]
    peer_before: int
    peer: int
    replayed: int


class ConnectionBook:
    """The connections of one bot, in order."""

    def __init__(self) -> None:
        self._log: list[Begun | Ended] = []
        self.on_begun: Callable[[Begun], None] = lambda begun: None
        """Called for each connection that has got a session, while it lives."""

    def begun(self, entry: Begun) -> None:
        """Note a connection that has got a session."""
        self._log.append(entry)
        self.on_begun(entry)

    def ended(self, entry: Ended) -> None:
        """Note the end of one."""
        self._log.append(entry)

    @property
    def log(self) -> Sequence[Begun | Ended]:
        """Everything noted so far."""
        return tuple(self._log)

    def interruptions(self, until: float) -> list[Interruption]:
        """The interruptions that have ended by `until`, in the order of their ends."""
        found: list[Interruption] = []
        last: dict[Shard, tuple[Begun, Ended | None]] = {}
        for entry in self._log:
            if entry.at > until:
                break
            before = last.get(entry.shard)
            if isinstance(entry, Ended):
                if before is not None and before[1] is None:
                    last[entry.shard] = (before[0], entry)
                continue
            if before is not None:
                found.append(_interruption(before[0], before[1], entry))
            last[entry.shard] = (entry, None)
        return found


def _interruption(before: Begun, end: Ended | None, after: Begun) -> Interruption:
    return Interruption(
        shard=after.shard,
        begun=after.at if end is None else end.at,
        ended=after.at,
        why="replaced" if end is None else end.how,
        how=after.how,
        peer_before=before.peer,
        peer=after.peer,
        replayed=after.replayed,
    )
