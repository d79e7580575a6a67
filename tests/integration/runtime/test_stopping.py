"""A process that is stopped while handlers wait for people: it tells them at once, and repeats nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.runtime.bots import running
from tests.integration.runtime.stage import Stage, open_stage

from migaga_emulator.rules import Rules

ASKER = '''
"""Asks, and writes down how often."""

import asyncio
import os
from pathlib import Path

from migaga.api import BaseModule, Context, command


class Asker(BaseModule):
    """Asks."""

    @command
    async def pick(self, ctx: Context) -> None:
        """Let somebody choose."""
        self.note()
        await ctx.respond(await ctx.choose("Which?", {"a": "First", "b": "Second"}, timeout=600))

    @command
    async def who(self, ctx: Context) -> None:
        """Ask for a name."""
        self.note()
        try:
            await ctx.respond(await ctx.ask("Who?", timeout=600))
        finally:
            self.note()

    @command
    async def work(self, ctx: Context) -> None:
        """Work until the test says that it is enough."""
        await ctx.respond("At work")
        while not Path(os.environ["PROBE_FILE"] + ".enough").exists():
            await asyncio.sleep(0.02)
        await ctx.respond("Done")

    def note(self) -> None:
        """Write one line."""
        with open(os.environ["PROBE_FILE"], "ab", buffering=0) as file:
            file.write(b"1\\n")
'''
RESTARTS = "I am being restarted"


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, Rules(), guilds=1) as stage:
        (stage.modules / "asker.py").write_text(ASKER)
        yield stage


async def test_a_stop_ends_open_dialogues_at_once_and_tells_their_people(stage: Stage) -> None:
    config = stage.config_with(f"sqlite+aiosqlite:///{stage.folder}/bot.db", "asker")
    config += "[Shards]\nStopGrace = 60\n"
    anna, ben = (stage.control.person(user.id) for user in stage.crowd.users[:2])
    async with running(stage.folder, config, env=stage.env) as bot:
        await bot.ready()
        slash = await anna.slash(stage.channel, "pick")
        text = await anna.command(stage.channel, "!pick")
        asked = await ben.command(stage.channel, "!who")
        form = await ben.slash(stage.channel, "who")
        assert [one.content for one in (slash, text, asked, form)] == ["Which?", "Which?", "Who?", "Who?"]
        assert (await anna.command(stage.channel, "!work")).content == "At work"
        bot.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            while len(await told(stage, slash.id, form.id)) < 4:
                await asyncio.sleep(0.05)
        assert "Done" not in await written(stage), "they are told while another handler still works"
        assert bot.process.returncode is None
        stage.noted.with_name("noted.txt.enough").touch()
        async with asyncio.timeout(20):
            assert await bot.process.wait() == 0
        assert "Traceback" not in bot.errors()
    assert "Done" in await written(stage)
    assert len(stage.seen()) == 6, "four began, and both that ask for a name ended in order"
    for answer in (slash, form):
        ended = await stage.control.wait_for_interaction(answer.id)
        assert [RESTARTS in one.content for one in ended.followups] == [True]
        assert _dead(ended.components)
    assert len(await told(stage)) == 2
    async with running(stage.folder, config, env=stage.env) as bot:
        await bot.ready()
        again = await anna.slash(stage.channel, "pick")
        assert again.message is not None
        await anna.press(stage.channel, again.message.id, "First")
        assert await bot.stop() == 0
        answered = await stage.control.wait_for_interaction(again.id)
    assert [one.content for one in answered.followups] == ["a"]
    assert len(stage.seen()) == 7, "no event of before came again"


async def written(stage: Stage) -> list[str]:
    """Return what stands in the channel."""
    return [one.content for one in await stage.control.messages(stage.channel)]


async def told(stage: Stage, *interactions: int) -> list[str]:
    """Return what people were told of the restart: in the channel, and as answers to these interactions."""
    answers = [await stage.control.wait_for_interaction(one) for one in interactions]
    followups = [one.content for answer in answers for one in answer.followups]
    return [text for text in (*await written(stage), *followups) if RESTARTS in text]


def _dead(rows: object) -> bool:
    assert isinstance(rows, list | tuple)
    return all(part["disabled"] for row in rows for part in row["components"])
