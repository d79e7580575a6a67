"""What a person sees while a scenario runs: a table that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

from migaga_emulator.ledger.figures import LedgerReport

PLAIN_INTERVAL = 5.0
"""Seconds between two lines where the output is no terminal."""
DRAW_EVERY = 1.0
"""Seconds between two rows, at least."""
READING_SHARE = 0.02
"""Share of the time that reading the ledger for the table may take: it stands in the way of what is measured."""
_UP_AND_CLEAR = "\x1b[{lines}F\x1b[J"


@dataclass(frozen=True, slots=True)
class Row:
    """One moment of a run. Times in seconds, latencies in milliseconds."""

    time: float
    state: str
    shards: str
    guilds: int
    events: int
    rate: float
    commands: str
    latency_p50: float
    latency_p99: float
    waiting: int
    repeated: int


def row_of(
    report: LedgerReport, seconds: float, rate: float, *, state: str, shards: int, guilds: int, commands: str
) -> Row:
    """Make a row of a reading. `shards`: how many there should be; `commands`: answered and sent ones."""
    return Row(
        time=seconds,
        state=state,
        shards=f"{report.sessions_connected}/{shards}",
        guilds=guilds,
        events=report.sent,
        rate=rate,
        commands=commands,
        latency_p50=report.latency.p50 * 1_000,
        latency_p99=report.latency.p99 * 1_000,
        waiting=report.sent - report.handled - report.undeliverable,
        repeated=report.repeated,
    )


MakeRow = Callable[[LedgerReport, float, float], Row]
"""Makes a row of a reading, the seconds since the first one, and the events a second."""

COLUMNS = (
    "time",
    "bot",
    "shards",
    "guilds",
    "events",
    "events/s",
    "commands",
    "p50 ms",
    "p99 ms",
    "waiting",
    "repeated",
)
_WIDTHS = (6, 10, 6, 6, 8, 8, 9, 7, 7, 7, 8)


def cells(row: Row) -> tuple[str, ...]:
    """Write a row's values as people read them, in the order of `COLUMNS`."""
    return (
        f"{row.time:.0f} s",
        row.state,
        row.shards,
        str(row.guilds),
        f"{row.events:,}",
        f"{row.rate:.0f}",
        row.commands,
        f"{row.latency_p50:.0f}",
        f"{row.latency_p99:.0f}",
        str(row.waiting),
        str(row.repeated),
    )


def aligned(values: tuple[str, ...]) -> str:
    """Put values under their columns: the bot's state to the left, numbers to the right."""
    return "  ".join(
        value.ljust(width) if column == "bot" else value.rjust(width)
        for column, value, width in zip(COLUMNS, values, _WIDTHS, strict=True)
    ).rstrip()


class LiveView:
    """Shows rows on a stream: redrawn in place on a terminal, else one plain line every few seconds."""

    KEPT = 12
    """Rows that stay visible on a terminal."""

    def __init__(self, stream: TextIO | None) -> None:
        """Show on `stream`; without one nothing is shown, and nothing needs to be read for it."""
        self._stream = stream
        self._live = stream is not None and stream.isatty()
        self._rows: list[str] = []
        self._drawn = 0
        self._next_plain = 0.0

    def say(self, text: str) -> None:
        """Print a line that stays."""
        self._write(text)
        self._drawn = 0

    def show(self, row: Row) -> None:
        """Show one moment."""
        self._rows.append(aligned(cells(row)))
        if self._live:
            self._redraw()
        elif row.time >= self._next_plain:
            if not self._next_plain:
                self._write(aligned(COLUMNS))
            self._next_plain = row.time + PLAIN_INTERVAL
            self._write(self._rows[-1])

    @asynccontextmanager
    async def table(self, read: Callable[[], Awaitable[LedgerReport]], row: MakeRow) -> AsyncIterator[None]:
        """Show meanwhile what `row` makes of a reading every second; less often when the reading takes long."""
        if self._stream is None:
            yield
            return
        task = asyncio.create_task(self._draw(read, row), name="live table")
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _draw(self, read: Callable[[], Awaitable[LedgerReport]], row: MakeRow) -> None:
        start = drawn = time.monotonic()
        sent, pause = 0, DRAW_EVERY
        while True:
            await asyncio.sleep(pause)
            asked_at = time.monotonic()
            report = await read()
            now = time.monotonic()
            self.show(row(report, now - start, (report.sent - sent) / (asked_at - drawn)))
            drawn, sent = asked_at, report.sent
            pause = max(DRAW_EVERY, (now - asked_at) / READING_SHARE)

    def _redraw(self) -> None:
        up = _UP_AND_CLEAR.format(lines=self._drawn) if self._drawn else ""
        # A line that wraps would take two, and the next table would be drawn over the wrong ones.
        width = shutil.get_terminal_size().columns
        lines = [line[:width] for line in (aligned(COLUMNS), *self._rows[-self.KEPT :])]
        self._write(up + "\n".join(lines))
        self._drawn = len(lines)

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text + "\n")
            self._stream.flush()
