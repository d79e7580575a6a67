"""Stands between the processes of a fleet and their database server, and cuts them off. Called by the scenarios.

Each process has a door of its own: a TCP port on 127.0.0.1. What goes through an open door reaches the server as it is.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Sequence
from enum import Enum
from types import TracebackType
from urllib.parse import SplitResult, urlsplit, urlunsplit

from migaga.common.errors import UsageError

LOOPBACK = "127.0.0.1"
MYSQL_PORT = 3306
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER for no seconds: the other side gets RST, nothing of what is under way."""


class Cut(Enum):
    """How a door is cut."""

    RESET = "reset"
    """Connections are reset, and so is each that comes: a server that is gone."""
    SILENT = "silent"
    """Connections stay, and nothing comes through, not even their end; new ones hang. When the door heals, what both
    sides have sent meanwhile arrives late, as after a lost cable."""


class _End(asyncio.Protocol):
    """One of the two connections of a pair."""

    def __init__(self, pair: _Pair) -> None:
        self._pair = pair
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._frozen = False
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Hold what it says until the other end is there."""
        if isinstance(transport, asyncio.Transport):
            self.transport = transport
            transport.pause_reading()
            self._pair.made(self)

    def data_received(self, data: bytes) -> None:
        """Pass it on."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.write(data)

    def pause_writing(self) -> None:
        """Too much waits for this end: the other one is read no more."""
        if self.other is not None:
            self.other.hold(full=True)

    def resume_writing(self) -> None:
        """There is room again."""
        if self.other is not None:
            self.other.hold(full=False)

    def connection_lost(self, exc: Exception | None) -> None:
        """End the other one too."""
        self._pair.lost()

    def hold(self, *, frozen: bool | None = None, full: bool | None = None) -> None:
        """Read on, or read no more."""
        self._frozen = self._frozen if frozen is None else frozen
        self._full = self._full if full is None else full
        if self.transport is None:
            return
        if self._frozen or self._full or self.other is None:
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()


class _Pair:
    """A connection of a process, and the one to the server that belongs to it."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.client = _End(self)
        self.server = _End(self)
        self._ended = False

    def made(self, end: _End) -> None:
        """Take note of a connection that stands."""
        if end is self.client:
            self._door.entered(self)
        elif self._ended and end.transport is not None:
            end.transport.abort()
        else:
            self.client.other, self.server.other = self.server, self.client
            self.freeze(frozen=self._door.cut is Cut.SILENT)

    def lost(self) -> None:
        """One of the two has ended."""
        self._ended = True
        self._door.left(self)
        for end in (self.client, self.server):
            if end.transport is not None:
                end.transport.close()

    def freeze(self, *, frozen: bool) -> None:
        """Let nothing through, or all."""
        self.client.hold(frozen=frozen)
        self.server.hold(frozen=frozen)

    def reset(self) -> None:
        """Reset both connections."""
        self._ended = True
        for end in (self.client, self.server):
            if end.transport is not None:
                end.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
                end.transport.abort()


class Door:
    """The way of one process to the database server. Made by `DatabaseProxy.door`."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._pairs: set[_Pair] = set()
        self._waiting: list[_Pair] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.cut: Cut | None = None
        """How it is cut now; None while it is open."""
        self.port = 0
        """Where the process connects."""

    @property
    def connections(self) -> int:
        """Connections of the process that stand."""
        return len(self._pairs)

    async def open(self) -> None:
        """Listen on a free port."""
        server = await asyncio.get_running_loop().create_server(lambda: _Pair(self).client, LOOPBACK, 0)
        self._server = server
        self.port = server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Reset everything and listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self.sever(Cut.RESET)
        for task in list(self._connecting):
            task.cancel()
        await asyncio.gather(*self._connecting, return_exceptions=True)

    def sever(self, how: Cut) -> None:
        """Cut it, or cut it in another way."""
        self.cut = how
        for pair in list(self._pairs):
            if how is Cut.RESET:
                pair.reset()
            else:
                pair.freeze(frozen=True)
        if how is Cut.RESET:
            self._waiting.clear()

    def heal(self) -> None:
        """Let everything through again."""
        self.cut = None
        waiting, self._waiting = self._waiting, []
        for pair in list(self._pairs):
            if pair not in waiting:
                pair.freeze(frozen=False)
        for pair in waiting:
            self._connect(pair)

    def entered(self, pair: _Pair) -> None:
        """The process has connected."""
        self._pairs.add(pair)
        if self.cut is Cut.RESET:
            pair.reset()
        elif self.cut is Cut.SILENT:
            self._waiting.append(pair)
        else:
            self._connect(pair)

    def left(self, pair: _Pair) -> None:
        """One of its connections has ended."""
        self._pairs.discard(pair)

    def _connect(self, pair: _Pair) -> None:
        task = asyncio.create_task(self._reach(pair), name=f"database proxy: connect for port {self.port}")
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _reach(self, pair: _Pair) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: pair.server, *self._upstream)
        except OSError:
            pair.reset()


