"""What a process says about itself in its `/status` document, read without trusting it. `observed.py` calls it."""

from __future__ import annotations

from dataclasses import dataclass

from migaga.common.text import mask_shapes, shorten
from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path

UNDER_WAY = ("WARMING", "ARMED", "CUTTING")
"""States of a generation that comes (docs/architecture.md, Continuity)."""
_LONGEST = 400
_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class GenerationReport:
    """A generation as a process sees it."""

    n: int
    shard_count: int
    state: str
    """LIVE, WARMING, ARMED, CUTTING, GONE or ABORTED."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What one process says."""

    application: str = ""
    application_id: str = ""
    phase: str = ""
    """`waiting for the database`, `running`, `stopping` ..."""
    is_ready: bool = False
    is_leaving: bool = False
    reasons: tuple[str, ...] = ()
    """Why it is not ready."""
    revision: int | None = None
    shard_count: int | None = None
    recommended: int | None = None
    live_shards: frozenset[int] = frozenset()
    """Shards of the live generation that this process has connected."""
    database_error: str = ""
    identify_total: int | None = None
    identify_remaining: int | None = None
    identify_reason: str = ""
    """Why no IDENTIFY is sent; empty when nothing is in the way."""
    credentials: str = ""
    """Why Discord refuses the token or what it asks for; empty when it does not."""
    is_accepted: bool = False
    """Discord has accepted the token."""
    is_paused: bool = False
    generation: GenerationReport | None = None
    """The one that is live."""
    upcoming: GenerationReport | None = None
    """The one that comes, or that was given up last."""
    failed_modules: tuple[str, ...] = ()


def read_process(document: object) -> ProcessReport:
    """Read the document of `/status`. A part of another shape counts as missing."""
    application = at_path(document, "application")
    refused = _words(at_path(document, "credentials", "reason"))
    return ProcessReport(
        application=_words(at_path(application, "name")),
        application_id=as_text(at_path(application, "id")),
        phase=_words(at_path(document, "phase")),
        is_ready=at_path(document, "ready") is True,
        is_leaving=bool(at_path(document, "process", "leaving")),
        reasons=tuple(text for item in as_list(at_path(document, "reasons"))[:10] if (text := _words(item))),
        revision=_count(at_path(document, "process", "revision")),
        shard_count=_count(at_path(document, "shard_count")),
        recommended=_count(at_path(document, "recommended_shards")) or None,
        live_shards=_live_shards(document),
        database_error=_words(at_path(document, "database", "error")),
        identify_total=_count(at_path(document, "identify", "total")),
        identify_remaining=_count(at_path(document, "identify", "remaining")),
        identify_reason=_words(at_path(document, "identify", "reason")),
        credentials=refused,
        is_accepted=bool(as_mapping(application)) and not refused,
        is_paused=as_text(at_path(document, "mode")).casefold() == "paused",
        generation=_generation(at_path(document, "generation")),
        upcoming=_generation(at_path(document, "generation", "next")),
        failed_modules=tuple(
            f"{_words(at_path(item, 'name'))}: {error}"
            for item in as_list(at_path(document, "modules"))[:100]
            if (error := _words(at_path(item, "error")))
        ),
    )


def _generation(value: object) -> GenerationReport | None:
    n, count = _count(at_path(value, "n")), _count(at_path(value, "shard_count"))
    if n is None or not count:
        return None
    return GenerationReport(n, count, as_text(at_path(value, "state")).upper(), _words(at_path(value, "reason")))


def _live_shards(document: object) -> frozenset[int]:
    current = _count(at_path(document, "generation", "n"))
    found = set()
    for item in as_list(at_path(document, "shards"))[:20_000]:
        number, generation = _count(at_path(item, "id")), _count(at_path(item, "generation"))
        # A process without generations says none; then all its shards are of the one that is live.
        of_it = generation is None or current is None or generation == current
        if number is not None and of_it and as_text(at_path(item, "state")).casefold() == "live":
            found.add(number)
    return frozenset(found)


def _count(value: object) -> int | None:
    number = as_whole(value)
    return number if number is not None and 0 <= number <= _MOST * 1_000 else None


def _words(value: object) -> str:
    return shorten(mask_shapes(as_text(value)), _LONGEST)
