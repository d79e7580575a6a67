"""The downward API: what a pod may be told of itself, in its environment and in files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from migaga_operator.crd.quantities import amount
from migaga_operator.json_types import as_mapping, as_text, at_path

Amounts = Mapping[str, Decimal]
"""Amounts of resources by their names: `limits.memory`, `requests.cpu`."""
NO_AMOUNTS: Amounts = MappingProxyType({})


class FieldRef(NamedTuple):
    """A field of the pod object, as `fieldRef` names it."""

    path: str


class ResourceRef(NamedTuple):
    """An amount that a container asks for or may use."""

    container: str
    """Empty: the container that asks."""
    resource: str
    divisor: Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    """What can be told of one pod (and, of amounts, of one of its containers)."""

    namespace: str = "default"
    name: str = ""
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    node_name: str = ""
    account: str = "default"
    address: str = ""
    host_address: str = ""
    amounts: Mapping[str, Amounts] = field(default_factory=dict)
    """By the names of the containers."""
    capacity: Amounts = field(default_factory=dict)
    """What the machine has, by `cpu` and `memory`: the limit of a container that has none."""

    def say(self, ref: FieldRef | ResourceRef, container: str = "") -> str | None:
        """Return what `ref` names, or None when there is no such field."""
        if isinstance(ref, ResourceRef):
            return self._amount(ref, ref.container or container)
        for prefix, texts in (("metadata.labels", self.labels), ("metadata.annotations", self.annotations)):
            if ref.path == prefix:
                return "\n".join(f"{key}={_quote(text)}" for key, text in sorted(texts.items()))
            if ref.path.startswith(f"{prefix}['") and ref.path.endswith("']"):
                return texts.get(ref.path[len(prefix) + 2 : -2], "")
        return self._fields().get(ref.path)

    def _fields(self) -> Mapping[str, str]:
        return {
            "metadata.name": self.name,
            "metadata.namespace": self.namespace,
            "metadata.uid": self.uid,
            "spec.nodeName": self.node_name,
            "spec.serviceAccountName": self.account,
            "status.podIP": self.address,
            "status.podIPs": self.address,
            "status.hostIP": self.host_address,
            "status.hostIPs": self.host_address,
        }

    def _amount(self, ref: ResourceRef, container: str) -> str | None:
        kind, _, resource = ref.resource.partition(".")
        if kind not in {"limits", "requests"} or not resource:
            return None
        given = self.amounts.get(container, NO_AMOUNTS)
        found = given.get(ref.resource)
        if found is None and kind == "limits":
            found = self.capacity.get(resource)
        return str(math.ceil((found or Decimal(0)) / ref.divisor))


def read_downward(value: object) -> FieldRef | ResourceRef | None:
    """Read `fieldRef` or `resourceFieldRef` of an object; None when it has neither."""
    path = as_text(at_path(value, "fieldRef", "fieldPath"))
    if path:
        return FieldRef(path)
    body = as_mapping(at_path(value, "resourceFieldRef"))
    resource = as_text(body.get("resource"))
    if not resource:
        return None
    divisor = amount(str(body.get("divisor") or "1"))
    usable = divisor if divisor is not None and divisor > 0 else Decimal(1)
    return ResourceRef(as_text(body.get("containerName")), resource, usable)


def read_amounts(value: object) -> Amounts:
    """Read the `resources` of a container."""
    found = {}
    for kind in ("limits", "requests"):
        for name, given in as_mapping(at_path(value, kind)).items():
            size = amount(str(given)) if isinstance(given, str | int | float) else None
            if size is not None:
                found[f"{kind}.{name}"] = size
    # As the API server does: what is limited and not asked for is asked for.
    return {**{f"requests.{name[7:]}": size for name, size in found.items() if name.startswith("limits.")}, **found}


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
