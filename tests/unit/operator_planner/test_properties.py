"""What holds for every bot, every observation and every order of things."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.operator_crd.manifests import Change, Node, node, put
from tests.unit.operator_crd.test_reading import JSON
from tests.unit.operator_planner.cluster import Cluster, is_shards, problems_of_status
from tests.unit.operator_planner.test_life import fixed

from migaga_operator.crd.read import read_bot
from migaga_operator.json_types import as_whole, at_path
from migaga_operator.observed import observe
from migaga_operator.ops import Apply, Delete, Event, Op, Scale, SetStatus
from migaga_operator.planner import plan
from migaga_operator.situation import survey

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

COUNTS = st.integers(1, 24)
POOLS: list[list[Node]] = [[], [{"name": "heavy"}], [{"name": "heavy"}, {"name": "light", "replicas": 3}]]
EDITS: st.SearchStrategy[Change] = st.one_of(
    st.builds(fixed, COUNTS, st.integers(2, 8)),
    st.builds(
        lambda size, multiple: put({"maxPerPod": size, "multipleOf": multiple}, "shards"),
        st.integers(2, 8),
        st.integers(1, 3),
    ),
    st.sampled_from(["Running", "Paused", "Stopped"]).map(lambda mode: put(mode, "mode")),
    st.sampled_from(["5.0.0", "5.0.1", "5.1.0"]).map(lambda tag: put(f"registry.example/migaga:{tag}", "image")),
    st.sampled_from([["GUILDS"], ["GUILDS", "GUILD_MESSAGES"]]).map(lambda names: put(names, "intents")),
    (st.none() | st.integers(13, 15)).map(lambda pods: lambda manifest: _set_pods(manifest, pods)),
    st.integers(0, 300).map(lambda reserve: put({"reserve": reserve}, "identify")),
    st.sampled_from(POOLS).map(lambda pools: lambda manifest: _set_pools(manifest, pools)),
)


def _set_pods(manifest: Node, pods: int | None) -> None:
    node(manifest, "spec").pop("replicas", None)
    if pods is not None:
        node(manifest, "spec")["replicas"] = pods


def _set_pools(manifest: Node, pools: list[Node]) -> None:
    modules = [{"name": f"module{n}", "workers": pool["name"]} for n, pool in enumerate(pools)]
    node(manifest, "spec").update(modules=[{"name": "config"}, *modules], workers=pools)


TAMPERING = ["replicas", "labels", "annotations", "spec", "count", "environment"]


@st.composite
def disturbances(draw: st.DrawFn) -> list[tuple[str, object]]:
    """Things that happen, in an order."""
    kinds = st.one_of(
        st.tuples(st.just("edit"), EDITS),
        st.tuples(st.just("steps"), st.integers(1, 6)),
        st.tuples(st.just("delete"), st.integers(0, 9)),
        st.tuples(st.just("tamper"), st.tuples(st.integers(0, 9), st.sampled_from(TAMPERING))),
        st.tuples(st.just("lose status"), st.none()),
        st.tuples(st.just("recommend"), COUNTS),
        st.tuples(st.just("budget"), st.integers(0, 400)),
        st.tuples(st.just("reachable"), st.booleans()),
        st.tuples(st.just("image works"), st.booleans()),
        st.tuples(st.just("hours"), st.integers(1, 48)),
    )
    return draw(st.lists(kinds, min_size=1, max_size=8))


class Judge:
    """Watches every plan that is applied."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    def reconcile(self) -> list[Op]:
        """Plan, judge and apply."""
        cluster = self.cluster
        before = survey(cluster.observe())
        ops = cluster.plan()
        costs = sum(op.identifies for op in ops if isinstance(op, Apply))
        if costs:
            spec = read_bot(cluster.bot)
            assert not isinstance(spec, tuple)
            assert before.budget.remaining is not None
            assert costs <= before.budget.remaining - spec.identify.reserve
        for op in ops:
            if isinstance(op, Delete):
                assert not is_shards(cluster.objects[op.key])
            if isinstance(op, Scale | Apply) and before.upcoming is not None:
                self._judge_while_a_generation_comes(op)
            cluster.apply(op)
        return ops

    def _judge_while_a_generation_comes(self, op: Scale | Apply) -> None:
        live = self.cluster.objects.get(op.key)
        is_stopped = at_path(self.cluster.bot, "spec", "mode") == "Stopped"
        if live is None or not is_shards(live) or is_stopped:
            return
        wanted = op.replicas if isinstance(op, Scale) else as_whole(at_path(op.manifest, "spec", "replicas"))
        assert wanted is not None
        assert wanted >= (as_whole(at_path(live, "spec", "replicas")) or 0)

    def settle(self) -> None:
        """Go on until nothing changes."""
        for _ in range(200):
            ops = self.reconcile()
            if not self.cluster.step() and not ops:
                return
            self.cluster.now += timedelta(seconds=5)
        raise AssertionError(f"it does not come to rest: {[str(op) for op in self.cluster.plan()]}")


