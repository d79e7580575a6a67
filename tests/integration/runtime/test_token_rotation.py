"""A token that is reset while processes run, and the new one in the mounted file."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.integration.runtime.bots import Bot, running
from tests.integration.runtime.stage import Stage, open_stage
from tests.integration.runtime.told import Mounts, config, ready, written

from migaga_emulator.rules import Rules
from migaga_operator.process_report import read_process

SHARDS = 2


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    async with open_stage(tmp_path, Rules(max_concurrency=2, recommended_shards=SHARDS), guilds=4) as stage:
        yield stage


@pytest.fixture
async def mounts(stage: Stage) -> Mounts:
    mounts = Mounts(stage.folder / "mounts")
    await written(mounts, token=stage.bot.token, mode="running")
    return mounts


def another(stage: Stage, application: int | None = None) -> str:
    """A token that could be the bot's and is not."""
    name = base64.b64encode(str(application or stage.bot.application_id).encode()).decode()
    return f"{name}.never.accepted"


def refused(status: Mapping[str, Any], words: str = "refuse") -> bool:
    return words in str(status["credentials"]["reason"])


def all_live(status: Mapping[str, Any]) -> bool:
    return bool(status["shards"]) and all(one["state"] == "live" for one in status["shards"])


async def test_a_reset_token_is_refused_and_the_new_one_in_the_file_brings_every_shard_back(
    stage: Stage, mounts: Mounts
) -> None:
    async with running(stage.folder, config(stage, mounts), env=stage.env) as bot:
        status = await ready(bot)
        first = status["credentials"]["fingerprint"]
        accepted = read_process(status)
        token = await stage.control.faults.rotate_token()
        status = await bot.until(refused)
        report = read_process(status)
        assert (report.is_accepted, bool(report.credentials)) == (False, True)
        await written(mounts, token=f"{token}\n", mode="running")
        status = await bot.until(lambda status: status["ready"] and all_live(status))
        said = await stage.say(8)
        await stage.until_seen(said)
        people = stage.control.person(stage.crowd.users[0].id)
        assert (await people.command(stage.channel, "!pick", wait=20)).content == "a"
        assert await bot.stop(seconds=90) == 0
        log = bot.errors()
    assert (accepted.is_accepted, accepted.credentials) == (True, "")
    assert status["credentials"]["reason"] is None
    assert status["credentials"]["fingerprint"] != first
    ledger = stage.emulator.ledger.of(int(stage.bot.id))
    assert (ledger.identifies, ledger.resumes, sum(ledger.resumes_failed.values())) == (2 * SHARDS, 0, 0)
    assert stage.emulator.hub.logins_refused == 0
    assert token not in log
    assert stage.bot.token not in log
    assert "Traceback" not in log


async def test_connections_that_live_go_on_with_a_new_token_and_its_late_refusal_is_not_taken_for_the_new_ones(
    stage: Stage, mounts: Mounts
) -> None:
    async with running(stage.folder, config(stage, mounts), env=stage.env) as bot:
        before = (await ready(bot))["credentials"]["fingerprint"]
        account = stage.emulator.world.bots[int(stage.bot.id)]
        account.token = token = another(stage)
        await written(mounts, token=token, mode="running")
        await bot.until(lambda status: status["credentials"]["fingerprint"] != before)
        said = await stage.say(4)
        await stage.until_seen(said)
        ledger = stage.emulator.ledger.of(int(stage.bot.id))
        assert ledger.identifies == SHARDS
        stage.emulator.hub.end_all(account.user.id)
        await bot.until(
            lambda status: all(one["identifies"] == 2 and one["state"] == "live" for one in status["shards"])
        )
        status = await ready(bot)
        assert await bot.stop(seconds=90) == 0
        assert "no shard connects" not in bot.errors()
    assert status["credentials"]["reason"] is None
    assert (ledger.identifies, ledger.resumes) == (2 * SHARDS, 0)
    assert stage.emulator.hub.logins_refused == 0


