"""The kinds of objects that the operator reads and writes, and where the API server keeps them. Loads no client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from migaga_operator.builders.fleet import BOT_LABEL
from migaga_operator.builders.monitor import API as MONITORING
from migaga_operator.crd.definition import PLURAL
from migaga_operator.crd.read import API_VERSION, KIND


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind."""

    kind: str
    api_version: str
    plural: str
    selector: str = ""
    """The labels by which the objects are selected that the operator looks at; empty: all."""

    @property
    def group(self) -> str:
        """Its API group; empty for the core's."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version of its API group."""
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Return the path of an object, of all objects of a namespace, or of all there are."""
        root = f"/apis/{self.api_version}" if self.group else f"/api/{self.api_version}"
        inside = f"/namespaces/{namespace}" if namespace else ""
        rest = "/".join(part for part in (self.plural, name, subresource) if part)
        return f"{root}{inside}/{rest}"


BOT = Resource(KIND, API_VERSION, PLURAL)
EVENT = Resource("Event", "v1", "events")
LEASE = Resource("Lease", "coordination.k8s.io/v1", "leases")
MONITOR = Resource("PodMonitor", MONITORING, "podmonitors", BOT_LABEL)
WATCHED = (
    BOT,
    Resource("Deployment", "apps/v1", "deployments", BOT_LABEL),
    Resource("Pod", "v1", "pods", BOT_LABEL),
    Resource("Service", "v1", "services", BOT_LABEL),
    Resource("ServiceAccount", "v1", "serviceaccounts", BOT_LABEL),
    Resource("ConfigMap", "v1", "configmaps", BOT_LABEL),
    Resource("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", BOT_LABEL),
    Resource("PodDisruptionBudget", "policy/v1", "poddisruptionbudgets", BOT_LABEL),
)
"""What every API server has, our own kind first."""
BY_KIND: Mapping[str, Resource] = MappingProxyType({one.kind: one for one in (*WATCHED, MONITOR, EVENT, LEASE)})
