"""Which shard count and intents the pods are told: the spec's, or the ones before while the change has to wait.

A change of either begins the next generation, and costs one IDENTIFY a shard. It is passed on only when the day's
budget can pay for it, pods for it are there, and no other generation is coming. `planner.py` asks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from migaga_operator.builders.env import in_order
from migaga_operator.crd.spec import BotSpec
from migaga_operator.observed import read_time
from migaga_operator.situation import Situation, Told, bits_of


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
        count = _rounded(spec.shards.count or situation.count, spec)
        return Decision(count, intents, "", count)
    desired, early = _desired(spec, situation, told, now)
    before = Decision(told.count, told.intents, told.resharded_at, desired, early, 0, situation.upcoming is not None)
    passed_on = replace(before, count=_unless_same(desired, told, situation), intents=intents, is_template_held=False)
    if not situation.is_serving:
        # Nobody is connected: what was wrong before must not hold up what makes it right.
        return replace(passed_on, hold=None)
    if _is_told(desired, intents, told, situation):
        return before
    cost = 0 if _is_in_force(desired, intents, told, situation) else desired or situation.count or 1
    hold = _hold(spec, situation, desired, cost)
    if hold is not None:
        return replace(before, hold=hold)
    at = told.resharded_at if desired in {told.count, situation.count} else _text(now)
    return replace(passed_on, resharded_at=at, identifies=cost)


def _desired(spec: BotSpec, situation: Situation, told: Told, now: datetime) -> tuple[int | None, Hold | None]:
    """Return the count that is asked for, and why a recommendation is not followed yet."""
    base = told.count or situation.count
    if spec.shards.count is not None or base is None:
        return spec.shards.count, None
    target = _target(spec, base, situation.recommended)
    until = _not_before(spec, told, now)
    if target == base or base % spec.shards.multiple_of or until <= now:
        return target, None
    text = f"Discord recommends {situation.recommended} shards in place of {base}; followed after {_text(until)}"
    return base, Hold("WaitingForInterval", f"{text}, as spec.shards.reshard.minIntervalMinutes says.")


def _target(spec: BotSpec, base: int, recommended: int | None) -> int:
    """Return the count that a recommendation leads to: the present one while it is within the tolerance."""
    if base % spec.shards.multiple_of:
        return _rounded(max(base, recommended or 0), spec) or base
    target, tolerance = _rounded(recommended, spec) or base, spec.shards.reshard.tolerance_percent
    grows = target > base and target * 100 >= base * (100 + tolerance)
    shrinks = target < base and target * 100 <= base * (100 - 2 * tolerance)
    return target if grows or shrinks else base


def _not_before(spec: BotSpec, told: Told, now: datetime) -> datetime:
    last = read_time(told.resharded_at) if told.resharded_at else None
    # A time to come is somebody's mistake, and must not stop us until then.
    if last is None or last > now:
        return now
    return last + timedelta(minutes=spec.shards.reshard.min_interval_minutes)


def _hold(spec: BotSpec, situation: Situation, desired: int | None, cost: int) -> Hold | None:
    """Return what is in the way of a change that costs so many IDENTIFYs."""
    if situation.upcoming is not None:
        coming = situation.upcoming
        return Hold("GenerationUnderWay", f"the change to {coming.shard_count} shards has to end first.")
    lack = _lack_of_budget(spec, situation.budget.remaining, cost) if cost else None
    return lack or _lack_of_pods(spec, situation, desired or situation.count or 1)


def _lack_of_budget(spec: BotSpec, remaining: int | None, cost: int) -> Hold | None:
    if remaining is None:
        return Hold("BudgetUnknown", "no pod says how many IDENTIFYs are left of the day; it is asked again.")
    if remaining - spec.identify.reserve >= cost:
        return None
    text = (
        f"{cost} IDENTIFYs are needed, and {remaining} are left of the day, of which {spec.identify.reserve} are kept"
    )
    return Hold("WaitingForBudget", f"{text} (spec.identify.reserve). Discord counts anew each day.")


def _lack_of_pods(spec: BotSpec, situation: Situation, count: int) -> Hold | None:
    needed = pods_for(count, spec.shards.max_per_pod)
    if spec.replicas is not None and spec.replicas < needed:
        text = f"{count} shards need {needed} pods, and spec.replicas is {spec.replicas}"
        remedy = f"Write spec.replicas: {needed} or more, leave it out, or raise spec.shards.maxPerPod."
        return Hold("TooFewReplicas", f"{text}. {remedy}", needs_person=True)
    if situation.ready_pods < needed:
        return Hold("WaitingForPods", f"{needed} pods are needed, and {situation.ready_pods} are ready.")
    return None


def _is_told(desired: int | None, intents: tuple[str, ...], told: Told, situation: Situation) -> bool:
    same_count = desired is None or desired == (told.count or situation.count)
    return same_count and intents == told.intents


def _is_in_force(desired: int | None, intents: tuple[str, ...], told: Told, situation: Situation) -> bool:
    """Whether sessions are bound to it already, so that it costs nothing."""
    live = None if situation.live is None else situation.live.intents
    same_intents = intents == told.intents if live is None else bits_of(intents) == live
    return desired == situation.count and same_intents


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
