"""What a fault knows of the fleet: who has what, what is in flight, when a shard is back, which answers are as good."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from migaga_emulator.control.client import ControlClient
from migaga_emulator.control.shapes import Answer, MessageInfo
from migaga_emulator.ledger.book import BotLedger
from migaga_emulator.ledger.connections import Begun, Ended
from migaga_emulator.scenarios.apologies import Apologies
from migaga_emulator.scenarios.handovers import Owners
from migaga_emulator.scenarios.members import Fleet, Member, Release
from migaga_emulator.scenarios.plan import Planned, Wish
from migaga_emulator.scenarios.processes import BotConfig
from migaga_emulator.scenarios.scene import Scene
from migaga_emulator.scenarios.talk import Gate

CONFIG = BotConfig(1, "token", "http://127.0.0.1:1/api/v10", "sqlite://", ("probe",), "2", 0)
RELEASE = Release(CONFIG, {})


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with ControlClient("http://127.0.0.1:1") as control:
        fleet = Fleet(control, tmp_path, RELEASE, 2)
        yield Scene(
            wish=Wish(1, 60, 2, 2),
            control=control,
            ledger=BotLedger(),
            fleet=fleet,
            owners=Owners(fleet.pids, 1),
            gate=Gate(),
            say=lambda text: None,
            awake=asyncio.Event(),
            patience=10.0,
            apologies=Apologies(time.time),
        )


class Place(Member):
    """A place of the fleet whose process is only a number."""

    @property
    def pid(self) -> int:
        return self.number


def place(scene: Scene, pid: int, *shards: int) -> Member:
    member = Place(pid, RELEASE, Path(), 0, Path())
    scene.fleet.members.append(member)
    scene.owners.of_port[10_000 + pid] = pid
    for shard in shards:
        scene.ledger.connections.begun(Begun(time.monotonic(), (shard, 2), "identify", 10_000 + pid))
    return member


def guild(shard: int) -> int:
    return shard << 22


async def test_shares_are_even_or_not_by_the_connections_of_the_processes(scene: Scene) -> None:
    place(scene, 1, 0, 1)
    place(scene, 2)
    assert scene.shares() == [2, 0]
    assert not await scene.until_even(within=0.0)
    scene.ledger.connections.ended(Ended(time.monotonic(), (1, 2), "client 3000"))
    scene.ledger.connections.begun(Begun(time.monotonic(), (1, 2), "resume", 10_002))
    assert scene.shares() == [1, 1]
    assert await scene.until_even(within=0.0)


async def test_a_strike_notes_the_shards_and_what_a_client_had_of_them(scene: Scene) -> None:
    member = place(scene, 1, 0)
    place(scene, 2, 1)
    book = scene.ledger.events
    for shard in (0, 0, 1):
        book.published("X", f"X:{len(book.entries())}", 0.0, guild(shard)).delivered()
    book.published("X", "X:9", 0.0, guild(0))
    book.handled("X", "X:0", 1.0)
    crash = scene.strike(member)
    assert (tuple(crash.shards), crash.in_flight) == (((0, 2),), 1)
    assert scene.injected.crashes == [crash]


async def test_a_crash_is_over_when_its_shards_are_connected_again(scene: Scene) -> None:
    member = place(scene, 1, 0, 1)
    crash = scene.strike(member)
    waiting = asyncio.create_task(scene.until_back(crash))
    for shard in (0, 1):
        await asyncio.sleep(0)
        assert not waiting.done()
        scene.ledger.connections.begun(Begun(time.monotonic(), (shard, 2), "resume", 10_002))
    await waiting
    assert scene.injected.complaints == []
    assert crash.back > crash.at


async def test_shards_that_stay_away_are_complained_of(scene: Scene) -> None:
    crash = scene.strike(place(scene, 1, 0, 1))
    scene.ledger.connections.ended(Ended(time.monotonic(), (1, 2), "dropped"))
    await scene.until_connected(crash, within=0.0)
    await scene.until_back(crash, within=0.0)
    assert scene.injected.complaints == [
        "shards [1] were not connected within 0 s",
        "shards [0, 1] were not connected again within 0 s",
    ]


async def test_a_fault_hits_the_planned_process_counted_round(scene: Scene) -> None:
    first, second = place(scene, 1), place(scene, 2)
    assert [scene.victim(Planned(0, "kill", process=number)) for number in (0, 1, 2)] == [first, second, first]


async def test_a_fleet_has_caught_up_when_only_long_handlers_are_left(scene: Scene) -> None:
    book = scene.ledger.events
    for number in range(300):
        book.published("X", f"X:{number}", 0.0)
    waiting = asyncio.create_task(scene.until_caught_up())
    for number in range(294):
        await asyncio.sleep(0)
        assert not waiting.done()
        book.handled("X", f"X:{number}", 1.0)
    await waiting


def answer(content: str) -> Answer:
    message = MessageInfo(5, 6, 7, content, (), (), 0, {})
    return Answer(1 << 22, True, True, False, 4, False, True, 0.1, message, (), (), None)


@pytest.mark.parametrize("why", ["died", "changed", "moved"])
async def test_a_dialogue_may_die_with_its_process_and_when_shards_move_and_else_never(scene: Scene, why: str) -> None:
    anew = answer("I am being restarted just now and could not wait for you. Please run it again in a moment.")
    member = place(scene, 1, 0)
    scene.ledger.connections.ended(Ended(time.monotonic(), (0, 2), "server 4008"))
    assert not scene.excuses(anew)
    if why == "died":
        scene.strike(member)
    elif why == "changed":
        scene.fleet.changed_at = time.monotonic()
    else:
        scene.ledger.connections.ended(Ended(time.monotonic(), (0, 2), "client 3000"))
    assert scene.excuses(anew)
    assert not scene.excuses(answer("You said no."))
