"""Which shard count and intents the pods are told: the spec's, or the ones before while the change has to wait.

A change of either begins the next generation, and costs one IDENTIFY a shard. It is passed on only when the day's
budget can pay for it, pods for it are there, and no other generation is coming. `planner.py` asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from migaga.common.values import INTENTS
from migaga_operator.builders.env import in_order
from migaga_operator.crd.spec import BotSpec
from migaga_operator.observed import read_time
from migaga_operator.situation import Situation, Told


@dataclass(frozen=True, slots=True)
class Hold:
    """Why the pods are not told yet what the spec asks for."""

    reason: str
    message: str
    needs_person: bool = False
    """Time alone does not solve it."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the pods are told."""

    count: int | None
    """None: they ask Discord."""
    intents: tuple[str, ...]
    resharded_at: str
    desired: int | None
    """The count that is asked for; None while nobody knows it."""
    hold: Hold | None = None
    identifies: int = 0
    """What passing it on costs of the day's budget."""
    is_template_held: bool = False
    """A generation comes: pods must not be rolled now."""


def pods_for(shards: int, max_per_pod: int) -> int:
    """Return how many pods hold so many shards."""
    return -(-shards // max_per_pod)


def decide(spec: BotSpec, situation: Situation, now: datetime) -> Decision:
    """Decide what the pods are told from now on."""
    told, intents = situation.told, tuple(in_order(spec.intents))
    if told is None:
        count = spec.shards.count or situation.count
        return Decision(_rounded(count, spec), intents, "", _rounded(count, spec))
    desired, early = _desired(spec, situation, told, now)
    before = Decision(told.count, told.intents, told.resharded_at, desired, early, 0, situation.upcoming is not None)
    if not situation.is_serving:
        # Nobody is connected: what was wrong before must not hold up what makes it right.
        return Decision(_unless_same(desired, told, situation), intents, told.resharded_at, desired)
    if _is_told(desired, intents, told, situation):
        return before
    cost = desired or situation.count or 1
    is_back = desired == situation.count and _are_in_force(intents, told, situation)
    hold = _hold(spec, situation, desired, 0 if is_back else cost)
    if hold is not None:
        return Decision(told.count, told.intents, told.resharded_at, desired, hold, 0, before.is_template_held)
    at = told.resharded_at if desired in {told.count, situation.count} else _text(now)
    return Decision(_unless_same(desired, told, situation), intents, at, desired, early, 0 if is_back else cost)


def _desired(spec: BotSpec, situation: Situation, told: Told, now: datetime) -> tuple[int | None, Hold | None]:
    """Return the count that is asked for, and why a recommendation is not followed yet."""
    shards, base = spec.shards, told.count or situation.count
    if shards.count is not None or base is None:
        return shards.count, None
    if base % shards.multiple_of:
        return _rounded(max(base, situation.recommended or 0), spec), None
    target = _rounded(situation.recommended or base, spec) or base
    tolerance = shards.reshard.tolerance_percent
    grows = target > base and target * 100 >= base * (100 + tolerance)
    shrinks = target < base and target * 100 <= base * (100 - 2 * tolerance)
    if not grows and not shrinks:
        return base, None
    last = read_time(told.resharded_at) if told.resharded_at else None
    # A time to come is somebody's mistake, and must not stop us until then.
    until = last + timedelta(minutes=shards.reshard.min_interval_minutes) if last and last <= now else now
    if until > now:
        return base, Hold(
            "WaitingForInterval",
            f"Discord recommends {situation.recommended} shards in place of {base}; followed after {_text(until)}, as "
            "spec.shards.reshard.minIntervalMinutes says.",
        )
    if spec.replicas is not None and spec.replicas * shards.max_per_pod < target:
        return base, Hold(
            "TooFewReplicas",
            f"Discord recommends {situation.recommended} shards in place of {base}, but {spec.replicas} pods hold "
            f"{spec.replicas * shards.max_per_pod}. Write spec.replicas: {pods_for(target, shards.max_per_pod)} or "
            f"more, "
            "leave it out, or raise spec.shards.maxPerPod.",
            needs_person=True,
        )
    return target, None


def _hold(spec: BotSpec, situation: Situation, desired: int | None, cost: int) -> Hold | None:
    if situation.upcoming is not None:
        coming = situation.upcoming
        return Hold("GenerationUnderWay", f"the change to {coming.shard_count} shards has to end first.")
    if cost and situation.budget is None:
        return Hold("BudgetUnknown", "no pod says how many IDENTIFYs are left of the day; it is asked again.")
    if cost and (situation.budget or 0) - spec.identify.reserve < cost:
        return Hold(
            "WaitingForBudget",
            f"{cost} IDENTIFYs are needed, and {situation.budget} are left of the day, of which "
            f"{spec.identify.reserve} are kept (spec.identify.reserve). Discord counts anew each day.",
        )
    needed = pods_for(desired or situation.count or 1, spec.shards.max_per_pod)
    if situation.ready_pods < needed:
        return Hold("WaitingForPods", f"{needed} pods are needed, and {situation.ready_pods} are ready.")
    return None


def _is_told(desired: int | None, intents: tuple[str, ...], told: Told, situation: Situation) -> bool:
    same_count = desired is None or desired == (told.count or situation.count)
    return same_count and intents == told.intents


def _are_in_force(intents: tuple[str, ...], told: Told, situation: Situation) -> bool:
    return intents == told.intents if situation.intents is None else bits_of(intents) == situation.intents


def bits_of(intents: tuple[str, ...]) -> int:
    """Return intents as Discord's bit field."""
    return sum(INTENTS.get(name, 0) for name in set(intents))


def _unless_same(desired: int | None, told: Told, situation: Situation) -> int | None:
    """Keep asking Discord where that has given the same count: telling the number would roll all pods for nothing."""
    return None if told.count is None and desired == situation.count else desired


def _rounded(count: int | None, spec: BotSpec) -> int | None:
    if count is None:
        return None
    multiple = spec.shards.multiple_of
    return -(-count // multiple) * multiple


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
