"""The store's pods run as processes of this machine: joins store and node. `up.py` makes one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import cast

from migaga_operator.json_types import Json, Manifest, as_mapping, as_text, at_path
from migaga_operator.local.store import Ref, Store, uid_of
from migaga_operator.local.wanted import config_data, secret_data
from migaga_operator.node.addresses import Addresses
from migaga_operator.node.images import KnownImages, running_installation
from migaga_operator.node.node import Node
from migaga_operator.node.surroundings import PodStatusChange

NAME = "this-machine"


class Machine:
    """Runs the pods of a store, as `async with Machine(...)`: when the block is left, all of them have ended.

    Entering raises UnavailableError where a machine has no loopback addresses for pods.
    """

    def __init__(self, store: Store, folder: Path, images: Mapping[str, Path]) -> None:
        """Take what to run.

        Args:
            store: Its pods, Secrets and ConfigMaps; statuses are written into it.
            folder: Where pods have their files and logs.
            images: The folders of images; every other name means the running installation.
        """
        self._store = store
        self._folder = folder
        self._images = KnownImages(images, others=running_installation())
        self._stack = AsyncExitStack()
        self._node: Node | None = None

    async def __aenter__(self) -> Machine:
        addresses = self._stack.enter_context(Addresses.claim())
        node = Node(
            NAME,
            folder=self._folder,
            images=self._images,
            source=StoreSource(self._store),
            addresses=addresses,
            report=self._take,
        )
        self._node = await self._stack.enter_async_context(node)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def run(self) -> None:
        """Bring what runs to what the store says, at each change of it."""
        node, known = self._node, ""
        while node is not None:
            version = self._store.version
            await node.sync(self._store.all_of("Pod"))
            data = _versions([*self._store.all_of("Secret"), *self._store.all_of("ConfigMap")])
            if data != known:
                known = data
                node.objects_changed()
            await self._store.wait_for_change(version)

    async def _take(self, change: PodStatusChange) -> None:
        """Take what the node says of a pod."""
        ref = Ref("Pod", change.namespace, change.name)
        pod = self._store.get(ref)
        if pod is None or uid_of(pod) != change.uid:
            return
        before = cast("Manifest", as_mapping(at_path(pod, "metadata", "annotations")))
        annotations: dict[str, Json] = {**before, **change.annotations}
        kept = {name: value for name, value in annotations.items() if value is not None}
        if kept != before:
            self._store.patch(ref, ("metadata", "annotations"), kept)
        self._store.set_status(ref, change.status)
        if change.gone:
            self._store.remove(ref, change.uid)


class StoreSource:
    """Tells a node of the store's Secrets and ConfigMaps."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """Return the decoded data of a Secret, or None when there is none."""
        found = self._store.get(Ref("Secret", namespace, name))
        return None if found is None else secret_data(found)

    async def config_map(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """Return the data of a ConfigMap, or None when there is none."""
        found = self._store.get(Ref("ConfigMap", namespace, name))
        return None if found is None else config_data(found)

    async def token(self, wish: object) -> bytes | None:
        """There are no tokens of ServiceAccounts here."""
        return None


def _versions(objects: Sequence[Manifest]) -> str:
    return " ".join(as_text(at_path(item, "metadata", "resourceVersion")) for item in objects)
