"""A process as a member of its fleet: valid by its beats, and anew under another id when others say that it is dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import pytest
from tests.unit.fleet_runtime.shards import until

from migaga.fleet.member import Member
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_operations import Outcome, Update
from migaga.storage.leases_rows import ProcessRow


class HandClock:
    """Time that goes on when the test says."""

    def __init__(self) -> None:
        self.time = 100.0
        self.moved = asyncio.Event()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        end = self.time + seconds
        while self.time < end:
            await self.moved.wait()
        await asyncio.sleep(0)

    def go_on(self, seconds: float) -> None:
        self.time += seconds
        moved, self.moved = self.moved, asyncio.Event()
        moved.set()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def member(store: LeaseStore, clock: HandClock) -> Member:
    ids = count(1)
    return Member(store, clock, revision=3, capacity=5, address="here:1", new_id=lambda: f"p{next(ids)}")


@asynccontextmanager
async def beating(member: Member) -> AsyncIterator[asyncio.Task[None]]:
    beats = asyncio.create_task(member.beat(), name="beats")
    try:
        yield beats
    finally:
        beats.cancel()
        await asyncio.gather(beats, return_exceptions=True)


async def row(store: LeaseStore) -> ProcessRow:
    [found] = await store.processes()
    return found


async def test_before_it_joins_it_may_do_nothing(member: Member) -> None:
    assert not member.is_valid()
    assert member.is_abandoned


async def test_its_row_says_what_it_is(store: LeaseStore, member: Member) -> None:
    await member.join()
    assert await row(store) == ProcessRow("p1", 0, revision=3, capacity=5, address="here:1")
    assert (member.id, member.trouble) == ("p1", None)


async def test_it_is_valid_for_seven_seconds_from_each_beat(
    store: LeaseStore, member: Member, clock: HandClock
) -> None:
    await member.join()
    clock.go_on(6.9)
    assert member.is_valid()
    clock.go_on(0.1)
    assert not member.is_valid()
    waiting = asyncio.create_task(member.until_valid())
    async with beating(member):
        async with asyncio.timeout(10):
            await waiting
        assert member.is_valid()
        assert (await row(store)).beat == 1
        clock.go_on(2.0)
        async with asyncio.timeout(10):
            while (await row(store)).beat < 2:
                await asyncio.sleep(0.005)


async def test_one_that_was_declared_dead_is_never_valid_again_and_joins_anew(
    store: LeaseStore, member: Member, clock: HandClock
) -> None:
    await member.join()
    assert await store.execute(Update("process", {"id": "p1"}, {}, {"dead": True})) is Outcome.DONE
    async with beating(member) as beats:
        clock.go_on(2.0)
        async with asyncio.timeout(10):
            await member.until_abandoned()
        await until(beats.done)
    assert not member.is_valid()
    assert member.trouble is not None
    await member.join()
    assert (member.id, member.is_valid()) == ("p2", True)
    assert {one.id: one.dead for one in await store.processes()} == {"p1": True, "p2": False}


async def test_it_says_that_it_is_ready_that_it_leaves_and_that_it_has_left(store: LeaseStore, member: Member) -> None:
    await member.join()
    assert await member.say_ready(ready=True)
    assert (await row(store)).ready
    assert await member.say_leaving(0.5)
    assert (await row(store)).leaving == 1, "0 would mean that it stays"
    await member.leave()
    assert (await row(store)).dead
    assert not member.is_valid()
