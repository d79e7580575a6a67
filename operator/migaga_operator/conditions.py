"""The conditions of a bot: each judged in one place, with a reason that tells what to do.

`classify.py` puts them together. docs/operating.md lists all reasons; a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from migaga_operator.builders.fleet import SHARDS
from migaga_operator.crd.spec import BotSpec
from migaga_operator.observed import ObservedPod
from migaga_operator.resharding import Decision
from migaga_operator.situation import Situation, bits_of

Status = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is said of one aspect."""

    type: str
    status: Status
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that conditions are judged by."""

    spec: BotSpec | None
    """None: it cannot be read, and what runs goes on as it was."""
    situation: Situation
    decision: Decision | None
    replicas: int | None
    """Shard pods that are asked for."""
    worker_pods: tuple[ObservedPod, ...]
    rolling: tuple[str, ...]
    """The Deployments whose pods are not yet what is asked for: `shards`, and names of worker pools."""
    updated: int
    """Shard pods of the newest revision."""
    halt: Verdict | None
    """Why nothing is done for this bot (a wrong spec, a twin), if nothing is."""
    blocked: Verdict | None
    """Why the API server does not take something, if it does not."""


_GENERATION_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "WARMING": ("WarmingUp", "its shards connect beside the old ones"),
        "ARMED": ("Armed", "its shards are there, and the old ones note what they finish"),
        "CUTTING": ("CuttingOver", "the old shards hand over to the new ones"),
    }
)


def judge_ready(case: Case) -> Verdict:
    """Ready: every shard is connected and served."""
    situation = case.situation
    if case.spec is not None and case.spec.mode == "Stopped":
        return Verdict("Ready", "False", "Stopped", "The bot is stopped. Write spec.mode: Running to start it.")
    if situation.told is None:
        why = "see the condition Stalled" if case.halt else "its pods are being created"
        return Verdict("Ready", "False", "NotStarted", f"The bot has not been started: {why}.")
    if situation.silent_pods and len(situation.reports) == 0:
        text = (
            "The pods are ready, and none answers the operator at its HTTP port: nobody can tell how many shards are "
            "connected. Look for a NetworkPolicy between the operator and the pods."
        )
        return Verdict("Ready", "Unknown", "PodsUnreachable", text)
    return _ready_by_shards(situation)


def _ready_by_shards(situation: Situation) -> Verdict:
    count, connected = situation.count, situation.connected
    if count is not None and connected >= count:
        return Verdict("Ready", "True", "AllShardsConnected", f"All {count} shards are connected.{_broken(situation)}")
    said = sorted({reason for report in situation.reports for reason in report.reasons})
    why = f" Pods say: {'; '.join(said[:3])}." if said else ""
    if count is None:
        return Verdict("Ready", "False", "CountUnknown", f"No pod has learned the shard count from Discord yet.{why}")
    if situation.silent_pods:
        text = f"{connected} of {count} shards are connected for sure; {situation.silent_pods} pods do not answer.{why}"
        return Verdict("Ready", "Unknown", "PodsUnreachable", text)
    return Verdict("Ready", "False", "ShardsMissing", f"{connected} of {count} shards are connected.{why}")


def _broken(situation: Situation) -> str:
    broken = sorted({module for report in situation.reports for module in report.failed_modules})
    return f" Modules that do not run: {'; '.join(broken[:5])}." if broken else ""


def judge_progressing(case: Case, stalled: Verdict) -> Verdict:
    """Progressing: the operator and Kubernetes are on their way to what the spec asks for."""
    kind = "Progressing"
    if case.halt is not None:
        return Verdict(kind, "False", "Halted", "Nothing is done for this bot; see the condition Stalled.")
    if case.situation.told is None:
        return Verdict(kind, "True", "Starting", "The pods are being created.")
    if case.decision is not None and case.decision.is_template_held:
        text = "A generation is coming: changes of the pods wait until it is there or has been given up."
        return Verdict(kind, "True", "WaitingForGeneration", text)
    if case.rolling:
        stuck = " It is stuck: see the condition Stalled." if stalled.status == "True" else ""
        return Verdict(kind, "True", "RollingOut", f"{_rolling(case)}{stuck}")
    return _progress_of_shards(case, kind)


def _rolling(case: Case) -> str:
    pools = [name for name in case.rolling if name != SHARDS]
    if SHARDS not in case.rolling:
        return f"The pods of the workers {', '.join(pools)} are being replaced, added or taken away."
    ready = case.situation.ready_pods
    return f"{case.updated} of {case.replicas} shard pods are of the newest revision, {ready} are ready."


def _progress_of_shards(case: Case, kind: str) -> Verdict:
    situation, hold = case.situation, case.decision.hold if case.decision else None
    if hold is not None:
        return Verdict(kind, "False", "Waiting", f"A change waits: {hold.message}")
    if case.spec is not None and case.spec.mode == "Stopped":
        return Verdict(kind, "False", "Stopped", "No pod runs.")
    if situation.count is None or situation.connected < situation.count:
        return Verdict(kind, "True", "Connecting", "The pods are there; their shards connect.")
    return Verdict(kind, "False", "Complete", "Everything is as the spec asks for.")


def judge_credentials(case: Case) -> Verdict:
    """CredentialsValid: Discord takes the token and what is asked for with it."""
    situation = case.situation
    if situation.answer.refusal:
        return Verdict(
            "CredentialsValid",
            "False",
            "Refused",
            f"{situation.answer.refusal} Put a valid token into the Secret that spec.tokenSecretRef names: pods "
            f"notice it.",
        )
    if situation.answer.is_accepted:
        return Verdict("CredentialsValid", "True", "Accepted", "Discord has accepted the token.")
    return Verdict("CredentialsValid", "Unknown", "NotTried", "No pod has asked Discord, or none can be reached.")


def judge_budget(case: Case) -> Verdict:
    """IdentifyBudgetAvailable: shards that lose their session can begin another today, and the reserve is whole."""
    kind, situation = "IdentifyBudgetAvailable", case.situation
    reserve = case.spec.identify.reserve if case.spec else 0
    if situation.budget.remaining is None:
        return Verdict(kind, "Unknown", "NotKnown", "No pod says how many IDENTIFYs are left of the day.")
    left = f"{situation.budget.remaining} of {situation.budget.total} IDENTIFYs are left of the day"
    if situation.budget.remaining <= reserve:
        text = (
            f"{left}, and {reserve} are kept for shards that lose their session. Do not reshard or change intents "
            f"today."
        )
        return Verdict(kind, "False", "BelowReserve", text)
    if situation.budget.reason:
        return Verdict(kind, "False", "Blocked", f"{left}. Pods say: {situation.budget.reason}.")
    return Verdict(kind, "True", "Enough", f"{left}.")


def judge_resharding(case: Case) -> Verdict:
    """Resharding: another generation (shard count, intents) is asked for, or is coming."""
    kind, situation = "Resharding", case.situation
    coming, hold = situation.upcoming, case.decision.hold if case.decision else None
    if coming is not None:
        reason, text = _GENERATION_REASONS[coming.state]
        said = f" Pods say: {situation.obstacle}" if situation.obstacle else ""
        return Verdict(kind, "True", reason, f"From {situation.count} to {coming.shard_count} shards: {text}.{said}")
    if hold is not None:
        return Verdict(kind, "False", hold.reason, f"Not begun: {hold.message}")
    if _is_met(situation):
        return Verdict(kind, "False", "NotNeeded", "The shards are as they are asked for.")
    given_up = situation.aborted
    if given_up is not None:
        why = given_up.reason or "it was not ready in time"
        text = f"The change to {given_up.shard_count} shards was given up: {why}. The pods try again by themselves."
        return Verdict(kind, "False", "GivenUp", text)
    told = (situation.told.count if situation.told else None) or situation.count
    why = (
        f"Pods say: {situation.obstacle}"
        if situation.obstacle
        else "It begins when all pods are of the newest revision."
    )
    return Verdict(kind, "True", "Requested", f"From {situation.count} to {told} shards. {why}")


def _is_met(situation: Situation) -> bool:
    """Whether the pods have what they are told, or there is nothing yet that could change."""
    told = situation.told
    if told is None or not situation.is_serving:
        return True
    live = None if situation.live is None else situation.live.intents
    return told.count in {None, situation.count} and live in {None, bits_of(told.intents)}


def judge_paused(case: Case) -> Verdict:
    """Paused: events are counted and not handled."""
    reports = case.situation.reports
    paused = sum(report.is_paused for report in reports)
    if case.spec is not None and case.spec.mode == "Paused":
        if reports and paused == len(reports):
            text = "Events are counted and not handled. Write spec.mode: Running to go on."
            return Verdict("Paused", "True", "Asked", text)
        return Verdict(
            "Paused", "False", "Pausing", f"{paused} of {len(reports)} pods have paused; it takes about a minute."
        )
    if paused:
        return Verdict(
            "Paused", "True", "GoingOn", f"{paused} of {len(reports)} pods are still paused; it takes a minute."
        )
    return Verdict("Paused", "False", "NotAsked", "Events are handled.")
