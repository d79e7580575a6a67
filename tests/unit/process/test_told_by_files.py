"""What a process makes of the files that tell it its mode and its token, and of what Discord recommends."""

from __future__ import annotations

import asyncio
import base64
import logging
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest

from migaga.common.errors import ConfigError, CredentialsError, MigagaError, UnavailableError
from migaga.common.logs import REDACTOR
from migaga.common.pause import Pause
from migaga.continuity.breaker import PROBE_EVERY
from migaga.fleet.breaker import FleetBreaker
from migaga.gateway.discord import GatewayInfo
from migaga.gateway.identify import Budget
from migaga.gateway.token import BotToken
from migaga.process.asking import keep_asking
from migaga.process.files import LARGEST, Content, SmallFile, read_small
from migaga.process.mode import Mode
from migaga.process.rotation import NO_ANSWER, Rotation

APPLICATION = 123456789012345678


def token(secret: str, application: int = APPLICATION) -> str:
    """A text of the shape of a token."""
    return f"{base64.b64encode(str(application).encode()).decode()}.{secret}.{secret * 5}"


class HandClock:
    """A clock that goes on when somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1_000.0

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)


class Gate:
    """In place of the fleet's breaker: what it was told."""

    def __init__(self, *, is_closed: bool = True) -> None:
        self.is_closed = is_closed
        self.tokens: list[str] = []
        self.refusals: list[str] = []

    def new_token(self, token: str) -> None:
        self.tokens.append(token)

    async def accepted(self) -> None:
        self.is_closed = True

    async def refused(self, reason: str) -> None:
        self.is_closed = False
        self.refusals.append(reason)


class Discord:
    """Discord with the answers that a test wants."""

    def __init__(self) -> None:
        self.token = BotToken(APPLICATION, token("first"))
        self.answers: dict[str, MigagaError] = {}
        self.asked: list[str] = []

    async def check(self, token: str, where: str) -> None:
        self.asked.append(token)
        if token in self.answers:
            raise self.answers[token]

    def use(self, token: str) -> None:
        self.token.change(token)


class Scene:
    """A rotation with its file."""

    def __init__(self, folder: Path) -> None:
        self.file, self.discord, self.gate, self.clock = folder / "token", Discord(), Gate(), HandClock()
        self.rotation = Rotation(SmallFile(self.file), self.discord, self.gate, self.clock, lambda low, high: 1.0)

    async def holds(self, text: str) -> None:
        """Write the file, and look until it counts."""
        await asyncio.to_thread(self.file.write_text, text)
        await self.look(2)

    async def look(self, times: int) -> None:
        for _ in range(times):
            self.clock.time += 1.0
            await self.rotation.look()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


# ---- files


async def test_what_is_being_written_does_not_count_before_it_was_read_twice(tmp_path: Path) -> None:
    file = SmallFile(tmp_path / "mode")
    assert (await file.read()).problem == "it cannot be read: No such file or directory"
    await asyncio.to_thread(file.path.write_text, "pau")
    assert await file.change() is None
    await asyncio.to_thread(file.path.write_text, "paused\n")
    assert await file.change() is None
    assert await file.change() == Content("paused")
    assert await file.change() is None


async def test_a_swapped_link_of_the_same_size_and_time_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "1/mode").write_text("running")
    (tmp_path / "2/mode").write_text("paused ")
    (tmp_path / "..data").symlink_to("1")
    file = SmallFile(tmp_path / "..data/mode")
    assert await file.read() == Content("running")
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").rename(tmp_path / "..data")
    assert [await file.change() for _ in range(3)] == [None, Content("paused"), None]


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "it is empty"),
        (b" \n", "it is empty"),
        (b"\xff\xfe\x00", "it is not text"),
        (b"x" * (LARGEST + 1), f"it has more than {LARGEST:,} bytes"),
    ],
)
def test_a_file_without_a_short_text_says_why(tmp_path: Path, raw: bytes, problem: str) -> None:
    (tmp_path / "file").write_bytes(raw)
    assert read_small(tmp_path / "file") == Content(problem=problem)


def test_a_folder_in_its_place_is_a_reason_and_no_fault(tmp_path: Path) -> None:
    assert "cannot be read" in str(read_small(tmp_path).problem)


def test_what_was_read_is_never_shown() -> None:
    assert "secret" not in repr(Content("secret"))


# ---- mode


def test_the_mode_follows_the_file_and_stays_where_the_file_tells_none(caplog: pytest.LogCaptureFixture) -> None:
    pause = Pause()
    mode, path = Mode(pause), Path("/mounts/mode")
    seen = []
    for content in (
        Content("Paused"),
        Content("off"),
        Content(problem="it is empty"),
        Content("paused"),
        Content("running"),
        Content("x" * 50),
    ):
        mode.take(path, content)
        seen.append((mode.name, mode.problem is None))
    assert seen == [
        ("paused", True),
        ("paused", False),
        ("paused", False),
        ("paused", True),
        ("running", True),
        ("running", False),
    ]
    assert "x" * 30 not in caplog.text
    assert "/mounts/mode" in str(mode.problem)


