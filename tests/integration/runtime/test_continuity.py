"""A bot process is stopped and started again under traffic: it resumes, loses nothing and repeats nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.integration.runtime.bots import running
from tests.integration.runtime.stage import Stage, open_stage

from migaga_emulator.rules import Rules

SHARDS = 2


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, Rules(max_concurrency=SHARDS, recommended_shards=SHARDS)) as stage:
        yield stage


def resumes(status: Mapping[str, Any]) -> list[tuple[int, int]]:
    return [(shard["resumes"], shard["identifies"]) for shard in status["shards"]]


async def test_after_sigterm_the_next_start_resumes_and_handles_what_it_missed_once(stage: Stage) -> None:
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        assert resumes(await bot.ready()) == [(0, 1)] * SHARDS
        before = await stage.say(20)
        await stage.until_seen(before)
        late = await stage.say(5)
        assert await bot.stop() == 0
    missed = await stage.say(20)
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        assert resumes(await bot.ready()) == [(1, 0)] * SHARDS
        after = await stage.say(5)
        await stage.until_seen(after)
        assert await bot.stop(signal.SIGINT) == 0
    assert sorted(stage.seen()) == sorted(before + late + missed + after)
    ledger = stage.emulator.ledger.of(int(stage.bot.id))
    assert (ledger.identifies, ledger.resumes) == (SHARDS, SHARDS)


async def test_after_sigkill_nothing_is_lost(stage: Stage) -> None:
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        await bot.ready()
        before = await stage.say(20)
        await stage.until_seen(before)
        burst = await stage.say(30)
        await bot.stop(signal.SIGKILL)
    missed = await stage.say(10)
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        assert resumes(await bot.ready()) == [(1, 0)] * SHARDS
        await stage.until_seen(before + burst + missed)
        await bot.stop()


async def test_no_session_id_and_no_token_reaches_status_log_or_metrics(stage: Stage) -> None:
    async with running(stage.folder, stage.config + "[Log]\nLevel = DEBUG\n", env=stage.env) as bot:
        await bot.ready()
        await stage.until_seen(await stage.say(4))
        _, status = await bot.get("/status")
        async with bot.http.get(f"http://127.0.0.1:{bot.port}/metrics") as answer:
            metrics = await answer.text()
        await bot.stop()
        shown = bot.errors() + str(status) + metrics
    sessions = [session.id for session in stage.emulator.hub.sessions()]
    assert len(sessions) >= SHARDS
    for secret in [stage.bot.token, *sessions]:
        assert secret not in shown
    assert 'migaga_events_received_total{event="MESSAGE_CREATE"} 4.0' in metrics
    assert 'migaga_shards{state="live"} 2.0' in metrics


async def test_with_other_intents_the_old_generation_goes_on_until_the_next_one_can_take_over(stage: Stage) -> None:
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        old = (await bot.ready())["shards"][0]["generation"]
        await bot.stop()
    missed = await stage.say(4)
    other = stage.config + "[Bot]\nIntents = GUILDS GUILD_MESSAGES\n"
    async with running(stage.folder, other, env=stage.env) as bot:
        await bot.ready()
        status = await bot.until(lambda status: len(status["generations"]) == 2)
        await stage.until_seen(missed)
        said = await stage.say(4)
        await stage.until_seen(said)
        await bot.stop()
    shards = [shard for shard in status["shards"] if shard["generation"] == old]
    assert [(shard["lease"], shard["resumes"], shard["identifies"]) for shard in shards] == [("live", 1, 0)] * SHARDS
    assert status["generations"][0]["state"] == "live"
    assert sorted(stage.seen()) == sorted(missed + said)


async def test_some_shards_of_many(stage: Stage) -> None:
    async with running(stage.folder, stage.config, "shard", "--ids", "1", "--count", "2", env=stage.env) as bot:
        status = await bot.ready()
        assert [shard["id"] for shard in status["shards"]] == [1]
        assert status["shard_count"] == 2
        await bot.stop()


async def test_a_used_up_identify_budget_is_waited_for_and_shown(tmp_path: Path) -> None:
    async with (
        open_stage(tmp_path, Rules(identify_total=0), guilds=1) as stage,
        running(tmp_path, stage.config, env=stage.env) as process,
    ):
        status = await process.until(lambda status: (status["identify"] or {}).get("reason") is not None)
        code, ready = await process.get("/readyz")
        assert await process.stop() == 69
    assert "used up" in status["identify"]["reason"]
    assert status["identify"]["blocked_until"] is not None
    assert code == 503
    assert any("used up" in reason for reason in ready["reasons"])


async def test_a_second_signal_leaves_running_handlers_and_their_events_come_again(stage: Stage) -> None:
    slow = stage.modules / "slow.py"
    slow.write_text(
        "import asyncio, hikari\nfrom migaga.api import BaseModule, listen\n\n\n"
        'class Slow(BaseModule):\n    """Never ends."""\n\n'
        "    @listen(hikari.GuildMessageCreateEvent)\n"
        "    async def wait(self, event: hikari.GuildMessageCreateEvent) -> None:\n"
        "        await asyncio.sleep(3600)\n"
    )
    config = stage.config.replace("Load = notes_messages", "Load = notes_messages slow") + "[Shards]\nStopGrace = 60\n"
    async with running(stage.folder, config, env=stage.env) as bot:
        await bot.ready()
        said = await stage.say(4)
        await stage.until_seen(said)
        bot.process.send_signal(signal.SIGTERM)
        await bot.until(lambda status: status["phase"] == "stopping")
        assert await bot.stop(signal.SIGTERM, seconds=10) == 0
    slow.unlink()
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        await bot.ready()
        async with asyncio.timeout(20):
            while sorted(stage.seen()) != sorted(said + said):
                await asyncio.sleep(0.05)
        await bot.stop()
