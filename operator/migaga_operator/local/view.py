"""Shows the fleet: a table that is redrawn on a terminal, plain lines elsewhere, or JSON. `up.py` makes one."""

from __future__ import annotations

import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TextIO

from migaga.common.logs import REDACTOR
from migaga_operator.local.picture import BotRow, Picture, PodRow, describe_changes, numbers

_UP_AND_CLEAR = "\x1b[{lines}F\x1b[J"
_KEPT = 6
"""Lines of what happened that stay below the tables."""
_BOT = ("BOT", "DESIRED", "READY", "SHARDS", "CONNECTED", "READY?", "REASON")
_POD = ("POD", "REVISION", "STATE", "READY", "RESTARTS", "PID", "SHARDS")


class View(Protocol):
    """Where the fleet is shown."""

    def say(self, text: str) -> None:
        """Tell something that happened."""

    def show(self, picture: Picture) -> None:
        """Show a moment; called for every change."""


def open_view(stream: TextIO, *, as_json: bool, on_closed: Callable[[], None]) -> View:
    """Return the view that fits a stream; `on_closed` is called when nobody reads it any more."""
    paper = Paper(stream, on_closed)
    if as_json:
        return JsonView(paper)
    return TableView(paper) if stream.isatty() else LineView(paper)


class Paper:
    """A stream whose reader may go (`| head`): the fleet then has to end in order, and nothing more is written."""

    def __init__(self, stream: TextIO, on_closed: Callable[[], None]) -> None:
        self._stream = stream
        self._on_closed = on_closed
        self._is_closed = False

    def write(self, text: str) -> None:
        """Write, without secrets."""
        if self._is_closed:
            return
        try:
            self._stream.write(REDACTOR.clean(text))
            self._stream.flush()
        except BrokenPipeError:
            self._is_closed = True
            self._on_closed()


class LineView:
    """One line for each change."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._before: Picture | None = None

    def say(self, text: str) -> None:
        """Print a line."""
        self._paper.write(text + "\n")

    def show(self, picture: Picture) -> None:
        """Print what has changed."""
        for line in describe_changes(self._before, picture):
            self.say(line)
        self._before = picture


class JsonView:
    """One JSON object in a line for each change and for each thing that happened."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._before: Picture | None = None

    def say(self, text: str) -> None:
        """Print `{"said": text}`."""
        self._print({"said": text})

    def show(self, picture: Picture) -> None:
        """Print the moment, if it is another one."""
        if picture != self._before:
            self._before = picture
            self._print(picture.as_json())

    def _print(self, value: object) -> None:
        self._paper.write(json.dumps(value) + "\n")


class TableView:
    """Two tables and the last things that happened, drawn over the ones before."""

    def __init__(self, paper: Paper) -> None:
        self._paper = paper
        self._said: deque[str] = deque(maxlen=_KEPT)
        self._picture = Picture((), ())
        self._drawn = 0

    def say(self, text: str) -> None:
        """Show a line below the tables."""
        self._said.extend(text.splitlines())
        self._draw()

    def show(self, picture: Picture) -> None:
        """Draw the tables."""
        if picture != self._picture:
            self._picture = picture
            self._draw()

    def _draw(self) -> None:
        size = shutil.get_terminal_size()
        lines = [*draw_tables(self._picture), "", *self._said]
        # A line that wraps, or a screen that is full, would put the next tables over the wrong lines.
        shown = [REDACTOR.clean(line)[: size.columns] for line in lines][: max(1, size.lines - 1)]
        clear = _UP_AND_CLEAR.format(lines=self._drawn) if self._drawn else ""
        self._paper.write(clear + "\n".join(shown) + "\n")
        self._drawn = len(shown)


def draw_tables(picture: Picture) -> Iterable[str]:
    """Return the tables of bots and pods as lines; a bot that waits for a person says why below."""
    yield from aligned(_BOT, [_bot_cells(row) for row in picture.bots])
    for row in picture.bots:
        why = row.stalled or (row.message if row.is_ready != "True" else "")
        if why:
            yield f"  {row.name}: {why}"
    yield ""
    yield from aligned(_POD, [_pod_cells(row) for row in picture.pods])


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Return rows in columns under a header."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _bot_cells(row: BotRow) -> Sequence[str]:
    shards = "?" if row.shards is None else str(row.shards)
    return row.name, str(row.desired), str(row.ready), shards, str(row.connected), row.is_ready, row.reason


def _pod_cells(row: PodRow) -> Sequence[str]:
    pid = "" if row.pid is None else str(row.pid)
    ready = "yes" if row.ready else "no"
    return row.name, row.revision, row.state, ready, str(row.restarts), pid, numbers(row.shards)
