"""The Deployment controller decides as Kubernetes' own does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.unit.operator_local.deploys import NOON, Deploys, running

from migaga_operator.json_types import at_path
from migaga_operator.local.deployments import new_pod


def test_the_first_step_creates_all_pods_of_the_template() -> None:
    new = Deploys(replicas=3)
    assert new.step().create == 3
    pod = next(iter(new.pods.values()))
    assert at_path(pod, "spec") == {"image": "one"}
    assert at_path(pod, "metadata", "labels", "app") == "web"
    assert str(at_path(pod, "metadata", "name")).startswith("web-")
    assert at_path(new_pod(new.manifest, "x"), "metadata", "namespace") == "default"
    assert new.step().create == 0


@pytest.mark.parametrize(
    ("replicas", "surge", "unavailable", "creates", "deletes"),
    [
        (3, "25%", 0, 1, 0),
        (4, "25%", 0, 1, 0),
        (5, "25%", 0, 2, 0),
        (10, "25%", "25%", 3, 2),
        (3, 0, 1, 0, 1),
        (3, 0, 0, 0, 1),
        (3, "0%", "0%", 0, 1),
        (2, "100%", 0, 2, 0),
        (1, "25%", "25%", 1, 0),
        (4, None, None, 1, 1),
    ],
)
def test_a_roll_begins_with_the_surge_rounded_up_and_the_rest_rounded_down(
    replicas: int, surge: str | int | None, unavailable: str | int | None, creates: int, deletes: int
) -> None:
    there = running(replicas=replicas, surge=surge, unavailable=unavailable)
    there.roll("two")
    found = there.step()
    assert (found.create, len(found.delete)) == (creates, deletes)


def test_an_old_pod_goes_when_a_new_one_is_ready_and_the_next_new_one_comes_at_once() -> None:
    there = running(replicas=3)
    there.roll("two")
    assert (there.step().create, there.step().delete) == (1, ())
    there.all_ready()
    assert len(there.step().delete) == 1
    # The old pod still ends; it counts no more.
    assert len(there.pods) == 4
    found = there.step()
    assert (found.create, found.delete) == (1, ())


def test_a_bad_template_stops_at_its_first_pod_and_the_one_before_comes_back() -> None:
    there = running(replicas=3)
    there.roll("bad")
    there.step()
    for _ in range(3):
        found = there.step()
        assert (found.create, found.delete) == (0, ())
    there.roll("one")
    bad = [name for name, pod in there.pods.items() if not there.is_ready(pod)]
    assert there.step().delete == tuple(bad)


def test_a_third_template_takes_the_place_of_the_second_that_never_ran() -> None:
    there = running(replicas=3)
    there.roll("bad")
    there.step()
    bad = [name for name, pod in there.pods.items() if not there.is_ready(pod)]
    there.roll("good")
    found = there.step()
    assert (found.create, found.delete) == (0, tuple(bad))
    there.settle()
    assert there.is_at_rest


def test_a_pod_counts_as_available_when_it_was_ready_for_long_enough() -> None:
    there = running(replicas=1, min_ready=10)
    there.roll("two")
    there.step()
    there.all_ready()
    since = there.now
    found = there.step()
    assert found.delete == ()
    assert found.look_at == since + timedelta(seconds=10)
    there.now = since + timedelta(seconds=10)
    assert len(there.step().delete) == 1


@pytest.mark.parametrize(
    ("worst", "why"),
    [
        ({"ready": True, "phase": "Pending"}, "it has not begun"),
        ({"ready": False}, "it is not ready"),
        ({"ready": True, "restarts": 3}, "it was restarted most often"),
    ],
)
def test_the_pod_that_is_worth_least_goes_first(worst: dict[str, object], why: str) -> None:
    there = running(replicas=3)
    for name in there.pods:
        there.set(name, ready=True)
    name = sorted(there.pods)[1]
    there.set(name, **worst)  # type: ignore[arg-type]
    there.scale(2)
    assert there.step().delete == (name,), why


def test_of_ready_pods_the_one_that_was_ready_last_goes_first() -> None:
    there = running(replicas=2)
    there.scale(3)
    there.now += timedelta(seconds=60)
    there.step()
    youngest = max(there.pods, key=lambda name: str(at_path(there.pods[name], "metadata", "creationTimestamp")))
    there.all_ready()
    there.scale(2)
    assert there.step().delete == (youngest,)


def test_scaling_in_the_middle_of_a_roll_keeps_both_limits() -> None:
    there = running(replicas=2)
    there.roll("two")
    there.step()
    there.scale(6)
    # Six and two more at most; five of the new template are missing.
    assert there.step().create == 5
    there.scale(1)
    there.all_ready()
    there.settle()
    assert there.is_at_rest


def test_none_are_left_when_none_are_asked_for() -> None:
    there = running(replicas=3)
    there.roll("two")
    there.step()
    there.scale(0)
    assert len(there.step().delete) == 4
    there.settle()
    assert there.pods == {}


def test_a_pod_that_has_ended_is_replaced_and_cleared_away() -> None:
    there = running(replicas=2)
    name = min(there.pods)
    there.set(name, ready=False, phase="Failed")
    found = there.step()
    assert (found.create, found.delete) == (1, (name,))


def test_pods_of_others_are_left_alone() -> None:
    there = running(replicas=1)
    stranger = {"kind": "Pod", "metadata": {"name": "stranger", "ownerReferences": [{"uid": "other"}]}}
    there.pods["stranger"] = stranger  # type: ignore[assignment]
    found = there.step()
    assert (found.create, found.delete) == (0, ())
    assert at_path(found.status, "replicas") == 1


def test_the_status_tells_how_far_it_is() -> None:
    there = running(replicas=3)
    there.roll("two")
    there.step()
    there.step()
    status = dict(there.status)  # type: ignore[arg-type]
    status.pop("conditions")
    assert status == {
        "observedGeneration": 2,
        "replicas": 4,
        "updatedReplicas": 1,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "unavailableReplicas": 0,
    }
    assert there.said("Available") == ("True", "MinimumReplicasAvailable")
    assert there.said("Progressing") == ("True", "ReplicaSetUpdated")
    there.settle()
    assert there.said("Progressing") == ("True", "NewReplicaSetAvailable")


def test_a_roll_that_does_not_move_is_called_stuck_at_its_deadline() -> None:
    there = running(replicas=1, deadline=60)
    there.roll("bad")
    there.step()
    since = there.now
    assert there.step().look_at == since + timedelta(seconds=60)
    there.now = since + timedelta(seconds=59)
    there.step()
    assert there.said("Progressing") == ("True", "ReplicaSetUpdated")
    there.now = since + timedelta(seconds=60)
    assert there.step().look_at is None
    assert there.said("Progressing") == ("False", "ProgressDeadlineExceeded")
    there.now += timedelta(seconds=60)
    there.step()
    assert there.said("Progressing") == ("False", "ProgressDeadlineExceeded")
    there.all_ready()
    there.step()
    assert there.said("Progressing") == ("True", "ReplicaSetUpdated")


def test_pods_that_fail_after_a_roll_are_no_roll() -> None:
    there = running(replicas=2, deadline=60)
    there.set(min(there.pods), ready=False)
    there.now += timedelta(hours=1)
    there.step()
    assert there.said("Progressing") == ("True", "NewReplicaSetAvailable")
    assert there.said("Available") == ("False", "MinimumReplicasUnavailable")


def test_at_rest_nothing_is_said_anew() -> None:
    there = running(replicas=2)
    before = there.status
    there.now += timedelta(hours=1)
    assert there.step().status == before
    assert there.now > NOON