def disturb(cluster: Cluster, judge: Judge, kind: str, value: object) -> None:
    """Let one thing happen."""
    if kind in {"recommend", "budget", "reachable", "image works"}:
        name = {"recommend": "recommended", "image works": "image_works"}.get(kind, kind)
        setattr(cluster, name, value)
    elif kind == "edit":
        before = copy.deepcopy(cluster.bot)
        cluster.edit(cast("Change", value))
        if isinstance(read_bot(cluster.bot), tuple):
            cluster.bot = before  # the API server would have refused it
    elif kind == "steps":
        for _ in range(cast("int", value)):
            judge.reconcile()
            cluster.step()
    elif kind == "hours":
        cluster.now += timedelta(hours=cast("int", value))
    elif kind == "lose status":
        cluster.bot.pop("status", None)
    else:
        intrude(cluster, kind, value)


def intrude(cluster: Cluster, kind: str, value: object) -> None:
    """Delete or edit one of the bot's objects."""
    keys = sorted(cluster.objects)
    number, what = cast("tuple[int, str]", value) if kind == "tamper" else (cast("int", value), "")
    if keys and kind == "delete":
        del cluster.objects[keys[number % len(keys)]]
    elif keys:
        tamper(cluster.objects[keys[number % len(keys)]], what)


def tamper(live: Node, what: str) -> None:
    """Edit an object as a person might."""
    spec = cast("Node", live.get("spec", {}))
    match what:
        case "replicas" if "replicas" in spec:
            spec["replicas"] = 1
        case "labels":
            node(live, "metadata", "labels")["migaga.dev/bot"] = "other"
        case "count":
            node(live, "metadata").setdefault("annotations", {})
            node(live, "metadata", "annotations")["migaga.dev/shard-count"] = "13"
        case "environment" if "template" in spec:
            containers = cast("list[Node]", node(live, "spec", "template", "spec")["containers"])
            for item in cast("list[Node]", containers[0]["env"]):
                if item["name"] in {"MIGAGA_SHARDS_COUNT", "MIGAGA_FLEET_REVISION"}:
                    item["value"] = "13"
        case "annotations":
            node(live, "metadata").pop("annotations", None)
        case "spec" if "selector" in spec:
            spec["selector"] = {"matchLabels": {"a": "b"}} if "template" not in spec else spec["selector"]


@SLOW
@given(disturbances())
def test_whatever_happened_it_comes_to_rest_and_nothing_forbidden_is_done(happened: list[tuple[str, object]]) -> None:
    cluster = Cluster.of(fixed(8))
    judge = Judge(cluster)
    for kind, value in happened:
        disturb(cluster, judge, kind, value)
    judge.settle()
    assert judge.cluster.plan() == []
    cluster.now += timedelta(days=3)
    cluster.reachable = True
    cluster.image_works = True
    cluster.budget = 1_000
    judge.settle()
    spec = cluster.spec
    if spec.mode != "Stopped" and spec.shards.count is not None:
        assert cluster.live is not None
        assert cluster.live.count == spec.shards.count
        assert cluster.condition("Ready") == ("True", "AllShardsConnected")
        assert cluster.condition("Stalled") == ("False", "NothingStalled")


