"""Finds shards of this process that heartbeat and hear nothing, or lack a kind of event, and lets them RESUME.

The composition root makes one `SilenceWatch` for the process and runs `run` in a task of its own. The steward calls
`watch` when it makes a shard and `unwatch` when it lets go of one. Whoever takes events off a socket calls
`received(key, name, payload)` for **every** dispatch, before anything is filtered, READY and RESUMED included, also for
shards of the next generation that are muted. What is decided, `continuity/silence.py` decides.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from migaga.common.clock import Clock
from migaga.common.errors import MigagaError
from migaga.continuity.silence import Ask, Key, Reading, Reconnect, Silence
from migaga.storage.database import Database
from migaga.storage.tables import guild as guild_table

_LOG = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at the shards."""
SENDING = 30.0
"""Seconds that a question may wait for the connection's limit of 120 sendings a minute, before it is given up."""
GUILDS_KEPT = 4
"""Guilds of a shard that are remembered to be asked about."""


class WatchedShard(Protocol):
    """One shard as the watch sees it. `fleet/watched.py` implements it."""

    @property
    def key(self) -> Key:
        """Generation and shard id."""
        ...

    @property
    def is_listening(self) -> bool:
        """Whether its handshake is over **and** it reads its socket.

        False while it is paused, left, or holds back because it has all the events that it can keep: what is not read
        is not silence.
        """
        ...

    async def known_guilds(self) -> Sequence[int]:
        """Return some guilds of this shard that the bot is in, the best known first; none when none is known.

        Asked only when no event has named one since this process has the shard: `some_guilds` answers it. Never raises.
        """
        ...

    async def probe(self, guild_id: int, nonce: str) -> bool:
        """Ask Discord for the bot's own member in a guild, within the connection's limit of sendings.

        Sends op 8 with `{"guild_id": "<guild_id>", "user_ids": ["<own id>"], "limit": 0, "nonce": nonce}`: needs no
        intent and is not limited as a request for all members is. (hikari's `request_guild_members` asks for
        the GUILD_MEMBERS intent also where Discord does not.) Returns False when the connection is gone; never raises.
        """
        ...

    def reconnect(self, reason: str) -> None:
        """Close the connection with a code that keeps the session, and RESUME. Returns at once; never raises.

        `reason` is one of few, for counts: `silent`, or `kind missing`.
        """
        ...


class SilenceObserver(Protocol):
    """Counts what the watch does. Calls are cheap and never raise."""

    def probe_sent(self) -> None:
        """A question went out to a shard that was silent."""

    def silent_reconnect(self, cause: str) -> None:
        """A shard is reconnected. `cause` is `nothing` (no event at all) or `kind` (not a kind of event)."""


class _Heard:
    """What one shard has heard since the last look, and of which guilds it can be asked."""

    __slots__ = ("counts", "gone", "guild", "guilds", "shard")

    def __init__(self, shard: WatchedShard) -> None:
        self.shard = shard
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.guild: object = None
        """The guild of the last event that had one: its id as it came."""
        self.guilds: dict[int, None] = {}
        """Those of looks before, the newest last."""
        self.gone: set[int] = set()
        """Guilds that the bot has left or that are unavailable: asking about them brings no answer."""

    def look(self) -> Reading:
        """Return what was heard since the last look."""
        counts = self.counts
        if counts:
            self.counts = defaultdict(int)
            self._remember(self.guild)
        return Reading(self.shard.is_listening, counts)

    def about_guild(self, name: str, payload: Mapping[str, object]) -> None:
        """Take in an event that tells of a guild as a whole."""
        guild = _number(payload.get("id"))
        if name == "READY":
            self.guild = None
            self.guilds.clear()
            self.gone.clear()
        elif name == "GUILD_DELETE" or payload.get("unavailable"):
            self.gone.add(guild)
            self.guilds.pop(guild, None)
            if _number(self.guild) == guild:
                self.guild = None
        else:
            self.gone.discard(guild)
            self._remember(guild)

    async def to_ask_about(self) -> list[int]:
        """Return the guilds that can be asked about, the newest first."""
        self._remember(self.guild)
        known = list(reversed(self.guilds)) or await self.shard.known_guilds()
        return [guild for guild in known if guild not in self.gone]

    def _remember(self, guild: object) -> None:
        number = _number(guild)
        if number:
            self.guilds.pop(number, None)
            self.guilds[number] = None
            if len(self.guilds) > GUILDS_KEPT:
                del self.guilds[next(iter(self.guilds))]


