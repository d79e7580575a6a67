"""Judges a finished scenario: what was counted against what must hold, each complaint a sentence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from migaga_emulator.ledger.figures import Latency
from migaga_emulator.scenarios.gap import Gap

LEAST_SHARE = 0.5
"""A run in which fewer events were sent than this share of what was asked for shows nothing."""


REPEATED_SHARE = 0.001
"""Share of all events that a cut from one generation to the next may repeat: those with identical payloads."""
POOLED = 64
"""Moves from which on the 99th of 100 gaps says something."""


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the fleet: a roll, or another number of processes."""

    name: str
    moved: int
    """Shards that moved."""
    again: int
    """Moves beyond the first of each shard."""
    full: bool = False
    """Every shard had to move."""


@dataclass(frozen=True, slots=True)
class Tries:
    """One bad image."""

    shards: int
    """Shards that its processes had at any time, together."""
    processes: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What was counted."""

    sent: int
    handled: int
    lost: int
    repeated: int
    unexpected: int
    undeliverable: int
    effects_lost: int
    effects_repeated: int
    identifies: int
    identifies_rejected: int
    resumes: int
    logins_refused: int
    """IDENTIFYs and RESUMEs with a token that is refused."""
    shards: int
    """That the fleet started with."""
    sessions_ended: int
    """By faults, after which Discord leaves nothing but IDENTIFY."""
    unrecovered: int
    """Shards without a connection at the end."""
    interactions_sent: int
    interactions_answered: int
    expired: int
    """Not answered in time, pending in a crash."""
    interactions_undeliverable: int
    in_flight: int
    """Events that were being handled at the kills, all kills together."""
    gap: Latency
    """Seconds."""
    gaps: Sequence[Gap] = ()
    identifies_due: int = 0
    """IDENTIFYs of the generations after the first one."""
    identifies_in_vain: int = 0
    """IDENTIFYs whose process ended before it can have stored the session: as many more may be needed."""
    resumes_before: int = 0
    """RESUMEs before the traffic began."""
    most_resumes: int = 0
    """RESUMEs of the shard that had most of them since then."""
    moves: int = 0
    """How often shards went from one process to another, in order or not, after the first start."""
    steps: Sequence[Step] = ()
    tries: Sequence[Tries] = ()
    strayed: int = 0
    """Moves between processes of which none was of a bad image."""
    recoveries: Sequence[float] = ()
    """Of each shard of a process that was killed or frozen, seconds until its next event was handled."""
    ready_after: float = 0.0
    """Seconds from the first warm process until every shard was connected for the first time."""
    faults: Mapping[str, int] = field(default_factory=dict)
    wrong_answers: Sequence[str] = ()
    complaints: Sequence[str] = ()
    """What the processes should have shown about a fault, and did not."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What must hold, besides what always must: nothing lost, no effect lost or repeated, no IDENTIFY refused."""

    repeated: Literal["never", "in flight", "share", "any"] = "never"
    """How often an event may be handled again; `in flight`: as many as were being handled at the kills; `share`:
    `REPEATED_SHARE` of all."""
    identifies: Literal["first", "first and ended"] = "first"
    """`first`: one a shard, of each generation. `first and ended`: one more for each session that a fault ended."""
    undeliverable: bool = False
    """A fault destroys sessions, so that events may reach nobody."""
    resumes: Literal["any", "none", "one each"] = "any"
    most_resumes: int | None = None
    """RESUMEs of one shard, at most: processes that take it from each other again and again have more."""
    unrecovered: bool = False
    """Shards may stay without a connection."""
    gap_p99: float | None = None
    gap_max: float | None = None
    """Seconds."""
    moves: Literal["any", "once a step", "bad images"] = "any"
    """`once a step`: no shard moves twice for one change of the fleet, and in a full roll each moves.
    `bad images`: each process of a bad image has one shard at most, and no other shard moves."""
    again_within: float | None = None
    """Seconds from a kill or freeze until the next event of each of its shards is handled."""
    ready_within: float | None = None
    """Seconds from the first warm process until every shard is connected."""
    faults: bool = False
    """At least one fault must have hit."""


def judge(facts: Facts, bounds: Bounds, *, least_events: int) -> list[str]:
    """Say what does not hold; nothing when the scenario passed."""
    return [
        *_events(facts, bounds, least_events),
        *_sessions(facts, bounds),
        *_moves(facts, bounds),
        *_answers(facts),
        *_times(facts, bounds),
        *facts.complaints,
    ]


