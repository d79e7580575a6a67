"""The PodMonitor of the Prometheus operator; `planner.py` asks for it only where its API exists."""

from __future__ import annotations

from migaga_operator.builders.fleet import BOT_LABEL, SHARDS, Fleet, metadata
from migaga_operator.json_types import Manifest

API = "monitoring.coreos.com/v1"


def pod_monitor(fleet: Fleet) -> Manifest:
    """Return the PodMonitor of all pods of the bot."""
    return {
        "apiVersion": API,
        "kind": "PodMonitor",
        "metadata": metadata(fleet.owner, fleet.owner.name, SHARDS),
        "spec": {
            "selector": {"matchLabels": {BOT_LABEL: fleet.owner.name}},
            "podMetricsEndpoints": [{"port": "http", "path": "/metrics"}],
            "podTargetLabels": [BOT_LABEL],
        },
    }
