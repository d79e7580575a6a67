"""The ConfigMap that tells running pods whether they are paused. It is a mounted file: no pod has to restart."""

from __future__ import annotations

from migaga_operator.builders.fleet import SHARDS, Fleet, metadata, mode_name
from migaga_operator.json_types import Manifest


def mode_config(fleet: Fleet) -> Manifest:
    """Return the ConfigMap. Its key `mode` is `running` or `paused`; pods of a stopped bot go on until they end."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(fleet.owner, mode_name(fleet.owner), SHARDS),
        "data": {"mode": "paused" if fleet.spec.mode == "Paused" else "running"},
    }
