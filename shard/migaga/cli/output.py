"""Output of the sub-commands: aligned tables, JSON, and colours only where somebody sees them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TextIO

from migaga.common.logs import REDACTOR

Json = Mapping[str, "Json"] | Sequence["Json"] | str | float | bool | None

_COLOURS = {"bold": "1", "red": "31", "green": "32", "yellow": "33", "dim": "2"}


def is_coloured(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether to colour: on a terminal that can, unless NO_COLOR is set (https://no-color.org)."""
    return stream.isatty() and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def paint(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Return `text` in a colour (bold, red, green, yellow, dim), or as it is where colours are not wanted."""
    if not is_coloured(sys.stdout if stream is None else stream):
        return text
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return rows in aligned columns under a header. Line ends inside a cell become spaces."""
    cells = [[" ".join(str("" if cell is None else cell).split()) for cell in row] for row in rows]
    widths = [max(len(name), *(len(row[index]) for row in cells), 0) for index, name in enumerate(header)]
    lines = [paint(_line([name.upper() for name in header], widths), "bold")]
    lines.extend(_line(row, widths) for row in cells)
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


@contextmanager
def foreign_output_apart() -> Iterator[None]:
    """Send to stderr what others print meanwhile, also below Python: stdout is for the command's own result."""
    sys.stdout.flush()
    kept, own = os.dup(1), sys.stdout
    try:
        os.dup2(2, 1)
        sys.stdout = sys.stderr
        yield
    finally:
        sys.stdout = own
        os.dup2(kept, 1)
        os.close(kept)


def say(text: str) -> None:
    """Print to stdout, without secrets."""
    sys.stdout.write(REDACTOR.clean(text) + "\n")


def say_json(value: Json) -> None:
    """Print one JSON document to stdout: indented on a terminal, one line for a program."""
    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(REDACTOR.clean(json.dumps(value, indent=indent, ensure_ascii=False)) + "\n")
