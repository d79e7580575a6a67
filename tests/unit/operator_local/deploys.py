"""A Deployment and pods that do what a test says, around the controller's pure step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import cast

from migaga_operator.json_types import Json, Manifest, at_path
from migaga_operator.local.deployments import HASH_LABEL, Step, new_pod, step, template_hash
from migaga_operator.local.store import written

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Deploys:
    """One Deployment, its pods by name, and the time."""

    replicas: int = 3
    surge: Json = "25%"
    unavailable: Json = 0
    min_ready: int = 0
    deadline: int = 600
    template: str = "one"
    now: datetime = NOON
    generation: int = 1
    status: Json = None
    pods: dict[str, Manifest] = field(default_factory=dict)
    count: int = 0

    @property
    def manifest(self) -> Manifest:
        """The Deployment as it is kept."""
        rolling: Manifest = {"maxSurge": self.surge, "maxUnavailable": self.unavailable}
        return {
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "default", "uid": "uid", "generation": self.generation},
            "spec": {
                "replicas": self.replicas,
                "minReadySeconds": self.min_ready,
                "progressDeadlineSeconds": self.deadline,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"image": self.template}},
            },
            "status": self.status,
        }

    def look(self) -> Step:
        """What the controller says now."""
        return step(self.manifest, list(self.pods.values()), self.now)

    def step(self) -> Step:
        """Let the controller do one step; pods that are deleted are leaving."""
        found = self.look()
        self.status = found.status
        for _ in range(found.create):
            self.count += 1
            pod = new_pod(self.manifest, str(self.count))
            name = cast("str", at_path(pod, "metadata", "name"))
            metadata = {**cast("Manifest", pod["metadata"]), "creationTimestamp": written(self.now)}
            self.pods[name] = {**pod, "metadata": metadata}
        for name in found.delete:
            metadata = {**cast("Manifest", self.pods[name]["metadata"]), "deletionTimestamp": written(self.now)}
            self.pods[name] = {**self.pods[name], "metadata": metadata}
        return found

    def set(self, name: str, *, ready: bool, phase: str = "Running", restarts: int = 0) -> None:
        """Let a pod be ready since now, or not be."""
        condition: Manifest = {
            "type": "Ready",
            "status": "True" if ready else "False",
            "lastTransitionTime": written(self.now),
        }
        status: Manifest = {
            "phase": phase,
            "conditions": [condition],
            "containerStatuses": [{"restartCount": restarts}],
        }
        self.pods[name] = {**self.pods[name], "status": status}

    def all_ready(self, only: Callable[[Manifest], bool] = lambda pod: True) -> None:
        """Let every pod that is not ready be ready since now."""
        for name, pod in self.pods.items():
            if only(pod) and not self.is_ready(pod):
                self.set(name, ready=True)

    def forget_leaving(self) -> None:
        """Pods that are leaving have ended."""
        self.pods = {name: pod for name, pod in self.pods.items() if not self.is_leaving(pod)}

    def settle(self) -> None:
        """Go on with pods that become ready until nothing is done any more."""
        for _ in range(200):
            found = self.step()
            self.all_ready()
            self.forget_leaving()
            self.now += timedelta(seconds=max(1, self.min_ready))
            if not found.create and not found.delete and self.is_at_rest:
                self.step()
                return
        raise AssertionError("it does not come to rest")

    def roll(self, template: str) -> None:
        """Ask for another template."""
        self.template, self.generation = template, self.generation + 1

    def scale(self, replicas: int) -> None:
        """Ask for another number of pods."""
        self.replicas, self.generation = replicas, self.generation + 1

    @property
    def is_at_rest(self) -> bool:
        """Whether all pods are available and new, and as many as are asked for."""
        return len(self.pods) == self.replicas == len([pod for pod in self.pods.values() if self.is_new(pod)])

    def is_new(self, pod: Manifest) -> bool:
        """Whether a pod is of the newest template."""
        return at_path(pod, "metadata", "labels", HASH_LABEL) == template_hash(self.manifest)

    @staticmethod
    def is_leaving(pod: Manifest) -> bool:
        """Whether a pod is being deleted."""
        return at_path(pod, "metadata", "deletionTimestamp") is not None

    @staticmethod
    def is_ready(pod: Manifest) -> bool:
        """Whether a pod says that it is ready."""
        conditions = cast("list[Manifest]", at_path(pod, "status", "conditions") or [])
        return any(item["status"] == "True" for item in conditions)

    @property
    def active(self) -> list[Manifest]:
        """Pods that are not leaving, and have not ended by themselves."""
        return [
            pod
            for pod in self.pods.values()
            if not self.is_leaving(pod) and at_path(pod, "status", "phase") != "Failed"
        ]

    def said(self, kind: str) -> tuple[object, object]:
        """Status and reason of a condition."""
        found = [item for item in cast("list[Manifest]", at_path(self.status, "conditions")) if item["type"] == kind]
        return found[0]["status"], found[0]["reason"]


def running(**given: object) -> Deploys:
    """A Deployment that has come to rest."""
    found = Deploys(**given)  # type: ignore[arg-type]
    found.settle()
    return found
