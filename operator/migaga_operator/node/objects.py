"""What a node asks of other objects: Secrets, ConfigMaps and tokens. Implemented by whoever runs a `Node`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from migaga.common.errors import MigagaError

Kind = Literal["Secret", "ConfigMap"]


class ObjectRef(NamedTuple):
    """A Secret or ConfigMap of a pod's own namespace."""

    kind: Kind
    name: str


@dataclass(frozen=True, slots=True)
class TokenWish:
    """A token of a ServiceAccount that a pod wants as a file."""

    namespace: str
    account: str
    pod_name: str
    pod_uid: str
    audience: str = ""
    """Empty: the API server itself."""
    seconds: int = 3600


class ObjectSource(Protocol):
    """Where a node finds other objects. Each method raises UnavailableError when it cannot be told."""

    async def secret(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """Return the decoded data of a Secret, or None when there is none."""

    async def config_map(self, namespace: str, name: str) -> Mapping[str, bytes] | None:
        """Return `data` and the decoded `binaryData` of a ConfigMap, or None when there is none."""

    async def token(self, wish: TokenWish) -> bytes | None:
        """Return a token that is still valid for a while, or None where there are no tokens."""


class MissingError(MigagaError):
    """A pod names an object or a key that is not there. It may come: the node looks again."""


Objects = Mapping[ObjectRef, Mapping[str, bytes] | None]
"""What was found: data by object, None for what is not there."""
NOTHING: Objects = MappingProxyType({})


async def fetch(refs: Iterable[ObjectRef], namespace: str, source: ObjectSource) -> Objects:
    """Ask for all of these objects side by side. Raises UnavailableError when one cannot be told."""
    wanted = sorted(set(refs))

    async def one(ref: ObjectRef) -> Mapping[str, bytes] | None:
        ask = source.secret if ref.kind == "Secret" else source.config_map
        return await ask(namespace, ref.name)

    found = await asyncio.gather(*map(one, wanted), return_exceptions=True)
    failed = [item for item in found if isinstance(item, BaseException)]
    if failed:
        raise failed[0]
    return {ref: item for ref, item in zip(wanted, found, strict=True) if not isinstance(item, BaseException)}


def data_of(ref: ObjectRef, objects: Objects, *, optional: bool, namespace: str) -> Mapping[str, bytes]:
    """Return the data of an object; of one that is not there none, if it may be missing. Raises MissingError."""
    found = objects.get(ref)
    if found is None and not optional:
        said = f'{ref.kind.lower()} "{ref.name}" not found in namespace {namespace}'
        raise MissingError(f"{said}. Create it; the pod then goes on by itself.")
    return found or {}


def missing_key(ref: ObjectRef, key: str, namespace: str) -> MissingError:
    """Return the error for an object that lacks a key."""
    said = f'couldn\'t find key "{key}" in {ref.kind.lower()} {namespace}/{ref.name}'
    return MissingError(f"{said}. Add it; the pod then goes on by itself.")
