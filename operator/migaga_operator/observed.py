"""What is there: a bot's objects, pods and processes, read from plain API objects and `/status` documents.

Everything here came over a network, from people and from images of any version: nothing of it is trusted, and nothing
of it raises. What cannot be read is as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from migaga_operator.builders.fleet import (
    BOT_LABEL,
    COMPONENT_LABEL,
    POOL_LABEL,
    REVISION_LABEL,
    SHARDS,
    WORKERS,
    Owner,
)
from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path
from migaga_operator.ops import Key, key_of
from migaga_operator.process_report import MOST, ProcessReport, read_process


@dataclass(frozen=True, slots=True)
class LiveObject:
    """One object as the API server has it."""

    manifest: Mapping[str, object]

    @property
    def key(self) -> Key:
        """Its kind and name."""
        return key_of(self.manifest)

    @property
    def uid(self) -> str:
        """Its unique id."""
        return as_text(at_path(self.manifest, "metadata", "uid"))

    @property
    def resource_version(self) -> str:
        """Changes with every write."""
        return as_text(at_path(self.manifest, "metadata", "resourceVersion"))

    @property
    def is_leaving(self) -> bool:
        """Whether it is being deleted."""
        return bool(as_text(at_path(self.manifest, "metadata", "deletionTimestamp")))

    @property
    def replicas(self) -> int:
        """Pods that a Deployment asks for."""
        given = as_whole(at_path(self.manifest, "spec", "replicas"))
        return 1 if given is None else min(max(0, given), MOST)

    def annotation(self, name: str) -> str:
        """Return an annotation; empty when it is not there."""
        return as_text(as_mapping(at_path(self.manifest, "metadata", "annotations")).get(name))

    def counted(self, name: str) -> int:
        """Return a number of a Deployment's status, 0 when it is not there."""
        return min(max(0, as_whole(at_path(self.manifest, "status", name)) or 0), MOST)

    def belongs_to(self, owner: Owner) -> bool:
        """Whether we may write it: it is ours, or it was left behind by a bot of this name and nobody controls it."""
        controllers = [
            as_text(at_path(item, "uid"))
            for item in as_list(at_path(self.manifest, "metadata", "ownerReferences"))
            if at_path(item, "controller") is True
        ]
        if controllers:
            return controllers == [owner.uid]
        labels = as_mapping(at_path(self.manifest, "metadata", "labels"))
        return labels.get(BOT_LABEL) == owner.name

    @property
    def is_rolled_out(self) -> bool:
        """Whether a Deployment is what it should be: seen, updated, available, nothing old left."""
        wanted, seen = self.replicas, as_whole(at_path(self.manifest, "status", "observedGeneration")) or 0
        counts = {self.counted(name) for name in ("replicas", "updatedReplicas", "availableReplicas")}
        return seen >= (as_whole(at_path(self.manifest, "metadata", "generation")) or 0) and counts == {wanted}

    def condition(self, kind: str) -> Mapping[str, object]:
        """Return a condition of the object's status; empty when it is not there."""
        found = (as_mapping(item) for item in as_list(at_path(self.manifest, "status", "conditions")))
        return next((item for item in found if item.get("type") == kind), {})


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a pod does not run."""

    reason: str
    """Kubernetes' word: ImagePullBackOff, CrashLoopBackOff, Unschedulable, CreateContainerConfigError ..."""
    message: str
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class ObservedPod:
    """One shard pod, and what its process says."""

    name: str
    is_ready: bool = False
    is_leaving: bool = False
    revision: int | None = None
    started_at: str = ""
    """When Kubernetes created it."""
    is_creating: bool = False
    """Its container has not begun yet: the image is being pulled, or a volume is missing."""
    trouble: Trouble | None = None
    process: ProcessReport | None = None
    """None: it cannot be told."""


@dataclass(frozen=True, slots=True)
class OtherBot:
    """Another `BotDeployment` of the same application."""

    namespace: str
    name: str
    created: str
    uid: str


@dataclass(frozen=True, slots=True)
class Observed:
    """Everything that the planner may know."""

    owner: Owner
    generation: int = 0
    """`metadata.generation` of the bot."""
    created: str = ""
    is_leaving: bool = False
    status: Mapping[str, object] = field(default_factory=dict)
    """The status as it stands."""
    objects: Mapping[Key, LiveObject] = field(default_factory=dict)
    """Objects in the namespace that carry the bot's label, or the name of one of its objects."""
    pods: tuple[ObservedPod, ...] = ()
    """The shard pods."""
    worker_pods: tuple[ObservedPod, ...] = ()
    others: tuple[OtherBot, ...] = ()
    apis: frozenset[str] = frozenset()
    """Group versions that the API server has, beyond those that each one has."""
    refused: Mapping[Key, str] = field(default_factory=dict)
    """What the API server said when it last refused an object."""
    settled: frozenset[tuple[Key, str, str]] = frozenset()
    """Objects whose version is known to be what came of applying a manifest: key, resource version, digest."""

    @property
    def pools(self) -> Mapping[str, LiveObject]:
        """The Deployments of the worker pools, by the names of the pools."""
        found = {}
        for live in self.objects.values():
            labels = as_mapping(at_path(live.manifest, "metadata", "labels"))
            pool = as_text(labels.get(POOL_LABEL))
            is_pool = live.key.kind == "Deployment" and labels.get(COMPONENT_LABEL) == WORKERS
            if is_pool and pool and live.belongs_to(self.owner) and not live.is_leaving:
                found[pool] = live
        return dict(sorted(found.items()))

    @property
    def deployment(self) -> LiveObject | None:
        """The Deployment of the shard pods, when it is there and ours."""
        found = self.objects.get(Key("Deployment", self.owner.name))
        return found if found is not None and found.belongs_to(self.owner) and not found.is_leaving else None


