"""Runs the database proxy in a thread of its own: a busy emulator must not look like a slow database.

Called by `runner.py`; what goes wrong calls `sever` and `heal`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from threading import Thread

from migaga_emulator.scenarios.proxy import Cut, DatabaseProxy


class ThreadedProxy:
    """A `DatabaseProxy` in another thread. Made by `proxy_in_thread`."""

    def __init__(self, proxy: DatabaseProxy, loop: asyncio.AbstractEventLoop) -> None:
        self._proxy = proxy
        self._loop = loop

    async def url(self, member: int) -> str:
        """Give the database's address as the process of this number is told it."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._proxy.url(member), self._loop))

    async def sever(self, how: Cut, members: Sequence[int] | None = None) -> None:
        """Cut some processes off, or all; return when that is done."""
        await self._call(lambda: self._proxy.sever(how, members))

    async def heal(self, members: Sequence[int] | None = None) -> None:
        """Let some processes through again, or all; return when that is done."""
        await self._call(lambda: self._proxy.heal(members))

    async def _call(self, act: Callable[[], None]) -> None:
        async def acted() -> None:
            act()

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(acted(), self._loop))


@asynccontextmanager
async def proxy_in_thread(url: str) -> AsyncIterator[ThreadedProxy]:
    """Run a proxy before the database of this address; it does not outlive the block.

    Raises:
        UsageError: the database is no server that is reached by TCP.
    """
    proxy = DatabaseProxy(url)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="database proxy")
    thread.start()
    try:
        yield ThreadedProxy(proxy, loop)
    finally:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(_closed(proxy), loop))
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()


async def _closed(proxy: DatabaseProxy) -> None:
    async with proxy:
        pass
