"""Operations mean the same in the database as in the model that the deciding core is tested with."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, replace
from itertools import pairwise
from random import Random
from statistics import mode

import pytest
import sqlalchemy as sa
from tests.support.mariadb import MariaDbServer
from tests.unit.continuity.modeldb import ModelDb

from migaga.common.errors import UnavailableError
from migaga.continuity.holding import Beside, Hold, Holding
from migaga.continuity.inflight import finished, put_aside
from migaga.continuity.journal import Journal
from migaga.continuity.progress import Point
from migaga.continuity.wants import Want
from migaga.storage.database import Database, open_database
from migaga.storage.leases import LeaseStore, open_lease_store
from migaga.storage.leases_operations import Add, AtMost, Delete, Insert, Operation, Outcome, Together, Update
from migaga.storage.leases_rows import (
    BreakerRow,
    BucketRow,
    DayRow,
    GenerationRow,
    InflightRow,
    ProcessRow,
    ShardRow,
)
from migaga.storage.leases_tables import inflight
from migaga.storage.schema import upgrade
from migaga.storage.tables import shard

G = "2:1:v10"


def shard_row(number: int = 0, token: str = "t0") -> Insert:
    return Insert("shard", asdict(ShardRow(G, number, "a", token, state="CLAIMED", session_id="s", seq=5)))


async def holding(store: LeaseStore) -> Holding:
    assert await store.execute(shard_row()) is Outcome.DONE
    row = await store.shard(G, 0)
    assert row is not None
    return Holding(row, 0.0)


def random_operation(dice: Random) -> Operation:
    tokens = ["", "a", "b", "c"]
    key: dict[str, str | int | bytes | bool | None] = {"generation": G, "id": dice.randrange(3)}
    update = Update(
        "shard",
        key,
        dice.choice(
            [
                {"token": dice.choice(tokens)},
                {"token": dice.choice(tokens), "seq": AtMost(dice.randrange(4))},
                {"want": dice.choice([None, "w"])},
                {},
            ]
        ),
        dice.choice(
            [
                {"token": dice.choice(tokens), "epoch": Add(1)},
                {"seq": dice.randrange(4), "done_set": dice.choice([None, "x"])},
                {"want": dice.choice([None, "w"]), "want_beat": Add(1)},
            ]
        ),
    )
    row = ShardRow(G, dice.randrange(3), dice.choice([None, "a"]), dice.choice(tokens))
    aside = InflightRow(G, 0, "s", dice.randrange(3), "a", "X", "{}")
    operations: list[Operation] = [
        update,
        update,
        update,
        Insert("shard", asdict(row)),
        Delete("shard", key, {"token": dice.choice(tokens)}),
        Together((update,), (put_aside(aside),)),
        Together((update, replace(update, key={**key, "id": dice.randrange(3)}))),
        finished(aside),
    ]
    return dice.choice(operations)


@pytest.mark.parametrize("seed", range(3))
async def test_the_model_and_the_database_agree_about_every_operation(store: LeaseStore, seed: int) -> None:
    dice, model = Random(seed), ModelDb()
    outcomes = set()
    for _ in range(120):
        operation = random_operation(dice)
        outcome = await store.execute(operation)
        assert outcome is model.execute(operation), operation
        outcomes.add((type(operation), outcome))
    seen = await store.observe()
    assert sorted(seen.shards, key=lambda row: row.key) == sorted(model.shards(), key=lambda row: row.key)
    assert sorted(row.seq for row in await store.inflight(G)) == sorted(row.seq for row in model.inflight())
    assert len(outcomes) >= 6, "the test must see them all"


async def test_every_kind_of_row_comes_back_as_it_was_stored(store: LeaseStore) -> None:
    process = ProcessRow("p", 3, False, True, 7, 16, 30, "10.0.0.1:8080")
    generation = GenerationRow(1, G, 2, 33281, 10, "LIVE", 600, "because")
    aside = InflightRow(G, 0, "s", 9, "p", "MESSAGE_CREATE", '{"content":"🫠"}', 2**63 + 5, 2, True)
    bucket, day = BucketRow(2**63 + 9, 3, "t", True), DayRow(2**63 + 9, 2, 1_800_000_000, 1_000, 17)
    breaker = BreakerRow(2**63 + 9, True, "f", 4, "4004")
    journal = Journal(G, 0, "p").finished(0, b"\x00\xff" * 8, 12.345)
    for table, row in (
        ("process", process),
        ("generation", generation),
        ("inflight", aside),
        ("identify_bucket", bucket),
        ("identify_day", day),
        ("breaker", breaker),
    ):
        assert await store.execute(Insert(table, asdict(row))) is Outcome.DONE
        assert await store.execute(Insert(table, asdict(row))) is Outcome.REFUSED
    assert await store.execute(journal) is Outcome.DONE
    seen = await store.observe()
    assert (list(seen.processes), list(seen.generations)) == ([process], [generation])
    assert await store.inflight(G, 0) == [aside]
    assert [asdict(row) for row in await store.journal(G, 0)] == [journal.row]
    assert await store.buckets(2**63 + 9) == [bucket]
    assert (await store.day(2**63 + 9), await store.breaker(2**63 + 9)) == (day, breaker)
    assert (await store.day(1), await store.breaker(1), await store.shard(G, 9)) == (None, None, None)


async def test_an_update_that_changes_nothing_still_finds_its_row(store: LeaseStore) -> None:
    held = await holding(store)
    step = held.flush(Point("s", 5, frozenset()))
    assert [await store.execute(step.operation) for _ in range(2)] == [Outcome.DONE, Outcome.DONE]


async def test_a_stale_token_writes_nothing_at_all(store: LeaseStore) -> None:
    stale = await holding(store)
    fresh = Holding(ShardRow(G, 0, "a", "t0", state="CLAIMED", session_id="s"), 0.0)
    retaken = fresh.retake("t1")
    fresh.settled(retaken, await store.execute(retaken.operation), 1.0)
    before = await store.shard(G, 0)
    aside = Beside(aside=[put_aside(InflightRow(G, 0, "s", 6, "a", "X", "{}"))])
    for step in (
        stale.go_live(),
        stale.flush(Point("s", 9, frozenset({11})), aside),
        stale.start_session("other", "u", 1),
        stale.end_session(),
        stale.suspect(6, 1),
        stale.pass_to(Want("b", 1, 0.0), "t9", Point("s", 9, frozenset()), aside),
        stale.release("t9", Point("s", 9, frozenset()), aside),
        stale.drain("t9", None),
        stale.retake("t9"),
    ):
        assert await store.execute(step.operation) is Outcome.REFUSED
    assert await store.shard(G, 0) == before
    assert await store.inflight(G) == []


async def test_a_hand_over_passes_lease_watermark_events_and_journal_in_one_commit(
    store: LeaseStore, database: Database
) -> None:
    giver = await holding(store)
    live = giver.go_live()
    giver.settled(live, await store.execute(live.operation), 1.0)
    offer = giver.offer()
    giver.settled(offer, await store.execute(offer.operation), 1.0)
    want = Update("shard", {"generation": G, "id": 0}, {"want": None}, {"want": "b", "want_beat": Add(1)})
    assert await store.execute(want) is Outcome.DONE
    giver.stop()
    beside = Beside([put_aside(InflightRow(G, 0, "s", 7, "a", "X", "{}"))], [Journal(G, 0, "a").finished(1, b"d", 1.0)])
    step = giver.pass_to(Want("b", 1, 0.0), "t1", Point("s", 8, frozenset({10})), beside)
    async with database.read() as session:
        assert await session.scalar(sa.select(sa.func.count()).select_from(inflight)) == 0
    giver.settled(step, await store.execute(step.operation), 2.0)
    assert giver.state is Hold.LOST
    row = await store.shard(G, 0)
    assert row is not None
    assert (row.owner, row.token, row.state, row.seq, row.session_id, row.want) == ("b", "t1", "CLAIMED", 8, "s", None)
    assert (len(await store.inflight(G)), len(await store.journal(G, 0))) == (1, 1)


async def test_events_that_are_long_together_are_stored_in_several_statements(store: LeaseStore) -> None:
    """Big guilds in one transaction: one statement of 20 MB would be refused by a server as it is installed."""
    holding_one = await holding(store)
    guild = json.dumps({"id": "7", "members": ["x" * 1_000] * 500})
    rows = [InflightRow(G, 0, "s", seq, "a", "GUILD_CREATE", guild, 7) for seq in range(1, 41)]
    step = holding_one.keep_beside(Beside(aside=tuple(put_aside(row) for row in rows)))
    assert await store.execute(step.operation) is Outcome.DONE
    assert list(await store.inflight(G, 0)) == rows


async def test_what_a_generation_leaves_is_deleted_but_for_what_is_kept_for_inspection(store: LeaseStore) -> None:
    await holding(store)
    for seq, quarantined in ((1, False), (2, True)):
        row = InflightRow(G, 0, "s", seq, "a", "X", "{}", quarantined=quarantined)
        await store.execute(put_aside(row))
    await store.execute(Journal(G, 0, "a").finished(1, b"d", 1.0))
    assert await store.forget_generation(G) == 3
    assert [row.seq for row in await store.inflight(G)] == [2]
    await store.execute(Insert("process", asdict(ProcessRow("p", 1, dead=True))))
    assert await store.forget_dead("p")
    assert not await store.forget_dead("p")


@pytest.mark.mariadb
async def test_a_connection_that_is_killed_leaves_a_doubt_and_the_next_statement_works(
    mariadb_url: str, mariadb_server: MariaDbServer
) -> None:
    async with open_database(mariadb_url) as database, open_lease_store(database) as store:
        await upgrade(database)
        held = await holding(store)
        step = held.flush(Point("s", 9, frozenset()))
        assert await store.execute(step.operation) is Outcome.DONE
        async with database.transaction() as session:
            await session.execute(sa.update(shard).values(epoch=9))
            waiting = asyncio.create_task(store.execute(step.operation))
            query = "SELECT id FROM information_schema.processlist WHERE info LIKE 'UPDATE shard SET seq%'"
            async with asyncio.timeout(10):
                while not (found := await mariadb_server.execute(query)):
                    await asyncio.sleep(0)
            await mariadb_server.execute(f"KILL {found[0][0]}")
            assert await waiting is Outcome.UNKNOWN
        assert await store.execute(step.operation) is Outcome.DONE


@asynccontextmanager
async def wire(port: int) -> AsyncIterator[tuple[int, Callable[[], None]]]:
    """Pass bytes on to a port of this machine; yields the port to use and what cuts every connection for good."""
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection("127.0.0.1", port)
        writers.extend([writer, to_server])
        await asyncio.gather(pump(reader, to_server), pump(upstream, writer))

    def cut() -> None:
        server.close()
        for writer in writers:
            writer.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], cut
    finally:
        cut()
        await server.wait_closed()


@pytest.mark.mariadb
async def test_a_statement_without_an_answer_in_time_is_in_doubt_and_a_beat_does_not_wait_for_it(
    mariadb_url: str,
) -> None:
    async with open_database(mariadb_url) as database, open_lease_store(database, answer_within=0.3) as store:
        await upgrade(database)
        held = await holding(store)
        step = held.flush(Point("s", 9, frozenset()))
        async with database.transaction() as session:
            await session.execute(sa.update(shard).values(epoch=9))
            assert await store.execute(step.operation) is Outcome.UNKNOWN
            assert await store.execute(Update("process", {"id": "p"}, {}, {"beat": Add(1)})) is Outcome.REFUSED
        assert await store.execute(step.operation) is Outcome.DONE


@pytest.mark.mariadb
async def test_a_server_that_is_gone_fails_what_was_not_sent_and_every_reading_with_a_reason(
    mariadb_url: str, mariadb_server: MariaDbServer
) -> None:
    async with wire(mariadb_server.port) as (port, cut):
        url = mariadb_url.replace(f":{mariadb_server.port}/", f":{port}/")
        async with open_database(url) as database, open_lease_store(database) as store:
            await upgrade(database)
            held = await holding(store)
            step = held.flush(Point("s", 9, frozenset()))
            assert await store.execute(step.operation) is Outcome.DONE
            cut()
            assert await store.execute(step.operation) is Outcome.UNKNOWN, "it was sent into a broken connection"
            assert await store.execute(step.operation) is Outcome.FAILED, "there is no connection any more"
            with pytest.raises(UnavailableError, match="the fleet could not be read"):
                await store.observe()


async def test_modules_that_hold_every_connection_do_not_delay_a_beat(database_url: str) -> None:
    async with open_database(database_url, pool_size=2) as database, open_lease_store(database) as store:
        await upgrade(database)
        await store.execute(Insert("process", asdict(ProcessRow("p", 1))))
        async with database.read() as one, database.read() as other:
            for session in (one, other):
                await session.execute(sa.text("SELECT 1"))
            async with asyncio.timeout(1):
                assert await store.execute(Update("process", {"id": "p"}, {}, {"beat": Add(1)})) is Outcome.DONE
                assert (await store.processes())[0].beat == 2


@pytest.mark.mariadb
async def test_each_operation_and_each_reading_costs_the_server_exactly_what_it_says(
    mariadb_url: str, mariadb_server: MariaDbServer
) -> None:
    async def questions() -> int:
        rows = await mariadb_server.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int(str(rows[0][1]))

    async with open_database(mariadb_url) as database, open_lease_store(database) as store:
        await upgrade(database)
        held = await holding(store)
        beat = Update("process", {"id": "p"}, {"dead": False}, {"beat": Add(1)})
        await store.execute(Insert("process", asdict(ProcessRow("p", 1))))
        flush = held.flush(Point("s", 9, frozenset({12, 14}))).operation
        for operation in (beat, flush):
            await store.execute(operation)
        await store.observe()
        # The server may count the end of the connection before a moment later.
        asked = [await questions() for _ in range(8)]
        own = mode(after - before for before, after in pairwise(asked))
        counted: list[int] = []
        for _ in range(3):
            start = await questions()
            for _ in range(10):
                assert await store.execute(beat) is Outcome.DONE
                assert await store.execute(flush) is Outcome.DONE
                await store.observe()
            counted.append(await questions() - start - own)
        # A connection that a busy machine has left alone for 5 s is asked whether it lives.
        assert min(counted) == 10 * (1 + 1 + 3)
