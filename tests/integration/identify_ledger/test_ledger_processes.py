"""Processes that share buckets and budget through a real database: the emulator accepts every IDENTIFY."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from tests.support.forked import Done, Forked
from tests.support.mariadb import MariaDbServer

from migaga.common.clock import MonotonicClock
from migaga.common.errors import CredentialsError
from migaga.fleet.breaker import FleetBreaker
from migaga.storage.database import open_database
from migaga.storage.leases import open_lease_store
from migaga.storage.leases_rows import DayRow
from migaga.storage.schema import upgrade
from migaga_emulator.ledger.book import BotLedger
from migaga_emulator.rules import Rules
from migaga_emulator.server import Emulator, run_emulator

PROCESSES = 4

MEMBER = """
import asyncio, json, os, signal, sys, time
from datetime import timedelta
import aiohttp
from migaga.common.clock import MonotonicClock
from migaga.fleet.breaker import FleetBreaker
from migaga.fleet.identify import IdentifyLedger
from migaga.gateway.identify import Budget
from migaga.gateway.observer import Unobserved
from migaga.storage.database import open_database
from migaga.storage.leases import open_lease_store

url, api, bot, token, shards, reserve, seconds, trouble = sys.argv[1:]
number = wait_for_others()
clock, ended, times = MonotonicClock(), [], []

class StallsOnce:
    def __init__(self):
        self.count = 0
    def __call__(self):
        self.count += 1
        if trouble and number == 1 and self.count == 2:
            time.sleep(2.5)  # The whole process stands still between deciding and asking for the slot.
        return f"{number}-{self.count}"

async def main():
    async with (
        aiohttp.ClientSession(headers={"Authorization": f"Bot {token}"}) as http,
        open_database(url) as database,
        open_lease_store(database) as store,
    ):
        async def answer():
            async with http.get(f"{api}/gateway/bot") as response:
                return await response.json()

        async def fetch():
            limit = (await answer())["session_start_limit"]
            after = timedelta(milliseconds=limit["reset_after"])
            return Budget(limit["total"], limit["remaining"], after, limit["max_concurrency"])

        gateway = (await answer())["url"]
        breaker = FleetBreaker(store, int(bot), token, ask=fetch, clock=clock)
        ledger = IdentifyLedger(
            store, int(bot), reserve=int(reserve), budget=await fetch(), fetch=fetch, breaker=breaker, clock=clock,
            observer=Unobserved(), new_token=StallsOnce(),
        )

        async def attempt(shard):
            async with ledger.turn(shard, recovery=False) as turn:
                ws = await http.ws_connect(f"{gateway}?v=10&encoding=json")
                assert (await ws.receive_json())["op"] == 10
                if not await turn.take():
                    await ws.close()
                    return False
                if trouble and number == 2 and len(ended) == 1:
                    os.kill(os.getpid(), signal.SIGKILL)
                identify = {"token": token, "intents": 1, "properties": {}, "shard": [shard, int(shards)]}
                await ws.send_json({"op": 2, "d": identify})
                turn.sent()
            first = await ws.receive_json()
            assert first["t"] == "READY", first
            ended.append(shard)
            times.append(time.monotonic())
            return True

        async def identify(shard):
            while not await attempt(shard):
                pass

        async def stop():
            await asyncio.sleep(float(seconds))
            for task in tasks:
                task.cancel()

        tasks = [asyncio.create_task(identify(shard)) for shard in range(number, int(shards), PROCESSES)]
        others = [asyncio.create_task(ledger.run()), asyncio.create_task(breaker.run()), asyncio.create_task(stop())]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        status = ledger.status()
        wrong = [repr(one) for one in results if isinstance(one, Exception)]
        print(json.dumps([ended, times, wrong]))
        await asyncio.sleep(0.1)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

