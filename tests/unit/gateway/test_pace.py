"""REST calls keep Discord's limit over all routes instead of running into it."""

from __future__ import annotations

import asyncio
import logging

from migaga.gateway.pace import OncePerSecond, Pace


async def test_a_call_counts_until_a_second_after_its_answer() -> None:
    pace, begun = Pace(2), list[float]()
    loop = asyncio.get_running_loop()

    async def call(seconds: float) -> None:
        async with pace.turn():
            begun.append(loop.time())
            await asyncio.sleep(seconds)

    started = loop.time()
    await asyncio.gather(*(call(0.2) for _ in range(4)))
    assert [moment - started < 0.1 for moment in begun] == [True, True, False, False]
    assert begun[2] - started >= 1.2


async def test_while_discord_says_no_nobody_begins() -> None:
    pace, loop = Pace(10), asyncio.get_running_loop()
    started = loop.time()
    pace.hold(0.2)
    pace.hold(0.1)
    async with pace.turn():
        assert loop.time() - started >= 0.2


def test_one_line_a_second_says_how_many_were_left_out() -> None:
    now = 100.0
    limiter = OncePerSecond(lambda: now)

    def say(message: str, *arguments: object, level: int = logging.ERROR) -> str | None:
        record = logging.LogRecord("hikari.rest", level, "f", 1, message, arguments, None)
        return record.getMessage() if limiter.filter(record) else None

    first = [say("rate limited on the global bucket (%s)", number) for number in range(50)]
    assert first == ["rate limited on the global bucket (0)", *[None] * 49]
    assert say("rate limited on a %s sub bucket", "user") == "rate limited on a user sub bucket"
    assert say("something else") == say("something else") == "something else"
    now += 1.0
    assert say("rate limited on the global bucket (%s)", 7) == (
        "rate limited on the global bucket (7) (49 more like this before)"
    )
    now += 1.0
    assert say("rate limited on the global bucket (%s)", 8) == "rate limited on the global bucket (8)"
