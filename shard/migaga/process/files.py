"""Small files that change while a process runs: mounted ConfigMaps and Secrets. `mode.py` and `rotation.py` read them.

They are read, not watched: a kubelet swaps a symbolic link two folders above, people write them in place, and either
must be noticed. What is read twice in a row counts, so that nobody acts on a file that is being written.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

LOOK_EVERY = 1.0
"""Seconds between two readings."""
LARGEST = 4_096
"""Bytes. What these files hold is shorter by far."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a reading has found: a text, or why there is none."""

    text: str = ""
    problem: str | None = None

    def __repr__(self) -> str:
        return f"Content({len(self.text)} characters, problem={self.problem!r})"


class SmallFile:
    """One file that is looked at again and again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last: Content | None = None
        self._told: Content | None = None

    async def read(self) -> Content:
        """Return what is in it now, and take that for known."""
        self._last = self._told = await asyncio.to_thread(read_small, self.path)
        return self._told

    async def change(self) -> Content | None:
        """Look; return the content when it is another one than was told last, and was read twice in a row."""
        found = await asyncio.to_thread(read_small, self.path)
        is_settled, self._last = found == self._last, found
        if not is_settled or found == self._told:
            return None
        self._told = found
        return found


def read_small(path: Path) -> Content:
    """Read a file without the space around its text. Blocks."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST + 1)
        text = raw.decode("utf-8-sig").strip()
    except OSError as error:
        return Content(problem=f"it cannot be read: {error.strerror or type(error).__name__}")
    except UnicodeDecodeError:
        return Content(problem="it is not text")
    if len(raw) > LARGEST:
        return Content(problem=f"it has more than {LARGEST:,} bytes")
    return Content(text) if text else Content(problem="it is empty")
