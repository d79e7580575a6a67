"""Every reason that a condition can have, and what a person does then. docs/operating.md shows this table.

`python -m migaga_operator.reasons` prints it. Tests see to it that no other reason is ever written.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason."""

    type: str
    status: str
    name: str
    meaning: str
    remedy: str = ""
    """Empty: there is nothing to do."""


_SEE_STALLED = "See the condition `Stalled`."
_WAIT = "Wait."
REASONS = (
    Reason("Ready", "True", "AllShardsConnected", "Every shard is connected and served."),
    Reason(
        "Ready",
        "False",
        "ShardsMissing",
        "Some shards are not connected.",
        "Wait a minute; then read what the pods say in the message.",
    ),
    Reason(
        "Ready",
        "False",
        "CountUnknown",
        "No pod has learned the shard count from Discord yet.",
        "Read the message; then `kubectl logs deployment/NAME`.",
    ),
    Reason("Ready", "False", "NotStarted", "There are no pods yet.", _SEE_STALLED),
    Reason("Ready", "False", "Stopped", "`spec.mode` is `Stopped`.", "Write `spec.mode: Running`."),
    Reason(
        "Ready",
        "Unknown",
        "PodsUnreachable",
        "Pods are ready and do not answer the operator.",
        "Look for a NetworkPolicy between the operator and the pods (TCP 8080). The bot itself may be well.",
    ),
    Reason("Progressing", "False", "Complete", "Everything is as the spec asks for."),
    Reason("Progressing", "True", "Starting", "The pods are being created.", _WAIT),
    Reason(
        "Progressing",
        "True",
        "RollingOut",
        "Pods are replaced, added or taken away.",
        "Wait; `kubectl rollout status deployment/NAME` follows it. When it is stuck, see `Stalled`.",
    ),
    Reason("Progressing", "True", "Connecting", "The pods are there, and their shards connect.", _WAIT),
    Reason(
        "Progressing",
        "True",
        "WaitingForGeneration",
        "A generation comes; pods are not rolled meanwhile.",
        "Wait: it ends, or is given up, within about 10 minutes.",
    ),
    Reason("Progressing", "False", "Waiting", "A change waits for something else.", "See the condition `Resharding`."),
    Reason("Progressing", "False", "Halted", "Nothing is done for this bot.", _SEE_STALLED),
    Reason("Progressing", "False", "Stopped", "No pod runs, as `spec.mode` asks for."),
    Reason("CredentialsValid", "True", "Accepted", "Discord has accepted the token."),
    Reason(
        "CredentialsValid",
        "False",
        "Refused",
        "Discord refuses the token or the intents.",
        "Put a valid token into the Secret (see [A new token](#a-new-token)), or switch the intents on.",
    ),
    Reason("CredentialsValid", "Unknown", "NotTried", "No pod has asked Discord, or none can be reached.", _WAIT),
    Reason("IdentifyBudgetAvailable", "True", "Enough", "More IDENTIFYs are left than the reserve."),
    Reason(
        "IdentifyBudgetAvailable",
        "False",
        "BelowReserve",
        "Only the reserve is left of the day's IDENTIFYs.",
        "Do not reshard or change intents today. Look for a bot that restarts without resuming.",
    ),
    Reason(
        "IdentifyBudgetAvailable",
        "False",
        "Blocked",
        "Pods send no IDENTIFY.",
        "Read the message: it holds the pods' words.",
    ),
    Reason("IdentifyBudgetAvailable", "Unknown", "NotKnown", "No pod says how many are left.", _WAIT),
    Reason("Resharding", "False", "NotNeeded", "Shards and intents are as they are asked for."),
    Reason(
        "Resharding",
        "True",
        "Requested",
        "The pods are told; they begin when all are of the newest revision.",
        "Wait. Where the message holds the pods' words, do what they ask for.",
    ),
    Reason("Resharding", "True", "WarmingUp", "The next generation connects beside the old one.", _WAIT),
    Reason(
        "Resharding",
        "True",
        "Armed",
        "The next generation is complete; the old one notes what it finishes.",
        "Wait: at least a minute.",
    ),
    Reason("Resharding", "True", "CuttingOver", "The old shards hand over. Nothing stops it any more.", _WAIT),
    Reason(
        "Resharding",
        "False",
        "GivenUp",
        "The next generation was not ready in time. The old one goes on.",
        "Read the reason. The pods try again after 15 minutes; to stop that, write the old count.",
    ),
    Reason("Resharding", "False", "GenerationUnderWay", "Another change has to end first.", _WAIT),
    Reason(
        "Resharding",
        "False",
        "BudgetUnknown",
        "No pod says how many IDENTIFYs are left.",
        "See `Ready`: the pods cannot be reached.",
    ),
    Reason(
        "Resharding",
        "False",
        "WaitingForBudget",
        "The day's IDENTIFYs do not suffice.",
        "Wait for the next day, or write a smaller count. `spec.identify.reserve` is kept for accidents.",
    ),
    Reason(
        "Resharding",
        "False",
        "WaitingForPods",
        "More pods have to be ready first.",
        "Wait; with `spec.replicas` written, see that all are ready.",
    ),
    Reason(
        "Resharding",
        "False",
        "WaitingForInterval",
        "A recommendation is followed after `spec.shards.reshard.minIntervalMinutes`.",
        "Wait, or lower the interval.",
    ),
    Reason(
        "Resharding",
        "False",
        "TooFewReplicas",
        "A recommendation needs more pods than `spec.replicas`.",
        "Raise `spec.replicas`, leave it out, or raise `spec.shards.maxPerPod`.",
    ),
    Reason("Paused", "False", "NotAsked", "Events are handled."),
    Reason("Paused", "False", "Pausing", "Not all pods have noticed yet.", "Wait about a minute."),
    Reason("Paused", "True", "Asked", "Events are counted and not handled.", "Write `spec.mode: Running` to go on."),
    Reason("Paused", "True", "GoingOn", "Not all pods have noticed yet that they go on.", "Wait about a minute."),
    Reason("Stalled", "False", "NothingStalled", "Nothing waits for a person."),
    Reason(
        "Stalled",
        "True",
        "InvalidSpec",
        "The spec cannot work. What runs goes on as it was.",
        "Change the fields that the message names.",
    ),
    Reason(
        "Stalled",
        "True",
        "DuplicateApplication",
        "An older bot runs the same application. Nothing is created.",
        "Delete one of the two, or correct `spec.applicationId`.",
    ),
    Reason(
        "Stalled",
        "True",
        "NameTaken",
        "An object of the needed name belongs to something else.",
        "Delete or rename it, or give the bot another name.",
    ),
    Reason(
        "Stalled",
        "True",
        "ApplyRefused",
        "The API server refuses an object.",
        "Do what its words ask for: often a quota, an admission policy, or a part of `spec.pod`.",
    ),
    Reason(
        "Stalled",
        "True",
        "CredentialsRefused",
        "Discord refuses the token or the intents.",
        "See `CredentialsValid`.",
    ),
    Reason(
        "Stalled",
        "True",
        "TooFewReplicas",
        "A recommendation needs more pods than `spec.replicas`.",
        "Raise `spec.replicas`, leave it out, or raise `spec.shards.maxPerPod`.",
    ),
    Reason(
        "Stalled",
        "True",
        "ImageNotPulled",
        "The image cannot be pulled. Old pods stay.",
        "Correct `spec.image` or `spec.pod.imagePullSecrets`.",
    ),
    Reason(
        "Stalled",
        "True",
        "SecretMissing",
        "A variable's Secret or key is not there.",
        "Create it; the pod starts by itself.",
    ),
    Reason(
        "Stalled",
        "True",
        "PodNotStarted",
        "A pod has not begun for more than a minute.",
        "`kubectl describe pod` says why: a Secret or volume that is not there, a large image.",
    ),
    Reason("Stalled", "True", "Unschedulable", "No node takes a pod.", "Add nodes, or ask for less in `spec.pod`."),
    Reason(
        "Stalled",
        "True",
        "OutOfMemory",
        "A pod used more memory than its limit.",
        "Raise `spec.pod.resources.limits.memory`, or lower `spec.shards.maxPerPod`.",
    ),
    Reason(
        "Stalled",
        "True",
        "ConfigurationRefused",
        "A process cannot work with what it is told (exit code 78).",
        "The message holds its last words: correct the Secret or the field that they name.",
    ),
    Reason(
        "Stalled",
        "True",
        "PodsFail",
        "A process ends by itself.",
        "The message holds its last words; `kubectl logs --previous` has more. Old pods stay.",
    ),
)


def reasons_table() -> str:
    """Return all reasons as a table in Markdown."""
    lines = ["| condition | status | reason | meaning | what to do |", "|---|---|---|---|---|"]
    lines += [f"| `{one.type}` | {one.status} | `{one.name}` | {one.meaning} | {one.remedy} |" for one in REASONS]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(f"{reasons_table()}\n")
