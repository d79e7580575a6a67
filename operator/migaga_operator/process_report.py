"""What a process says about itself in its `/status` document, read without trusting it. `observed.py` calls it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migaga.common.text import mask_shapes, shorten
from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path

UNDER_WAY = ("WARMING", "ARMED", "CUTTING")
"""States of a generation that comes (docs/architecture.md, Continuity)."""
_NOT_YET = ("wanted", "warm")
"""Leases of shards that another process still serves, or of a generation that is muted."""
_ON_THE_WAY = ("wanted", "passing")
"""Leases of shards that are handed over in this moment: one process serves it still, another has a connection open."""
_LONGEST = 400
MOST = 1_000_000
"""No count that the status has room for is larger."""
LARGEST_REVISION = 999_999_999
MOST_SHARDS = 16_384
"""As `crd/spec.py` has it."""


@dataclass(frozen=True, slots=True)
class GenerationReport:
    """A generation as a process sees it."""

    n: int
    shard_count: int
    state: str
    """LIVE, WARMING, ARMED, CUTTING, GONE or ABORTED."""
    reason: str = ""
    intents: int | None = None
    """Discord's bit field."""
    name: str = ""
    """What shards name it by, without the number that tells it from an earlier one of the same kind."""


@dataclass(frozen=True, slots=True)
class ProcessReport:
    """What one process says."""

    application: str = ""
    phase: str = ""
    """`waiting for the database`, `running`, `stopping` ..."""
    is_ready: bool = False
    reasons: tuple[str, ...] = ()
    """Why it is not ready."""
    revision: int | None = None
    shard_count: int | None = None
    recommended: int | None = None
    live_shards: frozenset[int] = frozenset()
    """Shards of the live generation that this process has connected."""
    moving_shards: frozenset[int] = frozenset()
    """Those that are on their way to or from this process: served without a break, though asked one after the other the
    giver may have it no longer, and the taker not yet."""
    identify_total: int | None = None
    identify_remaining: int | None = None
    identify_reason: str = ""
    """Why no IDENTIFY is sent; empty when nothing is in the way."""
    credentials: str = ""
    """Why Discord refuses the token or what it asks for; empty when it does not."""
    is_accepted: bool = False
    """Discord has accepted the token."""
    is_paused: bool = False
    generations: tuple[GenerationReport, ...] = ()
    obstacle: str = ""
    """Why the change that it is told of is not begun."""
    failed_modules: tuple[str, ...] = ()
    """Names of modules that do not run, and why."""


def read_process(document: object) -> ProcessReport:
    """Read the document of `/status`. A part of another shape counts as missing."""
    application = at_path(document, "application")
    read = (_generation(item) for item in as_list(at_path(document, "generations"))[:1_000])
    generations = tuple(item for item in read if item is not None)
    refused = _words(at_path(document, "credentials", "reason"))
    shards = _of_live_generation(document, generations)
    return ProcessReport(
        application=_words(at_path(application, "name"))[:256],
        phase=_words(at_path(document, "phase")),
        is_ready=at_path(document, "ready") is True,
        reasons=tuple(text for item in as_list(at_path(document, "reasons"))[:10] if (text := _words(item))),
        revision=_count(at_path(document, "process", "revision"), LARGEST_REVISION),
        shard_count=_count(at_path(document, "shard_count"), MOST_SHARDS),
        recommended=_count(at_path(document, "recommended_shards"), MOST_SHARDS) or None,
        live_shards=_numbers(item for item in shards if _is_live(item)),
        moving_shards=_numbers(item for item in shards if as_text(at_path(item, "lease")) in _ON_THE_WAY),
        identify_total=_count(at_path(document, "identify", "total")),
        identify_remaining=_count(at_path(document, "identify", "remaining")),
        identify_reason=_words(at_path(document, "identify", "reason")),
        credentials=refused,
        is_accepted=bool(as_mapping(application)) and not refused,
        is_paused=as_text(at_path(document, "mode")).casefold() == "paused",
        generations=generations,
        obstacle=_words(at_path(document, "change")),
        failed_modules=tuple(
            f"{_words(at_path(item, 'name'))}: {error}"
            for item in as_list(at_path(document, "modules"))[:100]
            if (error := _words(at_path(item, "error")))
        ),
    )


def live_generation(generations: Iterable[GenerationReport]) -> GenerationReport | None:
    """Return the generation that is live."""
    return max((item for item in generations if item.state == "LIVE"), key=lambda item: item.n, default=None)


def _generation(value: object) -> GenerationReport | None:
    n, count = _count(at_path(value, "n")), _count(at_path(value, "shard_count"), MOST_SHARDS)
    if n is None or not count:
        return None
    intents = _count(at_path(value, "intents"), 2**53)
    return GenerationReport(
        n=n,
        shard_count=count,
        state=as_text(at_path(value, "state")).upper(),
        reason=_words(at_path(value, "reason")),
        intents=intents,
        name=f"{count}:{intents}:v{_count(at_path(value, 'api_version'))}",
    )


def _of_live_generation(document: object, generations: Iterable[GenerationReport]) -> Sequence[object]:
    live = live_generation(generations)
    return [item for item in as_list(at_path(document, "shards"))[:20_000] if _is_of(item, live)]


def _is_of(shard: object, live: GenerationReport | None) -> bool:
    name = as_text(at_path(shard, "generation"))
    # A process that knows no generations has shards of the one that is live.
    return live is None or not name or f"{name}:".startswith(f"{live.name}:")


def _is_live(shard: object) -> bool:
    return as_text(at_path(shard, "state")) == "live" and as_text(at_path(shard, "lease")) not in _NOT_YET


def _numbers(shards: Iterable[object]) -> frozenset[int]:
    numbers = (_count(at_path(item, "id")) for item in shards)
    return frozenset(number for number in numbers if number is not None)


def _count(value: object, most: int = MOST) -> int | None:
    number = as_whole(value)
    return number if number is not None and 0 <= number <= most else None


def _words(value: object) -> str:
    return shorten(mask_shapes(as_text(value)), _LONGEST)
