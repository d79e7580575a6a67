"""The volumes of a pod: read from its spec, and what files are in them.

`pod.py` reads them; `filling.py` writes the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from migaga_operator.json_types import as_list, as_mapping, as_text, as_whole, at_path
from migaga_operator.node.downward import Facts, FieldRef, ResourceRef, read_downward
from migaga_operator.node.names import is_key, is_name, is_relative
from migaga_operator.node.objects import (
    Kind,
    MissingError,
    ObjectRef,
    Objects,
    data_of,
    missing_key,
)

DEFAULT_MODE = 0o644


class File(NamedTuple):
    """What one file of a volume holds."""

    content: bytes
    mode: int


class Item(NamedTuple):
    """A key and the file that it becomes."""

    key: str
    path: str
    mode: int | None


@dataclass(frozen=True, slots=True)
class ObjectFiles:
    """Files made of a Secret or ConfigMap: all keys, or the named ones."""

    ref: ObjectRef
    items: tuple[Item, ...] | None
    optional: bool


@dataclass(frozen=True, slots=True)
class DownwardFile:
    """A file that tells something of the pod itself."""

    path: str
    says: FieldRef | ResourceRef
    mode: int | None


@dataclass(frozen=True, slots=True)
class TokenFile:
    """A file with a token of the pod's ServiceAccount."""

    path: str
    audience: str
    seconds: int


Source = ObjectFiles | DownwardFile | TokenFile


@dataclass(frozen=True, slots=True)
class Volume:
    """One volume."""

    name: str
    kind: Literal["files", "empty", "host", "unknown"]
    sources: tuple[Source, ...] = ()
    mode: int = DEFAULT_MODE
    path: str = ""
    """Of kind `host`: the folder or file of the machine. Of kind `unknown`: what it is."""

    @property
    def refs(self) -> Iterator[ObjectRef]:
        """The objects that it is made of."""
        return (item.ref for item in self.sources if isinstance(item, ObjectFiles))

    @property
    def tokens(self) -> Iterator[TokenFile]:
        """The tokens that are in it."""
        return (item for item in self.sources if isinstance(item, TokenFile))


def read_volume(value: object) -> Volume | None:
    """Read a volume; None when it has no usable name."""
    given = as_mapping(value)
    name = as_text(given.get("name"))
    if not is_name(name):
        return None
    mode = DEFAULT_MODE
    for kind in ("secret", "configMap", "downwardAPI", "projected"):
        body = as_mapping(given.get(kind))
        if kind in given and given[kind] is not None:
            mode = _mode(body.get("defaultMode")) or DEFAULT_MODE
            parts = as_list(body.get("sources")) if kind == "projected" else [{kind: body}]
            return Volume(name, "files", tuple(source for part in parts for source in _sources(part)), mode)
    path = as_text(at_path(given, "hostPath", "path"))
    if path.startswith("/"):
        return Volume(name, "host", path=path)
    if given.get("emptyDir") is not None or not [key for key, body in given.items() if key != "name" and body]:
        return Volume(name, "empty")
    kinds = sorted(str(key) for key in given if key != "name")
    return Volume(name, "unknown", path=", ".join(kinds)[:80])


def volume_files(
    volume: Volume, facts: Facts, objects: Objects, tokens: Mapping[TokenFile, bytes | None]
) -> Mapping[str, File]:
    """Return the files of a volume by their paths in it. Raises MissingError for what is not there and must be."""
    found: dict[str, File] = {}
    for source in volume.sources:
        if isinstance(source, ObjectFiles):
            found.update(_object_files(source, facts.namespace, objects, volume.mode))
        elif isinstance(source, DownwardFile):
            text = facts.say(source.says)
            found[source.path] = File((text or "").encode(), source.mode or volume.mode)
        else:
            token = tokens.get(source)
            if token is None:
                said = f"no token can be had for the ServiceAccount {facts.account} in namespace {facts.namespace}"
                raise MissingError(f"{said}. Create the ServiceAccount, or set automountServiceAccountToken: false.")
            found[source.path] = File(token, volume.mode)
    return found


def _object_files(source: ObjectFiles, namespace: str, objects: Objects, mode: int) -> Iterable[tuple[str, File]]:
    data = data_of(source.ref, objects, optional=source.optional, namespace=namespace)
    if source.items is None:
        return [(key, File(content, mode)) for key, content in data.items() if is_key(key)]
    found = []
    for item in source.items:
        if item.key in data:
            found.append((item.path, File(data[item.key], item.mode or mode)))
        elif not source.optional:
            raise missing_key(source.ref, item.key, namespace)
    return found


def _sources(value: object) -> Iterator[Source]:
    part = as_mapping(value)
    kinds: tuple[tuple[str, Kind], ...] = (("secret", "Secret"), ("configMap", "ConfigMap"))
    for word, kind in kinds:
        body = as_mapping(part.get(word))
        name = as_text(body.get("secretName")) or as_text(body.get("name"))
        if name:
            items = tuple(_items(body.get("items"))) if as_list(body.get("items")) else None
            yield ObjectFiles(ObjectRef(kind, name), items, body.get("optional") is True)
    for item in map(as_mapping, as_list(at_path(part, "downwardAPI", "items"))):
        says, path = read_downward(item), as_text(item.get("path"))
        if says is not None and is_relative(path):
            yield DownwardFile(path, says, _mode(item.get("mode")))
    token = as_mapping(part.get("serviceAccountToken"))
    if is_relative(as_text(token.get("path"))):
        seconds = as_whole(token.get("expirationSeconds")) or 3600
        yield TokenFile(as_text(token.get("path")), as_text(token.get("audience")), min(max(600, seconds), 2**32))


def _items(value: object) -> Iterator[Item]:
    for item in map(as_mapping, as_list(value)):
        key, path = as_text(item.get("key")), as_text(item.get("path"))
        if is_relative(path):
            yield Item(key, path, _mode(item.get("mode")))


def _mode(value: object) -> int | None:
    given = as_whole(value)
    return given if given is not None and 0 <= given <= 0o777 else None
