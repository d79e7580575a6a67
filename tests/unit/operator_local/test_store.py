"""Objects in memory behave as an API server's do, in what our manifests need."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import cast

import pytest

from migaga_operator.builders.fleet import Owner
from migaga_operator.cluster import Cluster, RefusedError
from migaga_operator.json_types import Manifest, at_path
from migaga_operator.local.cluster import LocalCluster
from migaga_operator.local.store import Ref, Store, is_leaving, ref_of, uid_of
from migaga_operator.ops import Event, Key

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEB = Ref("Deployment", "default", "web")
POD = Ref("Pod", "default", "web-1")


def store() -> Store:
    """A store whose clock stands."""
    return Store(lambda: NOON)


def deployment(**spec: object) -> Manifest:
    """A Deployment as somebody applies it."""
    return cast("Manifest", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})


def pod(name: str, *owners: str, grace: int | None = None) -> Manifest:
    """A pod that is owned by these uids."""
    references = [{"kind": "Deployment", "name": "x", "uid": uid} for uid in owners]
    spec = {} if grace is None else {"terminationGracePeriodSeconds": grace}
    return cast("Manifest", {"kind": "Pod", "metadata": {"name": name, "ownerReferences": references}, "spec": spec})


def containers(*env: str, **others: object) -> dict[str, object]:
    """A spec with one container that has these variables."""
    return {"containers": [{"name": "main", "env": [{"name": name, "value": name} for name in env], **others}]}


def test_a_new_object_gets_what_only_the_server_knows() -> None:
    kept = store().apply(deployment(replicas=1))
    metadata = cast("Manifest", kept["metadata"])
    assert metadata["creationTimestamp"] == "2026-03-01T12:00:00Z"
    assert (metadata["generation"], metadata["resourceVersion"], metadata["namespace"]) == (1, "1", "default")
    assert len(uid_of(kept)) == 36


def test_applying_the_same_again_changes_nothing() -> None:
    objects = store()
    first = objects.apply(deployment(replicas=1))
    assert objects.apply(deployment(replicas=1)) == first
    assert objects.version == 1


def test_the_generation_grows_with_the_spec_and_with_nothing_else() -> None:
    objects = store()
    objects.apply(deployment(replicas=1))
    labelled = objects.apply({**deployment(replicas=1), "metadata": {"name": "web", "labels": {"a": "b"}}})
    assert at_path(labelled, "metadata", "generation") == 1
    assert at_path(objects.set_status(WEB, {"replicas": 1}), "metadata", "generation") == 1
    assert at_path(objects.patch(WEB, ("spec", "replicas"), 2), "metadata", "generation") == 2
    assert objects.version == 4


def test_what_is_applied_no_more_is_gone_and_what_others_wrote_stays() -> None:
    objects = store()
    objects.apply(deployment(**containers("A", "B", image="one", args=["run", "fast"]), paused=True))
    objects.patch(WEB, ("metadata", "annotations"), {"who": "somebody"})
    kept = objects.apply(deployment(**containers("B", "C", image="two", args=["run"])))
    assert kept["spec"] == containers("B", "C", image="two", args=["run"])
    assert at_path(kept, "metadata", "annotations", "who") == "somebody"


def test_items_of_named_lists_that_others_added_stay_and_ours_go() -> None:
    objects = store()
    objects.apply(deployment(containers=[{"name": "main"}, {"name": "old"}]))
    theirs = {"name": "sidecar", "image": "theirs"}
    objects.patch(WEB, ("spec", "containers"), [{"name": "main"}, {"name": "old"}, theirs])
    kept = objects.apply(deployment(containers=[{"name": "main", "image": "ours"}]))
    assert at_path(kept, "spec", "containers") == [{"name": "main", "image": "ours"}, theirs]


def test_a_whole_object_that_is_applied_no_more_leaves_what_others_put_into_it() -> None:
    objects = store()
    objects.apply(deployment(selector={"matchLabels": {"a": "1"}}, strategy={"type": "Recreate"}))
    objects.patch(WEB, ("spec", "selector", "matchLabels", "b"), "2")
    assert objects.apply(deployment())["spec"] == {"selector": {"matchLabels": {"b": "2"}}}


def test_status_is_kept_by_an_apply_and_never_written_by_one() -> None:
    objects = store()
    objects.apply({**deployment(replicas=1), "status": {"replicas": 7}})
    assert objects.get(WEB) is not None
    assert "status" not in (objects.get(WEB) or {})
    objects.set_status(WEB, {"replicas": 1})
    assert objects.apply(deployment(replicas=2))["status"] == {"replicas": 1}


def test_what_was_read_does_not_change_later() -> None:
    objects = store()
    before = objects.apply(deployment(replicas=1))
    objects.apply(deployment(replicas=2))
    assert before["spec"] == {"replicas": 1}


def test_owners_take_what_they_own_along_and_pods_get_their_grace() -> None:
    objects = store()
    owner = uid_of(objects.apply(deployment()))
    other = uid_of(objects.apply({"kind": "Deployment", "metadata": {"name": "other"}}))
    objects.apply(pod("web-1", owner, grace=7))
    objects.apply(pod("shared", owner, other))
    objects.apply({**pod("config", owner), "kind": "ConfigMap"})
    objects.delete(WEB)
    assert [str(ref_of(item)) for item in objects.all_of()] == [
        "Deployment default/other",
        "Pod default/shared",
        "Pod default/web-1",
    ]
    leaving = objects.get(POD)
    assert at_path(leaving, "metadata", "deletionTimestamp") == "2026-03-01T12:00:07Z"
    objects.remove(POD)
    assert objects.get(POD) is None


def test_a_grace_can_be_shortened_and_not_made_longer() -> None:
    objects = store()
    objects.apply(pod("web-1"))
    objects.delete(POD)
    assert at_path(objects.get(POD), "metadata", "deletionGracePeriodSeconds") == 30
    objects.delete(POD, grace=60)
    assert at_path(objects.get(POD), "metadata", "deletionGracePeriodSeconds") == 30
    objects.delete(POD, grace=0)
    assert at_path(objects.get(POD), "metadata", "deletionGracePeriodSeconds") == 0
    assert is_leaving(objects.get(POD))


def test_a_leaving_object_is_not_applied() -> None:
    objects = store()
    objects.apply(pod("web-1"))
    objects.delete(POD)
    with pytest.raises(RefusedError, match=r"Pod default/web-1 is being deleted\."):
        objects.apply(pod("web-1"))


def test_only_the_meant_object_is_deleted() -> None:
    objects = store()
    objects.apply(deployment())
    objects.delete(WEB, uid="another")
    objects.remove(WEB, uid="another")
    assert objects.get(WEB) is not None
    objects.delete(Ref("Deployment", "default", "nobody"))


def test_an_object_without_a_name_and_a_status_of_nothing_are_refused() -> None:
    with pytest.raises(RefusedError, match="lacks a kind or a name"):
        store().apply({"kind": "Pod", "metadata": {}})
    with pytest.raises(RefusedError, match="Pod default/web-1 is not there"):
        store().set_status(POD, {})


def test_lists_are_filtered_by_kind_and_namespace() -> None:
    objects = store()
    objects.apply(deployment())
    objects.apply({"kind": "Deployment", "metadata": {"name": "web", "namespace": "other"}})
    objects.apply(pod("web-1"))
    assert len(objects.all_of()) == 3
    assert [ref_of(item).namespace for item in objects.all_of("Deployment")] == ["default", "other"]
    assert objects.all_of("Deployment", "other")[0]["kind"] == "Deployment"


async def test_a_change_wakes_everybody_who_waits_and_none_is_missed() -> None:
    objects = store()
    waiting = [asyncio.create_task(objects.wait_for_change(0)) for _ in range(2)]
    await asyncio.sleep(0)
    objects.apply(deployment())
    assert await asyncio.gather(*waiting) == [1, 1]
    assert await objects.wait_for_change(0) == 1


async def test_a_reconcile_writes_through_the_cluster() -> None:
    objects, told = store(), list[str]()
    cluster: Cluster = LocalCluster(objects, lambda owner, event: told.append(f"{owner.name}: {event}"))
    owner, key = Owner("bot", "default", "1"), Key("Deployment", "web")
    kept = await cluster.apply(deployment(replicas=1))
    await cluster.scale(key, "default", 3)
    assert at_path(objects.get(WEB), "spec", "replicas") == 3
    await cluster.set_status(owner, {"a": 1})
    objects.apply({"kind": "BotDeployment", "metadata": {"name": "bot"}})
    await cluster.set_status(owner, {"a": 1})
    assert (objects.get(Ref("BotDeployment", "default", "bot")) or {})["status"] == {"a": 1}
    await cluster.tell(owner, Event("Warning", "Because", "It is so."))
    assert told == ["bot: event Warning Because: It is so."]
    await cluster.delete(key, "default", "another")
    assert objects.get(WEB) is not None
    await cluster.delete(key, "default", uid_of(kept))
    assert objects.get(WEB) is None
