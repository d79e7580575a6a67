"""The NetworkPolicy: who may connect to the pods. What pods connect to is not limited.

The HTTP port is open, because the operator, Prometheus and the API server's proxy come from anywhere; it shows no
secret and changes nothing. The workers' port is open to the bot's own shard pods. Going out, pods need Discord and a
database whose address is in a Secret that the operator never reads, so no rule could name it.
"""

from __future__ import annotations

from migaga_operator.builders.fleet import BOT_LABEL, SHARDS, Fleet, metadata, selector
from migaga_operator.json_types import Json, Manifest


def network_policy(fleet: Fleet) -> Manifest:
    """Return the NetworkPolicy for all pods of the bot."""
    rules: list[Json] = [{"ports": [{"port": "http", "protocol": "TCP"}]}]
    if fleet.spec.workers:
        shards: Manifest = {"podSelector": {"matchLabels": selector(fleet.owner, SHARDS)}}
        rules.append({"ports": [{"port": "workers", "protocol": "TCP"}], "from": [shards]})
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(fleet.owner, fleet.owner.name, SHARDS),
        "spec": {
            "podSelector": {"matchLabels": {BOT_LABEL: fleet.owner.name}},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        },
    }
