"""How many shards of a generation each process should hold (P3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migaga.continuity.view import View
from migaga.storage.leases_rows import ProcessRow

HARD_CAP = 4
"""A process never holds more than this many times its capacity: it would fail for all of them."""


def quotas(total: int, processes: Sequence[ProcessRow], held: Mapping[str, int]) -> Mapping[str, int]:
    """Share `total` shards out so that shares differ by at most one, and as few as possible have to move.

    Who holds more gets the larger share; process id -> shards.
    """
    if not processes:
        return {}
    least, larger = divmod(total, len(processes))
    order = sorted(processes, key=lambda row: (-held.get(row.id, 0), row.id))
    return {row.id: least + (1 if rank < larger else 0) for rank, row in enumerate(order)}


def share(view: View, generation: str) -> int:
    """Return how many shards of a generation the viewing process should hold, its capacity left aside.

    While revisions change, the processes of the newest take what theirs will be when the roll is over: as many
    processes stay as there will be then.
    """
    total, held = len(view.of(generation)), view.owned(generation)
    if view.is_rolling:
        mine = view.mine
        if mine is None or mine.revision != view.newest or mine not in view.counting:
            return 0
        least, larger = divmod(total, max(1, len(view.staying)))
        others = [row for row in view.counting if row.id != view.me and row.revision == view.newest]
        taken = sum(held.get(row.id, 0) > least for row in others)
        return least + (1 if taken < larger else 0)
    return quotas(total, view.counting, held).get(view.me, 0)


def room(view: View, generation: str) -> int:
    """Return how many more shards of a generation the viewing process should take of its own accord."""
    mine = view.mine
    if mine is None or mine.leaving:
        return 0
    held = view.owned(generation).get(view.me, 0)
    if view.has_to_prove(mine):
        return max(0, 1 - sum(view.owned(row.name)[view.me] for row in view.open_generations))
    return max(0, min(share(view, generation), mine.capacity) - held)


def assign_rest(view: View, generation: str, count: int) -> Sequence[str | None]:
    """Say who takes each of `count` shards that nobody took in time: the least loaded of the newest, up to a cap.

    None where everybody is at the cap. Whoever computes it from the same rows gets the same.
    """
    held = dict(view.owned(generation))
    assigned: list[str | None] = []
    for _ in range(count):
        takers = [row for row in view.counting if held.get(row.id, 0) < row.capacity * HARD_CAP]
        best = min(takers, key=lambda row: (-row.revision, held.get(row.id, 0), row.id), default=None)
        assigned.append(None if best is None else best.id)
        if best is not None:
            held[best.id] = held.get(best.id, 0) + 1
    return assigned
