"""What others do to a bot's objects, and what is in the way."""

from __future__ import annotations

import copy
from typing import cast

import pytest
from tests.unit.operator_crd.manifests import Node, node, put
from tests.unit.operator_planner.cluster import Cluster
from tests.unit.operator_planner.test_life import FIXED_8, keys

from migaga_operator.crd.read import read_bot
from migaga_operator.json_types import digest
from migaga_operator.observed import observe
from migaga_operator.ops import Apply, Key, SetStatus, key_of
from migaga_operator.planner import plan

SHARDS = Key("Deployment", "my-bot")
SERVICE = Key("Service", "my-bot")


def image_of(cluster: Cluster) -> object:
    """The image of the live Deployment."""
    containers = cast("list[Node]", node(cluster.objects[SHARDS], "spec", "template", "spec")["containers"])
    return containers[0]["image"]


def test_what_somebody_edited_is_put_right_without_a_new_revision() -> None:
    cluster = Cluster.running(FIXED_8)
    containers = cast("list[Node]", node(cluster.objects[SHARDS], "spec", "template", "spec")["containers"])
    containers[0]["image"] = "registry.example/other:1"
    assert keys(cluster.plan()) == ["Deployment/my-bot"]
    assert "spec.template.spec.containers[shards].image" in str(cluster.plan()[0])
    cluster.settle()
    assert image_of(cluster) == "registry.example/migaga:5.0.0"
    assert cluster.env("MIGAGA_FLEET_REVISION") == "1"


def test_pods_that_somebody_scaled_away_come_back() -> None:
    cluster = Cluster.running(FIXED_8)
    node(cluster.objects[SHARDS], "spec")["replicas"] = 1
    cluster.settle()
    assert cluster.replicas == 3


@pytest.mark.parametrize("kind", ["ServiceAccount", "ConfigMap", "NetworkPolicy", "Service", "PodDisruptionBudget"])
def test_what_somebody_deleted_is_made_again(kind: str) -> None:
    cluster = Cluster.running(FIXED_8)
    (key,) = [key for key in cluster.objects if key.kind == kind]
    del cluster.objects[key]
    (op,) = [op for op in cluster.plan() if isinstance(op, Apply)]
    assert op.key == key
    assert op.because == "it is not there"


def test_what_others_add_beside_ours_may_stay() -> None:
    cluster = Cluster.running(FIXED_8)
    live = cluster.objects[SHARDS]
    node(live, "metadata", "labels")["team"] = "bots"
    node(live, "spec", "template", "metadata")["annotations"] = {"sidecar.example/injected": "yes"}
    containers = cast("list[Node]", node(live, "spec", "template", "spec")["containers"])
    containers.append({"name": "proxy", "image": "registry.example/proxy:1"})
    node(live, "spec")["minReadySeconds"] = 0
    assert cluster.plan() == []


def test_the_same_amount_in_another_form_is_no_difference() -> None:
    cluster = Cluster.running(FIXED_8, put({"resources": {"requests": {"cpu": "0.5", "memory": "1024Mi"}}}, "pod"))
    containers = cast("list[Node]", node(cluster.objects[SHARDS], "spec", "template", "spec")["containers"])
    containers[0]["resources"] = {"requests": {"cpu": "500m", "memory": "1Gi"}}
    assert cluster.plan() == []


def test_a_lost_annotation_is_written_again_without_rolling_pods() -> None:
    cluster = Cluster.running(FIXED_8)
    del node(cluster.objects[SHARDS], "metadata")["annotations"]
    cluster.settle()
    assert cluster.env("MIGAGA_FLEET_REVISION") == "1"
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "8"
    assert cluster.identifies == 8


@pytest.mark.parametrize(
    "shards", [{"mode": "Fixed", "count": 8, "maxPerPod": 4}, {"maxPerPod": 4}], ids=["fixed", "recommended"]
)
@pytest.mark.parametrize("where", ["annotation", "environment"])
def test_a_shard_count_that_somebody_wrote_into_the_deployment_is_put_right(where: str, shards: Node) -> None:
    cluster = Cluster.of(put(shards, "shards"), put("registry.example/migaga:1", "image"))
    cluster.recommended = 8
    cluster.settle()
    cluster.edit(put("registry.example/migaga:2", "image"))
    cluster.settle()
    live = cluster.objects[SHARDS]
    if where == "annotation":
        node(live, "metadata", "annotations")["migaga.dev/shard-count"] = "500"
    else:
        containers = cast("list[Node]", node(live, "spec", "template", "spec")["containers"])
        for item in cast("list[Node]", containers[0]["env"]):
            if item["name"] == "MIGAGA_SHARDS_COUNT":
                item["value"] = "500"
    cluster.reconcile()
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "8"
    assert node(cluster.objects[SHARDS], "metadata", "annotations")["migaga.dev/shard-count"] == "8"
    cluster.settle()
    assert cluster.identifies == 8


@pytest.mark.parametrize("count", ["0", "-3", "99999999", "many", ""])
def test_a_count_that_there_cannot_be_is_no_count(count: str) -> None:
    cluster = Cluster.running(put({"maxPerPod": 4}, "shards"))
    node(cluster.objects[SHARDS], "metadata", "annotations")["migaga.dev/shard-count"] = count
    cluster.bot.pop("status")
    cluster.settle()
    assert cluster.replicas == 2
    assert cluster.identifies == 4


def test_a_name_that_is_taken_is_left_alone_and_shown() -> None:
    cluster = Cluster.of(FIXED_8)
    theirs: Node = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "my-bot", "uid": "theirs"}, "spec": {}}
    cluster.objects[SERVICE] = theirs
    cluster.settle()
    assert cluster.objects[SERVICE] == theirs
    assert cluster.condition("Stalled") == ("True", "NameTaken")
    assert "Service named my-bot" in cluster.message("Stalled")


