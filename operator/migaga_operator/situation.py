"""What an observation means for the whole bot: counts, the generation in force, the budget, what pods have been told.

`planner.py` makes one `Situation` for each plan; deciding and classifying read only this. Known-down and cannot-tell
are different values everywhere: None is "nobody can tell".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migaga_operator.builders import deployment as made
from migaga_operator.builders.env import COUNT, INTENT_NAMES, REVISION, in_order, read_env
from migaga_operator.json_types import as_whole, at_path
from migaga_operator.observed import LiveObject, Observed, ObservedPod
from migaga_operator.process_report import UNDER_WAY, GenerationReport, ProcessReport, live_generation


@dataclass(frozen=True, slots=True)
class Told:
    """What the pods of the live Deployment are told."""

    count: int | None = None
    """None: they ask Discord."""
    intents: tuple[str, ...] = ()
    resharded_at: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is so."""

    told: Told | None
    """None: there is no Deployment."""
    pods: tuple[ObservedPod, ...]
    """Shard pods that are not leaving."""
    ready_pods: int
    silent_pods: int
    """Pods that are ready and did not answer."""
    count: int | None
    """The shard count in force."""
    connected: int
    recommended: int | None
    intents: int | None
    """The intents in force, as Discord's bit field."""
    upcoming: GenerationReport | None
    """The generation that comes, while it does."""
    aborted: GenerationReport | None
    """The generation that was given up last."""
    obstacle: str
    """Why processes do not begin the change that they are told of; empty when nothing is in the way."""
    budget: int | None
    """IDENTIFYs left of the day."""
    budget_total: int | None
    budget_reason: str
    refused: str
    """Why Discord refuses the token; empty when it does not."""
    is_accepted: bool
    application: str
    revision: int
    """The highest revision that anything speaks of; 0 when nothing does."""

    @property
    def reports(self) -> Sequence[ProcessReport]:
        """What those pods say that answered."""
        return [pod.process for pod in self.pods if pod.process is not None]

    @property
    def is_serving(self) -> bool:
        """Whether there is something that a wrong step would lose: sessions, or pods that cannot be asked."""
        return self.ready_pods > 0 or self.connected > 0


def survey(observed: Observed) -> Situation:
    """Draw the facts together."""
    pods = tuple(pod for pod in observed.pods if not pod.is_leaving)
    # Pods that leave may still hold shards and know the generation; they no longer count as pods.
    reports = [pod.process for pod in observed.pods if pod.process is not None]
    freshest = sorted(observed.pods, key=lambda pod: (pod.started_at, pod.name))
    told = _told(observed.deployment)
    known = [item for report in reports for item in report.generations]
    live = live_generation(known)
    count = live.shard_count if live else _count(observed, reports, told)
    remaining = [report.identify_remaining for report in reports if report.identify_remaining is not None]
    totals = [report.identify_total for report in reports if report.identify_total is not None]
    recommended = [pod.process.recommended for pod in freshest if pod.process and pod.process.recommended]
    return Situation(
        told=told,
        pods=pods,
        ready_pods=sum(pod.is_ready for pod in pods),
        silent_pods=sum(pod.is_ready and pod.process is None for pod in pods),
        count=count,
        connected=_connected(reports, count),
        recommended=recommended[-1] if recommended else None,
        intents=live.intents if live else None,
        upcoming=_newest(known, UNDER_WAY, live),
        aborted=_newest(known, ("ABORTED",), live),
        obstacle=_first(report.obstacle for report in reports),
        budget=min(remaining, default=None),
        budget_total=max(totals, default=None),
        budget_reason=_first(report.identify_reason for report in reports),
        refused=_first(report.credentials for report in reports),
        is_accepted=any(report.is_accepted for report in reports),
        application=_first(report.application for report in reports),
        revision=_revision(observed, reports),
    )


def told_revision(live: LiveObject | None) -> int:
    """Return the revision that the pods of a Deployment are told; 0 when there is none."""
    if live is None:
        return 0
    in_template = read_env(at_path(live.manifest, "spec", "template"), REVISION)
    return max(_number(live.annotation(made.REVISION)) or 0, _number(in_template) or 0)


def _told(live: LiveObject | None) -> Told | None:
    if live is None:
        return None
    template = at_path(live.manifest, "spec", "template")
    names = live.annotation(made.INTENTS) or read_env(template, INTENT_NAMES)
    return Told(
        count=_number(live.annotation(made.COUNT) or read_env(template, COUNT)) or None,
        intents=tuple(in_order(tuple(names.split()))),
        resharded_at=live.annotation(made.RESHARDED_AT),
    )


def _count(observed: Observed, reports: Sequence[ProcessReport], told: Told | None) -> int | None:
    """Return the shard count where no process knows a generation: as they say, as it was known, as they were told."""
    said = [report.shard_count for report in reports if report.shard_count]
    known = as_whole(at_path(observed.status, "shards", "count"))
    return max(said, default=None) or known or (told.count if told else None)


def _connected(reports: Sequence[ProcessReport], count: int | None) -> int:
    shards = {shard for report in reports for shard in report.live_shards}
    return len([shard for shard in shards if count is None or shard < count])


def _newest(
    found: Sequence[GenerationReport], states: Sequence[str], live: GenerationReport | None
) -> GenerationReport | None:
    """Return the newest generation after the live one in one of these states; the furthest where processes differ."""
    fitting = [item for item in found if item.state in states and (live is None or item.n > live.n)]
    return max(fitting, key=lambda item: (item.n, states.index(item.state), item.reason), default=None)


def _revision(observed: Observed, reports: Sequence[ProcessReport]) -> int:
    known = [
        told_revision(observed.deployment),
        as_whole(at_path(observed.status, "revision")) or 0,
        *(pod.revision or 0 for pod in observed.pods),
        *(report.revision or 0 for report in reports),
    ]
    return min(max(known), 999_999_998)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _first(words: Iterable[str]) -> str:
    return next((word for word in words if word), "")
