"""Which of its shards a process offers, and which offered ones it takes (P3, P5, P10).

All when it leaves; one to a process that has to prove itself; a surplus when the fleet has been at rest for a while.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migaga.continuity.shares import HARD_CAP, assign_rest, quotas, room
from migaga.continuity.trials import Trials
from migaga.continuity.view import View
from migaga.storage.leases_rows import ProcessRow, ShardPhase, ShardRow

_Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a fleet is, in seconds."""

    settled: float = 30.0
    """The set of processes must have been the same for so long before shares are evened out."""
    stuck: float = 600.0
    """The same where several revisions are alive: a roll that goes on must not be disturbed, one that is stuck must."""
    round_every: float = 90.0
    """At most one round in that time."""
    untaken: float = 15.0
    """An offer that nobody wants for so long is withdrawn."""


class Offers:
    """What one process offers, by its own clock."""

    def __init__(self, pace: Pace | None = None) -> None:
        self._pace = pace or Pace()
        self._members: frozenset[tuple[str, int, int]] = frozenset()
        self._since: float | None = None
        self._last_round: float | None = None
        self._failed = Trials()

    def failed(self, process_id: str, now: float) -> None:
        """Note that a shard was taken back from a process that did not go live with it: it is left alone for a while.

        Every process finds that in the rows, too; who took it back knows it surely.
        """
        self._failed.failed(process_id, now)

    def decide(self, view: View, now: float) -> frozenset[_Key]:
        """Return the own live shards that should be offered now, in addition to those that are."""
        self._note_members(view, now)
        self._failed.read(view, now)
        mine = view.mine
        if mine is None:
            return frozenset()
        live = [row for row in view.shards if row.owner == view.me and row.state == ShardPhase.LIVE]
        if mine.leaving:
            return frozenset(row.key for row in live)
        if view.is_resharding:
            return frozenset()
        return frozenset(row.key for row in [*self._trials(view, live, now), *self._surplus(view, live, now)])

    def withdrawn(self, view: View, offered_at: dict[_Key, float], now: float) -> list[_Key]:
        """Return the own offers to take back: nobody wanted them, and this process stays."""
        mine = view.mine
        if mine is None or mine.leaving:
            return []
        return [key for key, at in sorted(offered_at.items()) if now - at >= self._pace.untaken]

    def _note_members(self, view: View, now: float) -> None:
        members = frozenset((row.id, row.revision, row.leaving) for row in view.alive)
        if self._since is None or members != self._members:
            self._members, self._since = members, now

    def _trials(self, view: View, live: Sequence[ShardRow], now: float) -> Sequence[ShardRow]:
        """Give one shard to each newer process that has to prove itself and has none, if it is my turn to give.

        One that has failed with a shard is not given the next one at once.
        """
        owners = {row.owner for row in view.shards}
        mine = view.mine
        waiting = [
            row
            for row in view.staying
            if view.has_to_prove(row) and row.id not in owners and mine is not None and row.revision > mine.revision
            if self._failed.pause(row.id, now) <= 0
        ]
        if mine is None or not waiting or mine not in view.counting:
            return []
        givers = [row for row in view.counting if row.revision == mine.revision]
        best = max(givers, key=lambda row: (_total(view, row), row.id))
        offered = sum(row.state == ShardPhase.OFFERED and row.owner == view.me for row in view.shards)
        return live[: max(0, len(waiting) - offered)] if best.id == view.me else []

    def _surplus(self, view: View, live: Sequence[ShardRow], now: float) -> Sequence[ShardRow]:
        """Offer what is above the own share, at most once in a while, when nothing moves."""
        quiet = self._pace.stuck if view.is_rolling else self._pace.settled
        resting = self._since is not None and now - self._since >= quiet
        recent = self._last_round is not None and now - self._last_round < self._pace.round_every
        moving = any(row.state not in {ShardPhase.LIVE, ShardPhase.DRAINED} for row in view.shards)
        if not resting or recent or moving or view.mine not in view.counting:
            return []
        surplus: list[ShardRow] = []
        for generation in view.open_generations:
            held = view.owned(generation.name)
            mine = quotas(len(view.of(generation.name)), view.counting, held).get(view.me, 0)
            here = [row for row in live if row.generation == generation.name]
            surplus += here[: max(0, held[view.me] - mine)]
        if surplus:
            self._last_round = now
        return surplus


class Takes:
    """Which offered shards one process wants, by its own clock."""

    REST_AFTER = 3.0
    """Seconds after which an offer that nobody takes goes beyond shares, when no revision is being replaced."""

    def __init__(self) -> None:
        self._since: dict[tuple[str, int, str], float] = {}
        self._failed = Trials()

    def decide(self, view: View, now: float) -> list[ShardRow]:
        """Return the offered shards to connect for and then to want. The own ones are never among them."""
        self._failed.read(view, now)
        offered = [row for row in view.shards if row.state == ShardPhase.OFFERED and view.is_alive(row.owner)]
        self._since = {_name(row): self._since.get(_name(row), now) for row in offered}
        chosen: list[ShardRow] = []
        for generation in view.open_generations:
            here = [row for row in offered if row.generation == generation.name and row.owner != view.me]
            chosen += self._choose(view, generation.name, here, now)
        return chosen

    def _choose(self, view: View, generation: str, offered: Sequence[ShardRow], now: float) -> Sequence[ShardRow]:
        mine = view.mine
        if mine is None or mine.leaving:
            return []
        if view.has_to_prove(mine):
            if self._failed.pause(mine.id, now) > 0:
                return []
            # From one that stays alive: it can take the shard back when this process fails.
            offered = [row for row in offered if not _leaves(view, row)]
            return offered[: room(view, generation)]
        own = [row for row in offered if row.want == view.me]
        others = [row for row in offered if row.want != view.me and not self._is_for_trial(view, row, now)]
        chosen = [*own, *others][: room(view, generation)]
        late = [row for row in others if now - self._since[_name(row)] >= _patience(view, row) and row not in chosen]
        takers = assign_rest(view, generation, len(late))
        cap = mine.capacity * HARD_CAP - view.owned(generation)[view.me] - len(chosen)
        return chosen + [row for row, taker in zip(late, takers, strict=True) if taker == view.me][: max(0, cap)]

    def _is_for_trial(self, view: View, row: ShardRow, now: float) -> bool:
        """Whether an offer of a staying process is meant for one that has to prove itself."""
        proving = [one for one in view.staying if view.has_to_prove(one) and self._failed.pause(one.id, now) <= 0]
        return not _leaves(view, row) and bool(proving)


def _patience(view: View, row: ShardRow) -> float:
    """Return for how long an offer is left to those whose share it is.

    In a roll the next new process will come, and its share should wait for it: two thirds of what the giver had.
    """
    owner = view.process(row.owner)
    grace = 0.0 if owner is None else owner.leaving * 2 / 3
    return max(Takes.REST_AFTER, grace) if view.is_rolling else Takes.REST_AFTER


def _leaves(view: View, row: ShardRow) -> bool:
    owner = view.process(row.owner)
    return owner is None or owner.leaving > 0


def _total(view: View, process: ProcessRow) -> int:
    return sum(row.owner == process.id for row in view.shards)


def _name(row: ShardRow) -> tuple[str, int, str]:
    return row.generation, row.id, row.token
