"""Reads from the emulator's ledger what a scenario is judged by. Called by `runner.py`."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from migaga_emulator.ledger.answers import AnswerBook
from migaga_emulator.ledger.connections import Begun, Ended, Interruption, Shard
from migaga_emulator.ledger.events import Entry, Occurrence
from migaga_emulator.ledger.figures import LedgerReport
from migaga_emulator.ledger.keys import PER_SESSION
from migaga_emulator.ledger.report import latency
from migaga_emulator.scenarios.effects import Effects
from migaga_emulator.scenarios.gap import Sample, Window, gaps
from migaga_emulator.scenarios.handovers import Move, count_by_step, moves_of
from migaga_emulator.scenarios.judge import Facts, Step, Tries
from migaga_emulator.scenarios.scene import Crash, Injected, Scene, is_of
from migaga_emulator.server import Emulator

ANSWER_S = 3.0
"""Discord's time for the first answer to an interaction."""
STORED_S = 1.0
"""Seconds in which a process has stored a session that it has begun."""
QUIET_S = 1.0
"""A shard with no event for longer than this cannot show that it is back."""


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Interactions that got no answer in time."""

    expired: int
    undeliverable: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a run has left, besides the ledger."""

    report: LedgerReport
    interruptions: Sequence[Interruption]
    since: float
    """When the traffic began."""
    resumes_before: int
    """RESUMEs until then."""
    effects: Effects
    wrong_answers: Sequence[str]


def collect(emulator: Emulator, bot_id: int, scene: Scene, evidence: Evidence) -> Facts:
    """Gather the facts of a finished run."""
    report, injected, fleet = evidence.report, scene.injected, scene.fleet
    entries = scene.ledger.events.entries()
    interruptions = [one for one in evidence.interruptions if one.ended >= evidence.since]
    shards = {(shard, fleet.shards) for shard in range(fleet.shards)} | {one.shard for one in interruptions}
    of_shard = by_shard(entries, shards)
    recovered = recoveries(of_shard, injected.crashes)
    moves = moves_of(evidence.interruptions, scene.owners.of_port, evidence.since)
    tried = set[int]().union(*injected.tries)
    absences = [*absences_of(injected.crashes, recovered), *failed_tries(interruptions, scene.owners.of_port, tried)]
    unanswered = count_unanswered(entries, _silent(emulator, bot_id), absences)
    expected = compare_effects(entries, evidence.effects)
    windows = [Window(one.shard, one.begun, one.ended) for one in interruptions]
    late = gaps(samples_of(of_shard), windows)
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
        shards=scene.wish.shards,
        sessions_ended=injected.sessions_ended,
        identifies_due=injected.identifies_due,
        identifies_in_vain=identifies_in_vain(scene.ledger.connections.log, injected.crashes),
        unrecovered=fleet.shards - report.sessions_connected,
        interactions_sent=report.interactions.sent,
        interactions_answered=report.interactions.answered,
        expired=unanswered.expired,
        interactions_undeliverable=unanswered.undeliverable,
        in_flight=sum(crash.in_flight for crash in injected.crashes),
        gap=latency(sorted(gap.seconds for gap in late)),
        gaps=late,
        resumes_before=evidence.resumes_before,
        most_resumes=most_resumes(scene.ledger.connections.log, evidence.since),
        moves=len(moves),
        steps=steps_of(moves, injected, fleet.revisions),
        tries=tries_of(moves, injected.tries),
        strayed=sum(not {move.giver, move.taker} & tried for move in moves),
        recoveries=[seconds for one in recovered for seconds in one.values()],
        ready_after=ready_after(scene.ledger.connections.log, fleet.shards, scene.warm_at),
        faults=dict(injected.faults),
        wrong_answers=evidence.wrong_answers,
        complaints=[*injected.complaints, *fleet.complaints, *scene.apologies.complaints(calls_in(emulator.answers))],
    )


def identifies_in_vain(log: Iterable[Begun | Ended], crashes: Sequence[Crash]) -> int:
    """IDENTIFYs of processes that ended before they can have stored the session: the next owner has to identify."""
    return sum(
        any(one.shard in crash.shards and 0 <= crash.at - one.at <= STORED_S for crash in crashes)
        for one in log
        if isinstance(one, Begun) and one.how == "identify"
    )


def most_resumes(log: Iterable[Begun | Ended], since: float) -> int:
    """RESUMEs of the shard that had most of them, from a moment on."""
    again = Counter(one.shard for one in log if isinstance(one, Begun) and one.how == "resume" and one.at >= since)
    return max(again.values(), default=0)


def calls_in(answers: AnswerBook) -> Callable[[int], int]:
    """How often the bot has called about an interaction."""

    def calls_of(interaction_id: int) -> int:
        asked = answers.interaction(interaction_id)
        return 0 if asked is None else asked.calls

    return calls_of


