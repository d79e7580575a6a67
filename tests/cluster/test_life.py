"""A fleet on a cluster from its first start to its end, and everything that may happen to it, while people go on.

Nothing stands for anything else here but Discord: the chart is installed by Helm, its operator and the shards are pods
that a real scheduler binds to two nodes, and the bot's database is a MariaDB. What became of every event is in the
emulator's ledger.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.cluster_bot import ClusterBot, is_ready, names, nodes, pid
from tests.support.control_plane import ControlPlane
from tests.support.mariadb import MariaDbServer, mariadb_server
from tests.support.nodes import NodeProcess, running_node
from tests.support.release import IMAGE, MISSING_IMAGE, NEXT_IMAGE, Release, images_file
from tests.support.street import MODULES, RATE, Street, quiet_street

__all__ = ["mariadb_server"]
# Every step waits for processes to start and to prove themselves, each on a machine that may have much else to do.
pytestmark = [pytest.mark.timeout(1200), pytest.mark.mariadb]
OPERATORS, BOTS = "migaga-system", "life"
DIALOGUE_OVER = "answered 'I no longer wait for this. Please run the command again.'"
NODES = ("life-a", "life-b")
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
IDENTIFIES = 4 + 8 + 8
"""Those of the first shards, of the next generation, and of another token."""
DEFINITION = "customresourcedefinition/botdeployments.migaga.dev"
LEFT = "customresourcedefinition.apiextensions.k8s.io/botdeployments.migaga.dev"
"""All that an uninstalled release leaves: with it all bots would go."""


@dataclass
class Life:
    """Everything that there is."""

    plane: ControlPlane
    release: Release
    bot: ClusterBot
    street: Street
    database: str
    stack: AsyncExitStack
    nodes: dict[str, NodeProcess] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    steps: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """One step; an error in it tells its name, and how everything stood."""
        before = time.monotonic()
        try:
            yield
        except Exception as error:
            error.add_note(f"in the step: {name}\n{await self._picture()}")
            raise
        now, report = time.monotonic(), await self.street.control.ledger()
        events = f"{report.sent} events, {report.lost} under way, {report.repeated} repeated"
        self.steps.append(f"{now - self.begun:6.1f} s, {now - before:5.1f} s: {name}; {events}")
        sys.stdout.write(self.steps[-1] + "\n")

    async def _picture(self) -> str:
        shown = ("get", "bot,deployments,replicasets,pods", "-o", "wide")
        parts = [
            "\n".join(self.steps),
            str(await self.street.control.ledger()),
            "handled more than once:",
            *self.street.twice(),
            await self.bot.kubectl(*shown, check=False),
            await self.bot.kubectl("get", "bot", self.bot.name, "-o", "yaml", check=False),
            await self.release.kubectl(*shown, check=False),
            await self.release.log(),
        ]
        return "\n".join(parts)

    def manifest(self, name: str = "", **spec: object) -> dict[str, object]:
        """The bot, as a person writes it."""
        environment = {**self.street.environment(), "MIGAGA_FLEET_ARMEDFOR": "10"}
        wanted = {
            "applicationId": str(self.street.stage.bot.application_id),
            "image": IMAGE,
            "tokenSecretRef": {"name": "bot"},
            "database": {"urlSecretRef": {"name": "bot"}},
            "replicas": 2,
            "shards": {"mode": "Fixed", "count": 4, "maxPerPod": 8},
            "modules": [{"name": name} for name in MODULES],
            "pod": {
                "env": [{"name": name, "value": value} for name, value in environment.items()],
                "terminationGracePeriodSeconds": 20,
            },
            **spec,
        }
        metadata = {"name": name or self.bot.name}
        return {"apiVersion": "migaga.dev/v1alpha1", "kind": "BotDeployment", "metadata": metadata, "spec": wanted}

    async def start_node(self, name: str) -> None:
        """Start a node; it ends at the latest with the test."""
        plane = self.plane
        kubeconfig = await asyncio.to_thread(plane.user_kubeconfig, f"system:node:{name}", "system:nodes")
        images = await asyncio.to_thread(images_file, plane.folder / "images.json")
        folder, options = plane.folder / "nodes" / name, ("--images", str(images), "--zone", name[-1])
        node = running_node(name, folder, kubeconfig, options=options)
        self.nodes[name] = await self.stack.enter_async_context(node)

    def secret(self, token: str) -> dict[str, object]:
        """The Secret with the bot's token and the address of its database."""
        values = {"token": token, "database-url": self.database}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bot"}, "stringData": values}