def test_a_bot_that_is_stopped_as_a_whole_stays_as_paused_as_it_was() -> None:
    pause = Pause()
    mode, path = Mode(pause), Path("/mounts/mode")
    seen = []
    for word in ("paused", "stopped", "paused", "running", "stopped"):
        mode.take(path, Content(word))
        seen.append((mode.name, mode.stopped.is_set()))
    assert seen == [("paused", False), ("paused", True), ("paused", False), ("running", False), ("running", True)]


async def test_who_waits_for_the_end_of_a_pause_goes_on_then() -> None:
    pause = Pause()
    pause.begin()
    waiting = asyncio.create_task(pause.until_over())
    await asyncio.sleep(0)
    assert not waiting.done()
    pause.end()
    await waiting
    assert not pause.is_on


# ---- token


async def test_a_token_that_discord_accepts_is_used_and_closes_the_breaker(scene: Scene) -> None:
    scene.gate.is_closed = False
    new = token("second")
    await scene.holds(new)
    assert (scene.discord.token.value, scene.discord.token.number) == (new, 1)
    assert (scene.gate.tokens, scene.gate.is_closed) == ([new], True)
    assert scene.rotation.problem is None
    assert new not in REDACTOR.clean(f"it is {new}")
    await scene.look(10)
    assert scene.discord.asked == [new]


async def test_the_same_token_is_not_asked_about(scene: Scene) -> None:
    await scene.holds(f"{scene.discord.token.value}\n")
    assert (scene.discord.asked, scene.rotation.problem) == ([], None)


async def test_a_refused_token_is_said_once_and_tried_again_as_rarely_as_the_breaker_does(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    new, old = token("bad"), scene.discord.token.value
    scene.discord.answers[new] = CredentialsError("401")
    await scene.holds(new)
    assert scene.discord.token.value == old
    assert "Discord refuses the token in it" in str(scene.rotation.problem)
    await scene.look(int(PROBE_EVERY) - 1)
    assert len(scene.discord.asked) == 1
    await scene.look(2)
    assert len(scene.discord.asked) == 2
    assert caplog.text.count("Discord refuses the token in it") == 1
    del scene.discord.answers[new]
    await scene.look(int(PROBE_EVERY) + 1)
    assert (scene.discord.token.value, scene.rotation.problem) == (new, None)


async def test_no_answer_is_no_refusal_and_is_asked_again_soon_then_rarely(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    new = token("second")
    scene.discord.answers[new] = UnavailableError("Discord answered 503.")
    await scene.holds(new)
    assert scene.rotation.problem is None
    assert "could not be checked yet" in caplog.text
    await scene.look(200)
    assert 5 <= len(scene.discord.asked) <= 8
    del scene.discord.answers[new]
    await scene.look(int(NO_ANSWER[1]) + 1)
    assert scene.discord.token.value == new


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is empty"),
        ("not a token", "this is not a bot token"),
        (token("another", 99), "belongs to application 99"),
    ],
)
async def test_what_can_be_no_token_of_this_bot_never_reaches_discord(scene: Scene, text: str, words: str) -> None:
    await scene.holds(text)
    assert words in str(scene.rotation.problem)
    assert "The token before stays in use." in str(scene.rotation.problem)
    assert scene.discord.asked == []
    await scene.holds(scene.discord.token.value)
    assert scene.rotation.problem is None


async def test_a_token_of_another_bot_by_discords_own_words_is_not_used(scene: Scene) -> None:
    new = token("another")
    scene.discord.answers[new] = ConfigError("the token belongs to bot 5")
    await scene.holds(new)
    await scene.look(int(PROBE_EVERY) * 2)
    assert "belongs to bot 5" in str(scene.rotation.problem)
    assert (scene.discord.asked, scene.discord.token.number) == ([new], 0)


# ---- what Discord recommends


async def test_discord_is_asked_again_and_again_but_not_while_it_refuses_the_token() -> None:
    clock, gate, times, heard = HandClock(), Gate(), list[float](), list[int]()
    info = GatewayInfo("wss://gateway.example", 3, Budget(1_000, 900, timedelta(hours=1), 1))

    async def ask() -> GatewayInfo:
        times.append(clock.now())
        if len(times) == 2:
            raise UnavailableError("no answer")
        if len(times) == 4:
            raise CredentialsError("refused")
        return info

    asking = keep_asking(
        ask,
        lambda info: heard.append(info.recommended_shards),
        cast("FleetBreaker", gate),
        clock,
        every=600,
        jitter=lambda low, high: low,
    )
    task = asyncio.create_task(asking)
    while clock.now() < 10_000:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert times == [1_540.0, 2_080.0, 2_620.0, 3_160.0]
    assert heard == [3, 3]
    assert gate.refusals == ["refused"]
