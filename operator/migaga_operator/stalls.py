"""The condition Stalled: what does not solve itself, and what a person has to do.

`classify.py` calls `judge_stalled`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from migaga.common.text import mask_shapes, shorten
from migaga_operator.conditions import Case, Verdict
from migaga_operator.observed import ObservedPod, Trouble, read_time

CREATING_FOR = timedelta(seconds=60)
"""Longer than this no container needs to begin, unless its image is large or something that it mounts is missing."""
EX_CONFIG = 78
"""The exit code of a process whose configuration can never work (docs/architecture.md, Contracts, common)."""

_REASONS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "ErrImagePull": (
            "ImageNotPulled",
            "Correct spec.image, or name a Secret for its registry in spec.pod.imagePullSecrets",
        ),
        "ImagePullBackOff": (
            "ImageNotPulled",
            "Correct spec.image, or name a Secret for its registry in spec.pod.imagePullSecrets",
        ),
        "InvalidImageName": ("ImageNotPulled", "Correct spec.image"),
        "ErrImageNeverPull": ("ImageNotPulled", "Write spec.imagePullPolicy: IfNotPresent"),
        "CreateContainerConfigError": (
            "SecretMissing",
            "Create the Secret and the key that spec.database.urlSecretRef and spec.pod.env name",
        ),
        "Unschedulable": (
            "Unschedulable",
            "Add nodes, ask for less in spec.pod.resources, or change spec.pod.nodeSelector, tolerations or affinity",
        ),
        "OOMKilled": ("OutOfMemory", "Raise spec.pod.resources.limits.memory, or lower spec.shards.maxPerPod"),
    }
)


def judge_stalled(case: Case, now: datetime) -> Verdict:
    """Stalled: something waits for a person. What runs goes on."""
    known = case.halt or case.blocked
    if known is not None:
        return known
    if case.situation.answer.refusal:
        text = "Discord refuses the token or the intents; see the condition CredentialsValid."
        return _stalled("CredentialsRefused", text)
    hold = case.decision.hold if case.decision else None
    if hold is not None and hold.needs_person:
        return _stalled(hold.reason, hold.message)
    pods = sorted((*case.situation.pods, *case.worker_pods), key=lambda pod: pod.name)
    found = (_judge_pod(pod, case, now) for pod in pods)
    stalled = next((verdict for verdict in found if verdict is not None), None)
    return stalled or Verdict("Stalled", "False", "NothingStalled", "Nothing waits for a person.")


def _judge_pod(pod: ObservedPod, case: Case, now: datetime) -> Verdict | None:
    if pod.is_ready or pod.is_leaving:
        return None
    serving = " The pods that are ready keep all shards." if case.situation.ready_pods else ""
    if pod.trouble is not None:
        reason, text = _explain(pod.trouble)
        return _stalled(reason, f"Pod {pod.name}: {text}{serving}")
    started = read_time(pod.started_at)
    if pod.is_creating and started is not None and now - started > CREATING_FOR:
        names = ""
        if case.spec is not None:
            token, url = case.spec.token_secret_ref, case.spec.database.url_secret_ref
            names = (
                f" Look whether the Secrets {token.name} (key {token.key}) and {url.name} (key {url.key}) are there:"
            )
        text = (
            f"Pod {pod.name} has not begun for more than a minute.{names} `kubectl describe pod {pod.name}` says why."
        )
        return _stalled("PodNotStarted", text + serving)
    return None


def _explain(trouble: Trouble) -> tuple[str, str]:
    said = shorten(mask_shapes(" ".join(trouble.message.split()[-80:])), 500)
    known = _REASONS.get(trouble.reason)
    if known is not None:
        return known[0], f"{trouble.reason}{f': {said}' if said else ''}. {known[1]}."
    if trouble.exit_code == EX_CONFIG:
        return "ConfigurationRefused", f"its process cannot work with what it is told: {said or 'see its log'}"
    ended = f" with code {trouble.exit_code}" if trouble.exit_code is not None else ""
    return "PodsFail", f"its process ends{ended}: {said or f'{trouble.reason}; see its log'}"


def _stalled(reason: str, message: str) -> Verdict:
    return Verdict("Stalled", "True", reason, message)
