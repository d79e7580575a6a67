"""What the operator knows, while watches lag behind its own writes."""

from __future__ import annotations

from tests.unit.operator_control.town import MY_BOT

from migaga_operator.control.seen import BotKey, Ref, Seen
from migaga_operator.json_types import at_path

OTHER = BotKey("bots", "other")


def bot(name: str = "my-bot", version: int = 1, application: str = "1") -> dict[str, object]:
    metadata = {"name": name, "namespace": "bots", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"kind": "BotDeployment", "metadata": metadata, "spec": {"applicationId": application}}


def owned(version: int, uid: str = "u1", label: str = "my-bot", **more: object) -> dict[str, object]:
    metadata: dict[str, object] = {"name": "my-bot", "namespace": "bots", "uid": uid, "resourceVersion": str(version)}
    return {"kind": "Deployment", "metadata": {**metadata, "labels": {"migaga.dev/bot": label}, **more}}


def version(seen: Seen) -> list[object]:
    return [at_path(item, "metadata", "resourceVersion") for item in seen.objects(MY_BOT)]


def test_what_a_watch_tells_wakes_the_bot_once() -> None:
    seen = Seen()
    assert seen.put(owned(5)) == {MY_BOT}
    assert seen.put(owned(5)) == set()
    assert seen.put(owned(6)) == {MY_BOT}
    assert version(seen) == ["6"]


def test_an_older_event_does_not_undo_what_was_written() -> None:
    seen = Seen()
    seen.put(owned(5))
    seen.wrote(owned(9))
    assert seen.put(owned(7)) == set()
    assert version(seen) == ["9"]
    assert seen.put(owned(10)) == {MY_BOT}


def test_the_echo_of_a_write_wakes_nobody() -> None:
    seen = Seen()
    seen.wrote(owned(9))
    assert seen.put(owned(9)) == set()


def test_an_answer_that_is_older_than_the_watch_is_not_taken() -> None:
    seen = Seen()
    seen.put(owned(12))
    seen.wrote(owned(9))
    assert version(seen) == ["12"]


def test_versions_that_are_no_numbers_are_taken_as_they_come() -> None:
    seen = Seen()
    odd = owned(5)
    odd["metadata"] = {**owned(5)["metadata"], "resourceVersion": "abc"}  # type: ignore[dict-item]
    seen.put(owned(5))
    seen.put(odd)
    assert version(seen) == ["abc"]


def test_what_we_deleted_does_not_come_back_by_a_late_event() -> None:
    seen = Seen()
    seen.put(owned(5))
    seen.deleted("bots", "Deployment", "my-bot", "u1")
    assert seen.put(owned(6)) == set()
    assert version(seen) == []
    assert seen.put(owned(7, uid="u2")) == {MY_BOT}


def test_a_deletion_that_takes_its_time_is_seen() -> None:
    seen = Seen()
    seen.deleted("bots", "Deployment", "my-bot", "u1")
    assert seen.put(owned(6, deletionTimestamp="2026-03-01T00:00:00Z")) == {MY_BOT}


def test_the_end_of_an_earlier_object_does_not_take_its_successor_away() -> None:
    seen = Seen()
    seen.put(owned(5))
    seen.wrote(owned(9, uid="u2"))
    assert seen.remove(owned(8)) == set()
    assert version(seen) == ["9"]
    assert seen.remove(owned(11, uid="u2")) == {MY_BOT}
    assert version(seen) == []


def test_an_object_that_goes_to_another_bot_wakes_both() -> None:
    seen = Seen()
    seen.put(owned(5))
    assert seen.put(owned(6, label="other")) == {MY_BOT, OTHER}


def test_bots_of_one_application_wake_each_other() -> None:
    seen = Seen()
    assert seen.put(bot()) == {MY_BOT}
    assert seen.put(bot("other")) == {MY_BOT, OTHER}
    assert len(seen.of_application(MY_BOT)) == 2
    assert seen.put(bot("other", 2, "2")) == {MY_BOT, OTHER}
    assert len(seen.of_application(MY_BOT)) == 1
    assert seen.remove(bot("other", 3, "2")) == {OTHER}


def test_nothing_is_kept_of_what_is_gone() -> None:
    seen = Seen()
    for one in (bot(), owned(5)):
        seen.put(one)
        seen.remove(one)
    assert len(seen) == 0
    assert not seen.bots()
    assert not seen._by_bot
    assert not seen._by_application


def test_of_a_pod_only_what_is_read_is_kept() -> None:
    seen = Seen()
    pod = {
        **owned(5, annotations={"a": "b"}, managedFields=[{}]),
        "kind": "Pod",
        "spec": {"volumes": [], "containers": [{"name": "shards", "env": [], "ports": [{"name": "http"}]}]},
        "status": {"podIP": "10.0.0.1", "qosClass": "Burstable"},
    }
    seen.put(pod)
    [kept] = seen.pods(MY_BOT)
    assert at_path(kept, "spec") == {"containers": [{"name": "shards", "ports": [{"name": "http"}]}]}
    assert at_path(kept, "status", "podIP") == "10.0.0.1"
    assert at_path(kept, "status", "qosClass") is None
    assert at_path(kept, "metadata", "managedFields") is None
    assert at_path(kept, "metadata", "annotations") is None
    assert seen.objects(MY_BOT) == []


def test_what_is_known_to_be_gone_is_dropped_only_as_the_one_it_was() -> None:
    seen = Seen()
    seen.put(owned(5, uid="u2"))
    assert seen.drop(Ref("Deployment", "bots", "my-bot"), "u1") == set()
    assert seen.drop(Ref("Deployment", "bots", "my-bot"), "u2") == {MY_BOT}
