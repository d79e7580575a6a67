"""How old an interaction is, whatever this machine believes of the time of day."""

from __future__ import annotations

import asyncio
import time

import pytest
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, command
from migaga.common.discord_time import DiscordTime
from migaga.framework.running import TOO_OLD
from migaga.testing.bot import TestBot


class Counter(BaseModule):
    """Counts."""

    runs = 0

    @command
    async def count(self, ctx: Context) -> None:
        """Count."""
        self.runs += 1
        await ctx.respond(f"{self.runs}")


class ShiftedClock:
    """The real clock, which a test moves on."""

    ahead = 0.0

    def now(self) -> float:
        return time.monotonic() + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def set_clock(bot: TestBot, *, wrong_by: float = 0.0) -> ShiftedClock:
    """Give the bot's machine a time of day that is wrong by some seconds, and a clock that the test moves on."""
    clock = ShiftedClock()
    discord_time = DiscordTime(clock, wall=time.time() + wrong_by)
    discord_time.heard(time.time())
    bot.runtime.environment.discord_time = discord_time
    return clock


@pytest.mark.parametrize("minutes", [-30, -0.05, 0.05, 3, 600])
async def test_a_machine_whose_clock_is_wrong_answers_interactions(bot: TestBot, minutes: float) -> None:
    await bot.load(Counter)
    set_clock(bot, wrong_by=minutes * 60)
    anna = await bot.member("Anna")
    assert (await anna.slash("count")).content == "1"
    assert (await anna.says("!count")).content == "2"


async def test_a_corrected_message_runs_whatever_the_clock_says(bot: TestBot) -> None:
    await bot.load(Counter)
    set_clock(bot, wrong_by=3_600)
    anna = await bot.member("Anna")
    mistyped = await anna.says("count")
    assert not mistyped
    assert (await anna.edits(mistyped, "!count")).content == "1"


@pytest.mark.parametrize("wrong_by", [-600.0, 0.0, 600.0])
async def test_an_interaction_that_waited_too_long_before_it_was_received_is_not_run(
    bot: TestBot, wrong_by: float
) -> None:
    await bot.load(Counter)
    clock = set_clock(bot, wrong_by=wrong_by)
    sent = Deliveries(bot)
    anna = await bot.member("Anna")
    await anna.slash("count")
    await sent.again("INTERACTION_CREATE")
    assert bot.module(Counter).runs == 2
    clock.ahead = TOO_OLD + 0.1
    await sent.again("INTERACTION_CREATE")
    assert bot.module(Counter).runs == 2


async def test_the_bot_hears_the_time_of_day_from_discords_answers(bot: TestBot) -> None:
    await bot.load(Counter)
    anna = await bot.member("Anna")
    answered = await anna.slash("count")
    assert bot.runtime.environment.discord_time.age_of(answered.id) < 1.5
