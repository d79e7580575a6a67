"""Which process has which shard, and how often shards went from one to another. Called by `scene.py`, `facts.py`."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from migaga_emulator.ledger.connections import Begun, Ended, Interruption, Shard
from migaga_emulator.scenarios.sockets import owner_of


class Owners:
    """Remembers the process of each connection, asked for while it lives."""

    def __init__(self, pids: Sequence[int], server: int) -> None:
        """`pids` are the fleet's processes, they may become more; `server` is the gateway's TCP port."""
        self._pids = pids
        self._server = server
        self.of_port: dict[int, int] = {}
        """Process by TCP port."""

    def connected(self, begun: Begun) -> None:
        """Find out whose connection this is. At once, in a millisecond or two: it may not live any longer."""
        # Newest first: a process that has just started connects more often than one that is long there.
        pid = owner_of(begun.peer, self._server, tuple(reversed(self._pids)))
        if pid is not None:
            self.of_port[begun.peer] = pid


@dataclass(frozen=True, slots=True)
class Move:
    """A shard that went from one process to another."""

    at: float
    """When the second one had its session."""
    shard: Shard
    giver: int
    taker: int
    """Process ids."""
    in_order: bool
    """The first one had left in order or was still there: no crash, no fault of the gateway."""


def moves_of(interruptions: Sequence[Interruption], owners: Mapping[int, int], since: float) -> list[Move]:
    """RESUMEs by another process than the one before, from a moment on.

    A process that resumes its own session moves nothing, and one that identifies has no session from anybody.
    """
    found: list[Move] = []
    for one in interruptions:
        giver, taker = owners.get(one.peer_before), owners.get(one.peer)
        if one.how == "resume" and one.ended >= since and None not in {giver, taker} and giver != taker:
            in_order = one.why.startswith("client") or one.why == "replaced"
            found.append(Move(one.ended, one.shard, giver or 0, taker or 0, in_order))
    return found


def holdings(log: Iterable[Begun | Ended], owners: Mapping[int, int]) -> dict[int, list[Shard]]:
    """The shards that each process is connected for; 0 stands for a process that is not known yet."""
    now: dict[Shard, Begun] = {}
    for entry in log:
        if isinstance(entry, Begun):
            now[entry.shard] = entry
        else:
            now.pop(entry.shard, None)
    found: dict[int, list[Shard]] = {}
    for shard, begun in sorted(now.items()):
        found.setdefault(owners.get(begun.peer, 0), []).append(shard)
    return found


def count_by_step(moves: Iterable[Move], step_of: Callable[[Move], int]) -> defaultdict[int, Counter[Shard]]:
    """How often each shard moved in each step."""
    found: defaultdict[int, Counter[Shard]] = defaultdict(Counter)
    for move in moves:
        found[step_of(move)][move.shard] += 1
    return found
