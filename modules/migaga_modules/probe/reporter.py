"""Sends small reports in batches: who reports waits until the batch has arrived. Used by the module `probe`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

Report = dict[str, object]
Send = Callable[[Sequence[Report]], Awaitable[None]]

WINDOW = 0.005
"""Seconds that the first report of a batch waits for others."""

MOST = 500
"""Reports in one batch."""


class _Batch:
    __slots__ = ("reports", "task")

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.task: asyncio.Task[None] | None = None


class Reporter:
    """Collects reports for a few milliseconds and sends them together."""

    def __init__(self, send: Send, window: float = WINDOW) -> None:
        self._send = send
        self._window = window
        self._open: _Batch | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def report(self, report: Report) -> None:
        """Return when the report has arrived. Raises what sending raises.

        A reporter that is cancelled meanwhile does not take its report back: it is sent with the others.
        """
        batch = self._open
        if batch is None or batch.task is None or len(batch.reports) >= MOST:
            batch = self._open = _Batch()
            batch.task = asyncio.create_task(self._flush(batch), name="probe: send reports")
            self._tasks.add(batch.task)
            batch.task.add_done_callback(self._tasks.discard)
        batch.reports.append(report)
        await asyncio.shield(batch.task)

    async def close(self) -> None:
        """Wait until everything that was reported has arrived, or could not be sent."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _flush(self, batch: _Batch) -> None:
        await asyncio.sleep(self._window)
        if self._open is batch:
            self._open = None
        await self._send(batch.reports)