def by_shard(entries: Mapping[str, Entry], shards: Collection[Shard]) -> dict[Shard, list[Occurrence]]:
    """The events of each shard in the order of their publication. With several shard counts an event is in several."""
    counts = {count for _, count in shards}
    found: dict[Shard, list[Occurrence]] = {shard: [] for shard in shards}
    for entry in entries.values():
        for one in entry.occurrences:
            for count in counts:
                found.setdefault((0 if one.guild_id is None else (one.guild_id >> 22) % count, count), []).append(one)
    for events in found.values():
        events.sort(key=lambda one: one.at)
    return found


def recoveries(events: Mapping[Shard, Sequence[Occurrence]], crashes: Sequence[Crash]) -> list[dict[Shard, float]]:
    """Of each crash, seconds until the next event of each of its shards was handled.

    Counted from the crash. Where nothing was published for more than a second after it, from a second before the next
    event. What a handler took on purpose does not count. A shard that was hit again before counts from the last time.
    One of which nothing was handled any more is left out: its events are lost.
    """
    found: list[dict[Shard, float]] = []
    for crash in crashes:
        seconds: dict[Shard, float] = {}
        for shard in crash.shards:
            after = [one for one in events.get(shard, ()) if one.at >= crash.at]
            begun = [one.handled_at - (one.took or 0.0) for one in after if one.handled_at is not None]
            if begun and not any(crash.at < other.at < min(begun) and shard in other.shards for other in crashes):
                seconds[shard] = min(begun) - max(crash.at, after[0].at - QUIET_S)
        found.append(seconds)
    return found


@dataclass(frozen=True, slots=True)
class Absence:
    """A time in which nobody could answer what came to a shard."""

    shard: Shard
    begun: float
    ended: float

    def has(self, one: Occurrence) -> bool:
        """Whether an interaction was pending in it."""
        return is_of(one.guild_id, [self.shard]) and self.begun - ANSWER_S <= one.at <= self.ended


def absences_of(crashes: Sequence[Crash], recovered: Sequence[Mapping[Shard, float]]) -> list[Absence]:
    """From each crash until the shard was connected again and had handled something."""
    return [
        Absence(shard, crash.at, max(crash.back, crash.at + seconds.get(shard, 0.0)))
        for crash, seconds in zip(crashes, recovered, strict=True)
        for shard in crash.shards
    ]


def failed_tries(
    interruptions: Sequence[Interruption], owners: Mapping[int, int], bad: Collection[int]
) -> list[Absence]:
    """The times in which processes of bad images had shards."""
    found: list[Absence] = []
    begun: dict[Shard, float] = {}
    for one in interruptions:
        if owners.get(one.peer) in bad:
            begun.setdefault(one.shard, one.ended)
        elif one.shard in begun:
            found.append(Absence(one.shard, begun.pop(one.shard), one.ended))
    return [*found, *(Absence(shard, at, math.inf) for shard, at in begun.items())]


def steps_of(moves: Sequence[Move], injected: Injected, revisions: Mapping[int, int]) -> list[Step]:
    """What each roll moved, by the revision of the takers, and each change of the number of processes, by its time."""
    by_revision = count_by_step(moves, lambda move: revisions.get(move.taker, 0))
    by_time = count_by_step(moves, lambda move: bisect_right(injected.steps, move.at))
    return [
        *(_step(f"the roll to revision {one.revision}", by_revision[one.revision], one.full) for one in injected.rolls),
        *(_step(f"change {number + 1} of the size", by_time[number + 1]) for number in range(len(injected.steps))),
    ]


def _step(name: str, moved: Counter[Shard], full: bool = False) -> Step:
    return Step(name, len(moved), moved.total() - len(moved), full)


def tries_of(moves: Sequence[Move], tries: Sequence[Collection[int]]) -> list[Tries]:
    """How many shards the processes of each bad image had."""
    return [Tries(len({move.shard for move in moves if move.taker in bad}), len(bad)) for bad in tries]


def samples_of(events: Mapping[Shard, Sequence[Occurrence]]) -> dict[Shard, list[Sample]]:
    """The handled events of each shard, for the gaps."""
    return {
        shard: [
            Sample(one.at, one.handled_at - one.at - (one.took or 0.0), one.took is not None)
            for one in found
            if one.handled_at is not None
        ]
        for shard, found in events.items()
    }


def ready_after(log: Sequence[object], shards: int, warm_at: float = math.inf) -> float:
    """Seconds until every shard had a session, from the first warm process or the first IDENTIFY; 0: one never had."""
    first: dict[int, float] = {}
    for entry in log:
        if isinstance(entry, Begun) and entry.how == "identify":
            first.setdefault(entry.shard[0], entry.at)
    return max(first.values()) - min(warm_at, *first.values()) if len(first) == shards else 0.0


def count_unanswered(entries: Mapping[str, Entry], silent: Sequence[int], absences: Sequence[Absence]) -> Unanswered:
    """Tell apart why interactions got no answer: pending in a crash, or destroyed before anybody had them."""
    expired = undeliverable = 0
    for interaction_id in silent:
        entry = entries.get(f"INTERACTION_CREATE:{interaction_id}")
        if entry is None or not entry.occurrences:
            continue
        one = entry.occurrences[0]
        if one.undeliverable:
            undeliverable += 1
        elif any(absence.has(one) for absence in absences):
            expired += 1
    return Unanswered(expired, undeliverable)


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
