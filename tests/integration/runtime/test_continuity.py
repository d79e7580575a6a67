"""A bot process is stopped and started again under traffic: it resumes, loses nothing and repeats nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.integration.runtime.bots import probe_module, running

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import BotInfo, Crowd
from migaga_emulator.rules import Rules
from migaga_emulator.server import Emulator, run_emulator

SHARDS = 2


@dataclass(frozen=True, slots=True)
class Stage:
    emulator: Emulator
    control: ControlClient
    bot: BotInfo
    crowd: Crowd
    folder: Path
    noted: Path
    modules: Path

    @property
    def config(self) -> str:
        return (
            f"[Env]\nClientId = {self.bot.application_id}\nToken = {self.bot.token}\n"
            f"[Discord]\nApiUrl = {self.emulator.api_url}\n"
            f"[Database]\nUrl = sqlite+aiosqlite:///{self.folder}/bot.db\n"
            f"[Modules]\nLoad = notes_messages\nDirectories = {self.modules}\n"
        )

    @property
    def env(self) -> dict[str, str]:
        return {"PROBE_FILE": str(self.noted)}

    async def say(self, count: int) -> list[int]:
        """Let people write in all guilds; returns the messages' ids."""
        said = []
        for number in range(count):
            guild = self.crowd.guilds[number % len(self.crowd.guilds)]
            person = self.control.person(self.crowd.users[1].id)
            said.append(int((await person.post(guild.channel("general"), f"message {number}")).id))
        return said

    def seen(self) -> list[int]:
        return [int(line) for line in self.noted.read_text().split()]

    async def until_seen(self, messages: list[int]) -> None:
        async with asyncio.timeout(20):
            while not set(messages) <= set(self.seen()):
                await asyncio.sleep(0.05)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    modules, noted = probe_module(tmp_path)
    rules = Rules(max_concurrency=SHARDS, recommended_shards=SHARDS)
    async with run_emulator(rules) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(4, members=2)
        yield Stage(emulator, control, bot, crowd, tmp_path, noted, modules)


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


async def test_other_intents_do_not_resume_the_stored_sessions(stage: Stage) -> None:
    async with running(stage.folder, stage.config, env=stage.env) as bot:
        await bot.ready()
        await bot.stop()
    other = stage.config + "[Bot]\nIntents = GUILDS GUILD_MESSAGES\n"
    async with running(stage.folder, other, env=stage.env) as bot:
        # The first attempt may come too early for the bucket, which the stopped process has used just before.
        assert all(resumed == 0 and identified in {1, 2} for resumed, identified in resumes(await bot.ready()))
        await bot.stop()


async def test_some_shards_of_many(stage: Stage) -> None:
    async with running(stage.folder, stage.config, "shard", "--ids", "1", "--count", "2", env=stage.env) as bot:
        status = await bot.ready()
        assert [shard["id"] for shard in status["shards"]] == [1]
        assert status["shard_count"] == 2
        await bot.stop()


async def test_a_used_up_identify_budget_is_waited_for_and_shown(tmp_path: Path) -> None:
    modules, noted = probe_module(tmp_path)
    async with run_emulator(Rules(identify_total=0)) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        crowd = await control.create_guilds(1, members=2)
        stage = Stage(emulator, control, bot, crowd, tmp_path, noted, modules)
        async with running(tmp_path, stage.config, env=stage.env) as process:
            status = await process.until(lambda status: (status["identify"] or {}).get("reason") is not None)
            code, ready = await process.get("/readyz")
            assert await process.stop() == 0
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
