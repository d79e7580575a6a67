"""`migaga up`: a fleet of real processes before the emulator, from its first start to its end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.integration.runtime.bots import environment, run_to_end

from migaga_emulator.control.client import ControlClient
from migaga_emulator.rules import Rules
from migaga_emulator.scenarios.up import BotPlan, Moment, UpProcess, up_process
from migaga_emulator.server import Emulator, run_emulator

# Every step waits for processes to start and to prove themselves, each on a machine that may have much else to do.
pytestmark = pytest.mark.timeout(420)
WITHIN = 120.0
"""Seconds; far more than anything takes on a machine with nothing else to do."""


@dataclass
class Stage:
    """An emulated Discord with a bot, and the manifest of its fleet."""

    emulator: Emulator
    control: ControlClient
    plan: BotPlan
    manifest: Path
    folder: Path
    said: list[str]

    async def write(self, **changes: object) -> None:
        """Write the manifest with changes, as an editor does."""
        self.plan = replace(self.plan, **changes)  # type: ignore[arg-type]
        await asyncio.to_thread(self.plan.write, self.manifest)

    @asynccontextmanager
    async def up(self) -> AsyncIterator[UpProcess]:
        """Run `migaga up`."""
        async with up_process(self.manifest, self.folder, environment(), self.said.append) as up:
            yield up

    async def until_said(self, words: str) -> None:
        """Wait until it says something with these words."""
        async with asyncio.timeout(WITHIN):
            while not any(words in line for line in self.said):
                await asyncio.sleep(0.05)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    rules = Rules(recommended_shards=2, max_concurrency=2)
    async with run_emulator(rules) as emulator, ControlClient(emulator.control_url) as control:
        bot = await control.create_bot("Testy")
        await control.create_guilds(4, members=1, channels=["general"], bot=bot.id)
        plan = BotPlan(
            application_id=bot.application_id,
            token=bot.token,
            database_url="sqlite+aiosqlite:///bot.db",
            modules=("games",),
            replicas=1,
            environment={"MIGAGA_DISCORD_APIURL": emulator.api_url},
        )
        stage = Stage(emulator, control, plan, tmp_path / "bot.json", tmp_path / "run", [])
        await stage.write()
        yield stage


def at_rest(replicas: int, revision: int) -> Callable[[Moment], bool]:
    """Whether the fleet is as it should be."""
    return lambda now: now.is_at_rest(replicas, revision)


def lives(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


async def until_gone(pids: list[int]) -> None:
    async with asyncio.timeout(WITHIN):
        while await asyncio.to_thread(lambda: [pid for pid in pids if lives(pid)]):
            await asyncio.sleep(0.05)


async def test_a_fleet_starts_follows_its_file_and_ends_in_order(stage: Stage) -> None:
    async with stage.up() as up:
        await up.until(at_rest(1, 1), WITHIN, "it was not ready")
        first = up.moment.pods[0]
        await stage.write(replicas=2)
        await up.until(at_rest(2, 1), WITHIN, "it was not scaled")
        assert first.name in {pod.name for pod in up.moment.pods}

        await asyncio.to_thread(stage.manifest.write_text, "kind: BotDeployment\nspec: {replicas: many}\n")
        await stage.until_said("Nothing is changed.")
        assert any("spec.replicas: 'many' is not a whole number" in line for line in stage.said)
        assert up.moment.is_at_rest(2, 1)

        await stage.write(environment={**stage.plan.environment, "MIGAGA_ENV_VERSION": "two"})
        await up.until(at_rest(2, 2), WITHIN, "it was not rolled")
        report = await stage.control.ledger()
        assert (report.identifies, report.lost, report.repeated) == (2, 0, 0)
        assert first.name not in {pod.name for pod in up.moment.pods}
        pids = list(up.pids)
        await up.stop(WITHIN)
    assert len(pids) == 4
    assert not [pid for pid in pids if lives(pid)]
    assert (await stage.control.ledger()).sessions_connected == 0
    assert (stage.manifest.parent / "bot.db").exists()
    logs = "".join(path.read_text() for path in stage.folder.rglob("*.log"))
    assert stage.plan.token not in logs
    # The last pods do not wait for others to take their shards: there will be none.
    assert logs.count("the bot is stopped: no other process is waited for") == 2
    # The files with the token are gone with the pods.
    assert not list((stage.folder / "pods").rglob("token"))


async def test_a_bad_image_stops_at_its_first_pod_and_the_old_ones_go_on(stage: Stage, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    (bad / "bin").mkdir(parents=True)
    (bad / "bin" / "migaga").write_text("#!/bin/sh\necho migaga: this image is broken >&2\nexit 78\n")
    (bad / "bin" / "migaga").chmod(0o755)
    (bad / "image.json").write_text(json.dumps({"Env": ["PATH=/bin"], "Entrypoint": ["migaga"]}))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "migaga.cli.main", "up", str(stage.manifest), "--watch", "--json"),
        *("--image", f"migaga:bad={bad}"),
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
        limit=2**22,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WITHIN):
            # Shards are connected a moment before the pod's probe says so.
            await _until(
                process.stdout, lambda told: told["bots"][0]["is_ready"] == "True" and told["pods"][0]["ready"]
            )
            text = json.loads(await asyncio.to_thread(stage.manifest.read_text))
            text["items"][1]["spec"]["image"] = "migaga:bad"
            await asyncio.to_thread(stage.manifest.write_text, json.dumps(text))
            bots = await _until(process.stdout, lambda told: "this image is broken" in told["bots"][0]["stalled"])
            assert bots["bots"][0]["is_ready"] == "True"
            states = {pod["revision"]: pod["ready"] for pod in bots["pods"]}
            assert states == {"1": True, "2": False}
            process.send_signal(signal.SIGINT)
            rest = asyncio.create_task(process.stdout.read())
            assert await process.wait() == 0
            await rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _until(output: asyncio.StreamReader, holds: Callable[[Any], bool]) -> Any:
    while True:
        told = json.loads(await output.readline())
        if "bots" in told and told["bots"] and holds(told):
            return told


async def test_no_process_outlives_a_kill(stage: Stage) -> None:
    await stage.write(replicas=2)
    async with stage.up() as up:
        await up.until(at_rest(2, 1), WITHIN, "it was not ready")
        pids = list(up.pids)
        assert len(pids) == 2
        await up.kill()
    await until_gone(pids)


async def test_asked_twice_it_ends_at_once(stage: Stage) -> None:
    async with stage.up() as up:
        await up.until(at_rest(1, 1), WITHIN, "it was not ready")
        pids = list(up.pids)
        up.ask()
        await stage.until_said("the fleet ends")
        up.ask()
        assert await up.ended() == 130
    await until_gone(pids)


async def test_a_wrong_file_is_told_with_every_problem_and_nothing_is_started(stage: Stage, tmp_path: Path) -> None:
    text = json.loads(await asyncio.to_thread(stage.manifest.read_text))
    text["items"][0]["stringData"].pop("token")
    text["items"][1]["spec"] |= {"replicas": -1, "mode": "on"}
    await asyncio.to_thread(stage.manifest.write_text, json.dumps(text))
    ended = await run_to_end("up", str(stage.manifest), cwd=tmp_path)
    assert ended.code == 78
    assert "spec.replicas" in ended.err
    assert "spec.mode" in ended.err
    assert ended.out == ""
    assert (await stage.control.ledger()).identifies == 0


async def test_for_a_time_it_says_by_its_exit_code_whether_all_was_ready(stage: Stage, tmp_path: Path) -> None:
    early = await run_to_end("up", str(stage.manifest), "--for", "0.1", cwd=tmp_path, seconds=WITHIN)
    assert early.code == 1, early.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--image", "nothing"), "write NAME=FOLDER"),
        (("--image", "a=/nowhere"), "the image folder /nowhere is not there"),
        (("--for", "0"), "write how many seconds to run"),
        (("--folder", "/proc/nowhere"), "Name a folder that can be written"),
    ],
)
async def test_wrong_words_are_refused(stage: Stage, words: tuple[str, str], says: str, tmp_path: Path) -> None:
    ended = await run_to_end("up", str(stage.manifest), *words, cwd=tmp_path)
    assert ended.code in {64, 78}
    assert says in ended.err
