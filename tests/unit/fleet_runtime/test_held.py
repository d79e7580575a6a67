"""What of a shard's events is in the database: the watermark, what is finished above it, what runs beside it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from datetime import timedelta
from typing import cast

import pytest
from tests.unit.fleet_runtime.shards import GENERATION, StoreBehind, first_of, holding, until

from migaga.continuity.finished import decode
from migaga.continuity.holding import Hold
from migaga.continuity.inflight import MOST_RUNS
from migaga.continuity.poison import DEATHS
from migaga.continuity.wants import Want
from migaga.fleet.aside import MOST_FAULTS
from migaga.fleet.giving import Giving
from migaga.fleet.held import ROWS_AT_ONCE
from migaga.fleet.leftovers import Leftovers
from migaga.fleet.parts import row_of
from migaga.gateway.intake import BACKLOG_AT_ONCE
from migaga.gateway.privates import Session
from migaga.gateway.received import Received
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_operations import Delete, Insert, Operation, Outcome, Update
from migaga.storage.leases_rows import InflightRow, ProcessRow, ShardPhase, ShardRow


async def test_a_flush_stores_the_watermark_and_what_is_finished_above_it(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.block(2)
        shop.receive(1, 2, 3)
        await until(lambda: shop.desk.ended == [1, 3])
        assert await shop.held.flush()
        row = await shop.row()
        assert (row.state, row.seq) == (ShardPhase.LIVE, 1)
        assert decode(row.done_set, "s", row.seq) == {3}
        assert shop.held.stored_seq("s") == 1
        assert shop.held.stored_seq("another") is None
        shop.desk.free(2)
        await until(lambda: shop.held.intake.point().seq == 3)
        assert shop.held.stored_seq("s") == 1, "heartbeats tell no more than what is stored"
        assert await shop.held.flush()
        assert shop.held.stored_seq("s") == 3


async def test_a_flush_under_another_token_stores_nothing_and_the_shard_is_lost(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.receive(1)
        await until(lambda: shop.held.intake.point().seq == 1)
        robbed = Update("shard", {"generation": GENERATION, "id": 0}, {}, {"token": "theirs", "owner": "they"})
        assert await store.execute(robbed) is Outcome.DONE
        assert not await shop.held.flush()
        assert (await shop.row()).seq == 0
        assert not shop.held.is_live
        shop.receive(2)


async def test_an_event_that_is_put_aside_has_a_row_until_its_handlers_have_ended(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.block(1)
        shop.receive(1, 2)
        await until(lambda: shop.desk.ended == [2])
        [running] = shop.held.intake.unfinished()
        shop.held.set_aside(running)
        assert await shop.held.flush()
        [row] = await shop.rows()
        assert (row.seq, row.owner, row.guild_id, row.attempts) == (1, shop.member.id, 7, 1)
        assert (await shop.row()).seq == 2
        shop.desk.free(1)
        await until(lambda: shop.desk.ended == [2, 1])
        assert await shop.held.forget_ended()
        assert await shop.rows() == []


async def test_an_event_that_waits_for_people_gets_no_row(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.asking = {1}
        shop.desk.block(1)
        shop.receive(1)
        await until(lambda: shop.held.intake.put_aside == 1)
        assert await shop.held.flush()
        assert (await shop.rows(), (await shop.row()).seq) == ([], 1)


async def test_what_waits_when_discord_ends_its_session_is_stored_with_the_new_one_and_handled(
    store: LeaseStore,
) -> None:
    """After an outage hundreds may wait: nobody could ask Discord for them again."""
    waiting = range(1, ROWS_AT_ONCE + 100)
    async with holding(store, replayed=waiting, blocked=range(1, BACKLOG_AT_ONCE + 2)) as shop:
        await until(lambda: len(shop.desk.started) >= BACKLOG_AT_ONCE)
        shop.desk.unwanted = {waiting[-1]}
        await shop.held.began(Session("new", "ws://nowhere", 1))
        row = await shop.row()
        assert (row.session_id, row.seq) == ("new", 1)
        assert [one.seq for one in await shop.rows()] == [*waiting]
        shop.held.intake.receive(Received("MESSAGE_CREATE", 0, "new", 2, {"id": "2000", "guild_id": "7"}))
        shop.desk.free(*range(1, BACKLOG_AT_ONCE + 2))
        await until(lambda: shop.held.intake.in_flight == 0)
        assert (shop.desk.started, shop.held.intake.point().seq) == ([*waiting[:-1], 2], 2)
        assert await shop.held.flush()
        assert await shop.held.forget_ended()
        assert await shop.rows() == []


class LateSession(StoreBehind):
    """A store that does not take a new session at the first try."""

    def __init__(self, store: LeaseStore) -> None:
        super().__init__(store)
        self.tried, self.may_go_on = asyncio.Event(), asyncio.Event()

    async def execute(self, operation: Operation) -> Outcome:
        update = first_of(operation)
        if isinstance(update, Update) and update.change.get("session_id") == "new" and not self.tried.is_set():
            self.tried.set()
            await self.may_go_on.wait()
            return Outcome.FAILED
        return await self._store.execute(operation)


async def test_what_ends_while_a_new_session_is_being_stored_leaves_no_row(store: LeaseStore) -> None:
    """A row that names a living process is run by nobody, and again when that is dead."""
    late = LateSession(store)
    async with holding(cast("LeaseStore", late)) as shop:
        shop.desk.block(1)
        shop.receive(1)
        await until(lambda: shop.desk.started == [1])
        async with asyncio.TaskGroup() as group:
            group.create_task(shop.held.began(Session("new", "ws://nowhere", 1)))
            await late.tried.wait()
            shop.desk.free(1)
            await until(lambda: shop.desk.ended == [1])
            forgetting = group.create_task(shop.held.forget_ended())
            late.may_go_on.set()
        assert forgetting.result()
        assert ((await shop.row()).session_id, await shop.rows()) == ("new", [])


async def test_what_waits_of_an_earlier_session_is_begun_before_its_shard_is_given_away(store: LeaseStore) -> None:
    many = range(1, 2 * BACKLOG_AT_ONCE)
    async with holding(store, replayed=many, blocked=many) as shop:
        await until(lambda: len(shop.desk.started) >= BACKLOG_AT_ONCE)
        await shop.held.began(Session("new", "ws://nowhere", 1))
        assert await Giving(shop.held).drain()
        assert shop.desk.started == [*many]
        shop.desk.free(*many)
        await until(lambda: shop.held.intake.in_flight == 0)
        assert await shop.held.forget_ended()
        assert ((await shop.row()).state, await shop.rows()) == (ShardPhase.DRAINED, [])


async def test_a_release_stores_how_far_it_is_and_leaves_what_did_not_end_to_the_next_owner(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.block(2)
        shop.receive(1, 2, 3)
        await until(lambda: shop.desk.ended == [1, 3])
        assert await Giving(shop.held).release(timedelta(seconds=0.05)) == 1
        row = await shop.row()
        assert (row.owner, row.state, row.seq) == (None, ShardPhase.FREE, 1)
        assert decode(row.done_set, "s", row.seq) == {3}
        assert row.token != "mine"


async def test_what_ended_here_is_stored_when_a_shard_is_released_whose_hand_over_did_not_succeed(
    store: LeaseStore,
) -> None:
    async with holding(store) as shop:
        shop.desk.block(2)
        shop.receive(1, 2, 3)
        await until(lambda: shop.desk.ended == [1, 3])
        passed = await shop.held.write(lambda holding: holding.pass_to(Want("they", 1, 0.0), "theirs", None))
        assert (passed, shop.held.state) == (Outcome.REFUSED, Hold.TO_RETAKE)
        assert await Giving(shop.held).release(timedelta(0)) == 1
        row = await shop.row()
        assert (row.owner, row.state, row.seq) == (None, ShardPhase.FREE, 1)
        assert decode(row.done_set, "s", row.seq) == {3}


async def test_what_was_passed_on_though_nobody_knows_is_not_released(store: LeaseStore) -> None:
    async with holding(store) as shop:
        assert shop.held.holding is not None
        shop.held.holding.state = Hold.TO_RETAKE
        robbed = Update("shard", {"generation": GENERATION, "id": 0}, {}, {"token": "theirs", "owner": "they"})
        assert await store.execute(robbed) is Outcome.DONE
        await Giving(shop.held).release(timedelta(0))
        assert (await shop.row()).owner == "they"


async def test_a_release_deletes_the_row_of_an_event_that_ends_in_its_grace(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.block(1)
        shop.receive(1)
        await until(lambda: shop.desk.started == [1])
        shop.held.set_aside(shop.held.intake.unfinished()[0])
        assert await shop.held.flush()
        shop.desk.free(1)
        assert await Giving(shop.held).release(timedelta(seconds=5)) == 0
        assert await shop.held.forget_ended()
        assert await shop.rows() == []


async def test_what_a_dead_owner_had_put_aside_is_run_and_its_row_deleted(store: LeaseStore) -> None:
    async with holding(store) as shop:
        assert await store.execute(Insert("inflight", asdict(_left(3)))) is Outcome.DONE
        leftovers = Leftovers()
        shop.desk.block(3)
        await leftovers.look(await shop.view(), [shop.held])
        [row] = await shop.rows()
        assert (row.owner, row.attempts) == (shop.member.id, 2)
        await leftovers.look(await shop.view(), [shop.held])
        shop.desk.free(3)
        await until(lambda: shop.desk.ended == [3])
        assert shop.desk.started == [3]
        assert await shop.held.forget_ended()
        assert await shop.rows() == []


class Doubt(StoreBehind):
    """A store whose first answer about a row is another one than it should be: executed or not, nobody says."""

    def __init__(
        self, store: LeaseStore, answer: Outcome, *, executed: bool, kind: type[Update] | type[Delete]
    ) -> None:
        super().__init__(store)
        self._answer: Outcome | None = answer
        self._executed = executed
        self._kind = kind

    async def execute(self, operation: Operation) -> Outcome:
        if self._answer is None or not isinstance(operation, self._kind) or operation.table != "inflight":
            return await self._store.execute(operation)
        answer, self._answer = self._answer, None
        if self._executed:
            assert await self._store.execute(operation) is Outcome.DONE
        return answer


@pytest.mark.parametrize(
    ("answer", "executed"), [(Outcome.UNKNOWN, True), (Outcome.UNKNOWN, False), (Outcome.FAILED, False)]
)
async def test_what_is_left_is_run_though_nobody_knew_whose_it_became(
    store: LeaseStore, answer: Outcome, executed: bool
) -> None:
    """A row that names a living process which does not run it would be run by nobody."""
    doubt = Doubt(store, answer, executed=executed, kind=Update)
    async with holding(cast("LeaseStore", doubt)) as shop:
        assert await store.execute(Insert("inflight", asdict(_left(3)))) is Outcome.DONE
        leftovers = Leftovers()
        await leftovers.look(await shop.view(), [shop.held])
        assert shop.desk.started == []
        for _ in range(3):
            await leftovers.look(await shop.view(), [shop.held])
        await until(lambda: shop.desk.ended == [3])
        assert await shop.held.forget_ended()
        assert (await shop.rows(), shop.desk.started) == ([], [3])


@pytest.mark.parametrize("executed", [True, False])
async def test_what_nobody_wants_any_more_is_deleted_though_the_first_try_is_in_doubt(
    store: LeaseStore, executed: bool
) -> None:
    doubt = Doubt(store, Outcome.UNKNOWN, executed=executed, kind=Delete)
    async with holding(cast("LeaseStore", doubt)) as shop:
        shop.desk.unwanted = {3}
        assert await store.execute(Insert("inflight", asdict(_left(3)))) is Outcome.DONE
        leftovers = Leftovers()
        for _ in range(2):
            await leftovers.look(await shop.view(), [shop.held])
        assert (await shop.rows(), shop.desk.started) == ([], [])


async def test_what_nobody_wants_any_more_of_a_dead_owner_is_deleted(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.unwanted = {3}
        assert await store.execute(Insert("inflight", asdict(_left(3)))) is Outcome.DONE
        await Leftovers().look(await shop.view(), [shop.held])
        assert await shop.rows() == []


async def test_what_ended_all_its_owners_is_quarantined_and_never_run(store: LeaseStore) -> None:
    async with holding(store) as shop:
        assert await store.execute(Insert("inflight", asdict(replace(_left(3), attempts=MOST_RUNS)))) is Outcome.DONE
        await Leftovers().look(await shop.view(), [shop.held])
        [row] = await shop.rows()
        assert (row.quarantined, shop.desk.started) == (True, [])


@pytest.mark.parametrize("payload", ["[]", '{"id": "3", "content'])
async def test_what_cannot_be_read_of_a_dead_owner_is_kept_and_never_run(
    store: LeaseStore, payload: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with holding(store) as shop:
        assert await store.execute(Insert("inflight", asdict(replace(_left(3), payload=payload)))) is Outcome.DONE
        leftovers = Leftovers()
        for _ in range(2):
            await leftovers.look(await shop.view(), [shop.held])
        [row] = await shop.rows()
        assert (row.quarantined, row.payload, shop.desk.started) == (True, payload, [])
        assert caplog.text.count("is no JSON object") == 1


async def test_an_event_that_could_not_be_run_is_kept_beside_the_watermark(
    store: LeaseStore, caplog: pytest.LogCaptureFixture
) -> None:
    async with holding(store) as shop:
        shop.desk.failing = {2}
        shop.receive(1, 2, 3)
        await until(lambda: shop.held.intake.in_flight == 0)
        assert await shop.held.flush()
        [row] = await shop.rows()
        assert (row.seq, row.quarantined, (await shop.row()).seq) == (2, True, 3)
        assert "MESSAGE_CREATE is kept in table inflight for inspection and never run" in caplog.text


@pytest.mark.parametrize("is_stored", [True, False])
async def test_an_event_that_could_not_be_run_when_it_was_put_aside_is_kept_too(
    store: LeaseStore, is_stored: bool
) -> None:
    async with holding(store) as shop:
        shop.desk.failing = {1}
        shop.desk.block(1)
        shop.receive(1)
        await until(lambda: shop.desk.started == [1])
        [running] = shop.held.intake.unfinished()
        shop.held.set_aside(running)
        if is_stored:
            assert await shop.held.flush()
        shop.desk.free(1)
        await until(lambda: shop.held.intake.in_flight == 0)
        for _ in range(2):
            assert await shop.held.forget_ended()
            assert await shop.held.flush()
        [row] = await shop.rows()
        assert (row.seq, row.quarantined) == (1, True)


async def test_what_a_dead_owner_has_left_and_cannot_be_run_here_either_is_kept(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.failing = {3}
        assert await store.execute(Insert("inflight", asdict(_left(3)))) is Outcome.DONE
        await Leftovers().look(await shop.view(), [shop.held])
        await until(lambda: shop.held.intake.in_flight == 0)
        assert await shop.held.forget_ended()
        [row] = await shop.rows()
        assert (row.seq, row.quarantined) == (3, True)


async def test_a_fault_that_hits_every_event_does_not_fill_the_database(store: LeaseStore) -> None:
    async with holding(store) as shop:
        shop.desk.failing = set(range(1, MOST_FAULTS + 10))
        shop.receive(*sorted(shop.desk.failing))
        await until(lambda: shop.held.intake.in_flight == 0)
        assert await shop.held.flush()
        assert (len(await shop.rows()), (await shop.row()).seq) == (MOST_FAULTS, MOST_FAULTS + 9)


async def test_what_a_living_owner_has_put_aside_is_left_to_it(store: LeaseStore) -> None:
    async with holding(store) as shop:
        assert await store.execute(Insert("process", asdict(ProcessRow("dead", 1, leaving=9)))) is Outcome.DONE
        assert await store.execute(Insert("inflight", asdict(_left(3)))) is Outcome.DONE
        await Leftovers().look(await shop.view(), [shop.held])
        assert ([row.owner for row in await shop.rows()], shop.desk.started) == (["dead"], [])


async def test_after_soon_deaths_at_one_place_each_event_is_suspected_before_it_runs(store: LeaseStore) -> None:
    died = ShardRow(GENERATION, 0, session_id="s", resume_url="ws://x", seq=4, died_seq=4, deaths=DEATHS)
    async with holding(store, died, replayed=(5, 6), blocked=(6,)) as shop:
        await until(lambda: shop.desk.started == [5, 6])
        assert shop.desk.ended == [5]
        row = await shop.row()
        assert (row.suspect_seq, row.suspect_count) == (6, 1)
        shop.desk.free(6)
        await until(lambda: shop.desk.ended == [5, 6])


async def test_an_event_that_was_suspected_twice_is_kept_and_never_run(store: LeaseStore) -> None:
    died = ShardRow(
        GENERATION, 0, session_id="s", resume_url="ws://x", seq=4, suspect_seq=5, suspect_count=2, died_seq=4, deaths=4
    )
    async with holding(store, died, replayed=(5, 6)) as shop:
        await until(lambda: shop.desk.ended == [6])
        [row] = await shop.rows()
        assert (row.seq, row.quarantined) == (5, True)
        await until(lambda: shop.held.intake.point().seq == 6)
        await Leftovers().look(await shop.view(), [shop.held])
        assert shop.desk.started == [6]


def _left(seq: int) -> InflightRow:
    event = Received("MESSAGE_CREATE", 0, "an earlier session", seq, {"id": str(seq)})
    return row_of((GENERATION, 0), event, "dead")