asyncio.run(main())
""".replace("PROCESSES", str(PROCESSES))


@dataclass(frozen=True, slots=True)
class Stage:
    """A database, an emulated Discord, and what its bot has done there."""

    url: str
    emulator: Emulator
    bot: int
    token: str

    @property
    def ledger(self) -> BotLedger:
        return self.emulator.ledger.of(self.bot)

    async def run(
        self, forked: Forked, *, shards: int, reserve: int = 0, seconds: float = 60, trouble: bool = False
    ) -> Sequence[Done]:
        return await forked.together(
            MEMBER,
            *(self.url, self.emulator.api_url, str(self.bot), self.token),
            *(str(shards), str(reserve), str(seconds), "yes" if trouble else ""),
            count=PROCESSES,
        )

    async def day(self) -> DayRow:
        async with open_database(self.url) as database, open_lease_store(database) as store:
            row = await store.day(self.bot)
        assert row is not None
        return row


@asynccontextmanager
async def staged(url: str, rules: Rules) -> AsyncIterator[Stage]:
    async with open_database(url) as database:
        await upgrade(database)
    async with run_emulator(rules) as emulator:
        bot = emulator.create_bot("Testy")
        yield Stage(url, emulator, bot.user.id, bot.token)


async def test_four_processes_start_16_shards_in_two_rounds_and_none_is_rejected(
    database_url: str, forked: Forked
) -> None:
    async with staged(database_url, Rules(max_concurrency=8)) as stage:
        done = await stage.run(forked, shards=16)
        assert [one.code for one in done] == [0] * PROCESSES, [one.err for one in done]
        ended = [json.loads(one.out) for one in done]
        assert sorted(shard for shards, _, _ in ended for shard in shards) == list(range(16)), ended
        assert (stage.ledger.identifies, sum(stage.ledger.identifies_rejected.values())) == (16, 0)
        assert (await stage.day()).spent == 16
        times = [at for _, moments, _ in ended for at in moments]
        assert max(times) - min(times) <= 5 * 1.1 + 3, "one pause of five seconds"


async def test_a_process_that_is_killed_between_counting_and_sending_and_one_that_stalls_disturb_nobody(
    database_url: str, forked: Forked
) -> None:
    async with staged(database_url, Rules(max_concurrency=4)) as stage:
        done = await stage.run(forked, shards=8, trouble=True)
        codes = [one.code for one in done]
        assert sorted(codes) == [-signal.SIGKILL, 0, 0, 0], [one.err for one in done]
        ended = [json.loads(one.out) for one in done if one.code == 0]
        assert sorted(shard for shards, _, _ in ended for shard in shards) == [0, 1, 3, 4, 5, 7], ended
        assert (stage.ledger.identifies, sum(stage.ledger.identifies_rejected.values())) == (7, 0)
        assert (await stage.day()).spent == 8, "what was counted and not sent is spent"


async def test_the_reserve_is_kept_by_all_processes_together(database_url: str, forked: Forked) -> None:
    async with staged(database_url, Rules(max_concurrency=8, identify_total=9)) as stage:
        done = await stage.run(forked, shards=16, reserve=3, seconds=7)
        assert [one.code for one in done] == [0] * PROCESSES, [one.err for one in done]
        assert [json.loads(one.out)[2] for one in done] == [[]] * PROCESSES
        assert (stage.ledger.identifies, sum(stage.ledger.identifies_rejected.values())) == (6, 0)
        assert stage.emulator.hub.session_start_limit(stage.bot)["remaining"] == 3
        assert (await stage.day()).spent == 6
        assert stage.emulator.hub.bot_of_token(stage.token) is not None, "the token was not reset"


async def test_a_breaker_that_one_process_opens_is_open_for_another_until_the_token_is_accepted(
    database_url: str,
) -> None:
    async def refuses() -> None:
        raise CredentialsError("Discord refuses the bot token.")

    async with open_database(database_url) as database:
        await upgrade(database)
        async with open_lease_store(database) as one, open_lease_store(database) as other:
            breakers = [
                FleetBreaker(store, 2**63 + 5, "token", ask=refuses, clock=MonotonicClock()) for store in (one, other)
            ]
            await breakers[0].refused("Discord refuses the bot token: 🫠.")
            await breakers[1].read()
            assert not breakers[1].is_closed
            assert "🫠" in (breakers[1].reason or "")
            loops = [asyncio.create_task(breaker.run()) for breaker in breakers]
            await breakers[1].accepted()
            async with asyncio.timeout(10):
                await breakers[0].until_closed()
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)


@pytest.mark.mariadb
async def test_closed_and_with_nobody_waiting_it_costs_the_server_nothing(
    mariadb_url: str, mariadb_server: MariaDbServer
) -> None:
    async def accepts() -> None:
        return

    async def questions() -> int:
        rows = await mariadb_server.execute("SHOW GLOBAL STATUS LIKE 'Questions'")
        return int(str(rows[0][1]))

    async with open_database(mariadb_url) as database, open_lease_store(database) as store:
        await upgrade(database)
        breaker = FleetBreaker(store, 1, "token", ask=accepts, clock=MonotonicClock())
        loop = asyncio.create_task(breaker.run())
        await questions()
        before = await questions()
        own = await questions() - before
        before = await questions()
        await asyncio.sleep(3.5)
        assert await questions() - before == own
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
