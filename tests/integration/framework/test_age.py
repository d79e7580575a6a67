"""How old an interaction is: by its receipt when it came live, by Discord's time when it was replayed."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from tests.integration.framework.deliveries import Deliveries

from migaga.api import BaseModule, Context, command
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


@pytest.mark.parametrize("minutes", [-30, -0.05, 0.05, 3, 600])
async def test_a_machine_whose_clock_is_wrong_answers_interactions(bot: TestBot, minutes: float) -> None:
    await bot.load(Counter)
    bot.runtime.environment.now = lambda: time.time() + minutes * 60
    anna = await bot.member("Anna")
    assert (await anna.slash("count")).content == "1"
    assert (await anna.says("!count")).content == "2"


async def test_a_corrected_message_runs_whatever_the_clock_says(bot: TestBot) -> None:
    await bot.load(Counter)
    bot.runtime.environment.now = lambda: time.time() + 3_600
    anna = await bot.member("Anna")
    mistyped = await anna.says("count")
    assert not mistyped
    assert (await anna.edits(mistyped, "!count")).content == "1"


async def test_a_replayed_interaction_that_is_too_old_is_not_run(bot: TestBot) -> None:
    await bot.load(Counter)
    sent = Deliveries(bot)
    anna = await bot.member("Anna")
    await anna.slash("count")
    bot.runtime.environment.now = lambda: time.time() + TOO_OLD
    await sent.again("INTERACTION_CREATE")
    assert bot.module(Counter).runs == 1
    bot.runtime.environment.now = time.time
    await sent.again("INTERACTION_CREATE")
    assert bot.module(Counter).runs == 2


async def test_an_interaction_that_waited_in_the_process_is_as_old_as_its_receipt(bot: TestBot) -> None:
    await bot.load(Counter)
    sent = Deliveries(bot)
    anna = await bot.member("Anna")
    await anna.slash("count")
    event = replace(sent.last("INTERACTION_CREATE"), replayed=False)
    await sent.deliver(replace(event, received_at=time.monotonic() - TOO_OLD - 0.1))
    assert bot.module(Counter).runs == 1
    await sent.deliver(event)
    assert bot.module(Counter).runs == 2
