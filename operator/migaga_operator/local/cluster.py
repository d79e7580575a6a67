"""The `Cluster` of one machine: what a reconcile writes goes into the store. `up.py` makes it."""

from __future__ import annotations

from collections.abc import Callable

from migaga_operator.builders.fleet import Owner
from migaga_operator.crd.read import KIND
from migaga_operator.json_types import Json, Manifest
from migaga_operator.local.store import Ref, Store
from migaga_operator.ops import Event, Key


class LocalCluster:
    """Writes objects into a store. See `migaga_operator.cluster.Cluster`."""

    def __init__(self, store: Store, on_event: Callable[[Owner, Event], None]) -> None:
        self._store = store
        self._on_event = on_event

    async def apply(self, manifest: Manifest) -> Manifest:
        """Create an object, or bring what is ours in it to what it should be."""
        return self._store.apply(manifest)

    async def scale(self, key: Key, namespace: str, replicas: int) -> Manifest | None:
        """Change how many pods a Deployment asks for."""
        return self._store.patch(Ref(key.kind, namespace, key.name), ("spec", "replicas"), replicas)

    async def read(self, key: Key, namespace: str) -> Manifest | None:
        """Return an object, whoever owns it; None when it is not there."""
        return self._store.get(Ref(key.kind, namespace, key.name))

    async def delete(self, key: Key, namespace: str, uid: str) -> None:
        """Delete this one object."""
        self._store.delete(Ref(key.kind, namespace, key.name), uid)

    async def set_status(self, owner: Owner, status: Json) -> Manifest | None:
        """Write the status of a bot; one that is gone has none."""
        ref = Ref(KIND, owner.namespace, owner.name)
        return self._store.set_status(ref, status) if self._store.get(ref) is not None else None

    async def tell(self, owner: Owner, event: Event) -> None:
        """Tell the person at the terminal."""
        self._on_event(owner, event)
