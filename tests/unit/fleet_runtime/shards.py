"""One shard that a test holds: its row in a real database, its intake, and no connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from itertools import count

from tests.unit.gateway.desk import Desk

from migaga.common.clock import MonotonicClock
from migaga.common.errors import MigagaError
from migaga.continuity.local import resume_point
from migaga.continuity.view import View
from migaga.fleet.held import HeldShard
from migaga.fleet.member import Member
from migaga.fleet.parts import NoBreaker, Parts, ShardKey
from migaga.gateway.observer import Unobserved
from migaga.gateway.received import Received
from migaga.gateway.shard import Shared
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_operations import Insert, Operation, Outcome, Together
from migaga.storage.leases_rows import InflightRow, ShardPhase, ShardRow

GENERATION = "1:1:v10"


@dataclass
class Shop:
    """A shard that is live here, and what runs its events."""

    held: HeldShard
    desk: Desk
    store: LeaseStore
    member: Member

    async def row(self) -> ShardRow:
        row = await self.store.shard(GENERATION, 0)
        assert row is not None
        return row

    async def rows(self) -> Sequence[InflightRow]:
        return await self.store.inflight(GENERATION, 0)

    async def view(self) -> View:
        return View(self.member.id, await self.store.observe())

    def receive(self, *seqs: int) -> None:
        for seq in seqs:
            self.held.intake.receive(Received("MESSAGE_CREATE", 0, "s", seq, {"id": str(seq), "guild_id": "7"}))


class StoreBehind:
    """A store that does as the one behind it, but for what a test lets go otherwise."""

    def __init__(self, store: LeaseStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def first_of(operation: Operation) -> Operation:
    """Return what an operation changes first: in a transaction, the row that fences it."""
    return operation.fences[0] if isinstance(operation, Together) else operation


@asynccontextmanager
async def holding(
    store: LeaseStore, row: ShardRow | None = None, *, replayed: Sequence[int] = (), blocked: Sequence[int] = ()
) -> AsyncIterator[Shop]:
    """Claim a shard that has session `s`, and go live with it as after a RESUME that has `replayed` events.

    Handlers of `blocked` events wait for the test. `row` is what the last owner has left.
    """
    clock, desk, numbers = MonotonicClock(), Desk(), count(1)
    member = Member(store, clock, revision=0, capacity=1, address="", new_id=lambda: f"process {next(numbers)}")
    await member.join()
    base = row or ShardRow(GENERATION, 0, session_id="s", resume_url="ws://nowhere", seq=0)
    claimed = ShardRow(**{**asdict(base), "owner": member.id, "token": "mine", "state": ShardPhase.CLAIMED})
    assert await store.execute(Insert("shard", asdict(claimed))) is Outcome.DONE
    parts = Parts(
        store=store,
        member=member,
        clock=clock,
        observer=Unobserved(),
        router=desk,
        breaker=NoBreaker(),
        local=None,
        shared=_no_connections,
        silence=None,
        known_guilds=_no_guilds,
        new_token=lambda: f"token {next(numbers)}",
        fail=_fail,
    )
    held = HeldShard(claimed, parts, resume_point(claimed, None), owned=True)
    shop = Shop(held, desk, store, member)
    desk.block(*blocked)
    shop.receive(*replayed)
    held.resumed()
    await until(lambda: held.is_live)
    try:
        yield shop
    finally:
        await held.drop()


def _no_connections(generation: str) -> Shared:
    raise AssertionError(f"nobody connects shards of {generation} here")


async def _no_guilds(key: ShardKey) -> Sequence[int]:
    return ()


def _fail(error: MigagaError) -> None:
    raise AssertionError(error)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.005)


async def until_so(ask: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something in the database is so."""
    async with asyncio.timeout(10):
        while not await ask():
            await asyncio.sleep(0.005)
