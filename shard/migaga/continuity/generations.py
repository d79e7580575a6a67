"""When a generation begins, is armed, cut in, finished or aborted (P9).

Every process decides the same from the same rows; one compare-and-swap on the state column wins. Deadlines count from
the moment when a process saw a state, by its own clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from migaga.continuity.view import View
from migaga.storage.leases_operations import Insert, Operation, Together, Update, Value
from migaga.storage.leases_rows import GenerationRow, GenerationState, ShardPhase, ShardRow

ARMED_FOR = 60.0
"""Seconds for which every owner must have journaled, and every shard have been warm, before the cut."""
WARM_WITHIN = 600
"""Seconds that a generation may take until it is cut in."""
AGAIN_AFTER = 900.0
"""Seconds after which an aborted wish is tried again."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What sessions should be bound to."""

    shard_count: int
    intents: int
    api_version: int

    @property
    def name(self) -> str:
        """Name it as rows of shards do."""
        return f"{self.shard_count}:{self.intents}:v{self.api_version}"

    def is_met_by(self, row: GenerationRow) -> bool:
        """Whether a generation is what is wished."""
        return (row.shard_count, row.intents, row.api_version) == (self.shard_count, self.intents, self.api_version)


class Generations:
    """The generations of a fleet as one process sees them."""

    def __init__(self, wish: Wish, *, armed_for: float = ARMED_FOR, warm_within: int = WARM_WITHIN) -> None:
        """`armed_for` and `warm_within` are seconds; others that began a generation may have wished otherwise."""
        self.wish = wish
        self._armed_for = armed_for
        self._warm_within = warm_within
        self._states: dict[tuple[int, str], float] = {}
        self._steady: tuple[frozenset[tuple[str, int, str]], float] | None = None

    def decide(self, view: View, now: float, *, unfinished: int, obstacle: str | None) -> Operation | None:
        """Return the next step, if there is one.

        Args:
            view: The fleet.
            now: Own clock.
            unfinished: Inflight rows of the live generation that still have to run.
            obstacle: Why the wish cannot be begun now (capacity, IDENTIFY budget), in words; None when it can.
        """
        self._note(view, now)
        live, upcoming = view.live_generation, view.upcoming_generation
        if live is None:
            return None if upcoming else self._begin(view, GenerationState.LIVE)
        if upcoming is None:
            return self._begin(view, GenerationState.WARMING) if self._may_begin(view, live, now, obstacle) else None
        if upcoming.state == GenerationState.CUTTING:
            return self._finish(view, live, upcoming, unfinished)
        return self._warm_or_abort(view, live, upcoming, now)

    def journals_for(self, view: View) -> int:
        """Return the generation for which owners of the live one journal what they finish; 0 for none."""
        armed = {GenerationState.ARMED, GenerationState.CUTTING}
        return next((row.n for row in view.generations if row.state in armed), 0)

    def to_drain(self, view: View) -> str | None:
        """Return the generation whose shards are to be drained now by their owners."""
        live, upcoming = view.live_generation, view.upcoming_generation
        cutting = upcoming is not None and upcoming.state == GenerationState.CUTTING
        return live.name if live is not None and cutting else None

    def _note(self, view: View, now: float) -> None:
        self._states = {(row.n, row.state): self._states.get((row.n, row.state), now) for row in view.generations}

    def _may_begin(self, view: View, live: GenerationRow, now: float, obstacle: str | None) -> bool:
        """Only the newest revision begins, when its roll is over and the wish was not aborted a moment ago."""
        mine = view.mine
        if mine is None or mine.leaving or view.is_rolling or self.wish.is_met_by(live) or obstacle is not None:
            return False
        failed = [row for row in view.generations if row.state == GenerationState.ABORTED and row.n > live.n]
        return all(
            now - self._states[row.n, row.state] >= AGAIN_AFTER for row in failed if self.wish.is_met_by(row)
        ) and _is_settled(view, live)

    def _begin(self, view: View, state: GenerationState) -> Insert:
        n = max((row.n for row in view.generations), default=0) + 1
        taken = {row.name for row in view.generations}
        name = self.wish.name if self.wish.name not in taken else f"{self.wish.name}:{n}"
        row = GenerationRow(
            n,
            name,
            self.wish.shard_count,
            self.wish.intents,
            self.wish.api_version,
            state,
            warm_seconds=self._warm_within,
        )
        return Insert("generation", asdict(row))

    def _warm_or_abort(self, view: View, live: GenerationRow, upcoming: GenerationRow, now: float) -> Operation | None:
        warm = [row for row in _shards(view, upcoming) if _is_warm(view, row)]
        began = min(at for (n, _), at in self._states.items() if n == upcoming.n)
        if now - began >= upcoming.warm_seconds:
            return abort(
                upcoming,
                f"{len(warm)} of {upcoming.shard_count} shards were ready after {upcoming.warm_seconds} s; "
                "the generation before goes on",
            )
        if len(warm) < upcoming.shard_count:
            self._steady = None
            return None
        if upcoming.state == GenerationState.WARMING:
            return _swap(upcoming, GenerationState.ARMED)
        old = [row for row in _shards(view, live) if row.journaled == upcoming.n and _is_handled(view, row)]
        if len(old) < live.shard_count:
            self._steady = None
            return None
        tokens = frozenset((row.generation, row.id, row.token) for row in [*warm, *old])
        if self._steady is None or self._steady[0] != tokens:
            self._steady = (tokens, now)
        return _swap(upcoming, GenerationState.CUTTING) if now - self._steady[1] >= self._armed_for else None

    def _finish(self, view: View, live: GenerationRow, upcoming: GenerationRow, unfinished: int) -> Operation | None:
        drained = [row for row in _shards(view, live) if row.state == ShardPhase.DRAINED]
        if len(drained) < live.shard_count or unfinished:
            return None
        return Together((_swap(upcoming, GenerationState.LIVE), _swap(live, GenerationState.GONE)))


def abort(upcoming: GenerationRow, reason: str) -> Update | None:
    """Give a generation up that is not cut in yet; None when nothing can stop it any more."""
    if upcoming.state not in {GenerationState.WARMING, GenerationState.ARMED}:
        return None
    change: dict[str, Value] = {"state": GenerationState.ABORTED, "reason": reason}
    return Update("generation", {"n": upcoming.n}, {"state": upcoming.state}, change)


def missing_shards(view: View) -> Sequence[Insert]:
    """Return the rows of shards that are not there yet, of every generation whose shards are to be held."""
    there = {row.key for row in view.shards}
    return [
        Insert("shard", asdict(ShardRow(row.name, shard_id)))
        for row in view.open_generations
        for shard_id in range(row.shard_count)
        if (row.name, shard_id) not in there
    ]


def _swap(row: GenerationRow, state: GenerationState) -> Update:
    return Update("generation", {"n": row.n}, {"state": row.state}, {"state": state})


def _shards(view: View, generation: GenerationRow) -> Sequence[ShardRow]:
    return [row for row in view.shards if row.generation == generation.name and row.id < generation.shard_count]


def _is_warm(view: View, row: ShardRow) -> bool:
    return row.state == ShardPhase.WARM and view.is_alive(row.owner)


def _is_handled(view: View, row: ShardRow) -> bool:
    return row.state in {ShardPhase.LIVE, ShardPhase.OFFERED} and view.is_alive(row.owner)


def _is_settled(view: View, live: GenerationRow) -> bool:
    """Whether every shard of the live generation is live: nothing is begun on top of trouble."""
    shards = _shards(view, live)
    return len(shards) == live.shard_count and all(_is_handled(view, row) for row in shards)