@pytest.fixture
async def life(control_plane: ControlPlane, mariadb_server: MariaDbServer) -> AsyncIterator[Life]:
    """Return two nodes, two empty namespaces that admit restricted pods only, an empty database, and a quiet street."""
    plane = control_plane
    for name in (OPERATORS, BOTS):
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": RESTRICTED}}
        await plane.kubectl_async("create", "-f", "-", stdin=json.dumps(namespace))
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(mariadb_server.fresh_database())
        street = await stack.enter_async_context(quiet_street())
        life = Life(plane, Release(plane, OPERATORS), ClusterBot(plane, BOTS, "bot"), street, database, stack)
        for name in NODES:
            await life.start_node(name)
        yield life
    for kind, found in (("namespace", (OPERATORS, BOTS)), ("node", NODES)):
        await plane.kubectl_async("delete", kind, *found, "--ignore-not-found", "--wait=false")
    await plane.kubectl_async("delete", DEFINITION, "--ignore-not-found", "--timeout=60s")


async def test_the_life_of_a_fleet(life: Life) -> None:
    bot, street = life.bot, life.street
    async with life.step("the chart is installed"):
        await life.release.install()
    async with life.step("the first start"):
        await bot.apply(life.secret(street.stage.bot.token), life.manifest())
        await bot.at_rest()
        assert nodes(await bot.pods()) == sorted(NODES)
        assert (await street.control.ledger()).identifies == 4
    async with street.traffic():
        await changes(life)
        await interruptions(life)
        await pauses(life)
        await gets_another_token(life)
        await is_meddled_with(life)
        await is_deleted_and_made_again(life)
        async with life.step("the ledger"):
            await ledger(life)
        await a_bad_image(life)
        await a_lost_node(life)
    async with life.step("the ledger after the loss"):
        # A machine that is lost takes with it what nobody was told of yet: that is handled again.
        report = await street.settle()
        assert (report.lost, report.unexpected) == (0, 0)
        assert report.identifies == IDENTIFIES
        assert await street.wrong_effects(life.database) == (0, 0)
    await without_its_operator(life)


async def changes(life: Life) -> None:
    """The spec is changed, and the operator is killed in the middle of each change."""
    bot, release = life.bot, life.release
    async with life.step("another image"):
        before = names(await bot.pods())
        await bot.patch(image=NEXT_IMAGE)
        await bot.until_deployed(f"jsonpath={{.spec.template.spec.containers[0].image}}={NEXT_IMAGE}")
        await release.kill()
        await bot.rolled_out()
        await bot.at_rest()
        assert not before & names(await bot.pods())
    async with life.step("two pods become four"):
        await bot.scale(4)
        await bot.until_deployed("jsonpath={.spec.replicas}=4")
        await release.lose()
        await bot.rolled_out()
        await bot.until("jsonpath={.status.readyReplicas}=4")
        await bot.at_rest()
    async with life.step("four pods become two"):
        # This time the operator may not even have seen it.
        await bot.scale(2)
        await release.lose()
        await bot.until("jsonpath={.status.replicas}=2")
        await bot.rolled_out()
        await bot.at_rest()
    async with life.step("four shards become eight"):
        await bot.patch(shards={"count": 8})
        await bot.until("condition=Resharding")
        async with asyncio.timeout(120):
            while not any(session.shard_count == 8 for session in await life.street.control.sessions()):
                await asyncio.sleep(0.1)
        await release.lose()
        await bot.until("jsonpath={.status.shards.count}=8", "condition=Resharding=False")
        await bot.at_rest()
        await life.street.control.wait_for_sessions(8, timeout=60)
        assert (await life.street.control.ledger()).identifies == 4 + 8


async def interruptions(life: Life) -> None:
    """What happens to pods in a cluster."""
    bot = life.bot
    async with life.step("a pod is deleted"):
        (gone, *_) = await bot.pods()
        await bot.kubectl("delete", "pod", gone["metadata"]["name"], "--timeout=120s")
        await bot.rolled_out()
        await bot.at_rest()
    async with life.step("a node is drained"):
        drained = nodes(await bot.pods())[0]
        await bot.plane.kubectl_async("drain", drained, "--delete-emptydir-data", "--timeout=150s", seconds=180)
        await bot.rolled_out()
        await bot.at_rest()
        assert drained not in nodes(await bot.pods())
        await bot.plane.kubectl_async("uncordon", drained)


