"""Addresses of databases that several processes of this machine can share. Pure; `wanted.py` calls it."""

from __future__ import annotations

from pathlib import Path

_SQLITE = "sqlite"


class DatabaseError(ValueError):
    """An address that the processes of a fleet cannot share."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.remedy = remedy
        """What to write instead."""


def shared_url(url: str, folder: Path) -> str:
    """Return an address that means the same to every process.

    Args:
        url: As it is written.
        folder: Where relative names of SQLite files begin.

    Raises:
        DatabaseError: It means a database of its own to every process.
    """
    scheme, _, rest = url.partition("://")
    if not scheme.startswith(_SQLITE):
        return url
    host, slash, tail = rest.partition("/")
    name, question, options = tail.partition("?")
    remedy = "Write sqlite+aiosqlite:///NAME.db, a file beside the manifest, or sqlite+aiosqlite:////ABSOLUTE/NAME.db"
    if host or not slash or not name or name == ":memory:" or "mode=memory" in options:
        raise DatabaseError("a database in memory cannot be shared by the processes of a fleet", remedy)
    return f"{scheme}:///{folder / name}{question}{options}"
