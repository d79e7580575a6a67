"""A bot on a test cluster as a person with kubectl has it: made, changed, waited for, looked at.

`tests/cluster/test_life.py` leads one through its life. Nothing here is asked of the operator: only of the API server,
and of the pods' own pages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from tests.support.control_plane import ControlPlane

WAIT = "--timeout=180s"
"""Of every wait; far more than anything takes on a machine with nothing else to do."""
WAIT_SECONDS = 200
PID = "migaga.dev/pid"


class ClusterBot:
    """One bot of a namespace."""

    def __init__(self, plane: ControlPlane, namespace: str, name: str) -> None:
        self.plane, self.namespace, self.name = plane, namespace, name

    async def kubectl(self, *words: str, stdin: str = "", check: bool = True) -> str:
        """Run kubectl in the bot's namespace and return what it prints."""
        words = (*words, "-n", self.namespace)
        done = await self.plane.kubectl_async(*words, stdin=stdin, check=check, seconds=WAIT_SECONDS)
        return done.out

    async def get(self, *words: str) -> Any:
        """Return what `kubectl get WORDS -o json` finds."""
        return json.loads(await self.kubectl("get", *words, "-o", "json"))

    async def apply(self, *manifests: Mapping[str, object]) -> None:
        """Apply manifests to the bot's namespace."""
        await self.kubectl(
            "apply", "-f", "-", stdin=json.dumps({"kind": "List", "apiVersion": "v1", "items": manifests})
        )

    async def patch(self, **spec: object) -> None:
        """Change the bot's spec."""
        await self.kubectl("patch", "bot", self.name, "--type=merge", "-p", json.dumps({"spec": spec}))

    async def scale(self, replicas: int) -> None:
        """Say how many pods there are to be."""
        await self.kubectl("scale", "bot", self.name, f"--replicas={replicas}")

    async def until(self, *wishes: str, what: str = "") -> None:
        """Wait for each wish, as `kubectl wait --for` takes it. A condition counts when it is about the spec of now."""
        for wish in wishes:
            await self.kubectl("wait", f"--for={wish}", WAIT, what or f"bot/{self.name}")

    async def until_deployed(self, wish: str) -> None:
        """Wait until the operator has written something into the Deployment."""
        await self.until(wish, what=f"deployment/{self.name}")

    async def rolled_out(self) -> None:
        """Wait as people do until the Deployment has replaced its pods."""
        await self.kubectl("rollout", "status", f"deployment/{self.name}", WAIT)

    async def at_rest(self) -> None:
        """Wait until the bot is as its spec says, and serves."""
        await self.until("condition=Ready", "condition=Progressing=False", "condition=Stalled=False")

    async def condition(self, kind: str) -> Mapping[str, Any]:
        """Return a condition; empty while there is none."""
        found = (await self.get("bot", self.name)).get("status", {}).get("conditions", [])
        return next((one for one in found if one["type"] == kind), {})

    async def pods(self) -> list[dict[str, Any]]:
        """Return the pods that are not on their way out."""
        found = await self.get("pods", "-l", f"migaga.dev/bot={self.name}")
        return [pod for pod in found["items"] if "deletionTimestamp" not in pod["metadata"]]

    async def ask(self, path: str) -> list[tuple[str, str]]:
        """Ask all pods for a page; the name of each with what it says."""
        answers = []
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
            for pod in await self.pods():
                async with session.get(f"http://{pod['status']['podIP']}:8080{path}") as answer:
                    answers.append((str(pod["metadata"]["name"]), await answer.text()))
        return answers


def names(pods: Sequence[Mapping[str, Any]]) -> set[str]:
    """The names of objects."""
    return {str(pod["metadata"]["name"]) for pod in pods}


def nodes(pods: Sequence[Mapping[str, Any]]) -> list[str]:
    """The nodes of pods, one for each pod."""
    return sorted(str(pod["spec"].get("nodeName")) for pod in pods)


def pid(pod: Mapping[str, Any]) -> int:
    """The process that a pod is."""
    return int(pod["metadata"]["annotations"][PID])


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether a pod is ready."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
