"""What all builders are given: the bot, its spec, and what the planner has decided; and the names made of it."""

from __future__ import annotations

from dataclasses import dataclass

from migaga_operator.crd.read import API_VERSION, KIND
from migaga_operator.crd.spec import BotSpec
from migaga_operator.json_types import Json, Manifest

MANAGER = "migaga-operator"
"""The field manager of server-side apply, and the value of `app.kubernetes.io/managed-by`."""
BOT_LABEL = "migaga.dev/bot"
POOL_LABEL = "migaga.dev/workers"
REVISION_LABEL = "migaga.dev/revision"
COMPONENT_LABEL = "app.kubernetes.io/component"
SHARDS = "shards"
WORKERS = "workers"
HTTP_PORT = 8080
WORKER_PORT = 8081


@dataclass(frozen=True, slots=True)
class Owner:
    """The `BotDeployment` that objects belong to."""

    name: str
    namespace: str
    uid: str

    def reference(self) -> Manifest:
        """Return the owner reference: the garbage collector deletes what carries it, and no finalizer is needed."""
        return {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "name": self.name,
            "uid": self.uid,
            "controller": True,
            "blockOwnerDeletion": False,
        }


@dataclass(frozen=True, slots=True)
class Fleet:
    """A bot as the planner wants it now."""

    owner: Owner
    spec: BotSpec
    replicas: int
    """Shard pods."""
    revision: int
    """Grows with each change of the pod template."""
    count: int | None
    """The shard count that pods are told; None: they ask Discord at their first start."""
    intents: tuple[str, ...]
    """The intents that pods are told: those of the spec, or the ones before while a change has to wait."""
    resharded_at: str = ""
    """When the count last changed, in ISO 8601; empty when it never did."""

    @property
    def is_stopped(self) -> bool:
        """Whether no pod is to run."""
        return self.spec.mode == "Stopped"


def labels(owner: Owner, component: str, pool: str = "") -> dict[str, str]:
    """Return the labels of an object; of a worker pool's when `pool` is given."""
    found = {
        "app.kubernetes.io/name": "migaga",
        "app.kubernetes.io/instance": owner.name,
        COMPONENT_LABEL: component,
        "app.kubernetes.io/managed-by": MANAGER,
        BOT_LABEL: owner.name,
    }
    return {**found, POOL_LABEL: pool} if pool else found


def selector(owner: Owner, component: str, pool: str = "") -> dict[str, str]:
    """Return the labels that pods are selected by. They can never change: a Deployment's selector is immutable."""
    found = {BOT_LABEL: owner.name, COMPONENT_LABEL: component}
    return {**found, POOL_LABEL: pool} if pool else found


def selector_text(owner: Owner) -> str:
    """Return the selector of the shard pods as `kubectl -l` takes it."""
    return ",".join(f"{key}={value}" for key, value in sorted(selector(owner, SHARDS).items()))


def pool_name(owner: Owner, pool: str) -> str:
    """Return the name of a worker pool's Deployment."""
    return f"{owner.name}-workers-{pool}"


def mode_name(owner: Owner) -> str:
    """Return the name of the ConfigMap that tells running pods their mode."""
    return f"{owner.name}-fleet"


def metadata(owner: Owner, name: str, component: str, pool: str = "") -> dict[str, Json]:
    """Return the metadata that all objects of a bot have."""
    return {
        "name": name,
        "namespace": owner.namespace,
        "labels": labels(owner, component, pool),
        "ownerReferences": [owner.reference()],
    }
