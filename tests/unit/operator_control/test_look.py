"""One look at one bot: what is written, and what is not."""

from __future__ import annotations

import pytest
from tests.unit.operator_control.town import MY_BOT, Town, running
from tests.unit.operator_crd.manifests import put

from migaga_operator.builders.all import KINDS
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.control.pace import REST, SOON
from migaga_operator.control.seen import BotKey
from migaga_operator.json_types import Manifest, at_path
from migaga_operator.local.store import Ref

OWNED = sorted(set(KINDS) - {"PodMonitor"})


async def town_at_rest() -> Town:
    """A bot whose two pods serve both shards."""
    town = Town()
    town.write_bot(put({"mode": "Fixed", "count": 2, "maxPerPod": 1}, "shards"), put(2, "replicas"))
    town.watch()
    await town.look()
    town.roll_out()
    town.add_pod("my-bot-a", running(2, live=1))
    town.add_pod("my-bot-b", {**running(2), "shards": [{"id": 1, "state": "live", "lease": "mine"}]})
    town.clock.move(5.0)
    await town.settle()
    town.writes.clear()
    return town


async def test_the_first_look_makes_everything_and_says_so_in_the_same_look() -> None:
    town = Town()
    town.write_bot()
    town.watch()
    assert await town.look() == SOON
    assert town.kinds() == sorted(["BotDeployment", *OWNED])
    assert [what.split(" ")[0] for what in town.writes] == ["apply"] * len(OWNED) + ["status"]
    assert town.condition("Progressing")["reason"] == "RollingOut"
    assert town.status()["desiredReplicas"] == 1


async def test_nothing_is_written_twice_while_the_watch_lags() -> None:
    town = Town()
    town.write_bot()
    town.watch()
    await town.look()
    town.writes.clear()
    await town.look()
    await town.look()
    assert town.writes == []
    # What the watch tells in the end is what came back from the writes.
    assert town.watch() == set()


async def test_at_rest_nothing_is_written() -> None:
    town = await town_at_rest()
    assert town.condition("Ready")["status"] == "True"
    for _ in range(5):
        town.clock.move(60.0)
        assert await town.look() == REST
    assert town.writes == []
    assert len(town.asked) > 5


async def test_an_edit_of_what_is_owned_is_put_right() -> None:
    town = await town_at_rest()
    town.write("Deployment", "my-bot", ("spec", "progressDeadlineSeconds"), 5)
    assert town.watch() == {MY_BOT}
    await town.look()
    assert at_path(town.found("Deployment"), "spec", "progressDeadlineSeconds") == 600
    assert town.writes[0] == "apply Deployment/my-bot"


@pytest.mark.parametrize("kind", OWNED)
async def test_what_somebody_deletes_is_made_again(kind: str) -> None:
    town = await town_at_rest()
    name = "my-bot-fleet" if kind == "ConfigMap" else "my-bot"
    town.store.remove(Ref(kind, "bots", name))
    assert town.watch() == {MY_BOT}
    await town.look()
    assert town.found(kind, name)
    assert town.writes[0] == f"apply {kind}/{name}"


async def test_a_scale_of_the_bot_touches_nothing_but_the_number() -> None:
    town = await town_at_rest()
    town.write("BotDeployment", "my-bot", ("spec", "replicas"), 5)
    town.watch()
    await town.look()
    assert town.writes == ["scale Deployment/my-bot to 5", "status of my-bot"]
    await town.look()
    assert len(town.writes) == 2


async def test_an_object_of_somebody_else_is_left_alone_and_named() -> None:
    town = Town()
    theirs: Manifest = {
        "kind": "Service",
        "apiVersion": "v1",
        "metadata": {"name": "my-bot", "namespace": "bots"},
        "spec": {},
    }
    town.store.apply(theirs)
    town.write_bot()
    town.watch()
    await town.look()
    assert "labels" not in town.found("Service")["metadata"]  # type: ignore[operator]
    assert town.condition("Stalled")["reason"] == "NameTaken"
    assert [event.reason for event in town.events] == ["NameTaken"]
    # When it is gone, nobody tells: the next look finds out.
    town.store.remove(Ref("Service", "bots", "my-bot"))
    await town.look()
    assert town.condition("Stalled")["status"] == "False"
    assert "apply Service/my-bot" in town.writes


async def test_an_object_of_ours_that_lost_its_label_gets_it_back() -> None:
    town = await town_at_rest()
    town.write("ConfigMap", "my-bot-fleet", ("metadata", "labels"), {})
    assert town.watch() == {MY_BOT}
    await town.look()
    assert at_path(town.found("ConfigMap", "my-bot-fleet"), "metadata", "labels", "migaga.dev/bot") == "my-bot"
    town.writes.clear()
    await town.settle()
    assert town.writes == []


async def test_what_is_refused_is_shown_and_holds_up_nothing_else() -> None:
    town = Town()
    town.quota["PodDisruptionBudget"] = "exceeded quota: no budgets here"
    town.write_bot()
    town.watch()
    with pytest.raises(RefusedError, match="no budgets here"):
        await town.look()
    assert town.kinds() == sorted({"BotDeployment", *OWNED} - {"PodDisruptionBudget"})
    assert town.condition("Stalled")["reason"] == "ApplyRefused"
    assert "no budgets here" in str(town.condition("Stalled")["message"])
    town.quota.clear()
    await town.look()
    assert town.condition("Stalled")["status"] == "False"


