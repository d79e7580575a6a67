"""Many real processes over one database: each shard has one owner, the budget is kept, a frozen one holds nothing."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
from dataclasses import asdict

import pytest
import sqlalchemy as sa
from tests.support.forked import Forked
from tests.support.mariadb import MariaDbServer

from migaga.storage.database import open_database
from migaga.storage.leases import open_lease_store
from migaga.storage.leases_operations import Insert, Outcome, Update
from migaga.storage.leases_rows import BucketRow, DayRow, GenerationRow, ProcessRow, ShardRow
from migaga.storage.schema import upgrade

G = "2:1:v10"
PROCESSES, SHARDS = 8, 24

RACER = """
import asyncio, json, secrets, sys
from dataclasses import asdict
from migaga.continuity.claims import claim
from migaga.continuity.view import View
from migaga.storage.database import open_database
from migaga.storage.leases import open_lease_store
from migaga.storage.leases_operations import Insert
from migaga.storage.leases_rows import ProcessRow

async def main():
    me = secrets.token_hex(8)
    async with open_database(sys.argv[1]) as database, open_lease_store(database) as store:
        await store.execute(Insert("process", asdict(ProcessRow(me, 0))))
        view = View(me, await store.observe())
        await asyncio.to_thread(wait_for_others)
        outcomes, tokens = {}, {}
        for row in view.shards:
            token = secrets.token_hex(8)
            outcome = await store.execute(claim(row, view, token))
            outcomes[outcome.value] = outcomes.get(outcome.value, 0) + 1
            if outcome.value == "done":
                tokens[row.id] = token
        print(json.dumps([me, outcomes, tokens]))

asyncio.run(main())
"""

FLUSHER = """
import asyncio, json, sys
from migaga.continuity.holding import Holding
from migaga.continuity.progress import Point
from migaga.storage.database import open_database
from migaga.storage.leases import open_lease_store
from migaga.storage.leases_rows import ShardRow

async def main():
    async with open_database(sys.argv[1]) as database, open_lease_store(database) as store:
        rows = [row for row in (await store.observe()).shards]
        await asyncio.to_thread(wait_for_others)
        results = {}
        async def one(row):
            held = Holding(row, 0.0)
            for seq in range(1, 16):
                outcome = await store.execute(held.flush(Point("s", seq, frozenset({seq + 2}))).operation)
                results[outcome.value] = results.get(outcome.value, 0) + 1
        await asyncio.gather(*(one(row) for row in rows))
        print(json.dumps(results))

asyncio.run(main())
"""

IDENTIFIER = """
import asyncio, json, secrets, sys, time
from migaga.continuity.budget import Answer, Budget
from migaga.continuity.slots import Slots
from migaga.storage.database import open_database
from migaga.storage.leases import open_lease_store
from migaga.storage.leases_operations import Outcome

async def main():
    sent = []
    async with open_database(sys.argv[1]) as database, open_lease_store(database) as store:
        slots, budget = Slots(1, 4), Budget(1, 2)
        row = await store.day(1)
        budget.asked(row, Answer(20, 20, 1_000, time.monotonic()))
        await asyncio.to_thread(wait_for_others)
        deadline = time.monotonic() + 6.2
        while time.monotonic() < deadline:
            for bucket in await store.buckets(1):
                slots.read(bucket, time.monotonic())
                slot = slots.ask(bucket.bucket, time.monotonic(), secrets.token_hex(8))
                if slot is None:
                    continue
                outcome = await store.execute(slot.operation)
                if outcome is Outcome.REFUSED:
                    continue
                slots.won(slot)
                count = budget.spend(time.monotonic(), recovery=False)
                if count is None or await store.execute(count) is not Outcome.DONE:
                    continue
                if slots.may_send(slot, time.monotonic()):
                    at = time.monotonic()
                    sent.append([bucket.bucket, at])
                    await store.execute(slots.sent(slot, at))
            await asyncio.sleep(0.1)
    print(json.dumps(sent))

asyncio.run(main())
"""

FROZEN = """
import asyncio, sys
import sqlalchemy as sa
from migaga.storage.database import open_database
from migaga.storage.tables import shard