async def pauses(life: Life) -> None:
    """The bot is paused for a while."""
    bot, street = life.bot, life.street
    async with life.step("paused and running again"):
        await street.hush()
        before = await bot.pods()
        await bot.patch(mode="Paused")
        await bot.until("condition=Paused")
        guild, person = street.stage.crowd.guilds[0], street.control.person(street.stage.crowd.users[0].id)
        told = [await person.post(guild.channel("general"), f"is anybody there? {number}") for number in range(20)]
        asked = await person.slash(guild.channel("general"), "repeat", {"word": "plum"}, wait=4.0)
        assert asked.answered
        assert "paused" in asked.content
        # The apology is a message too.
        messages = [one.id for one in (*told, asked.message) if one is not None]
        await until_counted(bot, len(messages))
        left = await street.control.ledger_events("lost")
        assert {one.key for one in left} == {f"MESSAGE_CREATE:{one}" for one in messages} | {
            f"INTERACTION_CREATE:{asked.id}"
        }
        # We handle them: a bot that handled them after all would have done it twice.
        await street.control.handled([(one.name, {"id": one.key.partition(":")[2]}) for one in left])
        await bot.patch(mode="Running")
        await bot.until("condition=Paused=False")
        await bot.at_rest()
        assert [pid(pod) for pod in await bot.pods()] == [pid(pod) for pod in before]
        street.wake()


async def until_counted(bot: ClusterBot, least: int) -> None:
    """Wait until the pods have counted so many messages that they did not handle."""
    async with asyncio.timeout(60):
        while True:
            rows = [row for _, page in await bot.ask("/metrics") for row in page.splitlines()]
            counted = [
                float(row.split()[-1]) for row in rows if "events_paused_total" in row and "MESSAGE_CREATE" in row
            ]
            if sum(counted) >= least:
                return
            await asyncio.sleep(0.2)


async def gets_another_token(life: Life) -> None:
    """The token is refused, and then another one is written into the Secret."""
    bot, street = life.bot, life.street
    async with life.step("the token is refused"):
        await street.gate.close()
        await street.control.faults.revoke_token()
        await bot.until("condition=CredentialsValid=False", "condition=Stalled")
        stalled = await bot.condition("Stalled")
        assert stalled["reason"] == "CredentialsRefused"
        assert (await street.control.ledger()).identifies == 4 + 8
    async with life.step("another token"):
        before = await bot.pods()
        street.crowd.awake.clear()
        token = await street.control.faults.rotate_token()
        await bot.apply(life.secret(token))
        await street.control.wait_for_sessions(8, timeout=120)
        await bot.until("condition=CredentialsValid")
        await bot.at_rest()
        street.wake()
        assert [pid(pod) for pod in await bot.pods()] == [pid(pod) for pod in before]
        assert (await street.control.ledger()).identifies == IDENTIFIES


async def is_meddled_with(life: Life) -> None:
    """Somebody edits and deletes what the operator has made, and makes a second bot of the same application."""
    bot = life.bot
    async with life.step("somebody edits the Deployment"):
        await bot.kubectl("scale", "deployment", bot.name, "--replicas=1")
        await bot.until_deployed("jsonpath={.spec.replicas}=2")
        await bot.rolled_out()
        await bot.at_rest()
    async with life.step("somebody makes a twin"):
        twin = ClusterBot(bot.plane, bot.namespace, "twin")
        await bot.apply(life.manifest("twin"))
        await twin.until("condition=Stalled")
        assert (await twin.condition("Stalled"))["reason"] == "DuplicateApplication"
        assert await twin.pods() == []
        await bot.kubectl("delete", "bot", "twin", "--timeout=60s")
    async with life.step("somebody deletes the Deployment"):
        before = await bot.get("deployment", bot.name)
        await bot.kubectl("delete", "deployment", bot.name, "--wait=false")
        async with asyncio.timeout(60):
            while before["metadata"]["uid"] in await bot.kubectl("get", "deployments", "-o", "jsonpath={..uid}"):
                await asyncio.sleep(0.2)
        await bot.until("create", what=f"deployment/{bot.name}")
        await bot.rolled_out()
        await bot.at_rest()


