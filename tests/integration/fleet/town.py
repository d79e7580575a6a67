"""A bot of four shards, processes that share them, and people who write where a test wants it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.integration.runtime.bots import Bot, running
from tests.integration.runtime.stage import Stage, open_stage

from migaga.storage.database import open_database
from migaga.storage.leases import open_lease_store
from migaga.storage.leases_rows import InflightRow
from migaga_emulator.ledger.book import BotLedger
from migaga_emulator.rules import Rules

SHARDS = 4
PATIENCE = 90.0
"""Seconds for processes to start, on a machine that is busy with other tests."""
RULES = Rules(max_concurrency=SHARDS, recommended_shards=SHARDS, rest_limits=(), rest_default_limit=10_000)
WITNESS = '''
"""Notes when a message is begun and ended, and by which process. Some are slow, some end their process."""

import asyncio
import os
from pathlib import Path

import hikari

from migaga.api import BaseModule, listen

NOTES = os.environ["PROBE_FILE"]


class Witness(BaseModule):
    """Notes messages."""

    @listen(hikari.GuildMessageCreateEvent)
    async def note(self, event: hikari.GuildMessageCreateEvent) -> None:
        """Write two lines, one at the beginning and one at the end."""
        self.write("begun", event)
        if event.content == "poison":
            os._exit(9)
        while event.content == "slow" and not Path(f"{NOTES}.enough").exists():
            await asyncio.sleep(0.02)
        self.write("ended", event)

    def write(self, what: str, event: hikari.GuildMessageCreateEvent) -> None:
        """Write one line at once."""
        line = f"{what} {int(event.message_id)} {os.environ['PROBE_NAME']}\\n"
        with open(NOTES, "ab", buffering=0) as file:
            file.write(line.encode())
'''

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
mariadb_only = pytest.mark.parametrize(
    "database_url", [pytest.param("mariadb", marks=pytest.mark.mariadb)], indirect=True
)
Status = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """A process, and the shards that it had when all were there."""

    bot: Bot
    shards: list[int]

    @property
    def name(self) -> str:
        return self.bot.log.parent.name


@dataclass
class Town:
    """An emulated Discord and the processes that serve it."""

    stage: Stage
    url: str
    processes: AsyncExitStack

    async def start(self, name: str, settings: str = "") -> Bot:
        """Start a process; one that was called the same runs in the same folder, with its local file."""
        folder = self.stage.folder / name
        folder.mkdir(exist_ok=True)
        config = f"{self.stage.config_with(self.url, 'witness')}{settings}"
        env = {"PROBE_FILE": str(self.stage.noted), "PROBE_NAME": name}
        return await self.processes.enter_async_context(running(folder, config, env=env))

    async def share(self, *names: str, settings: str = "") -> list[Member]:
        """Start processes together, and wait until they have all shards; first comes who has the most."""
        bots = [await self.start(name, settings) for name in names]
        async with asyncio.timeout(PATIENCE):
            while True:
                there = [Member(bot, live(await bot.until(lambda status: status["ready"], PATIENCE))) for bot in bots]
                if sum(len(one.shards) for one in there) == SHARDS:
                    return sorted(there, key=lambda one: -len(one.shards))

    @property
    def ledger(self) -> BotLedger:
        """What the emulator has counted of the bot."""
        return self.stage.emulator.ledger.of(int(self.stage.bot.id))

    async def say(self, shard: int, text: str = "hello") -> int:
        """Let a person write in a guild of a shard; returns the message's id."""
        guild = next(one for one in self.stage.crowd.guilds if (int(one.id) >> 22) % SHARDS == shard)
        person = self.stage.control.person(self.stage.crowd.users[1].id)
        return int((await person.post(guild.channel("general"), text)).id)

    async def say_everywhere(self, count: int = 1) -> list[int]:
        """Let people write in guilds of all shards."""
        return [await self.say(shard) for _ in range(count) for shard in range(SHARDS)]

    def notes(self, what: str) -> list[tuple[int, str]]:
        """Return which messages were `begun` or `ended`, and by whom."""
        lines = [line.split() for line in self.stage.noted.read_text().splitlines()]
        return [(int(message), name) for word, message, name in lines if word == what]

    def times(self, what: str) -> Counter[int]:
        """Return how often each message was `begun` or `ended`."""
        return Counter(message for message, _ in self.notes(what))

    def by(self, message: int, what: str = "ended") -> list[str]:
        """Return who has begun or ended a message."""
        return [name for one, name in self.notes(what) if one == message]

    async def until(self, holds: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until the notes say something."""
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.05)

    async def until_ended(self, *messages: int, seconds: float = PATIENCE) -> None:
        """Wait until messages are handled."""
        await self.until(lambda: set(messages) <= set(self.times("ended")), seconds)

    async def until_begun(self, message: int, times: int = 1) -> None:
        """Wait until the handlers of a message have begun so often."""
        await self.until(lambda: self.times("begun")[message] >= times)

    def let_slow_end(self) -> None:
        """Let handlers of slow messages end, now and from now on."""
        self.stage.noted.with_name(f"{self.stage.noted.name}.enough").touch()

    async def rows(self) -> list[InflightRow]:
        """Return the events that are stored beside the watermark, or quarantined."""
        async with open_database(self.url) as database, open_lease_store(database) as store:
            generations = (await store.observe()).generations
            return [row for one in generations for row in await store.inflight(one.name)]

    async def processes_there(self) -> list[str]:
        """Return the processes that have joined and live."""
        async with open_database(self.url) as database, open_lease_store(database) as store:
            return [row.id for row in await store.processes() if not row.dead]

    async def until_flushed(self) -> None:
        """Wait until all that was received is finished, and that is in the database."""
        sent = {session.id: session.seq for session in self.stage.emulator.hub.sessions()}
        async with open_database(self.url) as database, open_lease_store(database) as store, asyncio.timeout(30):
            while {row.session_id: row.seq for row in (await store.observe()).shards} != sent:
                await asyncio.sleep(0.05)

    async def until_stored(self, count: int) -> list[InflightRow]:
        """Wait until so many events are stored beside the watermark."""
        async with asyncio.timeout(30):
            while len(rows := await self.rows()) != count:
                await asyncio.sleep(0.1)
        return rows


@asynccontextmanager
async def open_town(folder: Path, database_url: str, rules: Rules = RULES) -> AsyncIterator[Town]:
    """Serve an emulated Discord; processes that still run in the end are killed."""
    async with open_stage(folder, rules, guilds=12) as stage, AsyncExitStack() as processes:
        (stage.modules / "witness.py").write_text(WITNESS)
        yield Town(stage, database_url, processes)


def live(status: Status) -> list[int]:
    """Return the shards that a process handles."""
    return [int(shard["id"]) for shard in status["shards"] if shard["lease"] in {"live", "offered"}]


async def has_all(bot: Bot, seconds: float = PATIENCE) -> Status:
    """Wait until a process handles all shards."""
    return await bot.until(lambda status: len(live(status)) == SHARDS, seconds)


async def ended(bot: Bot, seconds: float = PATIENCE) -> int:
    """Wait for the end of a process, and return its exit code."""
    async with asyncio.timeout(seconds):
        return await bot.process.wait()
