"""Rows of ownership as they were read. `leases.py` reads them, `migaga.continuity` judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class ShardPhase(StrEnum):
    """Column `shard.state`."""

    FREE = "FREE"
    CLAIMED = "CLAIMED"
    """Somebody owns it, and handles nothing of it yet."""
    LIVE = "LIVE"
    OFFERED = "OFFERED"
    """Live, and its owner gives it away."""
    WARM = "WARM"
    """Of a generation that is warming up: connected, all guilds there, muted."""
    DRAINED = "DRAINED"
    """Of a generation that is over. Final."""


class GenerationState(StrEnum):
    """Column `generation.state`."""

    LIVE = "LIVE"
    WARMING = "WARMING"
    ARMED = "ARMED"
    CUTTING = "CUTTING"
    GONE = "GONE"
    ABORTED = "ABORTED"


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process of the fleet."""

    id: str
    """Random for each start."""
    beat: int
    dead: bool = False
    ready: bool = False
    """It has proved itself (P10)."""
    revision: int = 0
    """Grows with each roll."""
    capacity: int = 16
    """Shards that it would like to hold at most, of each generation."""
    leaving: int = 0
    """0: it stays. Otherwise the seconds of grace that it had when it began to leave."""
    address: str = ""


@dataclass(frozen=True, slots=True)
class ShardRow:
    """One shard of one generation: lease and session."""

    generation: str
    id: int
    owner: str | None = None
    token: str = field(default="", repr=False)
    """Random for each claim; changes with every change of owner."""
    epoch: int = 0
    """Counts owners, for people."""
    state: str = ShardPhase.FREE
    session_id: str = field(default="", repr=False)
    """A secret: never log it. Empty: no session."""
    resume_url: str = ""
    seq: int = 0
    """Watermark."""
    done_set: str | None = None
    """What is finished above the watermark, see `continuity/finished.py`."""
    suspect_seq: int | None = None
    suspect_count: int = 0
    died_seq: int | None = None
    """The watermark at which the last owner died."""
    deaths: int = 0
    """Owners in a row that died at that watermark."""
    want: str | None = None
    """The process that wants it."""
    want_beat: int = 0
    """Grows while it wants it."""
    journaled: int = 0
    """The generation for which the owner journals what it finishes; 0: for none."""

    @property
    def key(self) -> tuple[str, int]:
        """Name the row."""
        return self.generation, self.id


@dataclass(frozen=True, slots=True)
class InflightRow:
    """An event that was put aside: the watermark has passed it, its handlers have not ended."""

    generation: str
    shard: int
    session_id: str = field(repr=False)
    seq: int
    owner: str
    """The process that runs it."""
    name: str
    """Discord's event name."""
    payload: str = field(repr=False)
    """Raw `d` as JSON."""
    guild_id: int | None = None
    attempts: int = 1
    """Processes that have run it."""
    quarantined: bool = False
    """It is kept for inspection and never run."""


@dataclass(frozen=True, slots=True)
class GenerationRow:
    """One set of shard count, intents and API version."""

    n: int
    name: str
    """What rows of shards name it by."""
    shard_count: int
    intents: int
    api_version: int
    state: str
    warm_seconds: int = 600
    """How long it may take until it is cut in; by each process's own clock since it saw it."""
    reason: str | None = None
    """Why it was aborted."""


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One event that an owner of the old generation has finished while the next one was armed."""

    generation: str
    shard: int
    guild_id: int
    """0 for events without a guild."""
    digest: bytes
    n: int
    """Which one, of those with the same digest in that guild."""
    process: str
    """Whose clock `at_ms` is."""
    at_ms: int


@dataclass(frozen=True, slots=True)
class BucketRow:
    """One IDENTIFY bucket (`shard_id % max_concurrency`) of an application."""

    application_id: int
    bucket: int
    token: str = ""
    """Random for each slot."""
    sent: bool = False
    """The holder of the slot has sent its IDENTIFY."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """What an application has spent of its IDENTIFY budget."""

    application_id: int
    span: int = 0
    """Counts Discord's periods of 24 hours."""
    resets_at: int = 0
    """Unix time at which the period ends, as its opener computed it."""
    total: int = 0
    """What Discord allows in a period."""
    spent: int = 0


@dataclass(frozen=True, slots=True)
class BreakerRow:
    """Whether Discord refuses the token."""

    application_id: int
    is_open: bool = False
    fingerprint: str = ""
    """Of the refused token, salted."""
    probe: int = 0
    """Counts the questions whether it is accepted again."""
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """The fleet as read. The shards were read before the processes, which is what makes judging owners safe."""

    generations: Sequence[GenerationRow]
    shards: Sequence[ShardRow]
    processes: Sequence[ProcessRow]
