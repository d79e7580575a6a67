"""A small Kubernetes with a small fleet in it, to see what plans lead to.

It does what matters to a planner: server-side apply with one manager, versions and generations, defaults that are
written beside ours, empty values that are dropped, Deployments that roll pod by pod with a surge, pods whose processes
learn the shard count, spend IDENTIFYs and begin generations.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from tests.unit.operator_crd.manifests import Change, Node, node, smallest

from migaga.common import values
from migaga_operator.builders.env import read_env
from migaga_operator.builders.fleet import COMPONENT_LABEL, SHARDS
from migaga_operator.crd.read import read_bot
from migaga_operator.crd.record import Record
from migaga_operator.crd.spec import BotSpec
from migaga_operator.crd.status import BotStatus
from migaga_operator.json_types import as_list, as_mapping, as_text, at_path
from migaga_operator.observed import Observed, observe
from migaga_operator.ops import Apply, Delete, Event, Key, Op, Scale, SetStatus, key_of
from migaga_operator.planner import plan
from migaga_operator.problems import Problem
from migaga_operator.reasons import REASONS

KNOWN = {(one.type, one.status, one.name) for one in REASONS}
NEXT = {"WARMING": "ARMED", "ARMED": "CUTTING"}


@dataclass
class Generation:
    """A generation of the fleet."""

    n: int
    count: int
    intents: str
    state: str = "LIVE"

    @property
    def bits(self) -> int:
        """Its intents as processes tell them."""
        return values.intents(self.intents)

    @property
    def name(self) -> str:
        """What shards name it by."""
        return f"{self.count}:{self.bits}:v10"

    def row(self) -> Node:
        """What a process says of it."""
        return {
            "n": self.n,
            "shard_count": self.count,
            "intents": self.bits,
            "api_version": 10,
            "state": self.state.lower(),
            "reason": None,
        }


@dataclass
class Cluster:
    """All of it. `Cluster.of(put(...))` begins with a bot and nothing else."""

    bot: Node
    now: datetime = datetime(2026, 3, 1, 12, tzinfo=UTC)
    objects: dict[Key, Node] = field(default_factory=dict)
    pods: list[Node] = field(default_factory=list)
    live: Generation | None = None
    upcoming: Generation | None = None
    recommended: int = 4
    budget: int = 1_000
    identifies: int = 0
    reachable: bool = True
    """Whether pods answer the operator."""
    image_works: bool = True
    apis: tuple[str, ...] = ()
    bots: list[Node] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    writes: int = 0
    _counter: int = 0
    _applied: dict[Key, Node] = field(default_factory=dict)

    @classmethod
    def of(cls, *changes: Change) -> Cluster:
        """A cluster with one bot that nobody has looked at yet."""
        cluster = cls(smallest())
        node(cluster.bot, "metadata").update(
            uid="uid-of-my-bot", generation=1, creationTimestamp="2026-03-01T11:00:00Z"
        )
        for change in changes:
            change(cluster.bot)
        return cluster

    @classmethod
    def running(cls, *changes: Change) -> Cluster:
        """A cluster whose bot has come to rest."""
        cluster = cls.of(*changes)
        cluster.settle()
        return cluster

    # What a person does

    def edit(self, *changes: Change) -> None:
        """Change the bot's spec."""
        for change in changes:
            change(self.bot)
        metadata = node(self.bot, "metadata")
        metadata["generation"] = cast("int", metadata["generation"]) + 1

    # What the operator does

    @property
    def spec(self) -> BotSpec:
        """The bot's spec, which has to be right."""
        found = read_bot(self.bot)
        assert isinstance(found, BotSpec), found
        return found

    def observe(self) -> Observed:
        """What the operator sees."""
        return observe(
            self.bot,
            objects=list(self.objects.values()),
            pods=self.pods,
            reports=self.reports() if self.reachable else {},
            bots=[self.bot, *self.bots],
            apis=self.apis,
        )

    def plan(self) -> list[Op]:
        """What the operator would do now."""
        return plan(read_bot(self.bot), self.observe(), self.now)

    def reconcile(self) -> list[Op]:
        """Plan and apply once."""
        ops = self.plan()
        for op in ops:
            self.apply(op)
        return ops

    def settle(self, rounds: int = 120) -> list[Op]:
        """Let operator, Kubernetes and fleet go on until nothing changes; return every operation but status."""
        done: list[Op] = []
        for _ in range(rounds):
            ops = self.reconcile()
            done += [op for op in ops if not isinstance(op, SetStatus | Event)]
            if not self.step() and not ops:
                return done
            self.now += timedelta(seconds=5)
        raise AssertionError(f"it does not come to rest: {[str(op) for op in self.plan()]}")

    def apply(self, op: Op) -> None:
        """Do one operation as the API server would."""
        self.writes += 1
        match op:
            case Apply():
                self._server_side_apply(op.key, copy.deepcopy(cast("Node", op.manifest)))
            case Scale():
                node(self.objects[op.key], "spec")["replicas"] = op.replicas
                self._touch(op.key)
            case Delete():
                assert at_path(self.objects[op.key], "metadata", "uid") == op.uid
                del self.objects[op.key]
                self._applied.pop(op.key, None)
            case SetStatus():
                said = {(item.type, item.status, item.reason) for item in op.status.conditions}
                assert said <= KNOWN, said - KNOWN
                assert problems_of_status(op) == []
                self.bot["status"] = cast("Node", op.manifest)
            case Event():
                self.events.append(op)

    def _server_side_apply(self, key: Key, manifest: Node) -> None:
        before = self.objects.get(key)
        if before is None:
            self._counter += 1
            live: Node = {"metadata": {"uid": f"uid-{self._counter}", "generation": 0}}
        else:
            live = copy.deepcopy(before)
            remove(live, self._applied.get(key, {}), manifest)
        merge(live, manifest)
        self._applied[key] = manifest
        self.objects[key] = cast("Node", without_empty(live))
        self._touch(key)

    def _touch(self, key: Key) -> None:
        self._counter += 1
        metadata = node(self.objects[key], "metadata")
        metadata["resourceVersion"] = str(self._counter)
        metadata["generation"] = cast("int", metadata.get("generation", 0)) + 1

    # What Kubernetes and the fleet do

    def step(self) -> bool:
        """Let everything else make one step; whether anything changed."""
        before = copy.deepcopy((self.objects, self.pods, self.live, self.upcoming))
        self._roll()
        self._roll_pools()
        self._live()
        return before != (self.objects, self.pods, self.live, self.upcoming)

    @property
    def deployment(self) -> Node | None:
        """The Deployment of the shard pods."""
        return self.objects.get(Key("Deployment", "my-bot"))

    def env(self, name: str) -> str:
        """What new pods are told."""
        return read_env(at_path(self.deployment, "spec", "template"), name)

    @property
    def replicas(self) -> object:
        """Pods that the Deployment asks for."""
        return at_path(self.deployment, "spec", "replicas")

    def condition(self, kind: str) -> tuple[object, object]:
        """Status and reason of a condition."""
        found = [item for item in as_list(at_path(self.bot, "status", "conditions")) if at_path(item, "type") == kind]
        return at_path(found[0], "status"), at_path(found[0], "reason")

    def message(self, kind: str) -> str:
        """The message of a condition."""
        found = [item for item in as_list(at_path(self.bot, "status", "conditions")) if at_path(item, "type") == kind]
        return as_text(at_path(found[0], "message"))

    def reports(self) -> dict[str, object]:
        """The `/status` document of each pod."""
        holders = [pod for pod in self.pods if is_ready(pod)]
        count = self.live.count if self.live else 0
        return {
            as_text(at_path(pod, "metadata", "name")): self._report(
                pod, [n for n in range(count) if n % len(holders) == holders.index(pod)] if pod in holders else []
            )
            for pod in self.pods
        }

    def _report(self, pod: Node, shards: list[int]) -> Node:
        known = [generation for generation in (self.live, self.upcoming) if generation is not None]
        return {
            "application": {"id": "123456789012345678", "name": "My bot"},
            "ready": is_ready(pod),
            "reasons": [],
            "mode": at_path(self.objects.get(Key("ConfigMap", "my-bot-fleet")), "data", "mode"),
            "process": {"id": "p", "revision": 1, "capacity": 16, "leaving": False, "trouble": None},
            "shard_count": self.live.count if self.live else None,
            "recommended_shards": self.recommended,
            "identify": {"total": 1_000, "remaining": self.budget, "reason": None},
            "shards": [
                {"id": shard, "state": "live", "lease": "live", "generation": self.live.name}
                for shard in shards
                if self.live
            ],
            "generations": [generation.row() for generation in known],
            "change": None,
        }

    def _roll(self) -> None:
        live = self.deployment
        if live is None:
            self.pods.clear()
            return
        template, wanted = node(live, "spec", "template"), cast("int", node(live, "spec")["replicas"])
        right = [pod for pod in self.pods if pod["template"] == template]
        # Those that are not ready go first.
        old = sorted((pod for pod in self.pods if pod["template"] != template), key=is_ready)
        for pod in right:
            if self.image_works:
                node(pod, "status")["conditions"] = [{"type": "Ready", "status": "True"}]
        if len(right) < wanted and len(self.pods) < wanted + 2:
            self.pods.append(self._pod(template))
        elif len(right) > wanted:
            self.pods.remove(right[-1])
        if old and (sum(map(is_ready, self.pods)) > wanted or wanted == 0 or not is_ready(old[0])):
            self.pods.remove(old[0])
        ready = sum(map(is_ready, self.pods))
        live["status"] = {
            "observedGeneration": node(live, "metadata")["generation"],
            "replicas": len(self.pods),
            "updatedReplicas": len([pod for pod in self.pods if pod["template"] == template]),
            "readyReplicas": ready,
            "availableReplicas": ready,
        }

    def _roll_pools(self) -> None:
        for key, live in self.objects.items():
            if key.kind == "Deployment" and key.name != "my-bot":
                replicas = cast("int", node(live, "spec").get("replicas", 1))
                counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), replicas)
                live["status"] = {"observedGeneration": node(live, "metadata").get("generation"), **counts}

    def _pod(self, template: Node) -> Node:
        self._counter += 1
        labels = copy.deepcopy(node(template, "metadata", "labels"))
        metadata: Node = {
            "name": f"my-bot-{self._counter}",
            "labels": labels,
            "creationTimestamp": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
        status: Node = {} if self.image_works else {"containerStatuses": [{"state": {"waiting": waiting}}]}
        return {"metadata": metadata, "template": copy.deepcopy(template), "status": status}

    def _live(self) -> None:
        ready = [pod for pod in self.pods if is_ready(pod)]
        templates = {read_env(pod["template"], "MIGAGA_FLEET_REVISION") for pod in self.pods}
        if not ready:
            return
        said = read_env(ready[-1]["template"], "MIGAGA_SHARDS_COUNT")
        intents = read_env(ready[-1]["template"], "MIGAGA_BOT_INTENTS")
        if self.live is None:
            self.live = Generation(1, int(said) if said.isdigit() else self.recommended, intents)
            self._spend(self.live.count)
        elif self.upcoming is not None:
            self._go_on(self.upcoming)
        elif len(templates) == 1 and said.isdigit() and (int(said), intents) != (self.live.count, self.live.intents):
            self.upcoming = Generation(self.live.n + 1, int(said), intents, "WARMING")
            self._spend(int(said))

    def _go_on(self, coming: Generation) -> None:
        if coming.state in NEXT:
            coming.state = NEXT[coming.state]
        else:
            coming.state, self.live, self.upcoming = "LIVE", coming, None

    def _spend(self, identifies: int) -> None:
        self.identifies += identifies
        self.budget -= identifies


def problems_of_status(op: SetStatus) -> list[Problem]:
    """What the API server would refuse about a status."""
    problems: list[Problem] = []
    Record(BotStatus).read(op.manifest, "status", problems)
    return problems


def is_ready(pod: Node) -> bool:
    """Whether a pod is Ready."""
    return any(at_path(item, "status") == "True" for item in as_list(at_path(pod, "status", "conditions")))


def is_shards(manifest: object) -> bool:
    """Whether an object is the Deployment of the shard pods."""
    labels = as_mapping(at_path(manifest, "metadata", "labels"))
    return key_of(manifest).kind == "Deployment" and labels.get(COMPONENT_LABEL) == SHARDS


def merge(live: Node, manifest: Node) -> None:
    """Write what a manifest says into a live object; lists are replaced, but keep what others added by name."""
    for name, value in manifest.items():
        there = live.get(name)
        if isinstance(value, dict) and isinstance(there, dict):
            merge(there, value)
        elif isinstance(value, list) and isinstance(there, list) and all(isinstance(item, dict) for item in value):
            live[name] = merge_lists(there, value)
        else:
            live[name] = value


def merge_lists(there: list[Node], value: list[Node]) -> list[Node]:
    """Merge two lists of named objects."""
    found = {str(item.get("name")): item for item in there}
    if not all("name" in item for item in [*value, *there]):
        return value
    for item in value:
        merge(found.setdefault(str(item["name"]), {}), item)
    return list(found.values())


def remove(live: Node, before: Node, manifest: Node) -> None:
    """Remove from a live object what we had set and set no more."""
    for name, value in before.items():
        if name not in manifest:
            live.pop(name, None)
        elif isinstance(value, dict) and isinstance(live.get(name), dict) and isinstance(manifest[name], dict):
            remove(cast("Node", live[name]), value, cast("Node", manifest[name]))
        elif isinstance(value, list) and value != manifest[name]:
            names = {at_path(item, "name") for item in value} - {
                at_path(item, "name") for item in as_list(manifest[name])
            }
            live[name] = [item for item in as_list(live.get(name)) if at_path(item, "name") not in names]


def without_empty(value: object) -> object:
    """What is left of an object in the API server: empty texts and nulls are dropped."""
    if isinstance(value, dict):
        return {name: without_empty(item) for name, item in value.items() if item not in ("", None)}
    return [without_empty(item) for item in value] if isinstance(value, list) else value
