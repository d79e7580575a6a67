"""The controllers of one machine together: a bot becomes a Deployment and its pods, and goes with all it has."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from tests.unit.operator_crd.manifests import Change, put, smallest

from migaga_operator.builders.fleet import Owner
from migaga_operator.json_types import Json, Manifest, at_path
from migaga_operator.local.bots import BotReconciler, is_at_rest
from migaga_operator.local.cluster import LocalCluster
from migaga_operator.local.controller import DeploymentController
from migaga_operator.local.stopping import Stops
from migaga_operator.local.store import Ref, Store, is_leaving, ref_of
from migaga_operator.local.watching import changes
from migaga_operator.ops import Event

BOT = Ref("BotDeployment", "bots", "my-bot")
DEPLOYMENT = Ref("Deployment", "bots", "my-bot")


def bot(*changes: Change) -> Manifest:
    """The smallest bot after some changes."""
    found = copy.deepcopy(smallest())
    for change in changes:
        change(found)
    return cast("Manifest", found)


class Machine:
    """A store with its controllers; a test says what pods do."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.store = Store()
        self.events: list[Event] = []
        self.bots = BotReconciler(self.store, LocalCluster(self.store, self._tell), session)
        self._suffixes = iter(range(1_000))
        self.deployments = DeploymentController(self.store, suffix=lambda: f"{next(self._suffixes):05}")

    def _tell(self, owner: Owner, event: Event) -> None:
        self.events.append(event)

    async def settle(self) -> None:
        """Let everything go on, with pods that become ready, until nothing changes."""
        for _ in range(40):
            before = self.store.version
            await self.bots.look()
            self.deployments.look()
            for pod in self.pods:
                if is_leaving(pod):
                    self.store.remove(ref_of(pod))
                else:
                    self.become(pod, ready=True)
            if self.store.version == before:
                return
        raise AssertionError("it does not come to rest")

    def become(self, pod: Manifest, *, ready: bool) -> None:
        """Let a pod be ready or not. It has no address: nobody asks it anything."""
        condition: Json = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": "2026-03-01T12:00:00Z",
        }
        self.store.set_status(ref_of(pod), {"phase": "Running", "conditions": [condition]})

    @property
    def pods(self) -> list[Manifest]:
        """All pods."""
        return self.store.all_of("Pod")


@pytest.fixture
async def machine() -> AsyncIterator[Machine]:
    async with aiohttp.ClientSession() as session:
        yield Machine(session)


async def test_a_bot_becomes_everything_that_it_has_on_a_cluster(machine: Machine) -> None:
    machine.store.apply(bot(put(2, "replicas")))
    await machine.settle()
    kinds = [ref_of(item).kind for item in machine.store.all_of()]
    assert kinds.count("Pod") == 2
    assert {"ServiceAccount", "ConfigMap", "Service", "Deployment", "PodDisruptionBudget"} <= set(kinds)
    status = (machine.store.get(BOT) or {})["status"]
    assert (at_path(status, "readyReplicas"), at_path(status, "observedGeneration")) == (2, 1)


async def test_at_rest_nothing_is_written(machine: Machine) -> None:
    machine.store.apply(bot(put(2, "replicas")))
    await machine.settle()
    before = machine.store.version
    await machine.settle()
    assert machine.store.version == before


async def test_a_change_of_the_template_rolls_the_pods_with_another_revision(machine: Machine) -> None:
    machine.store.apply(bot(put(2, "replicas")))
    await machine.settle()
    before = {ref_of(pod).name for pod in machine.pods}
    machine.store.apply(bot(put(2, "replicas"), put("registry.example/other:2", "image")))
    await machine.settle()
    after = {ref_of(pod).name for pod in machine.pods}
    assert len(after) == 2
    assert not before & after
    assert {at_path(pod, "metadata", "labels", "migaga.dev/revision") for pod in machine.pods} == {"2"}


async def test_a_scale_changes_pods_and_rolls_nothing(machine: Machine) -> None:
    machine.store.apply(bot(put(1, "replicas")))
    await machine.settle()
    before = {ref_of(pod).name for pod in machine.pods}
    machine.store.apply(bot(put(3, "replicas")))
    await machine.settle()
    assert len(machine.pods) == 3
    assert before <= {ref_of(pod).name for pod in machine.pods}


async def test_a_bot_that_is_deleted_takes_everything_along(machine: Machine) -> None:
    machine.store.apply(bot(put(2, "replicas")))
    await machine.settle()
    machine.store.delete(BOT)
    assert all(is_leaving(pod) for pod in machine.pods)
    await machine.settle()
    assert machine.store.all_of() == []


async def test_a_bot_is_at_rest_only_when_nothing_is_on_its_way() -> None:
    def said(*statuses: str, observed: int = 1) -> Manifest:
        kinds = ("Ready", "Progressing", "Resharding")
        conditions: Json = [{"type": kind, "status": status} for kind, status in zip(kinds, statuses, strict=True)]
        return {"metadata": {"generation": 1}, "status": {"observedGeneration": observed, "conditions": conditions}}

    assert is_at_rest(said("True", "False", "False"))
    assert is_at_rest(said("False", "False", "False"))
    for moving in (said("Unknown", "False", "False"), said("True", "True", "False"), said("True", "False", "True")):
        assert not is_at_rest(moving)
    assert not is_at_rest(said("True", "False", "False", observed=0))


async def test_the_controllers_run_until_they_are_cancelled(machine: Machine) -> None:
    tasks = [asyncio.create_task(machine.bots.run()), asyncio.create_task(machine.deployments.run())]
    try:
        machine.store.apply(bot(put(2, "replicas")))
        async with asyncio.timeout(20):
            version = 0
            while len(machine.pods) < 2:
                version = await machine.store.wait_for_change(version)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert machine.store.get(DEPLOYMENT) is not None


async def _next(stream: AsyncIterator[None]) -> None:
    async with asyncio.timeout(20):
        await anext(stream)


async def test_a_change_of_a_file_is_noticed_once(tmp_path: Path) -> None:
    path = tmp_path / "bot.yaml"
    path.write_text("a")
    stream = changes([path], every=0.01)
    waiting = asyncio.create_task(_next(stream))
    await _until(lambda: not waiting.done(), rounds=10)
    path.write_text("ab")
    await waiting
    again = asyncio.create_task(_next(stream))
    await _until(lambda: not again.done(), rounds=10)
    path.unlink()
    await again
    await stream.aclose()  # type: ignore[attr-defined]


async def _until(holds: Callable[[], bool], rounds: int) -> None:
    for _ in range(rounds):
        await asyncio.sleep(0.01)
        assert holds()


async def test_the_first_request_drains_and_the_second_kills() -> None:
    stops = Stops()
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await stops.first()
    stops.ask()
    await stops.first()
    assert not stops.is_urgent
    stops.ask()
    await stops.second()
    assert stops.is_urgent


async def test_time_that_was_given_counts_as_a_request() -> None:
    stops = Stops()
    await stops.first(0.01)
    assert not stops.is_urgent
    stops.ask()
    assert stops.is_urgent
