"""Which APIs the server has, and which of them we may use. `control/app.py` asks once, when the process starts."""

from __future__ import annotations

from collections.abc import Iterable

from migaga_operator.cluster import StaleError
from migaga_operator.json_types import Manifest, as_list, at_path
from migaga_operator.kube.client import Client
from migaga_operator.kube.kinds import Resource

_REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


async def serves(client: Client, resource: Resource) -> bool:
    """Whether the server has objects of this kind. Raises RefusedError and AwayError."""
    try:
        found = await client.request("GET", f"/apis/{resource.api_version}")
    except StaleError:
        return False
    return resource.plural in [at_path(item, "name") for item in as_list(found.get("resources"))]


async def may_watch(client: Client, resource: Resource, namespaces: Iterable[str]) -> bool:
    """Whether we may watch a kind in all these namespaces (an empty name: in all there are)."""
    answers = [
        await client.request("POST", _REVIEWS, body=_question(resource, namespace, verb))
        for namespace in namespaces
        for verb in ("list", "watch", "patch")
    ]
    return all(at_path(answer, "status", "allowed") is True for answer in answers)


def _question(resource: Resource, namespace: str, verb: str) -> Manifest:
    asked: Manifest = {"group": resource.group, "resource": resource.plural, "namespace": namespace, "verb": verb}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": asked},
    }