def observe(
    bot: object,
    *,
    objects: Iterable[object] = (),
    pods: Iterable[object] = (),
    reports: Mapping[str, object] | None = None,
    bots: Iterable[object] = (),
    apis: Iterable[str] = (),
) -> Observed:
    """Build the observation of one bot.

    Args:
        bot: The `BotDeployment`.
        objects: The objects of its namespace that may be its own.
        pods: Pods of its namespace; those of other bots are left out.
        reports: Name of a pod -> its `/status` document; a pod that did not answer is missing.
        bots: All `BotDeployment` objects that the operator sees.
        apis: Group versions that the API server has.
    """
    owner = Owner(*(as_text(at_path(bot, "metadata", name)) for name in ("name", "namespace", "uid")))
    live, seen = [LiveObject(as_mapping(item)) for item in objects], list(pods)
    return Observed(
        owner=owner,
        generation=max(0, as_whole(at_path(bot, "metadata", "generation")) or 0),
        created=as_text(at_path(bot, "metadata", "creationTimestamp")),
        is_leaving=bool(as_text(at_path(bot, "metadata", "deletionTimestamp"))),
        status=as_mapping(at_path(bot, "status")),
        objects={item.key: item for item in live},
        pods=tuple(_read_pod(pod, reports or {}) for pod in seen if _is_pod_of(pod, owner, SHARDS)),
        worker_pods=tuple(_read_pod(pod, {}) for pod in seen if _is_pod_of(pod, owner, WORKERS)),
        others=tuple(_read_others(bot, owner, bots)),
        apis=frozenset(apis),
    )


def read_time(text: str) -> datetime | None:
    """Read a time as Kubernetes writes it; None when it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_pod_of(pod: object, owner: Owner, component: str) -> bool:
    labels = as_mapping(at_path(pod, "metadata", "labels"))
    return labels.get(BOT_LABEL) == owner.name and labels.get(COMPONENT_LABEL) == component


def _read_others(bot: object, owner: Owner, bots: Iterable[object]) -> Iterable[OtherBot]:
    application = at_path(bot, "spec", "applicationId")
    for other in bots:
        uid = as_text(at_path(other, "metadata", "uid"))
        if uid != owner.uid and as_text(application) and at_path(other, "spec", "applicationId") == application:
            words = [as_text(at_path(other, "metadata", name)) for name in ("namespace", "name", "creationTimestamp")]
            yield OtherBot(words[0], words[1], words[2], uid)


def _read_pod(pod: object, reports: Mapping[str, object]) -> ObservedPod:
    name = as_text(at_path(pod, "metadata", "name"))
    revision = as_text(as_mapping(at_path(pod, "metadata", "labels")).get(REVISION_LABEL))
    conditions = {as_text(at_path(item, "type")): item for item in as_list(at_path(pod, "status", "conditions"))}
    return ObservedPod(
        name=name,
        is_ready=at_path(conditions.get("Ready"), "status") == "True",
        is_leaving=bool(as_text(at_path(pod, "metadata", "deletionTimestamp"))),
        revision=int(revision) if revision.isascii() and revision.isdigit() and len(revision) < 10 else None,
        started_at=as_text(at_path(pod, "metadata", "creationTimestamp")),
        is_creating=_is_creating(pod),
        trouble=_trouble(pod, conditions),
        process=read_process(reports[name]) if name in reports else None,
    )


def _is_creating(pod: object) -> bool:
    found = [as_text(at_path(item, "state", "waiting", "reason")) for item in _containers(pod)]
    return any(reason in {"ContainerCreating", "PodInitializing"} for reason in found)


def _containers(pod: object) -> Iterable[object]:
    return as_list(at_path(pod, "status", "containerStatuses"))


_STARTING = {"", "ContainerCreating", "PodInitializing"}


def _trouble(pod: object, conditions: Mapping[str, object]) -> Trouble | None:
    scheduled = conditions.get("PodScheduled")
    if at_path(scheduled, "status") == "False":
        return Trouble("Unschedulable", as_text(at_path(scheduled, "message")))
    found = (_container_trouble(container) for container in _containers(pod))
    return next((trouble for trouble in found if trouble is not None), None)


def _container_trouble(container: object) -> Trouble | None:
    waiting, ended = at_path(container, "state", "waiting"), at_path(container, "state", "terminated")
    if not waiting and not ended:
        return None
    last = as_mapping(at_path(container, "lastState", "terminated") or ended)
    reason, cause = as_text(at_path(waiting, "reason")), as_text(last.get("reason"))
    if last:
        # "It ran out of memory" says more than "it is started again and again".
        word = cause if cause == "OOMKilled" or reason in _STARTING else reason
        return Trouble(word or "Error", as_text(last.get("message")), as_whole(last.get("exitCode")))
    # A container that has not begun waits too; that is no trouble yet.
    return None if reason in _STARTING else Trouble(reason, as_text(at_path(waiting, "message")))
