"""Objects of one machine, kept in memory as an API server keeps them: `up.py` makes one, everything else looks at it.

Nothing is changed in place: what was read stays as it was. All happens in one event loop, so nothing needs a lock.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from migaga_operator.cluster import RefusedError
from migaga_operator.json_types import Json, Manifest, as_list, as_text, as_whole, at_path
from migaga_operator.local.applying import merged

DEFAULT_NAMESPACE = "default"
DEFAULT_GRACE = 30
"""Seconds, where a pod says nothing (Kubernetes' own default)."""
_OURS = ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")
"""Fields of metadata that only the store writes."""


@dataclass(frozen=True, slots=True, order=True)
class Ref:
    """An object: its kind, namespace and name."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


def ref_of(manifest: object) -> Ref:
    """Return which object a manifest is."""
    namespace = as_text(at_path(manifest, "metadata", "namespace")) or DEFAULT_NAMESPACE
    return Ref(as_text(at_path(manifest, "kind")), namespace, as_text(at_path(manifest, "metadata", "name")))


def uid_of(manifest: object) -> str:
    """Return the unique id of an object."""
    return as_text(at_path(manifest, "metadata", "uid"))


def is_leaving(manifest: object) -> bool:
    """Whether an object is being deleted."""
    return bool(as_text(at_path(manifest, "metadata", "deletionTimestamp")))


def written(moment: datetime) -> str:
    """Write a time as Kubernetes does."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class Store:
    """All objects. Every change makes a new `version`; who waits for one uses `wait_for_change`."""

    def __init__(self, now: Callable[[], datetime] = utc_now) -> None:
        self._now = now
        self._objects: dict[Ref, Manifest] = {}
        self._applied: dict[Ref, Manifest] = {}
        self._version = 0
        self._changed = asyncio.Event()

    # ---- reading

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._version

    def get(self, ref: Ref) -> Manifest | None:
        """Return an object; None when it is not there."""
        return self._objects.get(ref)

    def all_of(self, kind: str = "", namespace: str = "") -> list[Manifest]:
        """Return the objects of a kind in a namespace, by name; of all where nothing is named."""
        return [
            item
            for ref, item in sorted(self._objects.items(), key=lambda pair: pair[0])
            if kind in {"", ref.kind} and namespace in {"", ref.namespace}
        ]

    async def wait_for_change(self, since: int) -> int:
        """Wait until there is a newer version than `since`, and return it."""
        while self._version <= since:
            await self._changed.wait()
        return self._version

    # ---- writing

    def apply(self, manifest: Manifest) -> Manifest:
        """Create an object, or bring what was applied before to what is applied now. Status is kept as it is.

        Raises RefusedError for an object without kind or name, and for one that is being deleted.
        """
        ref = self._checked(manifest)
        wanted = {name: value for name, value in manifest.items() if name != "status"}
        live = self._objects.get(ref)
        if live is None:
            return self._create(ref, wanted)
        if is_leaving(live):
            raise RefusedError(f"{ref} is being deleted. Wait until it is gone.")
        found = cast("Manifest", merged(live, self._applied.get(ref), wanted))
        self._applied[ref] = wanted
        return self._replace(ref, found)

    def patch(self, ref: Ref, path: tuple[str, ...], value: Json) -> Manifest:
        """Write one field, whoever set it. Raises RefusedError when the object is not there."""
        return self._replace(ref, cast("Manifest", _put(self._existing(ref), path, value)))

    def set_status(self, ref: Ref, status: Json) -> Manifest:
        """Replace the status. Raises RefusedError when the object is not there."""
        return self.patch(ref, ("status",), status)

    def delete(self, ref: Ref, uid: str = "", grace: int | None = None) -> None:
        """Delete an object. A pod gets its grace and stays until `remove`; again with less grace shortens it.

        Args:
            ref: Which one; one that is not there is no error.
            uid: Only this one of that name.
            grace: Seconds for a pod; None: what its spec says.
        """
        live = self._objects.get(ref)
        if live is None or (uid and uid != uid_of(live)):
            return
        if ref.kind != "Pod":
            self.remove(ref)
            return
        asked = as_whole(at_path(live, "spec", "terminationGracePeriodSeconds"))
        seconds = grace if grace is not None else DEFAULT_GRACE if asked is None else asked
        before = as_whole(at_path(live, "metadata", "deletionGracePeriodSeconds"))
        if before is None or seconds < before:
            metadata = {
                **cast("Manifest", live["metadata"]),
                "deletionTimestamp": written(self._now() + timedelta(seconds=seconds)),
                "deletionGracePeriodSeconds": seconds,
            }
            self._keep(ref, {**live, "metadata": metadata})

    def remove(self, ref: Ref, uid: str = "") -> None:
        """Take an object away at once, and delete what only it owned."""
        live = self._objects.get(ref)
        if live is None or (uid and uid != uid_of(live)):
            return
        del self._objects[ref]
        self._applied.pop(ref, None)
        self._tick()
        for orphan in tuple(self._orphans()):
            self.delete(orphan)

    # ---- within

    def _checked(self, manifest: Manifest) -> Ref:
        ref = ref_of(manifest)
        if not ref.kind or not ref.name:
            raise RefusedError(f"{ref} lacks a kind or a name. Write kind and metadata.name.")
        return ref

    def _existing(self, ref: Ref) -> Manifest:
        live = self._objects.get(ref)
        if live is None:
            raise RefusedError(f"{ref} is not there.")
        return live

    def _create(self, ref: Ref, manifest: Manifest) -> Manifest:
        given = cast("Manifest", manifest["metadata"])
        metadata: dict[str, Json] = {
            **{name: value for name, value in given.items() if name not in _OURS},
            "namespace": ref.namespace,
            "uid": str(uuid.uuid4()),
            "creationTimestamp": written(self._now()),
            "generation": 1,
        }
        self._applied[ref] = manifest
        return self._keep(ref, {**manifest, "metadata": metadata})

    def _replace(self, ref: Ref, manifest: Manifest) -> Manifest:
        live = self._existing(ref)
        own = {name: value for name, value in cast("Manifest", live["metadata"]).items() if name in _OURS}
        metadata = {**cast("Manifest", manifest["metadata"]), **own}
        if {**manifest, "metadata": metadata} == live:
            return live
        if _wish(manifest) != _wish(live):
            metadata["generation"] = (as_whole(own.get("generation")) or 0) + 1
        return self._keep(ref, {**manifest, "metadata": metadata})

    def _keep(self, ref: Ref, manifest: Manifest) -> Manifest:
        self._tick()
        metadata = {**cast("Manifest", manifest["metadata"]), "resourceVersion": str(self._version)}
        self._objects[ref] = {**manifest, "metadata": metadata}
        return self._objects[ref]

    def _tick(self) -> None:
        self._version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _orphans(self) -> Iterator[Ref]:
        there = {uid_of(item) for item in self._objects.values()}
        for ref, item in self._objects.items():
            owners = [as_text(at_path(owner, "uid")) for owner in as_list(at_path(item, "metadata", "ownerReferences"))]
            if owners and there.isdisjoint(owners) and not is_leaving(item):
                yield ref


def _wish(manifest: Manifest) -> Mapping[str, Json]:
    """What a person asks for with an object: everything but what the store and controllers write."""
    return {name: value for name, value in manifest.items() if name not in {"metadata", "status"}}


def _put(value: Json, path: tuple[str, ...], new: Json) -> Json:
    if not path:
        return new
    there = value if isinstance(value, Mapping) else {}
    return {**there, path[0]: _put(there.get(path[0]), path[1:], new)}