@settings(SLOW, max_examples=8)
@given(st.lists(EDITS, min_size=2, max_size=6))
def test_the_revision_grows_when_the_template_changes_and_only_then(edits: list[Change]) -> None:
    cluster = Cluster.running(fixed(8))
    for edit in edits:
        before = copy.deepcopy(cluster.deployment)
        disturb(cluster, Judge(cluster), "edit", edit)
        revision = int(cluster.env("MIGAGA_FLEET_REVISION"))
        cluster.reconcile()
        template = at_path(cluster.deployment, "spec", "template")
        grown = int(cluster.env("MIGAGA_FLEET_REVISION")) - revision
        assert grown == (0 if template == at_path(before, "spec", "template") else 1)
        cluster.settle()


@settings(max_examples=150, deadline=None)
@given(
    JSON,
    st.lists(JSON, max_size=3),
    st.lists(JSON, max_size=3),
    st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    JSON,
)
def test_no_observation_at_all_raises(
    bot: object, objects: list[object], pods: list[object], reports: dict[str, object], spec: object
) -> None:
    seen = observe(bot, objects=objects, pods=pods, reports=reports, bots=objects)
    for op in plan(read_bot({**Cluster.of().bot, "spec": spec}), seen, NOW):
        assert str(op)
        assert not isinstance(op, SetStatus) or problems_of_status(op) == []


PARTS = st.sampled_from(
    [
        ("metadata",), ("metadata", "labels"), ("metadata", "annotations"), ("metadata", "ownerReferences"), ("spec",),
        ("spec", "template"), ("spec", "template", "spec"), ("spec", "template", "spec", "containers"),
        ("spec", "replicas"), ("status",), ("status", "conditions"), ("status", "containerStatuses"),
    ]
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(PARTS, JSON, st.sampled_from(["objects", "pods", "reports", "status"]))
def test_no_damaged_part_of_an_observation_raises(path: tuple[str, ...], value: object, where: str) -> None:
    cluster = RUNNING
    bot, objects = copy.deepcopy(cluster.bot), copy.deepcopy(list(cluster.objects.values()))
    pods, reports = copy.deepcopy(cluster.pods), cast("dict[str, Node]", cluster.reports())
    damaged = {"objects": objects, "pods": pods, "reports": list(reports.values()), "status": [bot]}[where]
    for item in damaged:
        parent: object = item
        for name in path[:-1]:
            parent = parent.get(name) if isinstance(parent, dict) else None
        if isinstance(parent, dict):
            parent[path[-1]] = value
        for part in ("generations", "process", "shards", "identify", "application", "modules"):
            if where == "reports" and path[-1] == "status":
                item[part] = value
    seen = observe(bot, objects=objects, pods=pods, reports=reports)
    for op in plan(cluster.spec, seen, NOW):
        assert str(op)
        assert not isinstance(op, SetStatus) or problems_of_status(op) == []


RUNNING = Cluster.running(fixed(8))


def test_a_plan_changes_nothing_of_what_it_is_given() -> None:
    cluster = Cluster.running(fixed(8))
    cluster.edit(fixed(12), put("Paused", "mode"))
    before = copy.deepcopy((cluster.bot, cluster.objects, cluster.pods))
    cluster.plan()
    assert (cluster.bot, cluster.objects, cluster.pods) == before


def test_operations_are_printed_for_people() -> None:
    cluster = Cluster.of(fixed(8))
    lines = [str(op) for op in cluster.plan()]
    assert lines[-2] == "apply Deployment/my-bot: it is not there"
    assert lines[-1].startswith("status: application, conditions, desiredReplicas") or lines[-1].startswith("status: ")
    cluster.settle()
    cluster.edit(fixed(12))
    assert any(line.endswith("(costs 12 IDENTIFYs)") for line in map(str, cluster.plan()))


@pytest.mark.parametrize("kind", [SetStatus, Event])
def test_at_rest_nothing_is_written_however_often_one_looks(kind: type) -> None:
    cluster = Cluster.running(fixed(8))
    writes = cluster.writes
    for _ in range(20):
        cluster.now += timedelta(minutes=7)
        assert not [op for op in cluster.reconcile() if isinstance(op, kind)]
    assert cluster.writes == writes
