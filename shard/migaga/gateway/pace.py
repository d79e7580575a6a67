"""The pace of REST calls: Discord's limit over all routes (50 requests a second of one bot) is kept, not run into.

`discord.py` gives the `PacedBuckets` to hikari's REST client, which asks for each call, and for each new try of one.
Source: Discord's documentation, topics/rate-limits, "Global Rate Limit": interaction end-points and calls that are not
authorised as the bot (webhooks) do not count.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager

from hikari.internal.routes import CompiledRoute

from migaga.gateway.privates import OpenBuckets

WINDOW = 1.01
"""Seconds, Discord's one and a little, that a call counts after its answer."""
LONGEST_WAIT = 300.0
"""Seconds that a call may wait for the limit of its route, as hikari has it by default."""
_LOGGERS = ("hikari.rest", "hikari.ratelimits")


class Pace:
    """At most so many calls in any second.

    A call counts from when it is sent until a second after its answer. So whatever the network does in between, two
    calls of the same place reach Discord at least a second apart.
    """

    def __init__(self, per_second: int) -> None:
        self._free = asyncio.Semaphore(per_second)
        self._closed_until = 0.0

    def hold(self, seconds: float) -> None:
        """Let no call begin for so long: Discord has said so."""
        self._closed_until = max(self._closed_until, _now() + seconds)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the block runs and a second longer."""
        await self._free.acquire()
        try:
            await self._open()
            yield
        finally:
            asyncio.get_running_loop().call_later(WINDOW, self._free.release)

    async def _open(self) -> None:
        left = self._closed_until - _now()
        while left > 0:
            await asyncio.sleep(left)
            left = self._closed_until - _now()


class FirstCalls:
    """Lets the first call of a kind go alone, so that those after it know the limit that its answer tells."""

    def __init__(self) -> None:
        self._alone: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def alone(self, kind: str, known: Callable[[], bool]) -> AsyncIterator[None]:
        """Hold the block back while another of its kind is the first; run it alone while nothing is `known`."""
        lock = self._alone.setdefault(kind, asyncio.Lock())
        self._users[kind] = self._users.get(kind, 0) + 1
        try:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(lock)
                if known():
                    await stack.aclose()
                yield
        finally:
            self._users[kind] -= 1
            if not self._users[kind]:
                del self._alone[kind], self._users[kind]


class PacedBuckets(OpenBuckets):
    """hikari's limits of the routes, and the pace over all of them.

    While hikari does not know a route yet, it lets the calls of all channels wait for the limit of the channel that
    was first: after a start, a burst of answers would take minutes. And it lets any number of calls go to a channel
    that it does not know, which Discord answers with 429. So the first call of a route, and of each place, goes alone.
    """

    __slots__ = ("_first", "_pace")

    def __init__(self, per_second: int) -> None:
        super().__init__(LONGEST_WAIT)
        self._pace = Pace(per_second)
        self._first = FirstCalls()

    def acquire_bucket(
        self, compiled_route: CompiledRoute, authentication: str | None
    ) -> AbstractAsyncContextManager[None]:
        """Wait for the limit of the route and then, for calls that count, for the pace."""
        if authentication is None:
            return super().acquire_bucket(compiled_route, authentication)
        return self._paced(compiled_route, authentication)

    def throttle(self, retry_after: float) -> None:
        """Wait with every call: Discord answered 429 for all routes, because other processes call too."""
        super().throttle(retry_after)
        self._pace.hold(retry_after)

    @asynccontextmanager
    async def _paced(self, route: CompiledRoute, authentication: str) -> AsyncIterator[None]:
        kind = f"{route.method} {route.route.path_template}"
        place = f"{kind} {route.major_param_hash}"
        async with (
            self._first.alone(place, lambda: self.knows_place(route, authentication)),
            self._first.alone(kind, lambda: self.knows_route(route)),
            super().acquire_bucket(route, authentication),
            self._pace.turn(),
        ):
            yield


class OncePerSecond(logging.Filter):
    """Lets one record of a kind pass in a second: a burst of 429s is one line, not fifty.

    Only what speaks of rate limits is counted; the line that follows says how many were left out.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._passed: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Decide on one record."""
        kind = str(record.msg)
        if record.levelno < logging.WARNING or "rate limited" not in kind:
            return True
        now = self._clock()
        last, left_out = self._passed.get(kind, (now - 1.0, 0))
        if now - last < 1.0:
            self._passed[kind] = last, left_out + 1
            return False
        self._passed[kind] = now, 0
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more like this before)", ()
        return True


@contextmanager
def quiet_rate_limits() -> Iterator[None]:
    """Say once a second, while the block runs, what hikari says about each answer 429."""
    loggers, limiter = [logging.getLogger(name) for name in _LOGGERS], OncePerSecond()
    for logger in loggers:
        logger.addFilter(limiter)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(limiter)


def _now() -> float:
    return asyncio.get_running_loop().time()
