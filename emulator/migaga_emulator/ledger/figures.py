"""What the ledger says, as the control API sends it and its client reads it. Plain data; times in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts of events."""

    sent: int
    handled: int
    """Occurrences that were handled at least once; at most `sent`."""
    lost: int
    repeated: int
    unexpected: int
    undeliverable: int


@dataclass(frozen=True, slots=True)
class GapTotals:
    """Gaps of one bot. `count` counts interruptions, however many guilds each had."""

    count: int
    longest_s: float
    guild_seconds: float
    open_guilds: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from publication to the end of the handler. All 0 when nothing was handled."""

    count: int
    p50: float
    p99: float
    max: float


@dataclass(frozen=True, slots=True)
class InteractionTotals:
    """What became of the interactions of one bot."""

    sent: int
    answered: int
    """The first answer came within 3 s."""
    late: int
    """The first answer came later, and was refused."""
    unanswered: int
    pending: int
    """Not answered, and the 3 s are not over."""


@dataclass(frozen=True, slots=True)
class CommandTotals:
    """What became of the messages that were marked as commands."""

    sent: int
    answered: int
    unanswered: int


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """The ledger of one bot."""

    bot: str
    sent: int
    handled: int
    lost: int
    repeated: int
    unexpected: int
    undeliverable: int
    by_type: Mapping[str, Totals]
    per_session_handled: Mapping[str, int]
    latency: Latency
    identifies: int
    identifies_rejected: int
    identifies_rejected_by: Mapping[str, int]
    resumes: int
    resumes_failed: int
    resumes_failed_by: Mapping[str, int]
    resumes_elsewhere: int
    """RESUMEs that did not go to `resume_gateway_url`."""
    closes: Mapping[str, int]
    gaps: GapTotals
    sessions: int
    sessions_connected: int
    interactions: InteractionTotals
    commands: CommandTotals