class DatabaseProxy:
    """All doors to one database server. None of them outlives the block `async with proxy`."""

    def __init__(self, url: str) -> None:
        """`url` is the database's, as SQLAlchemy writes it.

        Raises:
            UsageError: it is no server that is reached by TCP.
        """
        self._url = server_url(url)
        self._doors: dict[int, Door] = {}
        self._cut: Cut | None = None
        self._cuts: dict[int, Cut | None] = {}
        """Of processes that were named; the others are as `_cut` says."""

    async def __aenter__(self) -> DatabaseProxy:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for door in self._doors.values():
            await door.close()

    async def door(self, member: int) -> Door:
        """Give the door of a process, named by its number in the fleet; made when it is asked for the first time."""
        door = self._doors.get(member)
        if door is None:
            door = self._doors[member] = Door(self._url.hostname or LOOPBACK, self._url.port or MYSQL_PORT)
            await door.open()
            how = self._cuts.get(member, self._cut)
            if how is not None:
                door.sever(how)
        return door

    async def url(self, member: int) -> str:
        """Give the database's address as this process is told it."""
        door = await self.door(member)
        place = f"{LOOPBACK}:{door.port}"
        login = self._url.netloc.rpartition("@")[0]
        return urlunsplit(self._url._replace(netloc=f"{login}@{place}" if login else place))

    def sever(self, how: Cut, members: Sequence[int] | None = None) -> None:
        """Cut some processes off, or all; those that start meanwhile too."""
        self._note(how, members)
        for door in self._of(members):
            door.sever(how)

    def heal(self, members: Sequence[int] | None = None) -> None:
        """Let some processes through again, or all."""
        self._note(None, members)
        for door in self._of(members):
            door.heal()

    def _note(self, how: Cut | None, members: Sequence[int] | None) -> None:
        if members is None:
            self._cut = how
            self._cuts.clear()
        else:
            self._cuts.update(dict.fromkeys(members, how))

    def _of(self, members: Sequence[int] | None) -> list[Door]:
        return [door for member, door in self._doors.items() if members is None or member in members]


def is_server(url: str) -> bool:
    """Whether this is the address of a database server, and not of a file."""
    parts = urlsplit(url)
    return parts.scheme.startswith(("mysql", "mariadb")) and bool(parts.hostname)


def server_url(url: str) -> SplitResult:
    """Read the address of a database server.

    Raises:
        UsageError: it is an SQLite file, or a server that is not reached by TCP.
    """
    parts = urlsplit(url)
    if not is_server(url):
        raise UsageError(
            "this scenario cuts a fleet off from its database server, so it needs one: give "
            "--database mysql+asyncmy://USER:PASSWORD@HOST:PORT/NAME."
        )
    if "unix_socket" in parts.query:
        raise UsageError("--database names a unix socket, which cannot be cut: name the server's host and port.")
    return parts
