"""What a person reads in the conditions, for each thing that can be wrong."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from tests.unit.operator_crd.manifests import Node, node, put
from tests.unit.operator_planner.cluster import Cluster
from tests.unit.operator_planner.test_life import FIXED_8, fixed

from migaga_operator.crd.status import CONDITIONS
from migaga_operator.json_types import as_list, at_path
from migaga_operator.reasons import REASONS, reasons_table

ROOT = Path(__file__).parents[3]


def with_pod(status: Node, cluster: Cluster | None = None) -> Cluster:
    """A bot that has one more pod, with such a status."""
    cluster = cluster or Cluster.running(FIXED_8)
    labels = dict(node(cluster.pods[0], "metadata", "labels")) if cluster.pods else {}
    metadata: Node = {"name": "my-bot-new", "labels": labels, "creationTimestamp": "2026-03-01T12:00:00Z"}
    cluster.pods.append({"metadata": metadata, "status": status, "template": {}})
    cluster.reconcile()
    return cluster


def waiting(reason: str, message: str = "") -> Node:
    """The status of a pod whose container waits."""
    return {"containerStatuses": [{"state": {"waiting": {"reason": reason, "message": message}}}]}


def crashing(code: int, message: str, reason: str = "Error") -> Node:
    """The status of a pod whose container has ended, and waits to be started again."""
    ended = {"exitCode": code, "message": message, "reason": reason}
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
    return {"containerStatuses": [{"state": state, "lastState": {"terminated": ended}}]}


NO_NODE: Node = {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]}
NO_SECRET = 'secret "my-bot" not found'
OTHERS_TOKEN = "migaga: the token is of another application"


@pytest.mark.parametrize(
    ("status", "reason", "says"),
    [
        (waiting("ImagePullBackOff", "not found"), "ImageNotPulled", "spec.image"),
        (waiting("InvalidImageName"), "ImageNotPulled", "spec.image"),
        (waiting("ErrImageNeverPull"), "ImageNotPulled", "spec.imagePullPolicy: IfNotPresent"),
        (waiting("CreateContainerConfigError", NO_SECRET), "SecretMissing", "spec.database.urlSecretRef"),
        (crashing(78, OTHERS_TOKEN), "ConfigurationRefused", OTHERS_TOKEN),
        (crashing(1, "Traceback: boom"), "PodsFail", "code 1: Traceback: boom"),
        (crashing(137, "", "OOMKilled"), "OutOfMemory", "spec.pod.resources.limits.memory"),
        (NO_NODE, "Unschedulable", "0/3 nodes"),
    ],
)
def test_a_pod_that_does_not_run_is_told_with_what_to_do(status: Node, reason: str, says: str) -> None:
    cluster = with_pod(status)
    assert cluster.condition("Stalled") == ("True", reason)
    assert says in cluster.message("Stalled")
    assert "my-bot-new" in cluster.message("Stalled")
    assert "The pods that are ready keep all shards." in cluster.message("Stalled")
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")


def test_a_worker_that_does_not_run_is_told_too() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster = with_pod(crashing(1, "boom"), cluster)
    node(cluster.pods[-1], "metadata", "labels")["app.kubernetes.io/component"] = "workers"
    cluster.reconcile()
    assert cluster.condition("Stalled") == ("True", "PodsFail")
    assert len(cluster.observe().pods) == 3


def test_a_pod_that_does_not_begin_for_a_minute_is_told_with_the_secrets_to_look_at() -> None:
    cluster = with_pod(waiting("ContainerCreating"))
    assert cluster.condition("Stalled")[0] == "False"
    cluster.now += timedelta(hours=1)
    cluster.reconcile()
    assert cluster.condition("Stalled") == ("True", "PodNotStarted")
    assert "my-bot (key token) and my-bot (key database-url)" in cluster.message("Stalled")


def test_a_token_in_the_last_words_of_a_process_is_masked() -> None:
    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbcde.abcdefghijklmnopqrstuvwxyz0123456789"
    cluster = with_pod(crashing(78, f"migaga: {token}"))
    assert token not in str(cluster.bot["status"])
    assert "***" in cluster.message("Stalled")


class Saying(Cluster):
    """A cluster whose pods say something more."""

    more: Node = {}  # noqa: RUF012 - set anew by each test

    def _report(self, pod: Node, shards: list[int]) -> Node:
        return {**super()._report(pod, shards), **self.more}


def saying(**more: object) -> Cluster:
    """A bot at rest, whose pods then say something more."""
    cluster = Saying.running(FIXED_8)
    assert isinstance(cluster, Saying)
    cluster.more = more
    cluster.reconcile()
    return cluster


def test_a_refused_token_is_told_with_where_it_is() -> None:
    cluster = saying(credentials={"reason": "Discord refuses the token (4004)."})
    assert cluster.condition("CredentialsValid") == ("False", "Refused")
    assert "spec.tokenSecretRef" in cluster.message("CredentialsValid")
    assert cluster.condition("Stalled") == ("True", "CredentialsRefused")


def test_a_budget_below_the_reserve_is_told() -> None:
    cluster = saying(identify={"total": 1000, "remaining": 80, "reason": None})
    assert cluster.condition("IdentifyBudgetAvailable") == ("False", "BelowReserve")
    assert "80 of 1000 IDENTIFYs" in cluster.message("IdentifyBudgetAvailable")


def test_what_blocks_identify_is_told_in_the_pods_words() -> None:
    cluster = saying(identify={"total": 1000, "remaining": 800, "reason": "the breaker is open"})
    assert cluster.condition("IdentifyBudgetAvailable") == ("False", "Blocked")
    assert "the breaker is open" in cluster.message("IdentifyBudgetAvailable")


def test_missing_shards_are_counted_and_explained() -> None:
    cluster = saying(shards=[], reasons=["shard 3 is reconnecting"])
    assert cluster.condition("Ready") == ("False", "ShardsMissing")
    assert "0 of 8 shards" in cluster.message("Ready")
    assert "shard 3 is reconnecting" in cluster.message("Ready")
    assert cluster.condition("Progressing") == ("True", "Connecting")


def test_modules_that_do_not_run_are_told_beside_the_shards() -> None:
    cluster = saying(modules=[{"name": "points", "error": None}, {"name": "broken", "error": "no module named x"}])
    assert cluster.condition("Ready") == ("True", "AllShardsConnected")
    assert "Modules that do not run: broken: no module named x." in cluster.message("Ready")


def generations(*states: tuple[int, int, str, str | None]) -> list[Node]:
    """What processes say of generations."""
    return [
        {"n": n, "shard_count": count, "intents": 0, "api_version": 10, "state": state, "reason": reason}
        for n, count, state, reason in states
    ]


@pytest.mark.parametrize(
    ("state", "reason"), [("warming", "WarmingUp"), ("armed", "Armed"), ("cutting", "CuttingOver")]
)
def test_a_coming_generation_is_told_in_its_steps(state: str, reason: str) -> None:
    cluster = saying(generations=generations((1, 8, "live", None), (2, 16, state, None)))
    assert cluster.condition("Resharding") == ("True", reason)
    assert "From 8 to 16 shards" in cluster.message("Resharding")


def test_what_a_cut_still_waits_for_is_told_in_the_words_of_the_pods() -> None:
    coming = generations((1, 8, "live", None), (2, 16, "cutting", None))
    cluster = saying(generations=coming, change="handlers of their events still run: MESSAGE_CREATE of shard 3")
    assert cluster.message("Resharding").endswith(
        "Pods say: handlers of their events still run: MESSAGE_CREATE of shard 3"
    )


def test_a_generation_that_was_given_up_is_told_with_its_reason() -> None:
    cluster = Saying.running(FIXED_8)
    assert isinstance(cluster, Saying)
    cluster.edit(fixed(12))
    cluster.reconcile()
    cluster.more = {"generations": generations((1, 8, "live", None), (2, 12, "aborted", "5 of 12 were ready"))}
    cluster.reconcile()
    assert cluster.condition("Resharding") == ("False", "GivenUp")
    assert "5 of 12 were ready" in cluster.message("Resharding")


def test_a_wish_that_pods_cannot_begin_is_told_in_their_words() -> None:
    cluster = Saying.running(FIXED_8)
    assert isinstance(cluster, Saying)
    cluster.edit(fixed(12))
    cluster.reconcile()
    cluster.more = {"change": "3 processes can hold 10 shards"}
    cluster.reconcile()
    assert cluster.condition("Resharding") == ("True", "Requested")
    assert "3 processes can hold 10 shards" in cluster.message("Resharding")


def test_pods_that_nobody_can_reach_are_unknown_and_not_down() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.reachable = False
    cluster.reconcile()
    assert cluster.condition("Ready") == ("Unknown", "PodsUnreachable")
    assert cluster.condition("CredentialsValid") == ("Unknown", "NotTried")
    assert cluster.condition("IdentifyBudgetAvailable") == ("Unknown", "NotKnown")
    assert at_path(cluster.bot, "status", "shards", "count") == 8


def test_a_change_of_mode_is_seen_on_its_way() -> None:
    cluster = Cluster.running(FIXED_8)
    cluster.edit(put("Paused", "mode"))
    cluster.reconcile()
    assert cluster.condition("Paused") == ("False", "Pausing")
    cluster.settle()
    cluster.edit(put("Running", "mode"))
    cluster.reconcile()
    assert cluster.condition("Paused") == ("True", "GoingOn")
    cluster.settle()
    assert cluster.condition("Paused") == ("False", "NotAsked")


def test_every_condition_is_always_there_with_everything_that_tools_read() -> None:
    cluster = Cluster.of(FIXED_8)
    cluster.reconcile()
    conditions = as_list(at_path(cluster.bot, "status", "conditions"))
    assert tuple(at_path(item, "type") for item in conditions) == CONDITIONS
    for item in conditions:
        assert at_path(item, "reason")
        assert at_path(item, "observedGeneration") == 1
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", str(at_path(item, "lastTransitionTime")))


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    cluster = Cluster.running(FIXED_8)
    before = at_path(as_list(at_path(cluster.bot, "status", "conditions"))[0], "lastTransitionTime")
    cluster.now += timedelta(hours=1)
    cluster.edit(put(5, "replicas"))
    cluster.settle()
    assert at_path(as_list(at_path(cluster.bot, "status", "conditions"))[0], "lastTransitionTime") == before
    assert at_path(as_list(at_path(cluster.bot, "status", "conditions"))[0], "observedGeneration") == 2


def test_every_reason_is_written_somewhere_in_the_code() -> None:
    folder = ROOT / "operator" / "migaga_operator"
    names = ("conditions", "stalls", "planner", "resharding")
    text = "".join((folder / f"{name}.py").read_text("utf-8") for name in names)
    assert {one.name for one in REASONS if f'"{one.name}"' not in text} == set()


def test_the_documents_tell_every_reason() -> None:
    page = (ROOT / "docs" / "operating.md").read_text("utf-8")
    assert reasons_table() in page, "run `python -m migaga_operator.reasons`, and put the table there"
