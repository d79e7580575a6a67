"""Reads from the emulator's ledger what a scenario is judged by. Called by `runner.py`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migaga_emulator.ledger.connections import Begun, Interruption
from migaga_emulator.ledger.events import Entry, Occurrence
from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.ledger.keys import PER_SESSION
from migaga_emulator.ledger.report import latency
from migaga_emulator.scenarios.effects import Effects
from migaga_emulator.scenarios.gap import Sample, Window, gaps
from migaga_emulator.scenarios.inject import Crash, Injected
from migaga_emulator.scenarios.judge import Facts
from migaga_emulator.server import Emulator

ANSWER_S = 3.0
"""Discord's time for the first answer to an interaction."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Interactions that got no answer in time."""

    expired: int
    undeliverable: int


def collect(
    emulator: Emulator,
    bot_id: int,
    report: LedgerReport,
    *,
    shards: int,
    injected: Injected,
    effects: Effects,
    interruptions: Sequence[Interruption],
    wrong_answers: Sequence[str],
    complaints: Sequence[str],
) -> Facts:
    """Gather the facts of a finished run."""
    ledger = emulator.ledger.of(bot_id)
    entries = ledger.events.entries()
    unanswered = count_unanswered(entries, _silent(emulator, bot_id), injected.crashes, shards)
    expected = compare_effects(entries, effects)
    windows = [Window(one.shard[0], one.begun, one.ended) for one in interruptions]
    return Facts(
        sent=report.sent,
        handled=report.handled,
        lost=report.lost,
        repeated=report.repeated,
        unexpected=report.unexpected,
        undeliverable=report.undeliverable,
        effects_lost=expected[0],
        effects_repeated=expected[1],
        identifies=report.identifies,
        identifies_rejected=report.identifies_rejected,
        resumes=report.resumes,
        logins_refused=emulator.hub.logins_refused,
        shards=shards,
        sessions_ended=injected.sessions_ended,
        unrecovered=shards - report.sessions_connected,
        interactions_sent=report.interactions.sent,
        interactions_answered=report.interactions.answered,
        expired=unanswered.expired,
        interactions_undeliverable=unanswered.undeliverable,
        in_flight=sum(crash.in_flight for crash in injected.crashes),
        replayed=replayed_after(interruptions, injected.crashes),
        gap=latency(sorted(gaps(samples_of(entries, shards), windows))),
        ready_after=ready_after(ledger.connections.log, shards),
        faults=dict(injected.faults),
        wrong_answers=wrong_answers,
        complaints=[*injected.complaints, *complaints],
    )


def shard_of(occurrence: Occurrence, shards: int) -> int:
    """Which shard gets an event."""
    return 0 if occurrence.guild_id is None else (occurrence.guild_id >> 22) % shards


def samples_of(entries: Mapping[str, Entry], shards: int) -> dict[int, list[Sample]]:
    """The handled events of each shard, for the gaps."""
    found: dict[int, list[Sample]] = {}
    for entry in entries.values():
        for one in entry.occurrences:
            if one.handled_at is not None:
                delay = one.handled_at - one.at - (one.took or 0.0)
                found.setdefault(shard_of(one, shards), []).append(Sample(one.at, delay, one.took is not None))
    return found


def replayed_after(interruptions: Sequence[Interruption], crashes: Sequence[Crash]) -> int:
    """Events that the RESUMEs brought again by which crashed processes came back."""
    return sum(
        one.replayed
        for one in interruptions
        if any(one.shard[0] in crash.shards and crash.at <= one.ended <= crash.back for crash in crashes)
    )


def ready_after(log: Sequence[object], shards: int) -> float:
    """Seconds from the first IDENTIFY until every shard had one; 0 when one never had."""
    first: dict[int, float] = {}
    for entry in log:
        if isinstance(entry, Begun) and entry.how == "identify":
            first.setdefault(entry.shard[0], entry.at)
    return max(first.values()) - min(first.values()) if len(first) == shards else 0.0


def count_unanswered(
    entries: Mapping[str, Entry], silent: Sequence[int], crashes: Sequence[Crash], shards: int
) -> Unanswered:
    """Tell apart why interactions got no answer: pending in a crash, or destroyed before anybody had them."""
    expired = undeliverable = 0
    for interaction_id in silent:
        entry = entries.get(f"INTERACTION_CREATE:{interaction_id}")
        if entry is None or not entry.occurrences:
            continue
        one = entry.occurrences[0]
        if one.undeliverable:
            undeliverable += 1
        elif any(_pending_in(crash, one, shards) for crash in crashes):
            expired += 1
    return Unanswered(expired, undeliverable)


def _pending_in(crash: Crash, one: Occurrence, shards: int) -> bool:
    return shard_of(one, shards) in crash.shards and one.at <= crash.back and one.at + ANSWER_S >= crash.at


def _silent(emulator: Emulator, bot_id: int) -> list[int]:
    """Interactions without an answer in time."""
    application = emulator.world.bots[bot_id].application_id
    return [asked.interaction.id for asked in emulator.answers.interactions(application) if not asked.acknowledged]


def compare_effects(entries: Mapping[str, Entry], effects: Effects) -> tuple[int, int]:
    """Effects that are missing, and effects that are there too often.

    Missing: the event was told as handled with its effect, and has fewer rows than that. Too often: more rows than the
    event was published.
    """
    lost = repeated = 0
    for key, entry in entries.items():
        due = sum(1 for one in entry.occurrences if one.handled_at is not None and one.effect)
        lost += max(0, due - effects.rows.get(key, 0))
    for key, rows in effects.rows.items():
        entry_of = entries.get(key)
        sent = 0 if entry_of is None else entry_of.sent + entry_of.extra
        if key.partition(":")[0] not in PER_SESSION:
            repeated += max(0, rows - sent)
    return lost, repeated