_ABOUT_GUILDS = frozenset({"READY", "GUILD_CREATE", "GUILD_DELETE"})


def _number(guild: object) -> int:
    """Read a guild's id, text or number; 0 when it is none."""
    text = str(guild)
    return int(text) if text.isascii() and text.isdecimal() else 0


async def some_guilds(database: Database, shard_id: int, shard_count: int) -> list[int]:
    """Return a few guilds of a shard that the bot is in, as the database has them; none when it cannot be read.

    The shard of a guild is `(guild_id >> 22) % shard_count` (topics/gateway, "Sharding").
    """
    here = guild_table.c.id.bitwise_rshift(22) % shard_count == shard_id
    chosen = (
        sa.select(guild_table.c.id)
        .where(guild_table.c.left_at.is_(None), here)
        .order_by(guild_table.c.id)
        .limit(GUILDS_KEPT)
    )
    try:
        async with database.read() as session:
            return list(await session.scalars(chosen))
    except (MigagaError, SQLAlchemyError) as error:
        _LOG.debug("guilds of shard %d cannot be read: %s", shard_id, error)
        return []


class SilenceWatch:
    """Watches the shards of one process."""

    def __init__(self, clock: Clock, observer: SilenceObserver) -> None:
        self._clock = clock
        self._observer = observer
        self._silence = Silence()
        self._heard: dict[Key, _Heard] = {}

    def watch(self, shard: WatchedShard) -> None:
        """Watch a shard from now on; one of the same key is replaced."""
        self._heard[shard.key] = _Heard(shard)

    def unwatch(self, key: Key) -> None:
        """Watch a shard no longer."""
        self._heard.pop(key, None)

    def received(self, key: Key, name: str, payload: Mapping[str, object]) -> None:
        """Note a dispatch: its name and its raw `d`. A shard that is not watched is none of ours."""
        heard = self._heard.get(key)
        if heard is None:
            return
        heard.counts[name] += 1
        guild = payload.get("guild_id")
        if guild is not None:
            heard.guild = guild
        elif name in _ABOUT_GUILDS:
            heard.about_guild(name, payload)

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as asking:
            while True:
                await self._clock.sleep(EVERY)
                readings = {key: heard.look() for key, heard in self._heard.items()}
                for action in self._silence.step(self._clock.now(), readings):
                    if isinstance(action, Ask):
                        asking.create_task(self._ask(action, self._heard[action.key]), name=f"probe {action.nonce}")
                    else:
                        self._reconnect(action)

    async def _ask(self, ask: Ask, heard: _Heard) -> None:
        """Ask about a guild of the shard: a second question is about another one, if there is one."""
        guilds = await heard.to_ask_about()
        sent = False
        if guilds:
            try:
                async with asyncio.timeout(SENDING):
                    sent = await heard.shard.probe(guilds[(ask.attempt - 1) % len(guilds)], ask.nonce)
            except TimeoutError:
                _LOG.debug("shard %d: a question waited for too long to be sent", ask.key[1])
        if sent:
            self._silence.sent(ask, self._clock.now())
            self._observer.probe_sent()
        else:
            self._silence.unsent(ask, self._clock.now())

    def _reconnect(self, action: Reconnect) -> None:
        _LOG.warning("shard %d of generation %s resumes: %s", action.key[1], action.key[0], action.reason)
        self._observer.silent_reconnect("kind" if action.kinds else "nothing")
        self._heard[action.key].shard.reconnect("kind missing" if action.kinds else "silent")
