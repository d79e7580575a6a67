"""The ServiceAccount of the pods. No role is bound to it, and its token is mounted nowhere."""

from __future__ import annotations

from migaga_operator.builders.fleet import SHARDS, Fleet, metadata
from migaga_operator.json_types import Manifest


def service_account(fleet: Fleet) -> Manifest:
    """Return the ServiceAccount."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(fleet.owner, fleet.owner.name, SHARDS),
        "automountServiceAccountToken": False,
    }