def test_objects_that_a_deleted_bot_left_behind_are_taken_over() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.bot.pop("status")
    node(cluster.bot, "metadata")["uid"] = "uid-of-the-next"
    for live in cluster.objects.values():
        node(live, "metadata").pop("ownerReferences")
    cluster.settle()
    owners = {
        cast("list[Node]", node(live, "metadata")["ownerReferences"])[0]["uid"] for live in cluster.objects.values()
    }
    assert owners == {"uid-of-the-next"}
    assert cluster.env("MIGAGA_FLEET_REVISION") == "1"
    assert cluster.identifies == 8


def test_objects_that_are_just_being_deleted_are_waited_for() -> None:
    cluster = Cluster.running(FIXED_8)
    for live in cluster.objects.values():
        node(live, "metadata")["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    assert keys(cluster.plan()) == []


def test_what_the_api_server_refuses_is_shown_in_its_words() -> None:
    cluster = Cluster.of(FIXED_8)
    seen = cluster.observe()
    refused = {SHARDS: "spec.template.spec.affinity: Invalid value"}
    ops = plan(cluster.spec, type(seen)(owner=seen.owner, generation=1, refused=refused), cluster.now)
    (status,) = [op.status for op in ops if isinstance(op, SetStatus)]
    stalled = status.condition("Stalled")
    assert stalled is not None
    assert stalled.reason == "ApplyRefused"
    assert "spec.affinity: Invalid value" in stalled.message


def test_an_object_that_the_server_writes_in_its_own_way_is_not_written_again_and_again() -> None:
    cluster = Cluster.running(FIXED_8)
    node(cluster.objects[SERVICE], "spec")["clusterIP"] = "none"
    (op,) = [op for op in cluster.plan() if isinstance(op, Apply)]
    version = cluster.observe().objects[SERVICE].resource_version
    seen = cluster.observe()
    settled = type(seen)(
        owner=seen.owner, generation=seen.generation, created=seen.created, status=seen.status, objects=seen.objects,
        pods=seen.pods, settled=frozenset({(SERVICE, version, digest(op.manifest))}),
    )  # fmt: skip
    assert plan(cluster.spec, settled, cluster.now) == []


def other(name: str, created: str, application: str = "123456789012345678") -> Node:
    """Another bot."""
    metadata = {"name": name, "namespace": "elsewhere", "uid": f"uid-{name}", "creationTimestamp": created}
    return {"metadata": metadata, "spec": {"applicationId": application}}


def test_of_two_bots_of_one_application_the_newer_one_is_not_started() -> None:
    cluster = Cluster.of(FIXED_8)
    cluster.bots = [other("older", "2026-03-01T10:00:00Z")]
    ops = cluster.reconcile()
    assert keys(ops) == []
    assert cluster.condition("Stalled") == ("True", "DuplicateApplication")
    assert "older in namespace elsewhere" in cluster.message("Stalled")
    assert cluster.condition("Ready") == ("False", "NotStarted")
    cluster.settle()
    cluster.bots = []
    cluster.settle()
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")


@pytest.mark.parametrize(
    "bot",
    [
        other("newer", "2026-03-01T11:30:00Z"),
        other("older", "2026-03-01T10:00:00Z", application="223456789012345678"),
        {"metadata": {}, "spec": {}},
        {},
    ],
    ids=["newer", "another application", "empty", "nothing"],
)
def test_other_bots_do_not_disturb(bot: Node) -> None:
    cluster = Cluster.of(FIXED_8)
    cluster.bots = [bot]
    cluster.settle()
    assert cluster.condition("Stalled") == ("False", "NothingStalled")


def test_two_bots_of_the_same_second_do_not_both_stand_back() -> None:
    first, second = Cluster.of(FIXED_8), Cluster.of(FIXED_8)
    node(second.bot, "metadata").update(uid="uid-of-another", name="second")
    started = []
    for one, two in ((first, second), (second, first)):
        one.bots = [two.bot]
        started.append(bool(keys(one.plan())))
    assert sorted(started) == [False, True]


def test_a_wrong_spec_changes_nothing_of_what_runs_and_says_why() -> None:
    cluster = Cluster.running(FIXED_8)
    before = copy.deepcopy(cluster.objects)
    cluster.edit(put("paused", "mode"))
    assert keys(cluster.reconcile()) == []
    assert cluster.objects == before
    assert cluster.condition("Stalled") == ("True", "InvalidSpec")
    assert "spec.mode" in cluster.message("Stalled")
    assert "Write one of Running, Paused, Stopped" in cluster.message("Stalled")
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")
    assert cluster.plan() == []


def test_foreign_objects_are_never_deleted() -> None:
    cluster = Cluster.running(FIXED_8)
    labels = {"migaga.dev/bot": "my-bot"}
    for kind in ("Secret", "Deployment", "ConfigMap"):
        metadata: Node = {"name": "theirs", "uid": "x", "labels": labels}
        metadata["ownerReferences"] = [{"uid": "somebody", "controller": True}]
        cluster.objects[Key(kind, "theirs")] = {"kind": kind, "metadata": metadata}
    assert cluster.plan() == []


def test_a_second_deployment_that_holds_shards_is_not_deleted() -> None:
    cluster = Cluster.running(FIXED_8)
    twin = copy.deepcopy(cluster.objects[SHARDS])
    node(twin, "metadata")["name"] = "my-bot-before"
    cluster.objects[key_of(twin)] = twin
    assert keys(cluster.plan()) == []


def test_a_bot_that_is_not_even_an_object_has_no_plan_that_raises() -> None:
    ops = plan(read_bot(None), observe(None), Cluster.of().now)
    assert [type(op) for op in ops][-1:] == [SetStatus]
