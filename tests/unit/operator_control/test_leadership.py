"""Who acts, when clocks go on and the API server does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import pytest
from tests.unit.operator_control.town import HandClock

from migaga_operator.cluster import AwayError, StaleError
from migaga_operator.control.leadership import (
    EVERY_SECONDS,
    LEASE_SECONDS,
    TRUST_SECONDS,
    Election,
    Leadership,
    LostLeaseError,
)
from migaga_operator.kube.leases import LeaseRecord


@dataclass
class MemoryLease:
    """A Lease in memory, with versions."""

    record: LeaseRecord | None = None
    is_away: bool = False
    loses_answers: bool = False
    """Writes take effect, and nobody is told."""
    writes: int = 0

    async def read(self) -> LeaseRecord | None:
        if self.is_away:
            raise AwayError("nobody answers")
        return self.record

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        if self.is_away:
            raise AwayError("nobody answers")
        if record.version != (self.record.version if self.record else ""):
            raise StaleError("somebody was quicker")
        self.writes += 1
        self.record = replace(record, version=str(int(record.version or 0) + 1))
        if self.loses_answers:
            raise AwayError("the answer was lost")
        return self.record


@asynccontextmanager
async def candidate(
    lease: MemoryLease, clock: HandClock, name: str
) -> AsyncIterator[tuple[Leadership, asyncio.Task[None]]]:
    """A process that stands for election."""
    leadership = Leadership(lease, name, clock)
    task = asyncio.create_task(leadership.run())
    await turn()
    try:
        yield leadership, task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def holds(leadership: Leadership) -> bool:
    """Whether it may write, asked anew each time."""
    return leadership.is_held


async def turn() -> None:
    """Let everybody who can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def pass_time(clock: HandClock, seconds: float) -> None:
    """Move the clock in small steps."""
    for _ in range(round(seconds * 2)):
        clock.move(0.5)
        await turn()


async def test_the_first_one_acts_and_keeps_the_lease() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (one, _), candidate(lease, clock, "b") as (other, _):
        await one.acquired()
        await pass_time(clock, 60.0)
        assert holds(one)
        assert not holds(other)
        assert lease.record is not None
        assert (lease.record.holder, lease.record.turns) == ("a", 1)
        assert lease.writes == 1 + 60 / EVERY_SECONDS


async def test_who_only_waits_writes_nothing() -> None:
    lease, clock = MemoryLease(LeaseRecord("x", LEASE_SECONDS, version="1")), HandClock()
    async with candidate(lease, clock, "a") as (one, _):
        await pass_time(clock, LEASE_SECONDS - 1.0)
        assert lease.writes == 0
        assert not holds(one)
        with pytest.raises(LostLeaseError):
            one.check()


async def test_a_holder_that_was_killed_is_replaced_when_its_lease_is_over() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "b") as (other, task):
        task.cancel()
    async with candidate(lease, clock, "a") as (one, _):
        await pass_time(clock, LEASE_SECONDS - 0.5)
        assert not holds(one)
        await pass_time(clock, 1.0)
        assert holds(one)
        assert not holds(other)


async def test_a_lease_that_is_given_back_is_taken_at_the_next_try() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (one, _), candidate(lease, clock, "b") as (other, _):
        await one.release()
        assert not holds(one)
        await pass_time(clock, EVERY_SECONDS)
        assert holds(other)


async def test_a_holder_that_reaches_nobody_stops_before_others_may_begin() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (one, task):
        lease.is_away = True
        await pass_time(clock, TRUST_SECONDS)
        assert not holds(one)
        await pass_time(clock, EVERY_SECONDS)
        assert isinstance(task.exception(), LostLeaseError)
    assert TRUST_SECONDS + 4.0 <= LEASE_SECONDS


async def test_a_process_that_was_frozen_does_not_act_when_it_wakes() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (one, _):
        clock.time += 3600.0
        assert not holds(one)
        with pytest.raises(LostLeaseError):
            one.check()


async def test_a_short_outage_costs_nothing() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (one, _):
        lease.is_away = True
        await pass_time(clock, TRUST_SECONDS - EVERY_SECONDS - 1.0)
        lease.is_away = False
        await pass_time(clock, 60.0)
        assert holds(one)


async def test_why_the_lease_cannot_be_taken_is_known() -> None:
    lease, clock = MemoryLease(is_away=True), HandClock()
    async with candidate(lease, clock, "a") as (one, _):
        assert "nobody answers" in one.trouble
        lease.is_away = False
        await pass_time(clock, EVERY_SECONDS)
        assert one.trouble == ""
        assert holds(one)


async def test_renewals_whose_answers_are_lost_are_recognized_as_our_own() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (one, _):
        lease.loses_answers = True
        await pass_time(clock, EVERY_SECONDS)
        lease.loses_answers = False
        await pass_time(clock, 60.0)
        assert holds(one)


async def test_a_lease_that_somebody_else_took_is_lost_at_once() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (one, task):
        lease.record = LeaseRecord("thief", LEASE_SECONDS, version="99")
        await pass_time(clock, EVERY_SECONDS)
        assert not holds(one)
        assert "thief" in str(task.exception())


async def test_a_lease_that_somebody_deleted_is_not_held_any_more() -> None:
    lease, clock = MemoryLease(), HandClock()
    async with candidate(lease, clock, "a") as (_, task):
        lease.record = None
        await pass_time(clock, EVERY_SECONDS)
        assert isinstance(task.exception(), LostLeaseError)


def test_only_the_own_clock_counts() -> None:
    election = Election("a")
    election.see(LeaseRecord("b", 30, "2001-01-01T00:00:00Z", version="1"), 100.0)
    assert election.free_in(100.0) == 30.0
    election.see(LeaseRecord("b", 30, "2001-01-01T00:00:00Z", version="1"), 120.0)
    assert election.free_in(120.0) == 10.0
    election.see(LeaseRecord("b", 30, "2001-01-01T00:00:00Z", version="2"), 120.0)
    assert election.free_in(120.0) == 30.0
