"""What is read from API objects and from what processes say."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from tests.unit.operator_crd.manifests import Node

from migaga.process.state import ProcessState
from migaga_operator.builders.fleet import Owner
from migaga_operator.observed import LiveObject, ObservedPod, observe, read_time
from migaga_operator.process_report import read_process
from migaga_operator.situation import survey

BOT: Node = {
    "metadata": {"name": "my-bot", "namespace": "bots", "uid": "u", "generation": 3},
    "spec": {"applicationId": "123456789012345678"},
}
LABELS = {"migaga.dev/bot": "my-bot", "app.kubernetes.io/component": "shards", "migaga.dev/revision": "7"}


def pod_of(status: Node, **metadata: object) -> ObservedPod:
    """What is read of a pod with such a status."""
    pod = {"metadata": {"name": "p", "labels": LABELS, **metadata}, "status": status}
    (found,) = observe(BOT, pods=[pod]).pods
    return found


def container(**state: object) -> Node:
    """A pod's status with one container."""
    return {"containerStatuses": [state]}


def test_a_ready_pod_is_in_no_trouble() -> None:
    pod = pod_of({"conditions": [{"type": "Ready", "status": "True"}], **container(state={"running": {}})})
    assert pod.is_ready
    assert pod.revision == 7
    assert pod.trouble is None
    assert not pod.is_leaving
    assert pod.process is None


def test_a_pod_that_is_deleted_leaves() -> None:
    assert pod_of({}, deletionTimestamp="2026-03-01T12:00:00Z").is_leaving


def test_a_container_that_is_being_created_is_in_no_trouble_yet() -> None:
    pod = pod_of(container(state={"waiting": {"reason": "ContainerCreating"}}))
    assert pod.is_creating
    assert pod.trouble is None


@pytest.mark.parametrize(
    ("status", "reason", "message", "code"),
    [
        (container(state={"waiting": {"reason": "ErrImagePull", "message": "no"}}), "ErrImagePull", "no", None),
        (
            container(
                state={"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
                lastState={"terminated": {"exitCode": 78, "message": "migaga: no token", "reason": "Error"}},
            ),
            "CrashLoopBackOff",
            "migaga: no token",
            78,
        ),
        (container(state={"terminated": {"exitCode": 1, "reason": "Error", "message": "boom"}}), "Error", "boom", 1),
        (
            container(
                state={"waiting": {"reason": "CrashLoopBackOff"}},
                lastState={"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
            ),
            "OOMKilled",
            "",
            137,
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]},
            "Unschedulable",
            "0/3 nodes",
            None,
        ),
    ],
)
def test_troubles_are_told_by_their_cause(status: Node, reason: str, message: str, code: int | None) -> None:
    trouble = pod_of(status).trouble
    assert trouble is not None
    assert (trouble.reason, trouble.message, trouble.exit_code) == (reason, message, code)


def test_a_container_that_was_restarted_and_runs_is_in_no_trouble() -> None:
    status = container(state={"running": {}}, lastState={"terminated": {"exitCode": 1}})
    assert pod_of(status).trouble is None


def test_pods_of_workers_and_of_other_bots_are_not_counted() -> None:
    workers = {"metadata": {"name": "w", "labels": {**LABELS, "app.kubernetes.io/component": "workers"}}}
    other = {"metadata": {"name": "o", "labels": {**LABELS, "migaga.dev/bot": "other"}}}
    assert observe(BOT, pods=[workers, other, {}, None, 3]).pods == ()


def test_the_document_of_a_process_that_has_just_started_is_read() -> None:
    """The real document: what it is made of here is what the operator reads."""
    document = ProcessState(revision="5", started_at=datetime(2026, 3, 1, tzinfo=UTC)).status()
    report = read_process(document)
    assert report.phase == "starting"
    assert report.reasons == ("starting",)
    assert not report.is_ready
    assert report.generations == ()
    assert {"application", "reasons", "shards", "process", "generations", "change", "identify", "modules"} <= set(
        document
    )


DOCUMENT: Node = {
    "application": {"id": "123456789012345678", "name": "My bot"},
    "ready": True,
    "reasons": [],
    "shard_count": 2,
    "recommended_shards": 3,
    "process": {"id": "a", "revision": 7, "capacity": 16, "leaving": False, "trouble": None},
    "generations": [
        {"n": 1, "shard_count": 2, "intents": 1, "api_version": 10, "state": "live", "reason": None},
        {"n": 2, "shard_count": 4, "intents": 1, "api_version": 10, "state": "warming", "reason": None},
    ],
    "change": "wait",
    "identify": {"total": 1000, "remaining": 900, "reason": None},
    "shards": [
        {"id": 0, "generation": "2:1:v10", "state": "live", "lease": "live"},
        {"id": 1, "generation": "2:1:v10", "state": "live", "lease": "wanted"},
        {"id": 2, "generation": "4:1:v10", "state": "live", "lease": "warm"},
        {"id": 3, "generation": "4:1:v10", "state": "live", "lease": "live"},
    ],
    "modules": [{"name": "points", "error": None}, {"name": "broken", "error": "no"}],
}


