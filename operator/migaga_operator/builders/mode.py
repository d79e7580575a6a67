"""The ConfigMap that tells running pods whether they are paused or all to go. A mounted file: no pod has to restart."""

from __future__ import annotations

from migaga_operator.builders.fleet import SHARDS, Fleet, metadata, mode_name
from migaga_operator.json_types import Manifest


def mode_config(fleet: Fleet) -> Manifest:
    """Return the ConfigMap. Its key `mode` is `running`, `paused`, or `stopped`: then no pod waits for another one."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(fleet.owner, mode_name(fleet.owner), SHARDS),
        "data": {"mode": fleet.spec.mode.lower()},
    }