async def is_deleted_and_made_again(life: Life) -> None:
    """The bot is deleted while people go on, and made again before Discord forgets its sessions."""
    bot, street = life.bot, life.street
    async with life.step("deleted"):
        await street.gate.close()
        await bot.kubectl("delete", "bot", bot.name, "--timeout=60s")
        await bot.kubectl("wait", "--for=delete", "pod", "-l", f"migaga.dev/bot={bot.name}", "--timeout=120s")
        street.crowd.awake.clear()
        await until_nothing_is_left(bot)
    async with life.step("made again"):
        shards = {"mode": "Fixed", "count": 8, "maxPerPod": 8}
        await bot.apply(life.manifest(image=NEXT_IMAGE, shards=shards))
        await bot.at_rest()
        await street.hush()
        street.wake()


async def until_nothing_is_left(bot: ClusterBot) -> None:
    """Wait until the garbage collector has deleted everything of the bot's."""
    kinds = "deployments,replicasets,pods,services,serviceaccounts,configmaps,poddisruptionbudgets,networkpolicies"
    async with asyncio.timeout(60):
        while left := await bot.kubectl("get", kinds, "-l", f"migaga.dev/bot={bot.name}", "-o", "name"):
            assert left
            await asyncio.sleep(0.2)


async def ledger(life: Life) -> None:
    """Everything that people did was handled, once."""
    report = await life.street.hush()
    control = life.street.control
    wrong = {kind: await control.ledger_events(kind) for kind in ("lost", "repeated", "unexpected")}
    assert {kind: found for kind, found in wrong.items() if found} == {}
    assert (report.lost, report.repeated, report.unexpected) == (0, 0, 0)
    assert (report.identifies, report.identifies_rejected) == (IDENTIFIES, 0)
    assert await life.street.wrong_effects(life.database) == (0, 0)
    # An open dialogue ends when its shard moves, and its person is told so (docs/continuity.md).
    assert [answer for answer in life.street.asker.wrong if DIALOGUE_OVER not in answer] == []
    assert report.sent > RATE * 60
    sys.stdout.write(f"{report}\n")
    life.street.wake()


async def a_bad_image(life: Life) -> None:
    """An image that no node has."""
    bot = life.bot
    async with life.step("an image that is not there"):
        before = {pid(pod) for pod in await bot.pods()}
        await bot.patch(image=MISSING_IMAGE)
        await bot.until("condition=Stalled", "condition=Ready")
        stalled = await bot.condition("Stalled")
        assert (stalled["reason"], MISSING_IMAGE in stalled["message"]) == ("ImageNotPulled", True)
        assert before == {pid(pod) for pod in await bot.pods() if is_ready(pod)}
        await bot.patch(image=NEXT_IMAGE)
        await bot.at_rest()


async def a_lost_node(life: Life) -> None:
    """A machine is gone with everything on it, and comes back when it has been given up."""
    bot, plane = life.bot, life.plane
    async with life.step("a node is lost"):
        lost, *_ = nodes(await bot.pods())
        await life.nodes[lost].kill()
        await plane.kubectl_async("wait", "--for=condition=Ready=Unknown", f"node/{lost}", "--timeout=60s")
        await life.street.control.wait_for_sessions(8, timeout=60)
        async with asyncio.timeout(120):
            while len([pod for pod in await bot.pods() if is_ready(pod) and pod["spec"]["nodeName"] != lost]) < 2:
                await asyncio.sleep(0.2)
        await life.release.until_back()
        await bot.until("condition=Ready")
    async with life.step("it comes back"):
        await life.start_node(lost)
        await plane.kubectl_async("wait", "--for=condition=Ready", f"node/{lost}", "--timeout=60s")
        await bot.at_rest()


async def without_its_operator(life: Life) -> None:
    """The operator is replaced, and taken away while there is a bot; then the bot's namespace goes."""
    bot, release, plane = life.bot, life.release, life.plane
    before = {pid(pod) for pod in await bot.pods()}
    async with life.step("the release is upgraded and rolled back"):
        await release.upgrade("--set", "log.level=DEBUG")
        await release.roll_back()
        await bot.until("condition=Ready")
    async with life.step("the release is uninstalled"):
        await release.uninstall()
        assert await release.left() == [LEFT]
        assert before == {pid(pod) for pod in await bot.pods() if is_ready(pod)}
        await plane.kubectl_async("delete", "namespace", release.namespace, "--timeout=60s")
    async with life.step("the bot's namespace is deleted"):
        await plane.kubectl_async("delete", "namespace", bot.namespace, "--timeout=90s")
        await life.street.control.wait_for_sessions(0, timeout=30)
        assert not any(Path(f"/proc/{process}").exists() for process in before)
