"""The PodDisruptionBudget: a node is drained one shard pod at a time."""

from __future__ import annotations

from migaga_operator.builders.fleet import SHARDS, Fleet, metadata, selector
from migaga_operator.json_types import Manifest


def disruption_budget(fleet: Fleet) -> Manifest:
    """Return the PodDisruptionBudget. A pod that is not ready never holds up a drain."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(fleet.owner, fleet.owner.name, SHARDS),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": selector(fleet.owner, SHARDS)},
        },
    }
