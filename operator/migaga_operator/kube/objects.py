"""The `Cluster` that is an API server: server-side apply, status, Events. `control/` writes through it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

from migaga.common.logs import REDACTOR
from migaga.common.text import shorten
from migaga_operator.builders.fleet import MANAGER, Owner
from migaga_operator.cluster import StaleError
from migaga_operator.crd.read import API_VERSION, KIND
from migaga_operator.json_types import Json, Manifest, as_list, as_mapping, as_text, at_path
from migaga_operator.kube.client import APPLY, MERGE, Client
from migaga_operator.kube.kinds import BOT, BY_KIND, EVENT, Resource
from migaga_operator.ops import Event, Key

STATUS_MANAGER = f"{MANAGER}-status"
"""Who writes status: another field manager, so that applying one never takes fields of the other away."""
_METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
_PAGE = 500
_LIST_SECONDS = 30.0
_LONGEST_MESSAGE = 1_000
"""The API server takes 1024 characters."""


class KubeCluster:
    """Reads and writes objects. See `migaga_operator.cluster.Cluster`."""

    def __init__(self, client: Client, identity: str) -> None:
        """Take a client, and the name by which Events say who tells."""
        self._client = client
        self._identity = identity

    async def apply(self, manifest: Manifest) -> Manifest:
        """Create an object, or bring what is ours in it to what it should be; return the object as it is kept."""
        path = BY_KIND[as_text(manifest["kind"])].path(*_place(manifest))
        query = {"fieldManager": MANAGER, "force": "true", "fieldValidation": "Strict"}
        return await self._client.request("PATCH", path, query=query, body=manifest, kind=APPLY)

    async def scale(self, key: Key, namespace: str, replicas: int) -> Manifest:
        """Change how many pods a Deployment asks for, and nothing else of it.

        A merge patch, because applying one field alone would give up all others that were applied by the same manager.
        """
        path = BY_KIND[key.kind].path(namespace, key.name)
        body: Manifest = {"spec": {"replicas": replicas}}
        return await self._client.request("PATCH", path, query={"fieldManager": MANAGER}, body=body, kind=MERGE)

    async def delete(self, key: Key, namespace: str, uid: str) -> None:
        """Delete this one object. One that is gone, or another of its name, is no error."""
        body: Manifest = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        }
        try:
            await self._client.request("DELETE", BY_KIND[key.kind].path(namespace, key.name), body=body)
        except StaleError:
            return

    async def set_status(self, owner: Owner, status: Json) -> Manifest:
        """Write the status of a bot. Raises StaleError when the bot is gone, or is another one of its name."""
        metadata: Manifest = {"name": owner.name, "namespace": owner.namespace, "uid": owner.uid}
        body: Manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "status": status}
        query = {"fieldManager": STATUS_MANAGER, "force": "true", "fieldValidation": "Strict"}
        path = BOT.path(owner.namespace, owner.name, "status")
        return await self._client.request("PATCH", path, query=query, body=body, kind=APPLY)

    async def tell(self, owner: Owner, event: Event) -> None:
        """Write an event that people read with `kubectl describe`."""
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body: Manifest = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{owner.name}.{uuid.uuid4().hex[:16]}", "namespace": owner.namespace},
            "involvedObject": {
                "apiVersion": API_VERSION,
                "kind": KIND,
                "name": owner.name,
                "namespace": owner.namespace,
                "uid": owner.uid,
            },
            "type": event.type,
            "reason": event.reason,
            "message": shorten(REDACTOR.clean(event.message), _LONGEST_MESSAGE),
            "source": {"component": MANAGER},
            "reportingComponent": f"migaga.dev/{MANAGER}",
            "reportingInstance": self._identity[:128],
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        await self._client.request("POST", EVENT.path(owner.namespace), body=body)

    async def read(self, key: Key, namespace: str) -> Manifest | None:
        """Return an object as it is kept now, whoever owns it; None when it is not there."""
        try:
            return await self._client.request("GET", BY_KIND[key.kind].path(namespace, key.name))
        except StaleError:
            return None

    async def heads(self, resource: Resource, namespace: str) -> AsyncIterator[Mapping[str, object]]:
        """Yield the metadata of all objects that are watched, as they are now. An empty namespace: of all."""
        query = {"limit": str(_PAGE)}
        if resource.selector:
            query["labelSelector"] = resource.selector
        while True:
            page = await self._client.request(
                "GET", resource.path(namespace), query=query, accept=_METADATA_ONLY, seconds=_LIST_SECONDS
            )
            for item in as_list(page.get("items")):
                yield as_mapping(at_path(item, "metadata"))
            more = as_text(at_path(page, "metadata", "continue"))
            if not more:
                return
            query["continue"] = more


def _place(manifest: Manifest) -> tuple[str, str]:
    return as_text(at_path(manifest, "metadata", "namespace")), as_text(at_path(manifest, "metadata", "name"))
