"""What a fleet looks like in one reading: who counts, who owns what, what is free.

Every decision about shares, claims and offers starts from a `View`. All processes see the same rows sooner or later,
and compute the same from them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from migaga.storage.leases_rows import GenerationRow, GenerationState, Observation, ProcessRow, ShardPhase, ShardRow

UNDER_WAY = frozenset({GenerationState.WARMING, GenerationState.ARMED, GenerationState.CUTTING})


class View:
    """One reading, seen by one process."""

    def __init__(self, me: str, observation: Observation) -> None:
        self.me = me
        self.shards = tuple(sorted(observation.shards, key=lambda row: row.key))
        self.generations = tuple(sorted(observation.generations, key=lambda row: row.n))
        self.all_processes = tuple(observation.processes)
        self.alive = tuple(sorted((row for row in observation.processes if not row.dead), key=lambda row: row.id))
        self._alive_ids = {row.id: row for row in self.alive}
        self._of: dict[str, Sequence[ShardRow]] = {}
        self._owned: dict[str, Mapping[str, int]] = {}

    @cached_property
    def mine(self) -> ProcessRow | None:
        """The own row; None when it is gone or says that this process is dead."""
        return self.process(self.me)

    def process(self, process_id: str | None) -> ProcessRow | None:
        """Return a living process by its id."""
        return None if process_id is None else self._alive_ids.get(process_id)

    def is_alive(self, process_id: str | None) -> bool:
        """Whether a process may be alive. An owner without a row is not: shards are read before processes."""
        return process_id in self._alive_ids

    def is_unowned(self, shard: ShardRow) -> bool:
        """Whether anybody may claim this shard."""
        return shard.state != ShardPhase.DRAINED and not self.is_alive(shard.owner)

    def died(self, shard: ShardRow) -> bool:
        """Whether a shard's owner died with it."""
        return shard.owner is not None and not self.is_alive(shard.owner)

    def of(self, generation: str) -> Sequence[ShardRow]:
        """Return the shards of a generation that have an owner or need one."""
        if generation not in self._of:
            rows = [row for row in self.shards if row.generation == generation and row.state != ShardPhase.DRAINED]
            self._of[generation] = rows
        return self._of[generation]

    def rows_of(self, generation: str) -> Sequence[ShardRow]:
        """Return every row of a generation, whatever became of it."""
        return [row for row in self.shards if row.generation == generation]

    def owned(self, generation: str) -> Mapping[str, int]:
        """Count the shards of a generation by living owner; who owns none is not in it."""
        if generation not in self._owned:
            owners = [row.owner for row in self.of(generation) if row.owner is not None and self.is_alive(row.owner)]
            self._owned[generation] = Counter(owners)
        return self._owned[generation]

    @cached_property
    def open_generations(self) -> Sequence[GenerationRow]:
        """The generations whose shards are to be held: the live one, and one that is under way."""
        held = UNDER_WAY | {GenerationState.LIVE}
        return [row for row in self.generations if row.state in held]

    @cached_property
    def live_generation(self) -> GenerationRow | None:
        """The generation whose events are handled."""
        return next((row for row in self.generations if row.state == GenerationState.LIVE), None)

    @cached_property
    def upcoming_generation(self) -> GenerationRow | None:
        """The generation that is under way."""
        return next((row for row in self.generations if row.state in UNDER_WAY), None)

    @cached_property
    def is_resharding(self) -> bool:
        """Whether a generation is under way: no rebalancing meanwhile."""
        return self.upcoming_generation is not None

    @cached_property
    def newest(self) -> int:
        """The newest revision of those that count."""
        return max((row.revision for row in self.counting), default=0)

    @cached_property
    def counting(self) -> Sequence[ProcessRow]:
        """The processes among which shards are shared: alive, not leaving, proved or with nothing to prove."""
        return [row for row in self.alive if not row.leaving and not self.has_to_prove(row)]

    @cached_property
    def staying(self) -> Sequence[ProcessRow]:
        """The processes that do not leave, proved or not."""
        return [row for row in self.alive if not row.leaving]

    @cached_property
    def is_rolling(self) -> bool:
        """Whether processes of several revisions are alive."""
        return len({row.revision for row in self.alive}) > 1

    def has_to_prove(self, row: ProcessRow) -> bool:
        """Whether a process is not Ready although proved ones of another revision hold shards (P10)."""
        return not row.ready and bool(self._holding_revisions - {row.revision})

    @cached_property
    def _holding_revisions(self) -> frozenset[int]:
        owners = {row.owner for row in self.shards if row.state != ShardPhase.DRAINED}
        return frozenset(row.revision for row in self.alive if row.ready and row.id in owners)
