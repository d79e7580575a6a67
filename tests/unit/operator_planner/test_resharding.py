"""When another shard count or other intents are passed on to the pods, and when they wait."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.operator_crd.manifests import drop, node, put
from tests.unit.operator_planner.cluster import Cluster
from tests.unit.operator_planner.test_life import FIXED_8, fixed, keys

from migaga_operator.ops import Apply, Key, Scale

SHARDS = Key("Deployment", "my-bot")


def waits(cluster: Cluster) -> object:
    """Why the change is not begun."""
    return cluster.condition("Resharding")[1]


def test_another_count_is_told_at_once_where_the_pods_are_enough() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(fixed(12))
    (op,) = [op for op in cluster.plan() if isinstance(op, Apply)]
    assert op.identifies == 12
    assert "costs 12 IDENTIFYs" in str(op)
    cluster.settle()
    assert cluster.live is not None
    assert cluster.live.count == 12
    assert cluster.identifies == 8 + 12
    assert cluster.condition("Resharding") == ("False", "NotNeeded")
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")


def test_replicas_are_raised_first_where_they_are_needed() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(fixed(32))
    assert [op for op in cluster.plan() if isinstance(op, Apply | Scale)] == [Scale(SHARDS, 3, 9)]
    done = cluster.settle()
    assert keys(done) == ["Deployment/my-bot", "Deployment/my-bot"]
    assert isinstance(done[1], Apply)
    assert cluster.env("MIGAGA_FLEET_REVISION") == "2"
    assert cluster.identifies == 8 + 32


def test_pods_are_taken_away_only_when_the_smaller_generation_is_live() -> None:
    cluster = Cluster.running(fixed(32))
    cluster.edit(fixed(4))
    done = cluster.settle()
    assert [type(op).__name__ for op in done] == ["Apply", "Scale"]
    assert cluster.replicas == 2
    assert cluster.identifies == 32 + 4


def test_a_change_that_the_budget_cannot_pay_for_waits_and_says_when() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.budget = 105
    cluster.edit(fixed(12))
    cluster.settle()
    assert cluster.identifies == 8
    assert waits(cluster) == "WaitingForBudget"
    assert "12 IDENTIFYs are needed, and 105 are left" in cluster.message("Resharding")
    cluster.budget = 1_000
    cluster.settle()
    assert cluster.identifies == 20


def test_while_nobody_knows_the_budget_nothing_is_begun() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.reachable = False
    cluster.edit(fixed(12))
    cluster.settle()
    assert waits(cluster) == "BudgetUnknown"
    assert cluster.condition("Ready") == ("Unknown", "PodsUnreachable")
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "8"
    cluster.reachable = True
    cluster.settle()
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "12"


def test_other_intents_cost_an_identify_for_each_shard() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.budget = 107
    cluster.edit(put(["GUILDS"], "intents"))
    cluster.settle()
    assert waits(cluster) == "WaitingForBudget"
    cluster.budget = 108
    cluster.settle()
    assert cluster.identifies == 16


def test_a_new_image_is_rolled_out_while_a_reshard_waits() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.budget = 100
    cluster.edit(fixed(12), put("registry.example/migaga:5.0.1", "image"))
    cluster.settle()
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "8"
    assert cluster.env("MIGAGA_FLEET_REVISION") == "2"
    assert {pod["template"] is not None for pod in cluster.pods} == {True}


def test_nothing_is_rolled_while_a_generation_comes() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(fixed(12))
    while cluster.upcoming is None:
        cluster.reconcile()
        cluster.step()
    cluster.edit(put("registry.example/migaga:5.0.1", "image"), put(2, "replicas"), fixed(12, per_pod=6))
    assert keys(cluster.reconcile()) == []
    assert cluster.condition("Progressing") == ("True", "WaitingForGeneration")
    assert cluster.condition("Resharding")[0] == "True"
    cluster.settle()
    assert cluster.env("MIGAGA_FLEET_REVISION") == "3"
    assert cluster.replicas == 2
    assert cluster.identifies == 8 + 12


def test_more_pods_are_given_also_while_a_generation_comes() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(fixed(12))
    while cluster.upcoming is None:
        cluster.reconcile()
        cluster.step()
    cluster.edit(put(7, "replicas"), put("registry.example/migaga:5.0.1", "image"))
    assert [op for op in cluster.plan() if isinstance(op, Scale | Apply)] == [Scale(SHARDS, 4, 7)]


def test_a_bot_can_be_stopped_while_a_generation_comes() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(fixed(12))
    while cluster.upcoming is None:
        cluster.reconcile()
        cluster.step()
    cluster.edit(put("Stopped", "mode"))
    assert keys(cluster.reconcile()) == ["ConfigMap/my-bot-fleet", "Deployment/my-bot"]
    assert cluster.replicas == 0


def test_where_nothing_is_connected_a_correction_never_waits() -> None:
    cluster = Cluster.of(FIXED_8)
    cluster.image_works = False
    cluster.settle()
    cluster.edit(fixed(12), put(["GUILDS"], "intents"))
    cluster.settle()
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "12"
    assert cluster.env("MIGAGA_BOT_INTENTS") == "GUILDS"


def recommended(**reshard: int) -> Cluster:
    """A bot that follows Discord, at rest with 10 shards."""
    cluster = Cluster.of(put({"maxPerPod": 4, "reshard": reshard}, "shards"))
    cluster.recommended = 10
    cluster.settle()
    return cluster


@pytest.mark.parametrize(("advice", "count"), [(11, 10), (12, 12), (20, 20), (7, 10), (6, 6), (1, 1)])
def test_a_recommendation_is_followed_beyond_the_tolerance_only(advice: int, count: int) -> None:
    cluster = recommended()
    cluster.recommended = advice
    cluster.settle()
    assert cluster.live is not None
    assert cluster.live.count == count
    assert cluster.identifies == 10 + (count if count != 10 else 0)


def test_a_flapping_recommendation_is_followed_once() -> None:
    cluster = recommended()
    for _ in range(10):
        for advice in (12, 10):
            cluster.recommended = advice
            cluster.settle()
            cluster.now += timedelta(hours=12)
    assert cluster.identifies == 10 + 12


def test_a_recommendation_is_followed_at_most_once_an_interval() -> None:
    cluster = recommended(minIntervalMinutes=60)
    cluster.recommended = 20
    cluster.settle()
    cluster.recommended = 40
    cluster.settle()
    assert waits(cluster) == "WaitingForInterval"
    assert cluster.identifies == 30
    assert cluster.plan() == []
    cluster.now += timedelta(minutes=61)
    cluster.settle()
    assert cluster.identifies == 70


def test_a_recommendation_is_rounded_up_to_what_discord_assigns() -> None:
    cluster = Cluster.of(put({"maxPerPod": 4, "multipleOf": 4}, "shards"))
    cluster.recommended = 8
    cluster.settle()
    cluster.recommended = 13
    cluster.settle()
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "16"


def test_a_new_multiple_is_followed_without_tolerance() -> None:
    cluster = recommended()
    cluster.edit(put(4, "shards", "multipleOf"))
    cluster.settle()
    assert cluster.env("MIGAGA_SHARDS_COUNT") == "12"


def test_a_recommendation_that_the_pods_cannot_hold_waits_for_a_person() -> None:
    cluster = recommended()
    cluster.edit(put(3, "replicas"))
    cluster.settle()
    cluster.recommended = 20
    cluster.settle()
    assert cluster.condition("Stalled") == ("True", "TooFewReplicas")
    assert "spec.replicas: 5" in cluster.message("Stalled")
    cluster.edit(drop("replicas"))
    cluster.settle()
    assert cluster.condition("Stalled") == ("False", "NothingStalled")
    assert cluster.identifies == 30


def test_a_time_to_come_in_the_annotation_stops_nobody() -> None:
    cluster = recommended()
    annotations = node(cluster.objects[SHARDS], "metadata", "annotations")
    annotations["migaga.dev/resharded-at"] = "9999-12-31T23:59:59Z"
    cluster.recommended = 20
    cluster.settle()
    assert cluster.identifies == 30


def test_from_recommended_to_the_same_fixed_count_nothing_is_spent() -> None:
    cluster = recommended()
    cluster.edit(fixed(10))
    cluster.settle()
    assert cluster.identifies == 10
    assert cluster.plan() == []


def test_a_wish_that_is_taken_back_before_it_began_costs_nothing() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(fixed(12))
    cluster.reconcile()
    cluster.edit(fixed(8))
    cluster.settle()
    assert cluster.identifies == 8
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")
