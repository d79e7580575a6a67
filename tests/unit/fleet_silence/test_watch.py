"""The watch over the shards of a process: whom it asks, about which guild, and when it lets one RESUME."""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count

import pytest

from migaga.continuity.silence import Key
from migaga.fleet.silence import SilenceWatch

KEY = ("7", 3)


class HandClock:
    """A clock that goes when the test says so."""

    def __init__(self) -> None:
        self._now = 0.0
        self._waiting: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (self._now + seconds, next(self._numbers), woken))
        await woken

    async def go(self, seconds: int) -> None:
        """Let seconds pass, one by one; what they wake runs."""
        for _ in range(seconds):
            await self._run_others()
            self._now += 1.0
            while self._waiting and self._waiting[0][0] <= self._now:
                woken = heapq.heappop(self._waiting)[2]
                if not woken.done():
                    woken.set_result(None)
            await self._run_others()

    async def _run_others(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


@dataclass
class Shard:
    """A shard that notes what is asked of it."""

    key: Key = KEY
    is_listening: bool = True
    known: list[int] = field(default_factory=list)
    sends: bool = True
    probes: list[tuple[int, str]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    async def known_guilds(self) -> list[int]:
        return self.known

    async def probe(self, guild_id: int, nonce: str) -> bool:
        self.probes.append((guild_id, nonce))
        return self.sends

    def reconnect(self, reason: str) -> None:
        self.reasons.append(reason)


class Counts:
    """Counts what the watch tells."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def probe_sent(self) -> None:
        self.seen["probe"] += 1

    def silent_reconnect(self, cause: str) -> None:
        self.seen[cause] += 1


@dataclass
class Stage:
    """A running watch over one shard."""

    watch: SilenceWatch
    clock: HandClock
    shard: Shard
    counts: Counts

    def hears(self, name: str, **payload: object) -> None:
        """A dispatch comes in."""
        self.watch.received(KEY, name, payload)

    @property
    def asked_about(self) -> list[int]:
        """The guilds that were asked about."""
        return [guild for guild, _ in self.shard.probes]


@asynccontextmanager
async def watching(shard: Shard) -> AsyncIterator[Stage]:
    """Run a watch over a shard."""
    clock, counts = HandClock(), Counts()
    watch = SilenceWatch(clock, counts)
    watch.watch(shard)
    task = asyncio.create_task(watch.run(), name="silence")
    try:
        yield Stage(watch, clock, shard, counts)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_shard_that_answers_nothing_resumes_once() -> None:
    async with watching(Shard()) as stage:
        stage.hears("MESSAGE_CREATE", guild_id="40")
        await stage.clock.go(300)
        assert stage.asked_about[:2] == [40, 40]
        assert stage.shard.reasons == ["silent"]
        assert stage.counts.seen == {"probe": len(stage.shard.probes), "nothing": 1}


async def test_a_shard_that_answers_is_left_alone() -> None:
    async with watching(Shard(known=[40])) as stage:
        for _ in range(600):
            before = len(stage.shard.probes)
            await stage.clock.go(1)
            for _, nonce in stage.shard.probes[before:]:
                stage.hears("GUILD_MEMBERS_CHUNK", guild_id="40", nonce=nonce)
        assert 5 <= len(stage.shard.probes) <= 10
        assert stage.shard.reasons == []


async def test_the_second_question_is_about_another_guild() -> None:
    async with watching(Shard()) as stage:
        for guild in ("40", "41"):
            stage.hears("TYPING_START", guild_id=guild)
            await stage.clock.go(1)
        await stage.clock.go(75)
        assert stage.asked_about == [41, 40]


async def test_guilds_that_have_gone_are_not_asked_about() -> None:
    async with watching(Shard(known=[41, 42])) as stage:
        stage.hears("GUILD_CREATE", id="40")
        stage.hears("TYPING_START", guild_id="41")
        stage.hears("GUILD_DELETE", id="41", unavailable=True)
        stage.hears("GUILD_DELETE", id="40")
        stage.hears("GUILD_CREATE", id="43", unavailable=True)
        await stage.clock.go(65)
        assert stage.asked_about == [42]


async def test_a_guild_that_is_back_can_be_asked_about() -> None:
    async with watching(Shard()) as stage:
        stage.hears("GUILD_DELETE", id="41", unavailable=True)
        stage.hears("GUILD_CREATE", id="41")
        await stage.clock.go(65)
        assert stage.asked_about == [41]


async def test_a_new_session_forgets_the_guilds_of_the_old_one() -> None:
    async with watching(Shard(known=[50])) as stage:
        stage.hears("TYPING_START", guild_id="40")
        await stage.clock.go(1)
        stage.hears("READY", guilds=[])
        await stage.clock.go(65)
        assert stage.asked_about == [50]


async def test_only_the_newest_guilds_are_remembered() -> None:
    async with watching(Shard()) as stage:
        for guild in range(100, 150):
            stage.hears("GUILD_CREATE", id=str(guild))
        await stage.clock.go(72)
        assert stage.asked_about == [149, 148]


@pytest.mark.parametrize("shard", [Shard(), Shard(known=[1], sends=False)])
async def test_a_shard_that_cannot_be_asked_is_never_reconnected(shard: Shard) -> None:
    async with watching(shard) as stage:
        await stage.clock.go(400)
        assert len(shard.probes) <= 7
        assert shard.reasons == []
        assert stage.counts.seen == {}


async def test_a_shard_that_is_let_go_of_is_forgotten_and_events_of_strangers_are_nothing() -> None:
    async with watching(Shard(known=[1])) as stage:
        stage.watch.unwatch(KEY)
        stage.watch.unwatch(("7", 9))
        stage.watch.received(("7", 9), "TYPING_START", {"guild_id": "1"})
        await stage.clock.go(200)
        assert stage.shard.probes == []


async def test_a_question_that_hangs_holds_nobody_else_up() -> None:
    class Hanging(Shard):
        async def probe(self, guild_id: int, nonce: str) -> bool:
            await asyncio.Event().wait()
            return True

    other = Shard(key=("7", 4), known=[2])
    async with watching(Hanging(known=[1])) as stage:
        stage.watch.watch(other)
        await stage.clock.go(100)
        assert len(other.probes) == 2
        assert len(other.reasons) == 1
        assert stage.shard.reasons == []


async def test_a_kind_that_is_missed_is_named_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with watching(Shard()) as stage:
        for second in range(500):
            stage.hears("TYPING_START", guild_id="40")
            if second < 300:
                stage.hears("MESSAGE_CREATE", guild_id="40")
            await stage.clock.go(1)
        assert stage.shard.reasons == ["kind missing"]
        assert "shard 3 of generation 7 resumes: no MESSAGE_CREATE any more" in caplog.text
        assert stage.counts.seen == {"kind": 1}
