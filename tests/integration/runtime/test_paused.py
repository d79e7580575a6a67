"""A bot that its operators pause while it runs: connected, counting, doing nothing; and going on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.integration.runtime.bots import Bot, running
from tests.integration.runtime.stage import Stage, open_stage
from tests.integration.runtime.told import Mounts, config, count, ready, written

from migaga_emulator.control.person import Person
from migaga_emulator.control.shapes import Answer
from migaga_emulator.rules import Rules
from migaga_operator.process_report import read_process


@dataclass(frozen=True, slots=True)
class Pausable:
    """A running bot and the file that pauses it."""

    stage: Stage
    bot: Bot
    mounts: Mounts

    @property
    def anna(self) -> Person:
        return self.stage.control.person(self.stage.crowd.users[0].id)

    async def becomes(self, mode: str) -> None:
        await written(self.mounts, token=self.stage.bot.token, mode=mode)
        await self.bot.until(lambda status: status["mode"] == mode)

    async def in_time(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        """Ask, again while the machine is too slow for Discord's 3 s."""
        for _ in range(5):
            if (answer := await ask()).answered:
                return answer
        raise AssertionError("nobody was answered in time")

    async def until_written(self, text: str) -> None:
        """Wait until a text stands in the channel."""
        async with asyncio.timeout(20):
            while text not in [one.content for one in await self.stage.control.messages(self.stage.channel)]:
                await asyncio.sleep(0.05)

    def ticks(self) -> int:
        file = self.stage.noted.with_suffix(".ticks")
        return len(file.read_bytes()) if file.exists() else 0


@pytest.fixture
async def pausable(tmp_path: Path) -> AsyncIterator[Pausable]:
    async with open_stage(tmp_path, Rules(), guilds=2) as stage:
        mounts = Mounts(tmp_path / "mounts")
        await written(mounts, token=stage.bot.token, mode="running")
        async with running(stage.folder, config(stage, mounts), env=stage.env) as bot:
            await ready(bot)
            yield Pausable(stage, bot, mounts)


async def test_a_paused_bot_stays_connected_counts_and_tells_people_and_goes_on_at_the_next_event(
    pausable: Pausable,
) -> None:
    stage, bot, anna = pausable.stage, pausable.bot, pausable.anna
    before = await stage.say(4)
    await stage.until_seen(before)
    assert (await anna.command(stage.channel, "!pick", wait=20)).content == "a"
    await pausable.becomes("paused")
    during = await stage.say(6)
    slash = await pausable.in_time(lambda: anna.slash(stage.channel, "pick"))
    suggested = await pausable.in_time(lambda: anna.autocomplete(stage.channel, "pick", "word", {"word": "a"}))
    async with asyncio.timeout(20):
        while await count(bot, "events_paused_total") < 8:
            await asyncio.sleep(0.05)
    status = await bot.until(lambda status: status["shards"][0]["watermark_lag"] == 0)
    ticks = pausable.ticks()
    await asyncio.sleep(2.5)
    assert pausable.ticks() == ticks, "no task runs"
    assert "paused by its operators" in slash.content
    assert not suggested.choices
    assert status["ready"]
    assert read_process(status).is_paused
    await pausable.becomes("running")
    after = await stage.say(4)
    await stage.until_seen(after)
    assert (await anna.command(stage.channel, "!pick", wait=20)).content == "a"
    async with asyncio.timeout(20):
        while pausable.ticks() == ticks:
            await asyncio.sleep(0.05)
    assert not set(stage.seen()) & set(during)
    assert [one for one in stage.seen() if one in before + after] == before + after
    assert (await ready(bot))["shards"][0]["identifies"] == 1
    assert await bot.stop(seconds=90) == 0
    assert "Traceback" not in bot.errors()


async def test_handlers_that_run_end_as_always_and_get_the_answers_they_wait_for(pausable: Pausable) -> None:
    stage, anna = pausable.stage, pausable.anna
    begun = await anna.command(stage.channel, "!work")
    asked = await anna.command(stage.channel, "!who")
    await pausable.becomes("paused")
    stage.noted.with_suffix(".enough").touch()
    await pausable.until_written("Done")
    await anna.post(stage.channel, "Anna")
    await pausable.until_written("Hello Anna")
    assert (begun.content, asked.content) == ("At work", "Who?")
    refused = await anna.command(stage.channel, "!pick", wait=1.0)
    assert not refused.answered


async def test_a_file_that_tells_no_mode_changes_nothing_and_is_complained_of_once(pausable: Pausable) -> None:
    bot = pausable.bot
    await pausable.becomes("paused")
    await written(pausable.mounts, token=pausable.stage.bot.token, mode="off")
    status = await bot.until(lambda status: status["mode_problem"] is not None)
    await asyncio.sleep(3)
    assert status["mode"] == "paused"
    assert "'off'" in status["mode_problem"]
    assert bot.errors().count("'off'") == 1
    await asyncio.to_thread(pausable.mounts.path("mode").unlink)
    status = await bot.until(lambda status: "cannot be read" in str(status["mode_problem"]))
    assert (status["mode"], status["ready"]) == ("paused", True)


async def test_a_process_that_starts_while_the_bot_is_paused_handles_nothing(tmp_path: Path) -> None:
    async with open_stage(tmp_path, Rules(), guilds=1) as stage:
        mounts = Mounts(tmp_path / "mounts")
        await written(mounts, token=stage.bot.token, mode="paused")
        async with running(stage.folder, config(stage, mounts), env=stage.env) as bot:
            status = await ready(bot)
            said = await stage.say(3)
            async with asyncio.timeout(20):
                while await count(bot, "events_paused_total") < 3:
                    await asyncio.sleep(0.05)
            assert await bot.stop(seconds=90) == 0
        assert status["mode"] == "paused"
        assert not set(stage.seen()) & set(said)
        assert not stage.noted.with_suffix(".ticks").exists()
