"""The life of a fleet, as plans make it: table tests on a small Kubernetes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.operator_crd.manifests import Change, drop, node, put
from tests.unit.operator_planner.cluster import Cluster

from migaga_operator.json_types import at_path
from migaga_operator.ops import Apply, Delete, Key, Op, Scale, SetStatus

SHARDS = Key("Deployment", "my-bot")
FIXED_8 = put({"mode": "Fixed", "count": 8, "maxPerPod": 4}, "shards")


def fixed(count: int, per_pod: int = 4) -> Change:
    """A change: a fixed shard count."""
    return put({"mode": "Fixed", "count": count, "maxPerPod": per_pod}, "shards")


def keys(ops: list[Op]) -> list[str]:
    """The objects that are touched, in order."""
    return [str(op.key) for op in ops if isinstance(op, Apply | Scale | Delete)]


def test_a_new_bot_gets_everything_at_once_and_its_deployment_last() -> None:
    ops = Cluster.of(FIXED_8).plan()
    assert keys(ops) == [
        "ServiceAccount/my-bot",
        "ConfigMap/my-bot-fleet",
        "NetworkPolicy/my-bot",
        "Service/my-bot",
        "PodDisruptionBudget/my-bot",
        "Deployment/my-bot",
    ]
    assert isinstance(ops[-1], SetStatus)


def test_a_pod_monitor_is_made_only_where_its_api_exists() -> None:
    cluster = Cluster.of()
    cluster.apis = ("monitoring.coreos.com/v1",)
    assert "PodMonitor/my-bot" in keys(cluster.plan())
    assert "PodMonitor/my-bot" not in keys(Cluster.of().plan())


def test_at_rest_there_is_nothing_to_do() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.now += timedelta(days=400)
    assert cluster.plan() == []
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")
    assert cluster.condition("Progressing") == ("False", "Complete")
    assert cluster.condition("Stalled") == ("False", "NothingStalled")


def test_without_replicas_there_are_as_many_pods_as_the_shards_need_and_one_to_spare() -> None:
    assert Cluster.running(FIXED_8).replicas == 3


def test_with_replicas_there_are_so_many() -> None:
    assert Cluster.running(FIXED_8, put(5, "replicas")).replicas == 5


def test_the_first_pod_learns_the_recommended_count_and_the_others_follow_without_a_roll() -> None:
    cluster = Cluster.of(put({"maxPerPod": 4}, "shards"))
    cluster.recommended = 10
    cluster.reconcile()
    first: object = cluster.replicas
    assert first == 1
    cluster.settle()
    assert cluster.replicas == 4
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "recommended"
    assert cluster.env("MIGAGA_FLEET_REVISION") == "1"
    assert cluster.identifies == 10


def test_after_the_first_change_of_pods_the_learned_count_is_told() -> None:
    cluster = Cluster.of()
    cluster.recommended = 10
    cluster.settle()
    cluster.recommended = 11
    cluster.edit(put("registry.example/migaga:5.0.1", "image"))
    cluster.settle()
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "10"
    assert cluster.env("MIGAGA_FLEET_REVISION") == "2"
    assert cluster.identifies == 10


def test_a_new_image_is_one_apply_with_the_next_revision() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(put("registry.example/migaga:5.0.1", "image"))
    ops = cluster.plan()
    assert keys(ops) == ["Deployment/my-bot"]
    assert "image" in str(ops[0])
    cluster.settle()
    assert cluster.env("MIGAGA_FLEET_REVISION") == "2"
    assert cluster.identifies == 8


@pytest.mark.parametrize(
    "change",
    [put(4, "replicas"), put("Paused", "mode"), put({"minIntervalMinutes": 5}, "shards", "reshard")],
    ids=["replicas", "mode", "interval"],
)
def test_what_does_not_change_the_pods_does_not_roll_them(change: Change) -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(change)
    cluster.settle()
    assert cluster.env("MIGAGA_FLEET_REVISION") == "1"
    assert cluster.plan() == []


@pytest.mark.parametrize(
    "change",
    [put("registry.example/migaga:5.0.1", "image"), put(5, "replicas"), fixed(12)],
    ids=["image", "scale", "count"],
)
def test_a_change_is_progress_from_the_first_moment_on(change: Change) -> None:
    """Whoever waits for the end of an edit must not take the state before it for the end."""
    cluster = Cluster.running(FIXED_8)
    cluster.edit(change)
    cluster.reconcile()
    assert cluster.condition("Progressing") == ("True", "RollingOut")
    assert at_path(cluster.bot, "status", "observedGeneration") == 2
    cluster.settle()
    assert cluster.condition("Progressing") == ("False", "Complete")


def test_workers_that_are_rolled_are_progress_too() -> None:
    modules = put([{"name": "config"}, {"name": "points", "workers": "heavy"}], "modules")
    cluster = Cluster.running(FIXED_8, modules, put([{"name": "heavy"}], "workers"))
    cluster.edit(put([{"name": "heavy", "replicas": 4}], "workers"))
    cluster.reconcile()
    assert cluster.condition("Progressing") == ("True", "RollingOut")
    assert "workers heavy" in cluster.message("Progressing")


def test_intents_in_another_order_are_the_same_intents() -> None:
    cluster = Cluster.running(FIXED_8, put(["GUILDS", "GUILD_MESSAGES"], "intents"))
    cluster.edit(put(["GUILD_MESSAGES", "GUILDS"], "intents"))
    assert keys(cluster.plan()) == []


def test_other_replicas_are_a_scale_and_nothing_else() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(put(6, "replicas"))
    assert [op for op in cluster.plan() if not isinstance(op, SetStatus)] == [Scale(SHARDS, 3, 6)]


def test_paused_is_told_by_a_file_and_seen_in_status() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(put("Paused", "mode"))
    assert keys(cluster.plan()) == ["ConfigMap/my-bot-fleet"]
    cluster.settle()
    assert cluster.condition("Paused") == ("True", "Asked")
    assert cluster.identifies == 8


def test_stopped_takes_all_pods_and_keeps_the_rest() -> None:
    cluster = Cluster.running(
        FIXED_8,
        put([{"name": "config"}, {"name": "points", "workers": "w"}], "modules"),
        put([{"name": "w"}], "workers"),
    )
    cluster.edit(put("Stopped", "mode"))
    # Pods are told first, so that none waits for another one to take its shards.
    told, *rest = keys(cluster.settle())
    assert told == "ConfigMap/my-bot-fleet"
    assert set(rest) == {"Deployment/my-bot", "Deployment/my-bot-workers-w"}
    assert cluster.pods == []
    assert cluster.condition("Ready") == ("False", "Stopped")
    assert cluster.condition("Progressing") == ("False", "Stopped")
    assert SHARDS in cluster.objects
    cluster.edit(put("Running", "mode"))
    cluster.settle()
    assert cluster.replicas == 3
    assert cluster.env("MIGAGA_FLEET_REVISION") == "1"


def test_a_bot_that_is_being_deleted_is_left_to_the_garbage_collector() -> None:
    cluster = Cluster.running(FIXED_8)
    node(cluster.bot, "metadata")["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    cluster.objects.clear()
    assert cluster.plan() == []


def test_a_pool_that_is_no_longer_asked_for_is_deleted_and_nothing_else() -> None:
    modules = put([{"name": "config"}, {"name": "points", "workers": "heavy"}], "modules")
    cluster = Cluster.running(FIXED_8, modules, put([{"name": "heavy", "replicas": 2}], "workers"))
    assert at_path(cluster.bot, "status", "workers") == [{"name": "heavy", "replicas": 2, "ready": 2}]
    cluster.edit(put([{"name": "config"}, {"name": "points"}], "modules"), drop("workers"))
    deleted = [op.key for op in cluster.settle() if isinstance(op, Delete)]
    assert deleted == [Key("Deployment", "my-bot-workers-heavy")]


def test_a_change_of_the_shards_does_not_roll_the_workers() -> None:
    modules = put([{"name": "config"}, {"name": "points", "workers": "heavy"}], "modules")
    cluster = Cluster.running(FIXED_8, modules, put([{"name": "heavy"}], "workers"))
    cluster.edit(
        put(20, "identify", "reserve") if "identify" in node(cluster.bot, "spec") else put({"reserve": 20}, "identify")
    )
    assert "Deployment/my-bot-workers-heavy" not in keys(cluster.settle())
    assert cluster.env("MIGAGA_FLEET_REVISION") == "2"


def test_a_bad_image_keeps_the_old_pods_and_says_so() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(put("registry.example/migaga:typo", "image"))
    cluster.image_works = False
    cluster.settle()
    assert cluster.condition("Stalled") == ("True", "ImageNotPulled")
    assert "spec.image" in cluster.message("Stalled")
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")
    assert cluster.condition("Progressing") == ("True", "RollingOut")
    assert [event.reason for event in cluster.events if event.type == "Warning"] == ["ImageNotPulled"]
    cluster.image_works = True
    cluster.edit(put("registry.example/migaga:5.0.0", "image"))
    cluster.settle()
    assert cluster.condition("Stalled") == ("False", "NothingStalled")
    assert cluster.identifies == 8


def test_a_lost_deployment_comes_back_with_a_higher_revision_and_the_known_count() -> None:
    cluster = Cluster.running(put({"maxPerPod": 4}, "shards"))
    del cluster.objects[SHARDS]
    cluster.settle()
    assert cluster.env("MIGAGA_FLEET_REVISION") == "2"
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "4"
    assert cluster.identifies == 4