def _events(facts: Facts, bounds: Bounds, least_events: int) -> list[str]:
    found: list[str] = []
    if facts.sent < least_events:
        found.append(f"only {facts.sent} events were sent; at least {least_events} show something")
    if facts.lost:
        found.append(f"{facts.lost} events were lost")
    if facts.unexpected:
        found.append(f"{facts.unexpected} events were told as handled that were never sent")
    share = int(facts.sent * REPEATED_SHARE)
    allowed = {"never": 0, "in flight": facts.in_flight, "share": share, "any": facts.repeated}
    if facts.repeated > allowed[bounds.repeated]:
        found.append(f"{facts.repeated} events were handled again; allowed are {allowed[bounds.repeated]}")
    if facts.undeliverable and not bounds.undeliverable:
        found.append(f"{facts.undeliverable} events could reach nobody, though no fault destroyed a session")
    if facts.effects_lost:
        found.append(f"{facts.effects_lost} effects are missing in the database")
    if facts.effects_repeated:
        found.append(f"{facts.effects_repeated} effects are in the database more than once")
    if bounds.faults and not sum(facts.faults.values()):
        found.append("no fault hit anything")
    return found


def _sessions(facts: Facts, bounds: Bounds) -> list[str]:
    found: list[str] = []
    wanted = (
        facts.shards + facts.identifies_due + (facts.sessions_ended if bounds.identifies == "first and ended" else 0)
    )
    if not wanted <= facts.identifies <= wanted + facts.identifies_in_vain:
        found.append(f"{facts.identifies} IDENTIFYs were accepted; {wanted} were needed")
    if facts.identifies_rejected:
        found.append(f"{facts.identifies_rejected} IDENTIFYs were refused")
    if facts.logins_refused:
        found.append(f"{facts.logins_refused} IDENTIFYs or RESUMEs were tried with a token that Discord refuses")
    resumes = facts.resumes - facts.resumes_before
    if bounds.resumes == "none" and resumes:
        found.append(f"{resumes} RESUMEs, though nothing was interrupted")
    # Of processes that are all told to leave, the first may still give shards to one that has not read its signal.
    if bounds.resumes == "one each" and not facts.shards <= resumes <= 2 * facts.shards:
        found.append(f"{resumes} RESUMEs; {facts.shards} were needed")
    if bounds.most_resumes is not None and facts.most_resumes > bounds.most_resumes:
        found.append(f"a shard was resumed {facts.most_resumes} times; {bounds.most_resumes} are allowed")
    if facts.unrecovered and not bounds.unrecovered:
        found.append(f"{facts.unrecovered} shards were not connected at the end")
    return found


def _moves(facts: Facts, bounds: Bounds) -> list[str]:
    found: list[str] = []
    if bounds.moves == "once a step":
        for step in facts.steps:
            if step.again:
                found.append(f"{step.name} moved {step.moved} shards, and some of them {step.again} times more")
            if step.full and step.moved != facts.shards:
                found.append(f"{step.name} moved {step.moved} of {facts.shards} shards")
    if bounds.moves == "bad images":
        found += [
            f"a bad image tried {one.shards} shards in {one.processes} processes"
            for one in facts.tries
            if one.shards > one.processes
        ]
        if facts.strayed:
            found.append(f"{facts.strayed} shards moved between good processes because of a bad image")
    return found


def _answers(facts: Facts) -> list[str]:
    found: list[str] = []
    silent = facts.interactions_sent - facts.interactions_answered - facts.expired - facts.interactions_undeliverable
    if silent:
        found.append(f"{silent} interactions were not answered within 3 s")
    if facts.wrong_answers:
        found.append(f"{len(facts.wrong_answers)} answers were wrong: {facts.wrong_answers[0]}")
    return found


def _times(facts: Facts, bounds: Bounds) -> list[str]:
    found: list[str] = []
    for name, value, bound, least in (
        ("99th of 100 gaps", facts.gap.p99, bounds.gap_p99, POOLED),
        ("longest gap", facts.gap.max, bounds.gap_max, 1),
    ):
        if bound is not None and value > bound and facts.gap.count >= least:
            found.append(f"the {name} was {value * 1000:.0f} ms; {bound * 1000:.0f} are allowed")
    slowest = max(facts.recoveries, default=0.0)
    if bounds.again_within is not None and slowest > bounds.again_within:
        found.append(
            f"a shard's next event was handled {slowest:.1f} s after its process was hit; "
            f"{bounds.again_within:g} are allowed"
        )
    if bounds.ready_within is not None and facts.ready_after > bounds.ready_within:
        found.append(
            f"ready {facts.ready_after:.1f} s after the first warm process; {bounds.ready_within:.1f} s are allowed"
        )
    return found
