"""What a process makes of rows that name it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import cast

import pytest
from tests.unit.fleet_runtime.shards import GENERATION, StoreBehind, first_of, holding, until

from migaga.continuity.generations import Wish
from migaga.continuity.holding import Hold
from migaga.fleet.parts import row_of
from migaga.fleet.steward import Steward
from migaga.fleet.turnover import Change
from migaga.gateway.received import Received
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_operations import Delete, Insert, Operation, Outcome, Update
from migaga.storage.leases_rows import GenerationRow, GenerationState, ProcessRow, ShardPhase, ShardRow


async def _no_obstacle(count: int) -> str | None:
    return None


class NoAnswer(StoreBehind):
    """A store that executes everything, and whose answer to a change of owner does not arrive."""

    async def execute(self, operation: Operation) -> Outcome:
        outcome = await self._store.execute(operation)
        update = first_of(operation)
        return Outcome.UNKNOWN if isinstance(update, Update) and update.change.get("owner") == "they" else outcome


async def test_handlers_go_on_of_a_shard_that_was_passed_though_nobody_knew(store: LeaseStore) -> None:
    live = GenerationRow(1, GENERATION, 1, 1, 10, GenerationState.LIVE)
    assert await store.execute(Insert("generation", asdict(live))) is Outcome.DONE
    assert await store.execute(Insert("process", asdict(ProcessRow("they", 0)))) is Outcome.DONE
    async with holding(cast("LeaseStore", NoAnswer(store))) as shop:
        steward = Steward(shop.held.parts, Change(Wish(1, 1, 10), _no_obstacle))
        steward.held[shop.held.key] = shop.held
        shop.desk.block(1)
        shop.receive(1)
        await until(lambda: shop.desk.started == [1])
        steward.spawn_giving(shop.held)
        await until(lambda: shop.held.state is Hold.OFFERED)
        want = Update("shard", {"generation": GENERATION, "id": 0}, {}, {"want": "they", "want_beat": 1})
        assert await store.execute(want) is Outcome.DONE
        await until(lambda: not steward.giving)
        assert ((await shop.row()).owner, shop.held.state) == ("they", Hold.TO_RETAKE)
        async with asyncio.timeout(10):
            while steward.held:
                await steward.round()
        assert [row.seq for row in await shop.rows()] == [1]
        shop.desk.free(1)
        await until(lambda: shop.desk.ended == [1])
        await until(lambda: shop.held.is_gone and not steward.lingering)
        assert await shop.rows() == []


@pytest.mark.parametrize("leaves", [False, True])
async def test_a_row_that_names_this_process_is_held_unless_it_leaves(store: LeaseStore, leaves: bool) -> None:
    """A release that nobody took leaves such a row; whoever held it again would handle what nobody stores."""
    live = GenerationRow(1, GENERATION, 1, 1, 10, GenerationState.LIVE)
    assert await store.execute(Insert("generation", asdict(live))) is Outcome.DONE
    async with holding(store) as shop:
        if leaves:
            assert await shop.member.say_leaving(5.0)
        steward = Steward(shop.held.parts, Change(Wish(1, 1, 10), _no_obstacle))
        await steward.round()
        assert {key: held.state for key, held in steward.held.items()} == (
            {} if leaves else {(GENERATION, 0): Hold.TO_RETAKE}
        )


async def test_what_a_dead_process_has_left_of_a_drained_generation_is_run_by_the_next_one(store: LeaseStore) -> None:
    """Nobody owns a drained shard: its events would be lost, and the change of generations would never end."""
    generations = (
        GenerationRow(1, "before", 2, 1, 10, GenerationState.LIVE),
        GenerationRow(2, GENERATION, 1, 1, 10, GenerationState.CUTTING),
    )
    guild = str(1 << 22)
    left = row_of(("before", 1), Received("MESSAGE_CREATE", 1, "old", 3, {"id": "3", "guild_id": guild}), "dead")
    for row in (Insert("generation", asdict(one)) for one in generations):
        assert await store.execute(row) is Outcome.DONE
    for shard in range(2):
        drained = ShardRow("before", shard, session_id="old", seq=3, state=ShardPhase.DRAINED)
        assert await store.execute(Insert("shard", asdict(drained))) is Outcome.DONE
    assert await store.execute(Insert("inflight", asdict(left))) is Outcome.DONE
    async with holding(store) as shop:
        steward = Steward(shop.held.parts, Change(Wish(1, 1, 10), _no_obstacle))
        steward.held[shop.held.key] = shop.held
        shop.desk.block(3)
        await steward.round()
        await until(lambda: shop.desk.started == [3])
        assert shop.desk.shards == [0], "hikari knows no connection of the old shard here"
        [taken] = await store.inflight("before")
        assert (taken.owner, taken.attempts) == (shop.member.id, 2)
        await steward.round()
        assert await _states(store) == [GenerationState.LIVE, GenerationState.CUTTING]
        assert "handlers of their events still run: MESSAGE_CREATE of shard 1 in" in (steward.obstacle or "")
        shop.desk.free(3)
        await until(lambda: shop.desk.ended == [3])
        assert await shop.held.forget_ended()
        await steward.round()
        assert (await _states(store), steward.obstacle) == ([GenerationState.GONE, GenerationState.LIVE], None)
        assert (shop.desk.started, await store.inflight("before")) == ([3], [])


class LateAnswer(StoreBehind):
    """A store whose answer to a drain comes late, or never: it is executed at once. It fails the first deletion."""

    def __init__(self, store: LeaseStore, *, comes: bool) -> None:
        super().__init__(store)
        self._comes = comes
        self._has_failed = False
        self.executed, self.answered = asyncio.Event(), asyncio.Event()

    async def execute(self, operation: Operation) -> Outcome:
        if isinstance(operation, Delete) and not self._has_failed:
            self._has_failed = True
            return Outcome.FAILED
        outcome = await self._store.execute(operation)
        update = first_of(operation)
        if not isinstance(update, Update) or update.change.get("state") != ShardPhase.DRAINED:
            return outcome
        self.executed.set()
        await self.answered.wait()
        return outcome if self._comes else Outcome.UNKNOWN


@pytest.mark.parametrize("comes", [True, False])
async def test_handlers_go_on_of_a_shard_that_is_drained_though_it_is_seen_before_it_is_answered(
    store: LeaseStore, comes: bool
) -> None:
    """A reading that shows the own drain looks as if the shard were somebody else's: its handlers were cancelled."""
    after = "2:1:v10"
    rows = [
        *(Insert("shard", asdict(ShardRow(after, n, owner="they", state=ShardPhase.LIVE))) for n in range(2)),
        Insert("process", asdict(ProcessRow("they", 0, ready=True))),
        Insert("generation", asdict(GenerationRow(1, GENERATION, 1, 1, 10, GenerationState.LIVE))),
        Insert("generation", asdict(GenerationRow(2, after, 2, 1, 10, GenerationState.CUTTING))),
    ]
    for row in rows:
        assert await store.execute(row) is Outcome.DONE
    late = LateAnswer(store, comes=comes)
    async with holding(cast("LeaseStore", late)) as shop:
        steward = Steward(shop.held.parts, Change(Wish(2, 1, 10), _no_obstacle))
        steward.held[shop.held.key] = shop.held
        shop.desk.block(1)
        shop.receive(1)
        await until(lambda: shop.desk.started == [1])
        await steward.round()
        async with asyncio.timeout(10):
            await late.executed.wait()
        assert (await shop.row()).state == ShardPhase.DRAINED
        await steward.round()
        late.answered.set()
        async with asyncio.timeout(10):
            while steward.held:
                await steward.round()
        assert [row.owner for row in await shop.rows()] == [shop.member.id]
        shop.desk.free(1)
        await until(lambda: shop.desk.ended == [1])
        await until(lambda: not steward.lingering)
        assert await shop.rows() == []
        await steward.round()
        assert await _states(store) == [GenerationState.GONE, GenerationState.LIVE]


