"""The proxy in a thread of its own: the same doors, and nothing of it left behind."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.unit.scenarios.test_proxy import SOON, Echo, echo_server

from migaga.common.errors import UsageError
from migaga_emulator.scenarios.proxy import Cut
from migaga_emulator.scenarios.proxy_thread import ThreadedProxy, proxy_in_thread


async def connect(proxy: ThreadedProxy, member: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    port = int((await proxy.url(member)).rpartition(":")[2].partition("/")[0])
    return await asyncio.open_connection("127.0.0.1", port)


async def test_processes_are_cut_off_and_healed_from_another_thread() -> None:
    async with echo_server() as echo, proxy_in_thread(echo.url) as proxy, asyncio.timeout(SOON):
        reader, writer = await connect(proxy, 0)
        assert await reader.readexactly(6) == b"hello;"
        await proxy.sever(Cut.RESET)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
        await proxy.heal()
        again, writer = await connect(proxy, 0)
        assert await again.readexactly(6) == b"hello;"
        await proxy.sever(Cut.SILENT, [0])
        writer.write(b"late")
        await proxy.heal([0])
        assert await again.readexactly(4) == b"late"
        writer.close()
        await until_ended(echo)


async def until_ended(echo: Echo) -> None:
    while echo.ended < echo.accepted:
        await asyncio.sleep(0.01)


async def test_the_thread_ends_with_its_block_and_connections_with_it() -> None:
    before = set(threading.enumerate())
    async with echo_server() as echo:
        async with proxy_in_thread(echo.url) as proxy:
            reader, writer = await connect(proxy, 0)
            assert await reader.readexactly(6) == b"hello;"
            assert any(thread.name == "database proxy" for thread in set(threading.enumerate()) - before)
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        writer.close()
    assert not any(thread.name == "database proxy" for thread in threading.enumerate())


async def test_what_is_no_server_is_refused_before_anything_starts() -> None:
    with pytest.raises(UsageError, match="--database"):
        async with proxy_in_thread("sqlite+aiosqlite:///fleet.db"):
            pass
