"""What an observation means for the whole bot: counts, the generation in force, the budget, what pods have been told.

`planner.py` makes one `Situation` for each plan; deciding and classifying read only this. Known-down and cannot-tell
are different values everywhere: None is "nobody can tell".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migaga.common.values import INTENTS
from migaga_operator.builders import deployment as made
from migaga_operator.builders.env import COUNT, INTENT_NAMES, REVISION, in_order, read_env
from migaga_operator.json_types import as_whole, at_path
from migaga_operator.observed import LiveObject, Observed, ObservedPod
from migaga_operator.process_report import MOST_SHARDS, UNDER_WAY, GenerationReport, ProcessReport, live_generation


@dataclass(frozen=True, slots=True)
class Told:
    """What the pods of the live Deployment are told."""

    count: int | None = None
    """None: they ask Discord."""
    intents: tuple[str, ...] = ()
    resharded_at: str = ""


@dataclass(frozen=True, slots=True)
class Budget:
    """IDENTIFYs of the day."""

    remaining: int | None
    total: int | None
    reason: str
    """Why pods send none; empty when nothing is in the way."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What Discord says to the token."""

    is_accepted: bool
    refusal: str
    """Why it is refused; empty when it is not."""
    application: str
    """The name of the application."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What is so."""

    told: Told | None
    """None: there is no Deployment."""
    pods: tuple[ObservedPod, ...]
    """Shard pods that are not leaving."""
    live: GenerationReport | None
    """The generation in force, where a process knows it."""
    count: int | None
    """The shard count in force."""
    connected: int
    recommended: int | None
    upcoming: GenerationReport | None
    """The generation that comes, while it does."""
    aborted: GenerationReport | None
    """The generation that was given up last."""
    obstacle: str
    """Why processes do not begin the change that they are told of; empty when nothing is in the way."""
    budget: Budget
    answer: Answer
    revision: int
    """The highest revision that anything speaks of; 0 when nothing does."""

    @property
    def ready_pods(self) -> int:
        """Pods that are ready."""
        return sum(pod.is_ready for pod in self.pods)

    @property
    def silent_pods(self) -> int:
        """Pods that are ready and did not answer."""
        return sum(pod.is_ready and pod.process is None for pod in self.pods)

    @property
    def reports(self) -> Sequence[ProcessReport]:
        """What those pods say that answered."""
        return _reports(self.pods)

    @property
    def is_serving(self) -> bool:
        """Whether there is something that a wrong step would lose: sessions, or pods that cannot be asked."""
        return self.ready_pods > 0 or self.connected > 0


def survey(observed: Observed) -> Situation:
    """Draw the facts together."""
    # Pods that leave may still hold shards and know the generation; they no longer count as pods.
    reports = _reports(observed.pods)
    known = [item for report in reports for item in report.generations]
    live = live_generation(known)
    told = _told(observed.deployment, live)
    count = live.shard_count if live else _count(observed, reports, told)
    return Situation(
        told=told,
        pods=tuple(pod for pod in observed.pods if not pod.is_leaving),
        live=live,
        count=count,
        connected=_connected(reports, count),
        recommended=_recommended(observed.pods),
        upcoming=_newest(known, UNDER_WAY, live),
        aborted=_newest(known, ("ABORTED",), live),
        obstacle=_first(report.obstacle for report in reports),
        budget=_budget(reports),
        answer=_answer(reports),
        revision=_revision(observed, reports),
    )


def _reports(pods: Iterable[ObservedPod]) -> Sequence[ProcessReport]:
    return [pod.process for pod in pods if pod.process is not None]


def _recommended(pods: Iterable[ObservedPod]) -> int | None:
    """Return what Discord recommended to the youngest pod that knows it."""
    by_age = _reports(sorted(pods, key=lambda pod: (pod.started_at, pod.name)))
    return next((report.recommended for report in reversed(by_age) if report.recommended), None)


def _budget(reports: Sequence[ProcessReport]) -> Budget:
    remaining = [report.identify_remaining for report in reports if report.identify_remaining is not None]
    totals = [report.identify_total for report in reports if report.identify_total is not None]
    reason = _first(report.identify_reason for report in reports)
    return Budget(min(remaining, default=None), max(totals, default=None), reason)


def _answer(reports: Sequence[ProcessReport]) -> Answer:
    return Answer(
        is_accepted=any(report.is_accepted for report in reports),
        refusal=_first(report.credentials for report in reports),
        application=_first(report.application for report in reports),
    )


def told_revision(live: LiveObject | None) -> int:
    """Return the revision that the pods of a Deployment are told; 0 when there is none."""
    if live is None:
        return 0
    in_template = read_env(at_path(live.manifest, "spec", "template"), REVISION)
    return max(_number(live.annotation(made.REVISION)) or 0, _number(in_template) or 0)


def _told(deployment: LiveObject | None, live: GenerationReport | None) -> Told | None:
    """Read what pods are told. Where template and annotation differ, somebody edited one of the two."""
    if deployment is None:
        return None
    template = at_path(deployment.manifest, "spec", "template")
    counts = [_shards(deployment.annotation(made.COUNT)), _shards(read_env(template, COUNT))]
    names = [deployment.annotation(made.INTENTS), read_env(template, INTENT_NAMES)]
    intents = [tuple(in_order(tuple(text.split()))) for text in names if text]
    in_force = None if live is None else live.intents
    return Told(
        count=next((count for count in counts if live and count == live.shard_count), counts[0] or counts[1]),
        intents=next((item for item in intents if bits_of(item) == in_force), intents[0] if intents else ()),
        resharded_at=deployment.annotation(made.RESHARDED_AT),
    )


def bits_of(intents: Iterable[str]) -> int:
    """Return intents as Discord's bit field."""
    return sum(INTENTS.get(name, 0) for name in set(intents))


def _count(observed: Observed, reports: Sequence[ProcessReport], told: Told | None) -> int | None:
    """Return the shard count where no process knows a generation: as they say, as it was known, as they were told."""
    said = [report.shard_count for report in reports if report.shard_count]
    known = _shards(str(at_path(observed.status, "shards", "count")))
    return max(said, default=None) or known or (told.count if told else None)


def _connected(reports: Sequence[ProcessReport], count: int | None) -> int:
    shards = {shard for report in reports for shard in report.live_shards | report.moving_shards}
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


def _shards(text: str) -> int | None:
    """Read a shard count; None when there can be no such count."""
    number = _number(text)
    return number if number and number <= MOST_SHARDS else None


def _first(words: Iterable[str]) -> str:
    return next((word for word in words if word), "")