def test_a_document_is_read_field_by_field() -> None:
    report = read_process(DOCUMENT)
    assert report.is_accepted
    assert report.application == "My bot"
    assert (report.identify_total, report.identify_remaining) == (1000, 900)
    assert report.live_shards == {0}
    assert report.moving_shards == {1}
    assert [item.state for item in report.generations] == ["LIVE", "WARMING"]
    assert report.obstacle == "wait"
    assert report.failed_modules == ("broken: no",)


def test_shards_of_the_next_generation_are_not_connected_yet() -> None:
    seen = observe(BOT, pods=[{"metadata": {"name": "p", "labels": LABELS}}], reports={"p": DOCUMENT})
    situation = survey(seen)
    assert situation.connected == 2
    assert situation.count == 2
    assert situation.upcoming is not None
    assert situation.upcoming.shard_count == 4


def test_the_same_shard_told_by_two_processes_in_a_handover_is_one() -> None:
    pods = [{"metadata": {"name": name, "labels": LABELS}} for name in ("a", "b")]
    assert survey(observe(BOT, pods=pods, reports={"a": DOCUMENT, "b": DOCUMENT})).connected == 2


@pytest.mark.parametrize("asked_first", ["taker", "giver"])
def test_a_shard_is_connected_all_along_its_hand_over(asked_first: str) -> None:
    """The pods are asked one after the other: between them the shard may change hands."""
    generations = DOCUMENT["generations"]
    before = {
        "giver": [{"id": 0, "generation": "2:1:v10", "state": "stopping", "lease": "passing"}],
        "taker": [{"id": 0, "generation": "2:1:v10", "state": "resuming", "lease": "wanted"}],
    }
    after = {"giver": [], "taker": [{"id": 0, "generation": "2:1:v10", "state": "live", "lease": "live"}]}
    reports = {
        name: {"generations": generations, "shards": (before if name == asked_first else after)[name]}
        for name in ("giver", "taker")
    }
    pods = [{"metadata": {"name": name, "labels": LABELS}} for name in reports]
    assert survey(observe(BOT, pods=pods, reports=reports)).connected == 1


def test_a_shard_that_was_claimed_from_the_dead_is_not_connected_before_it_has_resumed() -> None:
    claimed = {"id": 0, "generation": "2:1:v10", "state": "resuming", "lease": "claimed"}
    document = {"generations": DOCUMENT["generations"], "shards": [claimed]}
    pods = [{"metadata": {"name": "p", "labels": LABELS}}]
    assert survey(observe(BOT, pods=pods, reports={"p": document})).connected == 0


def test_tokens_in_what_a_process_says_are_masked() -> None:
    token = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GAbcde.abcdefghijklmnopqrstuvwxyz0123456789"
    report = read_process({"reasons": [f"login with {token} failed"], "change": token})
    assert token not in str(report)


def test_endless_lists_and_texts_are_cut() -> None:
    report = read_process(
        {"reasons": ["x" * 10_000] * 10_000, "shards": [{"id": n, "state": "live"} for n in range(30_000)]}
    )
    assert len(report.reasons) == 10
    assert len(report.reasons[0]) <= 400
    assert len(report.live_shards) == 20_000


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z", "9" * 50])
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_time(text) is None


def test_a_time_without_a_zone_is_utc() -> None:
    assert read_time("2026-03-01T12:00:00") == datetime(2026, 3, 1, 12, tzinfo=UTC)


OWNER = Owner("my-bot", "bots", "u")


@pytest.mark.parametrize(
    ("metadata", "is_ours"),
    [
        ({"ownerReferences": [{"uid": "u", "controller": True}]}, True),
        ({"ownerReferences": [{"uid": "other", "controller": True}], "labels": {"migaga.dev/bot": "my-bot"}}, False),
        ({"ownerReferences": [{"uid": "other"}], "labels": {"migaga.dev/bot": "my-bot"}}, True),
        ({"labels": {"migaga.dev/bot": "my-bot"}}, True),
        ({"labels": {"migaga.dev/bot": "other"}}, False),
        ({}, False),
        ({"ownerReferences": "nonsense", "labels": 3}, False),
    ],
)
def test_whose_an_object_is(metadata: Node, is_ours: bool) -> None:
    assert LiveObject({"metadata": metadata}).belongs_to(OWNER) is is_ours
