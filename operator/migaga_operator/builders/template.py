"""Digests of pod templates: whether two are the same apart from the number of their revision."""

from __future__ import annotations

from collections.abc import Mapping

from migaga_operator.builders.env import REVISION
from migaga_operator.builders.fleet import REVISION_LABEL
from migaga_operator.json_types import as_list, as_mapping, at_path, digest


def template_digest(template: object) -> str:
    """Return the digest of a pod template as we build it; the number of its revision does not count."""
    labels = as_mapping(at_path(template, "metadata", "labels"))
    metadata = {
        **as_mapping(at_path(template, "metadata")),
        "labels": {name: value for name, value in labels.items() if name != REVISION_LABEL},
    }
    spec = as_mapping(at_path(template, "spec"))
    containers = [_without_revision(as_mapping(item)) for item in as_list(spec.get("containers"))]
    return digest({"metadata": metadata, "spec": {**spec, "containers": containers}})


def _without_revision(container: Mapping[str, object]) -> Mapping[str, object]:
    env = [item for item in as_list(container.get("env")) if at_path(item, "name") != REVISION]
    return {**container, "env": env}
