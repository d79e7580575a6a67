"""Counts how often a shard went in order from one process to another. Called by `runner.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from migaga_emulator.ledger.connections import Begun, Interruption
from migaga_emulator.scenarios.sockets import owner_of


class Owners:
    """Remembers the process of each connection, asked for while it lives."""

    def __init__(self, pids: Sequence[int]) -> None:
        """`pids` are the fleet's processes; it may grow."""
        self._pids = pids
        self._asking: set[asyncio.Task[None]] = set()
        self.of_port: dict[int, int] = {}
        """Process by TCP port."""

    def connected(self, begun: Begun) -> None:
        """Find out whose connection this is."""
        task = asyncio.create_task(self._ask(begun.peer), name=f"owner of port {begun.peer}")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def settle(self) -> None:
        """Wait for what is being found out."""
        await asyncio.gather(*self._asking)

    async def _ask(self, port: int) -> None:
        # Newest first: a process that has just started connects more often than one that is long there.
        pid = await asyncio.to_thread(owner_of, port, tuple(reversed(self._pids)))
        if pid is not None:
            self.of_port[port] = pid


def count_handovers(interruptions: Sequence[Interruption], owners: Mapping[int, int]) -> int:
    """RESUMEs by another process than the one before, which had left in order or was still there.

    A process that was killed hands nothing over, and one that resumes its own session neither.
    """
    return sum(
        1
        for one in interruptions
        if one.how == "resume"
        and (one.why.startswith("client") or one.why == "replaced")
        and owners.get(one.peer_before) not in {None, owners.get(one.peer)}
    )
