"""Notices that files have changed, once whoever writes them has finished. `up.py` runs it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

LOOK_EVERY = 0.4
"""Seconds. A file that stays as it is for so long has been written to its end."""

Signature = tuple[tuple[int, int, int] | None, ...]


async def changes(paths: Sequence[Path], every: float = LOOK_EVERY) -> AsyncIterator[None]:
    """Yield once for each change of any of the files, for ever."""
    known = before = await asyncio.to_thread(_look, paths)
    while True:
        await asyncio.sleep(every)
        now = await asyncio.to_thread(_look, paths)
        # Half a file would be half of what is wanted.
        is_settled, before = now == before, now
        if is_settled and now != known:
            known = now
            yield


def _look(paths: Sequence[Path]) -> Signature:
    return tuple(_signature(path) for path in paths)


def _signature(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
