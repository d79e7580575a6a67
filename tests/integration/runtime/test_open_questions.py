"""A question that a person leaves open holds nothing up: a process that is killed meanwhile loses nothing."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.integration.runtime.bots import running
from tests.integration.runtime.stage import open_stage

from migaga_emulator.rules import Rules

ASKER = '''
"""Asks, and waits."""

from migaga.api import BaseModule, Context, command


class Asker(BaseModule):
    """Asks."""

    @command
    async def wonder(self, ctx: Context) -> None:
        """Ask for a text and wait very long."""
        await ctx.respond(f"You said {await ctx.ask('What?', timeout=600)}")
'''
EVENTS = 2_000


async def test_a_question_left_open_on_a_busy_shard_does_not_cost_the_session(tmp_path: Path) -> None:
    rules = Rules(
        recommended_shards=1,
        rest_global_per_s=10_000,
        rest_limits=(),
        rest_default_limit=10_000,
        replay_events=1_000,
    )
    async with open_stage(tmp_path, rules) as stage:
        (stage.modules / "asker.py").write_text(ASKER)
        config = stage.config_with(f"sqlite+aiosqlite:///{tmp_path}/bot.db", "notes_messages asker")
        channel, person = stage.channel, stage.control.person(stage.crowd.users[0].id)
        async with running(stage.folder, config, env=stage.env) as bot:
            await bot.ready()
            assert (await person.command(channel, "!wonder")).content == "What?"
            first = await stage.say(EVENTS)
            await stage.until_seen(first)
            status = await bot.until(lambda status: status["shards"][0]["watermark_lag"] == 0)
            assert (status["shards"][0]["in_flight"], status["shards"][0]["put_aside"]) == (0, 1)
            burst = await stage.say(100)
            await bot.stop(signal.SIGKILL)
        missed = await stage.say(20)
        async with running(stage.folder, config, env=stage.env) as bot:
            status = await bot.ready()
            assert (status["shards"][0]["resumes"], status["shards"][0]["identifies"]) == (1, 0)
            await stage.until_seen(first + burst + missed)
            await bot.stop()