async def main():
    async with open_database(sys.argv[1]) as database, database.lease_transaction() as session:
        await session.execute(sa.update(shard).where(shard.c.id == 0).values(seq=99))
        print("between UPDATE and COMMIT", flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


async def seed(url: str, shards: int = SHARDS) -> None:
    async with open_database(url) as database, open_lease_store(database) as store:
        await upgrade(database)
        await store.execute(Insert("generation", asdict(GenerationRow(1, G, shards, 1, 10, "LIVE"))))
        for number in range(shards):
            assert await store.execute(Insert("shard", asdict(ShardRow(G, number, session_id="s")))) is Outcome.DONE


async def test_when_all_claim_everything_at_once_each_shard_has_one_owner_and_nothing_deadlocks(
    database_url: str, forked: Forked
) -> None:
    await seed(database_url)
    done = await forked.together(RACER, database_url, count=PROCESSES)
    assert [one.code for one in done] == [0] * PROCESSES, [one.err for one in done]
    results = [json.loads(one.out) for one in done]
    assert sum(outcomes.get("done", 0) for _, outcomes, _ in results) == SHARDS
    assert sum(outcomes.get("refused", 0) for _, outcomes, _ in results) == SHARDS * (PROCESSES - 1)
    winners = {int(number): (me, token) for me, _, tokens in results for number, token in tokens.items()}
    async with open_database(database_url) as database, open_lease_store(database) as store:
        rows = (await store.observe()).shards
    assert {row.id: (row.owner, row.token) for row in rows} == winners
    assert {row.epoch for row in rows} == {1}


async def test_flushes_of_many_processes_into_all_rows_never_deadlock_and_never_go_back(
    database_url: str, forked: Forked
) -> None:
    await seed(database_url, 8)
    done = await forked.together(FLUSHER, database_url, count=4)
    assert [one.code for one in done] == [0] * 4, [one.err for one in done]
    results = [json.loads(one.out) for one in done]
    assert {outcome for one in results for outcome in one} <= {"done", "refused"}, results
    assert sum(sum(one.values()) for one in results) == 4 * 8 * 15
    async with open_database(database_url) as database, open_lease_store(database) as store:
        assert {row.seq for row in (await store.observe()).shards} == {15}


async def test_eight_processes_never_identify_too_soon_and_never_over_the_budget(
    database_url: str, forked: Forked
) -> None:
    await seed(database_url, 1)
    async with open_database(database_url) as database, open_lease_store(database) as store:
        for bucket in range(4):
            await store.execute(Insert("identify_bucket", asdict(BucketRow(1, bucket))))
        await store.execute(Insert("identify_day", asdict(DayRow(1, 1, 1_000, 20, 12))))
    done = await forked.together(IDENTIFIER, database_url, count=8)
    assert [one.code for one in done] == [0] * 8, [one.err for one in done]
    sent = sorted((bucket, at) for one in done for bucket, at in json.loads(one.out))
    async with open_database(database_url) as database, open_lease_store(database) as store:
        day = await store.day(1)
    assert day is not None
    assert 12 + len(sent) <= day.spent <= 18, "I6: sent is counted, and the reserve of two stays"
    assert 4 < len(sent) <= 6, "the second round ends at the reserve"
    for (bucket, at), (other, later) in itertools.pairwise(sent):
        assert bucket != other or later - at >= 5.0


@pytest.mark.mariadb
async def test_a_process_that_freezes_between_update_and_commit_holds_its_row_for_seconds_only(
    mariadb_url: str, mariadb_server: MariaDbServer
) -> None:
    await seed(mariadb_url, 2)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-c", FROZEN, mariadb_url, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"between UPDATE and COMMIT\n"
        os.kill(process.pid, signal.SIGSTOP)
        async with open_database(mariadb_url) as database, open_lease_store(database) as store:
            await store.execute(Insert("process", asdict(ProcessRow("p", 0))))
            claims = [
                Update("shard", {"generation": G, "id": number}, {"token": ""}, {"token": "mine", "owner": "p"})
                for number in (0, 1)
            ]
            assert await store.execute(claims[1]) is Outcome.DONE, "other rows are free"
            outcome, tries = Outcome.UNKNOWN, 0
            async with asyncio.timeout(20):
                while outcome is not Outcome.DONE:
                    outcome = await store.execute(claims[0])
                    tries += 1
                    assert outcome in {Outcome.DONE, Outcome.FAILED, Outcome.UNKNOWN}
            assert tries > 1
            async with database.read() as session:
                assert await session.scalar(sa.text("SELECT seq FROM shard WHERE id = 0")) == 0, "it was rolled back"
    finally:
        process.kill()
        await process.communicate()