async def test_a_secret_in_what_the_api_server_says_is_not_shown() -> None:
    town = Town()
    town.quota["Service"] = "webhook: mysql://user:hunter22@db/x is bad"
    town.write_bot()
    town.watch()
    with pytest.raises(RefusedError):
        await town.look()
    assert "hunter22" not in str(town.status())


async def test_a_wrong_spec_is_shown_and_what_runs_stays() -> None:
    town = await town_at_rest()
    before = town.found("Deployment")
    town.write("BotDeployment", "my-bot", ("spec", "pod"), {"labels": {"migaga.dev/bot": "other"}})
    town.watch()
    await town.look()
    assert town.condition("Stalled")["reason"] == "InvalidSpec"
    assert "spec.pod.labels.migaga.dev/bot" in str(town.condition("Stalled")["message"])
    assert town.found("Deployment") == before


async def test_the_younger_of_two_bots_of_one_application_waits_and_begins_when_it_is_alone() -> None:
    town = Town()
    town.write_bot()
    town.clock.move(100.0)
    town.write_bot(name="other")
    town.watch()
    other = BotKey("bots", "other")
    await town.look(other)
    assert town.condition("Stalled", "other")["reason"] == "DuplicateApplication"
    assert "Deployment" not in town.kinds()
    town.store.remove(Ref("BotDeployment", "bots", "my-bot"))
    assert town.watch() == {MY_BOT, other}
    await town.look(other)
    assert town.found("Deployment", "other")


async def test_without_the_lease_nothing_is_written() -> None:
    town = Town()
    town.write_bot()
    town.watch()
    town.is_leader = False
    with pytest.raises(PermissionError):
        await town.look()
    assert town.writes == []


async def test_an_api_server_that_is_away_says_when_to_come_again() -> None:
    town = Town()
    town.write_bot()
    town.watch()
    await town.look()
    town.write("BotDeployment", "my-bot", ("spec", "mode"), "Paused")
    town.watch()
    town.is_away = True
    with pytest.raises(AwayError) as caught:
        await town.look()
    assert caught.value.retry_after == 7.0
    town.is_away = False
    await town.look()
    assert at_path(town.found("ConfigMap", "my-bot-fleet"), "data", "mode") == "paused"


async def test_a_deployment_that_is_gone_without_a_word_is_made_anew_in_the_next_look() -> None:
    town = await town_at_rest()
    town.store.remove(Ref("Deployment", "bots", "my-bot"))
    town.seen.wrote({**town.seen.bot(MY_BOT), "spec": {**_spec(town), "replicas": 5}})  # type: ignore[dict-item]
    with pytest.raises(StaleError):
        await town.look()
    await town.look()
    assert at_path(town.found("Deployment"), "spec", "replicas") == 5


def _spec(town: Town) -> dict[str, object]:
    return dict(town.found("BotDeployment")["spec"])  # type: ignore[call-overload, no-any-return]


async def test_a_bot_that_is_gone_is_forgotten() -> None:
    town = await town_at_rest()
    town.store.remove(Ref("BotDeployment", "bots", "my-bot"))
    town.watch()
    assert await town.look() is None
    assert town.writes == []
    assert not town._looker._memories


async def test_a_bot_of_the_same_name_that_is_made_again_begins_anew() -> None:
    town = await town_at_rest()
    town.store.remove(Ref("BotDeployment", "bots", "my-bot"))
    town.write_bot()
    town.watch()
    await town.look()
    uid = at_path(town.found("BotDeployment"), "metadata", "uid")
    owners = at_path(town.found("Deployment"), "metadata", "ownerReferences")
    assert at_path(owners[0], "uid") == uid  # type: ignore[index]
    assert town.status()["conditions"]


async def test_an_event_is_not_told_again_and_again() -> None:
    town = await town_at_rest()
    for _ in range(3):
        town.write("BotDeployment", "my-bot", ("spec", "pod"), {"labels": {"migaga.dev/bot": "other"}})
        town.watch()
        await town.look()
        town.write("BotDeployment", "my-bot", ("spec", "pod"), {})
        town.watch()
        await town.look()
    assert [event.reason for event in town.events].count("InvalidSpec") == 1


async def test_an_event_that_is_refused_does_not_cost_the_status() -> None:
    town = Town()
    town.quota["Event"] = "no events"
    town.write_bot(put({"labels": {"migaga.dev/bot": "other"}}, "pod"))
    town.watch()
    await town.look()
    assert town.condition("Stalled")["reason"] == "InvalidSpec"


async def test_pods_are_asked_once_for_wakes_that_come_together() -> None:
    town = await town_at_rest()
    town.clock.move(10.0)
    before = len(town.asked)
    for _ in range(3):
        await town.look()
        town.clock.move(0.3)
    assert len(town.asked) == before + 1


async def test_pod_monitors_are_made_where_their_api_is() -> None:
    town = Town(apis=frozenset({"monitoring.coreos.com/v1"}))
    town.write_bot()
    town.watch()
    await town.look()
    assert "PodMonitor" in town.kinds()
