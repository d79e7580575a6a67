"""What the shards of one process share, and small things that several files of this package need."""

from __future__ import annotations

import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from migaga.common.clock import Clock
from migaga.common.errors import CredentialsError, MigagaError
from migaga.fleet.member import Member
from migaga.fleet.silence import SilenceWatch
from migaga.fleet.statefile import StateFile
from migaga.gateway.handling import Router
from migaga.gateway.observer import Observer
from migaga.gateway.received import Received
from migaga.gateway.shard import Shared
from migaga.storage.leases import LeaseStore
from migaga.storage.leases_rows import InflightRow

ShardKey = tuple[str, int]
"""Generation and shard id."""


class Breaker(Protocol):
    """Whether Discord refuses the token. `breaker.FleetBreaker` is one."""

    async def until_closed(self) -> None:
        """Return when connections may be opened."""

    async def refused(self, reason: str) -> None:
        """Tell the fleet that Discord has refused the token."""


class NoBreaker:
    """In place of a breaker: a process that is alone ends when its token is refused."""

    async def until_closed(self) -> None:
        """Return at once."""

    async def refused(self, reason: str) -> None:
        """Raise CredentialsError."""
        raise CredentialsError(reason)


async def no_guilds(key: ShardKey) -> Sequence[int]:
    """Know no guild of a shard: it is asked about those that its events name."""
    return ()


@dataclass(frozen=True, slots=True)
class Parts:
    """What every shard of this process works with."""

    store: LeaseStore
    member: Member
    clock: Clock
    observer: Observer
    router: Router
    breaker: Breaker
    local: StateFile | None
    """The local file; None: after a crash, what finished since the last flush comes again."""
    shared: Callable[[str], Shared]
    """What connections of a generation share, by its name."""
    new_token: Callable[[], str]
    fail: Callable[[MigagaError], None]
    """Told what this process cannot go on with: intents that are not allowed, a wrong shard count."""
    silence: SilenceWatch | None = None
    """Looks for shards that heartbeat and hear nothing."""
    known_guilds: Callable[[ShardKey], Awaitable[Sequence[int]]] = no_guilds
    """Some guilds of a shard that the bot is in."""


def random_token() -> str:
    """Return what nobody can guess and nobody else draws: 32 characters."""
    return secrets.token_hex(16)


def row_of(key: ShardKey, event: Received, owner: str, *, quarantined: bool = False) -> InflightRow:
    """Return the row of an event that is put aside, or quarantined."""
    generation, shard_id = key
    return InflightRow(
        generation,
        shard_id,
        event.session_id,
        event.seq,
        owner,
        event.name,
        json.dumps(event.payload, separators=(",", ":")),
        event.guild_id,
        quarantined=quarantined,
    )


def event_of(row: InflightRow) -> Received:
    """Return the event of a row. Raises ValueError for a payload that is no JSON object."""
    what = f"the stored {row.name} of shard {row.shard} is no JSON object"
    try:
        payload = json.loads(row.payload)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error
    if not isinstance(payload, dict):
        raise ValueError(what)  # noqa: TRY004
    return Received(row.name, row.shard, row.session_id, row.seq, payload)