async def _states(store: LeaseStore) -> list[str]:
    return [row.state for row in (await store.observe()).generations]


class SlowDeletion(StoreBehind):
    """A store where a generation that is over is not deleted before the test says so."""

    def __init__(self, store: LeaseStore) -> None:
        super().__init__(store)
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def forget_generation(self, name: str) -> int:
        self.begun.set()
        await self.may_end.wait()
        return await self._store.forget_generation(name)


async def test_shards_do_not_wait_while_what_a_generation_has_left_is_deleted(
    store: LeaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes seconds, and may fall into the next change."""
    monkeypatch.setattr("migaga.fleet.steward.FORGET_AFTER", 0.0)
    rows = [
        Insert("generation", asdict(GenerationRow(1, "before", 1, 1, 10, GenerationState.GONE))),
        Insert("generation", asdict(GenerationRow(2, GENERATION, 1, 1, 10, GenerationState.LIVE))),
        Insert("shard", asdict(ShardRow("before", 0, state=ShardPhase.DRAINED))),
    ]
    for row in rows:
        assert await store.execute(row) is Outcome.DONE
    slow = SlowDeletion(store)
    async with holding(cast("LeaseStore", slow)) as shop:
        steward = Steward(shop.held.parts, Change(Wish(1, 1, 10), _no_obstacle))
        steward.held[shop.held.key] = shop.held
        async with asyncio.timeout(10):
            await steward.round()
            await slow.begun.wait()
            await steward.round()
        assert await store.shard("before", 0) is not None
        slow.may_end.set()
        async with asyncio.timeout(10):
            while await store.shard("before", 0) is not None:
                await asyncio.sleep(0.01)
        await steward.drop_all()
