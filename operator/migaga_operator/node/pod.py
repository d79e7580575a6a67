"""A pod as the node understands it, read from a plain API object of which nothing is trusted.

`read_pod` takes what it understands and leaves out the rest; what a pod needs and nobody can give it (a volume of a
kind that is not known here) is kept as a reason in words, which the pod then waits with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path, digest
from migaga_operator.node.containers import Container, read_containers
from migaga_operator.node.names import is_name
from migaga_operator.node.volumes import Volume, read_volume

RestartPolicy = Literal["Always", "OnFailure", "Never"]
_POLICIES: Mapping[str, RestartPolicy] = MappingProxyType(
    {"Always": "Always", "OnFailure": "OnFailure", "Never": "Never"}
)
DEFAULT_GRACE = 30
_LONGEST_GRACE = 86_400


@dataclass(frozen=True, slots=True)
class Pod:
    """What runs together at one address."""

    namespace: str
    name: str
    uid: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    containers: tuple[Container, ...]
    inits: tuple[Container, ...] = ()
    volumes: tuple[Volume, ...] = ()
    policy: RestartPolicy = "Always"
    grace: int = DEFAULT_GRACE
    """Seconds from SIGTERM to SIGKILL: those of the deletion where it says some, else those of the spec."""
    is_leaving: bool = False
    account: str = ""
    uses_host_network: bool = False
    status: Mapping[str, object] = field(default_factory=dict)
    """The status as it stood when the object came."""

    @property
    def full_name(self) -> str:
        """Namespace and name, for logs."""
        return f"{self.namespace}/{self.name}"

    @property
    def folder_name(self) -> str:
        """A name for the pod's folder, whatever the uid is made of."""
        return self.uid if is_name(self.uid) else digest(self.uid)

    @property
    def is_over(self) -> bool:
        """Whether it had ended for good before this node saw it."""
        return self.status.get("phase") in {"Succeeded", "Failed"}

    def restarts_before(self, container: str) -> int:
        """Return how often a container was started before this node took the pod; 0 for a new pod."""
        for kind in ("containerStatuses", "initContainerStatuses"):
            for item in map(as_mapping, as_list(self.status.get(kind))):
                if item.get("name") == container and as_text(item.get("containerID")):
                    return max(0, as_whole(item.get("restartCount")) or 0) + 1
        return 0


def read_pod(manifest: object) -> Pod | None:
    """Read a pod; None when it has no name, no uid or no container that could run."""
    metadata, spec = as_mapping(at_path(manifest, "metadata")), as_mapping(at_path(manifest, "spec"))
    name, uid = as_text(metadata.get("name")), as_text(metadata.get("uid"))
    containers = read_containers(spec.get("containers"))
    if not name or not uid or not containers:
        return None
    found = (read_volume(item) for item in as_list(spec.get("volumes")))
    return Pod(
        namespace=as_text(metadata.get("namespace")) or "default",
        name=name,
        uid=uid,
        labels=_texts(metadata.get("labels")),
        annotations=_texts(metadata.get("annotations")),
        containers=containers,
        inits=read_containers(spec.get("initContainers")),
        volumes=tuple(volume for volume in found if volume is not None),
        policy=_POLICIES.get(as_text(spec.get("restartPolicy")), "Always"),
        grace=_grace(metadata, spec),
        is_leaving=bool(as_text(metadata.get("deletionTimestamp"))),
        account=as_text(spec.get("serviceAccountName")) or "default",
        uses_host_network=spec.get("hostNetwork") is True,
        status=as_mapping(at_path(manifest, "status")),
    )


def _grace(metadata: Mapping[str, object], spec: Mapping[str, object]) -> int:
    for value in (metadata.get("deletionGracePeriodSeconds"), spec.get("terminationGracePeriodSeconds")):
        given = as_whole(value)
        if given is not None:
            # As in a kubelet: a process always gets a moment to end by itself.
            return min(max(1, given), _LONGEST_GRACE)
    return DEFAULT_GRACE


def _texts(value: object) -> Mapping[str, str]:
    return {str(key): text for key, text in as_mapping(value).items() if isinstance(text, str)}
