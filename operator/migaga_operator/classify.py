"""Puts the status of a bot together: counts and conditions, and which of it has changed. `planner.py` calls it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal

from migaga.common.text import shorten
from migaga_operator.builders.fleet import selector_text
from migaga_operator.conditions import (
    Case,
    Verdict,
    judge_budget,
    judge_credentials,
    judge_paused,
    judge_progressing,
    judge_ready,
    judge_resharding,
)
from migaga_operator.crd.record import dump
from migaga_operator.crd.status import BotStatus, Condition, IdentifyCounts, ShardCounts, WorkerCounts
from migaga_operator.json_types import as_list, as_mapping, as_text
from migaga_operator.observed import Observed
from migaga_operator.ops import Event, SetStatus
from migaga_operator.situation import Budget
from migaga_operator.stalls import judge_stalled

_LONGEST_MESSAGE = 2_000
# What people want to read in `kubectl describe`: (condition, status) -> kind of the event.
_TOLD: Mapping[tuple[str, str], Literal["Normal", "Warning"]] = {
    ("Ready", "True"): "Normal",
    ("Ready", "False"): "Warning",
    ("CredentialsValid", "False"): "Warning",
    ("IdentifyBudgetAvailable", "False"): "Warning",
    ("Resharding", "True"): "Normal",
    ("Resharding", "False"): "Normal",
    ("Paused", "True"): "Normal",
    ("Stalled", "True"): "Warning",
}


# Reasons come and go while a bot starts; only whether it is ready is news.
_BY_STATUS = ("Ready", "Paused")


def judge(case: Case, now: datetime) -> list[Verdict]:
    """Return the verdicts on all conditions, in the order in which they are shown."""
    stalled = judge_stalled(case, now)
    return [
        judge_ready(case),
        judge_progressing(case, stalled),
        judge_credentials(case),
        judge_budget(case),
        judge_resharding(case),
        judge_paused(case),
        stalled,
    ]


def make_status(case: Case, observed: Observed, now: datetime) -> BotStatus:
    """Return the status. A condition keeps the time of its last change as long as its status is the same."""
    situation, live = case.situation, observed.deployment
    return BotStatus(
        observed_generation=observed.generation,
        desired_replicas=case.replicas,
        replicas=live.counted("replicas") if live else 0,
        updated_replicas=case.updated,
        ready_replicas=situation.ready_pods,
        selector=selector_text(observed.owner) if live else None,
        revision=situation.revision or None,
        application=situation.answer.application or _known_text(observed, "application"),
        shards=ShardCounts(
            count=situation.count,
            connected=situation.connected,
            desired=case.decision.desired if case.decision else None,
            recommended=situation.recommended,
        ),
        identify=_identify(situation.budget),
        workers=_pools(observed) or None,
        conditions=tuple(_condition(verdict, observed, now) for verdict in judge(case, now)),
    )


def status_ops(status: BotStatus, observed: Observed) -> list[Event | SetStatus]:
    """Return the events that people want to read, and the write; nothing when the status stands as it is."""
    written = as_mapping(dump(status))
    names = {*written, *map(str, observed.status)}
    changes = [name for name in names if written.get(name) != observed.status.get(name)]
    if not changes:
        return []
    return [*_events(status, observed), SetStatus(status, tuple(sorted(changes)))]


def _events(status: BotStatus, observed: Observed) -> Sequence[Event]:
    found = []
    for item in status.conditions:
        before = _before(observed, item.type)
        kind = _TOLD.get((item.type, item.status))
        is_new = before.get("status") != item.status or (
            before.get("reason") != item.reason and item.type not in _BY_STATUS
        )
        # At first sight only what is wrong is news; that a new bot is not ready or not resharding is not.
        if kind is not None and is_new and (before or item.type == "Stalled"):
            found.append(Event(kind, item.reason, f"{item.type} is {item.status}. {shorten(item.message, 900)}"))
    return found


def _condition(verdict: Verdict, observed: Observed, now: datetime) -> Condition:
    before = _before(observed, verdict.type)
    since = as_text(before.get("lastTransitionTime"))
    is_same = before.get("status") == verdict.status and since
    return Condition(
        type=verdict.type,
        status=verdict.status,
        reason=verdict.reason,
        message=shorten(verdict.message, _LONGEST_MESSAGE),
        last_transition_time=since if is_same else now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        observed_generation=observed.generation,
    )


def _before(observed: Observed, kind: str) -> Mapping[str, object]:
    conditions = [as_mapping(item) for item in as_list(observed.status.get("conditions"))]
    return next((item for item in conditions if item.get("type") == kind), {})


def _identify(budget: Budget) -> IdentifyCounts | None:
    known = budget.remaining is not None or budget.total is not None
    return IdentifyCounts(budget.total, budget.remaining) if known else None


def _pools(observed: Observed) -> tuple[WorkerCounts, ...]:
    found = [WorkerCounts(name, live.replicas, live.counted("readyReplicas")) for name, live in observed.pools.items()]
    return tuple(found[:64])


def _known_text(observed: Observed, name: str) -> str | None:
    return as_text(observed.status.get(name)) or None
