"""What a whole process does when what it needs goes away while it runs: the database, Discord, its permissions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.runtime.bots import Bot, running
from tests.integration.runtime.stage import Stage, open_stage
from tests.support.mariadb import MariaDbServer

from migaga_emulator.rules import Rules

COUNTER = '''
"""Counts in the database."""

import hikari
import sqlalchemy as sa

from migaga.api import BaseModule, Context, command


class Counter(BaseModule):
    """Counts."""

    @command
    async def ping(self, ctx: Context) -> None:
        """Ask the database."""
        await ctx.respond(f"pong {await ctx.db.scalar(sa.text('SELECT 41 + 1'))}")
'''


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, Rules(), guilds=1) as stage:
        (stage.modules / "counter.py").write_text(COUNTER)
        yield stage


async def count(bot: Bot, metric: str) -> float:
    async with bot.http.get(f"http://127.0.0.1:{bot.port}/metrics") as answer:
        found = re.findall(rf"^migaga_{metric} ([\d.]+)$", await answer.text(), re.MULTILINE)
    return float(found[0]) if found else 0.0


async def test_a_database_that_goes_away_and_comes_back_costs_nothing(
    stage: Stage, mariadb_server: MariaDbServer
) -> None:
    anna = stage.control.person(stage.crowd.users[0].id)
    async with mariadb_server.fresh_database() as url:
        config = stage.config_with(url, "notes_messages counter")
        async with running(stage.folder, config, env=stage.env) as bot:
            await bot.ready()
            assert (await anna.slash(stage.channel, "ping")).content == "pong 42"
            before = await stage.say(3)
            await stage.until_seen(before)
            await asyncio.to_thread(mariadb_server.stop)
            try:
                slash = await anna.slash(stage.channel, "ping")
                text = await anna.command(stage.channel, "!ping")
                during = await stage.say(3)
                status = await bot.until(lambda status: status["database"]["error"] is not None)
                assert status["shards"][0]["state"] == "live"
                assert status["shards"][0]["identifies"] == 1
            finally:
                await asyncio.to_thread(mariadb_server.restart)
            assert "database cannot be reached" in slash.content
            assert "database cannot be reached" in text.content
            await bot.until(lambda status: status["database"]["error"] is None)
            assert (await anna.slash(stage.channel, "ping")).content == "pong 42"
            after = await stage.say(3)
            await stage.until_seen(after)
            status = await bot.ready()
            assert await count(bot, 'database_errors_total{operation="connection"}') >= 1
            assert await bot.stop() == 0
            assert "Traceback" not in bot.errors()
        assert status["shards"][0]["identifies"] == 1
        missed = await stage.say(2)
        async with running(stage.folder, config, env=stage.env) as bot:
            status = await bot.ready()
            await stage.until_seen(missed)
            assert await bot.stop() == 0
    assert (status["shards"][0]["resumes"], status["shards"][0]["identifies"]) == (1, 0)
    said = before + during + after + missed
    assert [one for one in stage.seen() if one in said] == said, "each was handled once, in order"


@pytest.mark.parametrize(
    ("code", "words"),
    [(4014, "Privileged Gateway Intents"), (4011, "2,500 guilds")],
)
async def test_a_fatal_close_ends_the_process_with_the_reason(stage: Stage, code: int, words: str) -> None:
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        await bot.ready()
        await stage.control.faults.close(code)
        async with asyncio.timeout(10):
            assert await bot.process.wait() == 78
        last = bot.errors().strip().splitlines()[-1]
    assert last.startswith("migaga: ")
    assert words in last
    assert "Traceback" not in bot.errors()


async def test_a_refused_token_is_not_tried_again_and_is_shown_until_the_process_is_stopped(stage: Stage) -> None:
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        await bot.ready()
        await stage.control.faults.close(4004)
        status = await bot.until(lambda status: any("refuses the bot token" in one for one in status["reasons"]))
        code, _ = await bot.get("/readyz")
        assert await bot.stop() == 78
        last = bot.errors().strip().splitlines()[-1]
        assert "Traceback" not in bot.errors()
    assert (code, status["ready"]) == (503, False)
    assert last.startswith("migaga: ")
    assert "refuses the bot token" in last
    ledger = stage.emulator.ledger.of(int(stage.bot.id))
    assert (ledger.identifies, ledger.resumes) == (1, 0)


async def test_an_emulator_that_stops_and_starts_again_is_waited_for(tmp_path: Path) -> None:
    async with open_stage(tmp_path, Rules(), guilds=1) as stage, running(tmp_path, stage.config, env=stage.env) as bot:
        await bot.ready()
        await stage.control.faults.refuse(3)
        await stage.control.faults.close(4000)
        status = await bot.until(lambda status: status["shards"][0]["state"] == "live" and status["ready"])
        said = await stage.say(2)
        await stage.until_seen(said)
        assert status["shards"][0]["identifies"] == 1
        assert await bot.stop() == 0


async def test_another_recommended_count_keeps_the_sessions_and_is_shown(tmp_path: Path) -> None:
    async with open_stage(tmp_path, Rules(max_concurrency=4, recommended_shards=2), guilds=2) as stage:
        async with running(stage.folder, stage.config, env=stage.env) as bot:
            assert (await bot.ready())["advice"] is None
            assert await bot.stop() == 0
        said = await stage.say(4)
        stage.emulator.hub.rules = replace(stage.emulator.hub.rules, recommended_shards=3)
        async with running(stage.folder, stage.config, env=stage.env) as bot:
            status = await bot.ready()
            await stage.until_seen(said)
            assert await bot.stop() == 0
            assert "Discord recommends 3 shards" in bot.errors()
    assert (status["shard_count"], status["recommended_shards"]) == (2, 3)
    assert "Count = 3" in status["advice"]
    assert [(shard["resumes"], shard["identifies"]) for shard in status["shards"]] == [(1, 0)] * 2