async def test_a_new_token_that_is_refused_stops_there_and_the_next_one_is_taken(stage: Stage, mounts: Mounts) -> None:
    async with running(stage.folder, config(stage, mounts), env=stage.env) as bot:
        await ready(bot)
        token = await stage.control.faults.rotate_token()
        await bot.until(refused)
        await written(mounts, token=another(stage), mode="running")
        status = await bot.until(lambda status: refused(status, "Discord refuses the token in it"))
        await asyncio.sleep(2)
        assert bot.errors().count("Discord refuses the token in it") == 1
        assert not read_process(status).is_accepted
        await written(mounts, token=token, mode="running")
        await bot.until(lambda status: status["ready"] and all_live(status))
        assert await bot.stop(seconds=90) == 0
    assert stage.emulator.hub.logins_refused == 0, "no shard tries what REST has refused"
    assert stage.emulator.ledger.of(int(stage.bot.id)).identifies == 2 * SHARDS


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "it is empty"),
        ("Bot abc", "this is not a bot token"),
        ("another application", "belongs to application 99"),
        ("never accepted", "Discord refuses the token in it"),
    ],
)
async def test_a_file_with_something_else_changes_nothing_and_is_complained_of(
    stage: Stage, mounts: Mounts, content: str, words: str
) -> None:
    made = {"another application": another(stage, 99), "never accepted": another(stage)}
    async with running(stage.folder, config(stage, mounts), env=stage.env) as bot:
        before = (await ready(bot))["credentials"]["fingerprint"]
        await written(mounts, token=made.get(content, content), mode="running")
        status = await bot.until(lambda status: refused(status, words))
        said = await stage.say(4)
        await stage.until_seen(said)
        assert status["credentials"]["fingerprint"] == before
        assert (status["ready"], all_live(status)) == (True, True)
        await written(mounts, token=stage.bot.token, mode="running")
        await bot.until(lambda status: status["credentials"]["reason"] is None)
        assert await bot.stop(seconds=90) == 0
        assert made.get(content, "Bot abc") not in bot.errors()
    assert stage.emulator.ledger.of(int(stage.bot.id)).identifies == SHARDS


async def test_a_process_that_is_stopped_while_its_token_is_refused_says_so_by_its_exit_code(
    stage: Stage, mounts: Mounts
) -> None:
    async with running(stage.folder, config(stage, mounts), env=stage.env) as bot:
        await ready(bot)
        await stage.control.faults.rotate_token()
        await bot.until(refused)
        assert await bot.stop(seconds=90) == 78


async def test_two_processes_get_the_new_token_at_different_moments_and_no_harm_is_done(
    stage: Stage, mounts: Mounts
) -> None:
    late = Mounts(stage.folder / "late")
    await written(late, token=stage.bot.token, mode="running")
    async with AsyncExitStack() as stack:
        bots: list[Bot] = []
        for name, files in (("first", mounts), ("second", late)):
            folder = stage.folder / name
            folder.mkdir()
            text = config(stage, files, "Capacity = 1\n")
            bots.append(await stack.enter_async_context(running(folder, text, env=stage.env)))
        one, other = bots
        await one.until(lambda status: status["ready"] and all_live(status))
        await other.until(lambda status: status["ready"] and all_live(status), seconds=120)
        before = stage.emulator.ledger.of(int(stage.bot.id)).identifies
        token = await stage.control.faults.rotate_token()
        for bot in bots:
            await bot.until(refused)
        await written(mounts, token=token, mode="running")
        await one.until(lambda status: status["credentials"]["reason"] is None and all_live(status))
        await asyncio.sleep(3)
        assert refused((await other.get("/status"))[1])
        await written(late, token=token, mode="running")
        await other.until(lambda status: status["credentials"]["reason"] is None and all_live(status))
        said = await stage.say(8)
        await stage.until_seen(said)
        statuses = [(await bot.get("/status"))[1] for bot in bots]
        assert [await bot.stop(seconds=90) for bot in bots] == [0, 0]
    assert len({status["credentials"]["fingerprint"] for status in statuses}) == 1
    assert stage.emulator.ledger.of(int(stage.bot.id)).identifies == before + SHARDS
    assert stage.emulator.hub.logins_refused == 0


async def test_what_discord_recommends_is_asked_again(stage: Stage, mounts: Mounts) -> None:
    asking = config(stage, mounts).replace("[Discord]\n", "[Discord]\nAskEvery = 5\n")
    async with running(stage.folder, asking, env=stage.env) as bot:
        before = await ready(bot)
        stage.emulator.hub.rules = replace(stage.emulator.hub.rules, recommended_shards=SHARDS + 1)
        await stage.control.faults.spend_budget(100)
        status = await bot.until(lambda status: status["recommended_shards"] == SHARDS + 1)
    assert before["recommended_shards"] == SHARDS
    assert read_process(status).identify_remaining == before["identify"]["total"] - SHARDS - 100
