"""The headless Service of the shard pods: names in DNS, for people. The operator itself relies on Pods alone."""

from __future__ import annotations

from migaga_operator.builders.fleet import HTTP_PORT, SHARDS, Fleet, metadata, selector
from migaga_operator.json_types import Manifest


def headless_service(fleet: Fleet) -> Manifest:
    """Return the Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(fleet.owner, fleet.owner.name, SHARDS),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": selector(fleet.owner, SHARDS),
            "ports": [{"name": "http", "port": HTTP_PORT, "targetPort": "http", "protocol": "TCP"}],
        },
    }
