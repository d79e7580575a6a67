"""What a person sees while a scenario runs: a table that is redrawn on a terminal, plain lines elsewhere."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TextIO

PLAIN_INTERVAL = 5.0
"""Seconds between two lines where the output is no terminal."""
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

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._live = stream.isatty()
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

    def _redraw(self) -> None:
        if self._drawn:
            self._stream.write(_UP_AND_CLEAR.format(lines=self._drawn))
        # A line that wraps would take two, and the next table would be drawn over the wrong ones.
        width = shutil.get_terminal_size().columns
        lines = [line[:width] for line in (aligned(COLUMNS), *self._rows[-self.KEPT :])]
        self._write("\n".join(lines))
        self._drawn = len(lines)

    def _write(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()
