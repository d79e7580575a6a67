"""Finds out which process of this machine has opened a connection, by the port that it came from. Linux only.

The ledger sees connections, a scenario wants to know when a shard has gone from one process to another.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

LOOPBACK = "0100007F"


def owner_of(port: int, server: int, pids: Iterable[int], *, proc: Path = Path("/proc")) -> int | None:
    """The process among `pids` whose TCP socket on 127.0.0.1 leads from this port to the server's; None: there is none.

    Sockets to other servers, such as a database, may have the same local port.
    """
    inode = _inode(port, server, proc)
    if inode is None:
        return None
    return next((pid for pid in pids if _has_socket(pid, inode, proc)), None)


def _inode(port: int, server: int, proc: Path) -> str | None:
    wanted = [f"{LOOPBACK}:{port:04X}", f"{LOOPBACK}:{server:04X}"]
    with suppress(OSError):
        for line in (proc / "net" / "tcp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[1:3] == wanted and fields[9] != "0":
                return fields[9]
    return None


def _has_socket(pid: int, inode: str, proc: Path) -> bool:
    with suppress(OSError), os.scandir(proc / str(pid) / "fd") as entries:
        for entry in entries:
            with suppress(OSError):
                if os.readlink(entry.path) == f"socket:[{inode}]":
                    return True
    return False
