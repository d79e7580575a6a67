"""The chart installed with Helm on a test cluster, where the operator is a pod like any other.

`tests/cluster/test_life.py` installs one. Its nodes know images by the names in a file (`images_file`).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.support.cluster_bot import WAIT, is_ready, pid
from tests.support.control_plane import ControlPlane

CHART = Path(__file__).parents[2] / "charts" / "migaga"
SELECTOR = "app.kubernetes.io/name=migaga-operator"
IMAGE, NEXT_IMAGE = "registry.example/migaga:5.0.0", "registry.example/migaga:5.0.1"
"""Two names of the running installation: nodes have both."""
MISSING_IMAGE = "registry.example/migaga:missing"
_SET = ("--set", "image.repository=registry.example/migaga", "--set", "image.tag=5.0.0")


def images_file(path: Path) -> Path:
    """Write the list of images that nodes have."""
    path.write_text(json.dumps({IMAGE: None, NEXT_IMAGE: None}))
    return path


class Release:
    """One release of the chart."""

    def __init__(self, plane: ControlPlane, namespace: str, name: str = "migaga") -> None:
        self.plane, self.namespace, self.name = plane, namespace, name

    async def install(self) -> None:
        """Install it, and wait until the operator is ready."""
        await self._helm("install", *_SET, "--wait", "--timeout=180s")

    async def upgrade(self, *words: str) -> None:
        """Install it with other values, and wait for the new operator."""
        await self._helm("upgrade", *_SET, *words, "--wait", "--timeout=180s")

    async def roll_back(self) -> None:
        """Go back to the release before, and wait for its operator."""
        words = ("rollback", self.name, "--namespace", self.namespace, "--wait", "--timeout=180s")
        await self.plane.helm_async(*words, seconds=200)

    async def uninstall(self) -> None:
        """Take it away, and wait until its pods are gone."""
        await self.plane.helm_async("uninstall", self.name, "--namespace", self.namespace, "--wait", seconds=200)
        await self.kubectl("wait", "--for=delete", "pod", "-l", SELECTOR, WAIT)

    async def kubectl(self, *words: str, check: bool = True) -> str:
        """Run kubectl in the operator's namespace and return what it prints."""
        done = await self.plane.kubectl_async(*words, "-n", self.namespace, check=check, seconds=200)
        return done.out

    async def pods(self) -> list[dict[str, Any]]:
        """Return the operator's pods."""
        found = json.loads(await self.kubectl("get", "pods", "-l", SELECTOR, "-o", "json"))
        return list(found["items"])

    async def kill(self) -> str:
        """End the operator's process with SIGKILL, and return its pod, which starts another one: later each time."""
        (pod,) = [pod for pod in await self.pods() if is_ready(pod)]
        os.kill(pid(pod), signal.SIGKILL)
        return str(pod["metadata"]["name"])

    async def lose(self) -> None:
        """End the operator's process with SIGKILL, and take its pod away: its Deployment brings another one."""
        await self.kubectl("delete", "pod", await self.kill(), "--force", "--grace-period=0")

    async def until_back(self) -> None:
        """Wait until the operator is ready again."""
        await self.kubectl("rollout", "status", f"deployment/{self.name}", WAIT)

    async def left(self) -> Sequence[str]:
        """Return what still carries the release's label, in any namespace or none."""
        kinds = await self.plane.kubectl_async("api-resources", "--verbs=list", "-o", "name")
        label = f"app.kubernetes.io/instance={self.name}"
        words = ("get", ",".join(kinds.out.split()), "-A", "-l", label, "-o", "name", "--ignore-not-found")
        return (await self.plane.kubectl_async(*words)).out.split()

    async def log(self) -> str:
        """Return the ends of the operator's logs, as far as nodes have them."""
        return await asyncio.to_thread(self._log)

    def _log(self) -> str:
        files = sorted(self.plane.folder.glob(f"nodes/*/logs/{self.namespace}_*/*/*.log"))
        return "\n".join(f"{path.parent.parent.name}/{path.name}:\n{path.read_text()[-3000:]}" for path in files)

    async def _helm(self, verb: str, *words: str) -> None:
        await self.plane.helm_async(verb, self.name, str(CHART), "--namespace", self.namespace, *words, seconds=200)
