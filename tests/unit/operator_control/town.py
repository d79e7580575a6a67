"""An operator in a small cluster: objects in memory, a watch that can lag, pods that say what they are told to say."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from tests.unit.operator_crd.manifests import Change, Node, node, smallest

from migaga_operator.builders.fleet import BOT_LABEL, Owner
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.control.look import Looker, Surroundings
from migaga_operator.control.seen import BotKey, Seen
from migaga_operator.json_types import Json, Manifest, as_mapping, as_text, at_path
from migaga_operator.kube.kinds import BOT, BY_KIND, MONITOR, WATCHED, Resource
from migaga_operator.local.store import Ref, Store, ref_of, uid_of
from migaga_operator.ops import Event, Key

MY_BOT = BotKey("bots", "my-bot")


class HandClock:
    """A clock that is moved by hand; whoever sleeps by it wakes when its time has come."""

    def __init__(self) -> None:
        self.time = 1_000.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        until = self.time + seconds
        while self.time < until:
            await self._moved.wait()

    def move(self, seconds: float) -> None:
        self.time += seconds
        self._moved.set()
        self._moved = asyncio.Event()


@dataclass
class Town:
    """All of it. Writes go into the store; `watch` carries them to what the operator has seen."""

    clock: HandClock = field(default_factory=HandClock)
    store: Store = field(init=False)
    seen: Seen = field(default_factory=Seen)
    reports: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    quota: dict[str, str] = field(default_factory=dict)
    """Kinds of which nothing more is admitted, and what the API server says."""
    is_away: bool = False
    is_leader: bool = True
    apis: frozenset[str] = frozenset()
    _told: dict[Ref, Manifest] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store = Store(self.now)
        self._looker = Looker(
            Surroundings(
                seen=self.seen,
                keeper=self,
                asker=self,
                clock=self.clock,
                may_write=self.may_write,
                apis=self.apis,
                now=self.now,
            )
        )

    def now(self) -> datetime:
        return datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=self.clock.now())

    # What a person and the controllers of Kubernetes do

    def write_bot(self, *changes: Change, name: str = "my-bot") -> None:
        manifest = copy.deepcopy(smallest())
        node(manifest, "metadata")["name"] = name
        for change in changes:
            change(manifest)
        self.store.apply(cast("Manifest", manifest))

    def found(self, kind: str, name: str = "my-bot") -> Node:
        found = self.store.get(Ref(kind, "bots", name))
        assert found is not None, f"{kind}/{name} is not there"
        return copy.deepcopy(cast("Node", found))

    def kinds(self) -> list[str]:
        return sorted(as_text(found["kind"]) for found in self.store.all_of())

    def status(self, name: str = "my-bot") -> Node:
        return node(self.found(BOT.kind, name), "status")

    def condition(self, kind: str, name: str = "my-bot") -> Node:
        conditions = cast("list[Node]", self.status(name)["conditions"])
        return next(item for item in conditions if item["type"] == kind)

    def write(self, kind: str, name: str, path: tuple[str, ...], value: Json) -> None:
        self.store.patch(Ref(kind, "bots", name), path, value)

    def add_pod(self, name: str, report: object = None, **metadata: str) -> None:
        labels = {BOT_LABEL: "my-bot", "app.kubernetes.io/component": "shards", "migaga.dev/revision": "1"}
        self.store.apply(
            {
                "kind": "Pod",
                "apiVersion": "v1",
                "metadata": {"name": name, "namespace": "bots", "labels": labels, **metadata},
            }
        )
        ready: Json = [{"type": "Ready", "status": "True"}]
        self.store.set_status(Ref("Pod", "bots", name), {"phase": "Running", "podIP": "127.0.0.9", "conditions": ready})
        if report is not None:
            self.reports[name] = report

    def roll_out(self, name: str = "my-bot") -> None:
        """Let the Deployment be as it is asked for."""
        found = self.found("Deployment", name)
        wanted = cast("int", at_path(found, "spec", "replicas"))
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), wanted)
        generation = cast("int", at_path(found, "metadata", "generation"))
        self.write("Deployment", name, ("status",), {**counts, "observedGeneration": generation})

    def watch(self) -> set[BotKey]:
        """Tell the operator everything that has changed, as watches by label do; return whom that wakes."""
        woken: set[BotKey] = set()
        there = {ref_of(found): found for found in self.store.all_of() if is_watched(found)}
        for ref, found in list(self._told.items()):
            if ref not in there or uid_of(there[ref]) != uid_of(found):
                woken |= self.seen.remove(found)
        for ref, found in there.items():
            if self._told.get(ref) != found:
                woken |= self.seen.put(found)
        self._told = there
        return woken

    # What the operator does

    async def look(self, bot: BotKey = MY_BOT) -> float | None:
        return await self._looker.look(bot)

    async def settle(self, bot: BotKey = MY_BOT) -> None:
        """Look until nothing is written any more."""
        for _ in range(10):
            self.watch()
            before = len(self.writes)
            await self.look(bot)
            if len(self.writes) == before:
                return
        raise AssertionError(f"never at rest: {self.writes[-5:]}")

    # `Keeper`, `Asker`, `Lister`

    def may_write(self) -> None:
        if not self.is_leader:
            raise PermissionError("another one acts")

    async def apply(self, manifest: Manifest) -> Manifest:
        ref = ref_of(manifest)
        self._admit(f"apply {ref.kind}/{ref.name}", ref.kind)
        return self.store.apply(manifest)

    async def scale(self, key: Key, namespace: str, replicas: int) -> Manifest:
        self._admit(f"scale {key} to {replicas}", "")
        if self.store.get(Ref(key.kind, namespace, key.name)) is None:
            raise StaleError(f"{key} is not there")
        return self.store.patch(Ref(key.kind, namespace, key.name), ("spec", "replicas"), replicas)

    async def delete(self, key: Key, namespace: str, uid: str) -> None:
        self._admit(f"delete {key}", "")
        self.store.delete(Ref(key.kind, namespace, key.name), uid)

    async def set_status(self, owner: Owner, status: Json) -> Manifest:
        self._admit(f"status of {owner.name}", "status")
        return self.store.set_status(Ref(BOT.kind, owner.namespace, owner.name), status)

    async def tell(self, owner: Owner, event: Event) -> None:
        self._admit(f"event {event.reason}", "Event")
        self.events.append(event)

    async def read(self, key: Key, namespace: str) -> Manifest | None:
        if self.is_away:
            raise AwayError("nobody answers")
        return self.store.get(Ref(key.kind, namespace, key.name))

    async def ask(self, pods: Iterable[object]) -> dict[str, object]:
        names = tuple(as_text(at_path(pod, "metadata", "name")) for pod in pods)
        self.asked.append(names)
        return {name: self.reports[name] for name in names if name in self.reports}

    async def heads(self, resource: Resource, namespace: str) -> AsyncIterator[Mapping[str, object]]:
        if self.is_away:
            raise AwayError("nobody answers")
        for found in self.store.all_of(resource.kind, namespace):
            if is_watched(found):
                yield as_mapping(found["metadata"])

    def _admit(self, what: str, kind: str) -> None:
        if self.is_away:
            raise AwayError("nobody answers", 7.0)
        if kind in self.quota:
            raise RefusedError(self.quota[kind])
        self.writes.append(what)


def is_watched(found: object) -> bool:
    """Whether a watch tells of an object."""
    kind = as_text(at_path(found, "kind"))
    labels = as_mapping(at_path(found, "metadata", "labels"))
    return BY_KIND[kind] in (*WATCHED, MONITOR) and (not BY_KIND[kind].selector or BOT_LABEL in labels)


def running(shards: int = 2, *, live: int | None = None) -> Node:
    """The `/status` document of a process that serves shards."""
    connected = shards if live is None else live
    return {
        "application": {"name": "Bot"},
        "phase": "running",
        "ready": True,
        "shard_count": shards,
        "recommended_shards": shards,
        "shards": [{"id": n, "state": "live", "lease": "mine"} for n in range(connected)],
        "identify": {"total": 1000, "remaining": 990},
        "process": {"revision": 1},
    }
