"""The status of a `BotDeployment`: what a person or a tool reads.

`classify.py` fills it in; the CRD's schema is made of it.

No rows of single shards, no session ids, no times that change by themselves: at rest nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from migaga_operator.crd.kinds import Choice, ListOf, Moment, Text, Whole
from migaga_operator.crd.record import Record, entry

_COUNT = Whole(0, 1_000_000)
_WORDS = Text(4_096, 0)
CONDITIONS = (
    "Ready",
    "Progressing",
    "CredentialsValid",
    "IdentifyBudgetAvailable",
    "Resharding",
    "Paused",
    "Stalled",
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One aspect of the bot, and why it is so."""

    type: str = field(metadata=entry(Choice(CONDITIONS), "The aspect."))
    status: str = field(
        metadata=entry(Choice(("True", "False", "Unknown")), "Whether it holds. Unknown: it cannot be told now.")
    )
    reason: str = field(
        metadata=entry(Text(128), "Why, in one word. docs/operating.md lists all reasons and what to do.")
    )
    message: str = field(metadata=entry(Text(32_768, 0), "Why, and what to do, for a person."))
    last_transition_time: str = field(metadata=entry(Moment(), "When the status last changed."))
    observed_generation: int = field(
        metadata=entry(Whole(0, 2**62, large=True), "The metadata.generation that this is about.")
    )


@dataclass(frozen=True, slots=True)
class ShardCounts:
    """Shards of the whole bot."""

    count: int | None = field(default=None, metadata=entry(_COUNT, "The shard count that is in force."))
    connected: int = field(default=0, metadata=entry(_COUNT, "How many of them are connected and served."))
    desired: int | None = field(default=None, metadata=entry(_COUNT, "The shard count that is asked for."))
    recommended: int | None = field(default=None, metadata=entry(_COUNT, "What Discord recommends."))


@dataclass(frozen=True, slots=True)
class IdentifyCounts:
    """The daily budget of IDENTIFYs, as Discord says."""

    total: int | None = field(default=None, metadata=entry(_COUNT, "IDENTIFYs that Discord allows in a day."))
    remaining: int | None = field(default=None, metadata=entry(_COUNT, "How many are left."))


@dataclass(frozen=True, slots=True)
class WorkerCounts:
    """One worker pool."""

    name: str = field(metadata=entry(Text(63), "The name of the pool."))
    replicas: int = field(default=0, metadata=entry(_COUNT, "Pods that are asked for."))
    ready: int = field(default=0, metadata=entry(_COUNT, "Pods that are ready."))


@dataclass(frozen=True, slots=True)
class BotStatus:
    """What is known about the bot."""

    observed_generation: int = field(
        metadata=entry(Whole(0, 2**62, large=True), "The metadata.generation that this is about.")
    )
    desired_replicas: int | None = field(default=None, metadata=entry(_COUNT, "Shard pods that are asked for."))
    replicas: int = field(default=0, metadata=entry(_COUNT, "Shard pods that there are."))
    updated_replicas: int = field(default=0, metadata=entry(_COUNT, "Shard pods of the newest revision."))
    ready_replicas: int = field(default=0, metadata=entry(_COUNT, "Shard pods that are ready."))
    selector: str | None = field(
        default=None, metadata=entry(_WORDS, "The label selector of the shard pods, for HorizontalPodAutoscalers.")
    )
    revision: int | None = field(
        default=None, metadata=entry(Whole(0, 999_999_999), "The number of the newest revision of the pods.")
    )
    application: str | None = field(
        default=None, metadata=entry(Text(256, 0), "The name of the application, as Discord says.")
    )
    shards: ShardCounts = field(
        default_factory=ShardCounts, metadata=entry(Record(ShardCounts), "Shards of the whole bot.")
    )
    identify: IdentifyCounts | None = field(
        default=None, metadata=entry(Record(IdentifyCounts), "The daily budget of IDENTIFYs.")
    )
    workers: tuple[WorkerCounts, ...] | None = field(
        default=None, metadata=entry(ListOf(Record(WorkerCounts), 64, key="name"), "The worker pools.")
    )
    conditions: tuple[Condition, ...] = field(
        default=(), metadata=entry(ListOf(Record(Condition), 16, key="type"), "What holds, and why.")
    )

    def condition(self, kind: str) -> Condition | None:
        """Return the condition of a type."""
        return next((item for item in self.conditions if item.type == kind), None)
