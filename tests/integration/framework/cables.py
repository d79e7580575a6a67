"""The cable between a bot and its database server: it can be cut, go silent, and lose the answer to a COMMIT."""

from __future__ import annotations

import asyncio
import contextlib
from enum import Enum, auto


class Cable(Enum):
    """What becomes of what is sent."""

    WHOLE = auto()
    CUT = auto()
    """Connections are reset, and so is each new one."""
    SILENT = auto()
    """Nothing comes through in either direction; new connections hang."""


class Lost(Enum):
    """What is lost with the next COMMIT, and the connection with it."""

    QUESTION = auto()
    ANSWER = auto()


class Proxy:
    """Passes bytes on to a server on 127.0.0.1."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: list[asyncio.StreamWriter] = []
        self._through = asyncio.Event()
        self._through.set()
        self._cable = Cable.WHOLE
        self.lose: Lost | None = None
        self.port = 0

    def reroute(self, url: str) -> str:
        """Return the url of the same database through this proxy."""
        return url.replace(f":{self._target}/", f":{self.port}/")

    def become(self, cable: Cable) -> None:
        """Change the cable. What broke stays broken."""
        self._cable = cable
        if cable is Cable.SILENT:
            self._through.clear()
        else:
            self._through.set()
        if cable is Cable.CUT:
            self.reset()

    def reset(self) -> None:
        """Reset all connections."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        self.become(Cable.CUT)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cable is Cable.CUT:
            writer.transport.abort()
            return
        self._writers.append(writer)
        try:
            upstream, to_server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.append(to_server)
        await asyncio.gather(self._pump(reader, to_server, asks=True), self._pump(upstream, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, asks: bool = False) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._through.wait()
                if asks and self.lose is not None and b"COMMIT" in data:
                    if self.lose is Lost.ANSWER:
                        self._through.clear()
                        writer.write(data)
                        await asyncio.sleep(0.2)  # The server is to execute it.
                        self._through.set()
                    self.lose = None
                    self.reset()
                    return
                writer.write(data)
                await writer.drain()
        writer.close()
