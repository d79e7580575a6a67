"""Which shards this process claims now (P3): first its share, then what stays unowned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from migaga.continuity.poison import STEADY
from migaga.continuity.shares import HARD_CAP, assign_rest, room
from migaga.continuity.view import View
from migaga.storage.leases_operations import Add, Update, Value
from migaga.storage.leases_rows import ShardPhase, ShardRow

REST_AFTER = 3.0
"""Seconds after which an unowned shard goes to the least loaded; after twice that to whoever has room below the cap."""
HANDLING = frozenset({ShardPhase.LIVE, ShardPhase.OFFERED})
"""States in which an event can have killed its owner."""


class Claims:
    """What one process knows about how long shards have been unowned, by its own clock."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, int, str], float] = {}

    def decide(self, view: View, now: float, new_token: Callable[[], str]) -> list[Update]:
        """Return the claims to make now. Each is a race that the database decides; a win counts only while valid."""
        free = [row for row in view.shards if view.is_unowned(row)]
        self._since = {_name(row): self._since.get(_name(row), now) for row in free}
        mine = view.mine
        if mine is None or mine.leaving:
            return []
        chosen: list[ShardRow] = []
        for generation in view.open_generations:
            here = [row for row in free if row.generation == generation.name]
            chosen += self._choose(view, generation.name, here, now)
        return [claim(row, view, new_token()) for row in chosen]

    def _choose(self, view: View, generation: str, free: Sequence[ShardRow], now: float) -> Sequence[ShardRow]:
        count = room(view, generation)
        mine = view.mine
        if mine is not None and view.has_to_prove(mine):
            return free[:count]
        waited = {_name(row): now - self._since[_name(row)] for row in free}
        late = [row for row in free if waited[_name(row)] >= REST_AFTER]
        takers = assign_rest(view, generation, len(late))
        # Each begins at another place, so that processes that start together do not all race for the same row.
        chosen = _spread(view, [row for row in free if row not in late])[:count]
        chosen += [row for row, taker in zip(late, takers, strict=True) if taker == view.me]
        if mine is None or mine not in view.counting:
            return []
        chosen += [row for row in late if waited[_name(row)] >= 2 * REST_AFTER and row not in chosen]
        return chosen[: max(0, mine.capacity * HARD_CAP - view.owned(generation)[view.me])]


def claim(row: ShardRow, view: View, token: str) -> Update:
    """Claim a shard as it was seen. The token fences every write of the owner before."""
    change: dict[str, Value | Add] = {
        "owner": view.me,
        "token": token,
        "epoch": Add(1),
        "state": ShardPhase.CLAIMED,
        "want": None,
        "journaled": 0,
    }
    if view.died(row) and row.state in HANDLING:
        change |= {"died_seq": row.seq, "deaths": _deaths(row)}
    return Update("shard", shard_key(row), {"token": row.token}, change)


def _deaths(row: ShardRow) -> int:
    """Count the owners in a row that died soon, at one watermark. Who lived for long died of chance."""
    if row.deaths == STEADY:
        return 0
    return row.deaths + 1 if row.died_seq == row.seq else 1


def shard_key(row: ShardRow) -> dict[str, Value]:
    """Return the primary key of a shard's row."""
    return {"generation": row.generation, "id": row.id}


def _name(row: ShardRow) -> tuple[str, int, str]:
    return row.generation, row.id, row.token


def _spread(view: View, free: Sequence[ShardRow]) -> list[ShardRow]:
    ids = [row.id for row in view.counting]
    start = len(free) * ids.index(view.me) // len(ids) if view.me in ids else 0
    return [*free[start:], *free[:start]]
