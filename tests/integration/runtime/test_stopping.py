"""A process that is stopped while handlers wait for people: it tells them, leaves at once, and repeats nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.integration.runtime.bots import running
from tests.integration.runtime.stage import Stage, open_stage

from migaga_emulator.rules import Rules

ASKER = '''
"""Asks, and writes down how often."""

import os

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
        started = time.monotonic()
        assert await bot.stop() == 0
        assert time.monotonic() - started < 2.0
        assert "Traceback" not in bot.errors()
    assert len(stage.seen()) == 6, "four began, and both that ask for a name ended in order"
    for answer in (slash, form):
        told = await stage.control.wait_for_interaction(answer.id)
        assert [RESTARTS in one.content for one in told.followups] == [True]
        assert _dead(told.components)
    written = [one for one in await stage.control.messages(stage.channel) if RESTARTS in one.content]
    assert len(written) == 2
    async with running(stage.folder, config, env=stage.env) as bot:
        await bot.ready()
        again = await anna.slash(stage.channel, "pick")
        assert again.message is not None
        await anna.press(stage.channel, again.message.id, "First")
        assert await bot.stop() == 0
        told = await stage.control.wait_for_interaction(again.id)
    assert [one.content for one in told.followups] == ["a"]
    assert len(stage.seen()) == 7, "no event of before came again"


def _dead(rows: object) -> bool:
    assert isinstance(rows, list | tuple)
    return all(part["disabled"] for row in rows for part in row["components"])
