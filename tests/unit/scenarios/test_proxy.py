"""The proxy between a fleet and its database, on real sockets with a server that says what it was told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from migaga.common.errors import UsageError
from migaga_emulator.scenarios.proxy import Cut, DatabaseProxy

QUIET = 0.2
"""Seconds in which nothing comes through a door that is cut."""
SOON = 5.0


class Echo:
    """A server that greets, says everything back, and remembers what it got."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.accepted = 0
        self.ended = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self.writers.append(writer)
        writer.write(b"hello;")
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                self.got += data
                writer.write(data)
                await writer.drain()
        self.ended += 1
        writer.close()


@asynccontextmanager
async def echo_server() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    echo.url = f"mysql+asyncmy://me:p%40ss@127.0.0.1:{port}/bot?charset=utf8mb4"
    try:
        yield echo
    finally:
        server.close()
        await server.wait_closed()
        for writer in echo.writers:
            writer.close()
        async with asyncio.timeout(SOON):
            while echo.ended < echo.accepted:
                await asyncio.sleep(0.01)


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    async with echo_server() as server:
        yield server


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[DatabaseProxy]:
    async with DatabaseProxy(echo.url) as proxy:
        yield proxy


class Caller:
    """A connection through a door."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def hears(self, expected: bytes) -> bool:
        async with asyncio.timeout(SOON):
            return await self.reader.readexactly(len(expected)) == expected

    async def hears_nothing(self) -> bool:
        try:
            async with asyncio.timeout(QUIET):
                return not await self.reader.read(1) and False
        except TimeoutError:
            return True

    async def is_reset(self) -> bool:
        async with asyncio.timeout(SOON):
            try:
                return await self.reader.read(1) == b"" and False
            except ConnectionResetError:
                return True

    def says(self, data: bytes) -> None:
        self.writer.write(data)


@asynccontextmanager
async def through(proxy: DatabaseProxy, member: int) -> AsyncIterator[Caller]:
    door = await proxy.door(member)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def test_an_open_door_lets_everything_through_as_it_is(proxy: DatabaseProxy, echo: Echo) -> None:
    told = random.Random(1).randbytes(3_000_000)
    async with through(proxy, 0) as caller:
        assert await caller.hears(b"hello;")
        caller.says(told)
        assert await caller.hears(told)
    assert echo.got == told


async def test_every_process_has_a_door_of_its_own(proxy: DatabaseProxy) -> None:
    first, again, second = await proxy.door(0), await proxy.door(0), await proxy.door(1)
    assert first is again
    assert first.port != second.port


async def test_the_address_keeps_login_name_and_options(proxy: DatabaseProxy) -> None:
    door = await proxy.door(3)
    assert await proxy.url(3) == f"mysql+asyncmy://me:p%40ss@127.0.0.1:{door.port}/bot?charset=utf8mb4"


async def test_a_reset_hits_those_that_stand_and_those_that_come_until_it_is_healed(
    proxy: DatabaseProxy, echo: Echo
) -> None:
    async with through(proxy, 0) as caller:
        assert await caller.hears(b"hello;")
        proxy.sever(Cut.RESET)
        assert await caller.is_reset()
    async with through(proxy, 0) as caller:
        assert await caller.is_reset()
    assert echo.accepted == 1
    proxy.heal()
    async with through(proxy, 0) as caller:
        assert await caller.hears(b"hello;")


async def test_one_process_can_be_cut_off_alone(proxy: DatabaseProxy) -> None:
    async with through(proxy, 0) as cut, through(proxy, 1) as other:
        assert await cut.hears(b"hello;")
        assert await other.hears(b"hello;")
        proxy.sever(Cut.RESET, [0])
        assert await cut.is_reset()
        other.says(b"still here")
        assert await other.hears(b"still here")


async def test_silence_keeps_the_connection_and_delivers_late_what_was_said_meanwhile(
    proxy: DatabaseProxy, echo: Echo
) -> None:
    async with through(proxy, 0) as caller:
        assert await caller.hears(b"hello;")
        proxy.sever(Cut.SILENT)
        caller.says(b"UPDATE")
        echo.writers[0].write(b"answer")
        assert await caller.hears_nothing()
        assert not echo.got
        proxy.heal()
        assert await caller.hears(b"answer")
        assert await caller.hears(b"UPDATE")


async def test_a_connection_that_comes_in_silence_hangs_until_it_is_healed(proxy: DatabaseProxy, echo: Echo) -> None:
    proxy.sever(Cut.SILENT)
    async with through(proxy, 0) as caller:
        assert await caller.hears_nothing()
        assert echo.accepted == 0
        proxy.heal()
        assert await caller.hears(b"hello;")


async def test_in_silence_the_server_does_not_hear_of_a_process_that_dies(proxy: DatabaseProxy, echo: Echo) -> None:
    async with through(proxy, 0) as caller:
        assert await caller.hears(b"hello;")
        proxy.sever(Cut.SILENT)
    await asyncio.sleep(QUIET)
    assert echo.ended == 0
    proxy.heal()
    async with asyncio.timeout(SOON):
        while not echo.ended:
            await asyncio.sleep(0.01)


async def test_a_process_that_starts_while_it_is_cut_off_is_cut_off_too(proxy: DatabaseProxy) -> None:
    proxy.sever(Cut.RESET, [7])
    async with through(proxy, 7) as cut, through(proxy, 8) as other:
        assert await cut.is_reset()
        assert await other.hears(b"hello;")
    proxy.heal([7])
    async with through(proxy, 7) as caller:
        assert await caller.hears(b"hello;")


async def test_silence_can_become_a_reset(proxy: DatabaseProxy) -> None:
    async with through(proxy, 0) as caller:
        assert await caller.hears(b"hello;")
        proxy.sever(Cut.SILENT)
        async with through(proxy, 0) as waiting:
            assert await waiting.hears_nothing()
            proxy.sever(Cut.RESET)
            assert await caller.is_reset()
            assert await waiting.is_reset()
    assert (await proxy.door(0)).connections == 0


async def test_the_end_of_the_server_ends_the_process_side(proxy: DatabaseProxy, echo: Echo) -> None:
    async with through(proxy, 0) as caller:
        assert await caller.hears(b"hello;")
        echo.writers[0].close()
        async with asyncio.timeout(SOON):
            assert await caller.reader.read(1) == b""


async def test_without_a_server_a_connection_is_reset(echo: Echo) -> None:
    async with echo_server() as other:
        gone = other.url
    async with DatabaseProxy(gone) as proxy, through(proxy, 0) as caller:
        assert await caller.is_reset()


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:///fleet.db", "mysql+asyncmy:///bot"])
def test_what_is_no_server_cannot_be_cut_off(url: str) -> None:
    with pytest.raises(UsageError, match="--database mysql"):
        DatabaseProxy(url)


def test_a_unix_socket_cannot_be_cut_off() -> None:
    with pytest.raises(UsageError, match="unix socket"):
        DatabaseProxy("mysql+asyncmy://me:x@localhost/bot?unix_socket=/run/mysqld.sock")
