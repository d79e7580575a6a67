"""The Deployment of the shard pods. One ordinary rolling update, with a surge and nothing taken away first."""

from __future__ import annotations

from migaga_operator.builders.env import RECOMMENDED, in_order
from migaga_operator.builders.fleet import SHARDS, Fleet, metadata, selector
from migaga_operator.builders.pods import shard_template
from migaga_operator.builders.template import template_digest
from migaga_operator.json_types import Json, Manifest

TEMPLATE = "migaga.dev/template"
"""Annotation: a digest of the pod template without its revision. As long as it is the same, the revision is too."""
REVISION = "migaga.dev/revision"
"""Annotation: the revision that the pods are told."""
COUNT = "migaga.dev/shard-count"
"""Annotation: the shard count that the pods are told."""
INTENTS = "migaga.dev/intents"
"""Annotation: the intents that the pods are told."""
RESHARDED_AT = "migaga.dev/resharded-at"
"""Annotation: when the shard count last changed."""
SURGE = "25%"


def shard_deployment(fleet: Fleet) -> Manifest:
    """Return the Deployment of the shard pods."""
    template = shard_template(fleet)
    annotations: dict[str, Json] = {
        TEMPLATE: template_digest(template),
        REVISION: str(fleet.revision),
        COUNT: RECOMMENDED if fleet.count is None else str(fleet.count),
        INTENTS: " ".join(in_order(fleet.intents)),
    }
    if fleet.resharded_at:
        annotations[RESHARDED_AT] = fleet.resharded_at
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**metadata(fleet.owner, fleet.owner.name, SHARDS), "annotations": annotations},
        "spec": {
            "replicas": 0 if fleet.is_stopped else fleet.replicas,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": SURGE, "maxUnavailable": 0}},
            "selector": {"matchLabels": selector(fleet.owner, SHARDS)},
            "template": template,
        },
    }
