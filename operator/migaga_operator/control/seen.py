"""What is there, as watches and our own writes tell: raw objects in memory, by bot. The reconciles read it.

A watch tells what we have written only later. Until then what came back from the write counts, and an older event does
not undo it. All happens in one event loop, so nothing needs a lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from migaga_operator.builders.fleet import BOT_LABEL
from migaga_operator.crd.read import KIND
from migaga_operator.json_types import as_mapping, as_text, at_path

Object = Mapping[str, object]
_MOST_GONE = 10_000


class BotKey(NamedTuple):
    """A bot."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Ref(NamedTuple):
    """An object."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


class Seen:
    """Bots and everything that carries a bot's label."""

    def __init__(self) -> None:
        self._objects: dict[Ref, Object] = {}
        self._by_bot: dict[BotKey, set[Ref]] = defaultdict(set)
        self._by_application: dict[str, set[BotKey]] = defaultdict(set)
        self._gone: dict[str, None] = {}

    def put(self, found: Object) -> set[BotKey]:
        """Take an object as a watch tells it, and return the bots that this is news for."""
        ref = _ref(found)
        before = self._objects.get(ref)
        if uid_of(found) in self._gone and not _is_leaving(found):
            return set()
        if before is not None and (version_of(before) == version_of(found) or _is_older(found, before)):
            return set()
        concerned = self._forget(ref)
        return concerned | self._keep(ref, found)

    def wrote(self, found: Object) -> None:
        """Take an object as it came back from a write of ours."""
        ref = _ref(found)
        before = self._objects.get(ref)
        if before is not None and _is_older(found, before):
            return
        self._forget(ref)
        self._keep(ref, found)

    def remove(self, found: Object) -> set[BotKey]:
        """Take note that a watch tells of a deletion, and return the bots that this is news for."""
        ref, uid = _ref(found), uid_of(found)
        self._gone.pop(uid, None)
        before = self._objects.get(ref)
        return self._forget(ref) if before is not None and uid_of(before) == uid else set()

    def deleted(self, namespace: str, kind: str, name: str, uid: str) -> None:
        """Take note of a deletion of ours. Events from before it count no more."""
        self._gone[uid] = None
        while len(self._gone) > _MOST_GONE:
            del self._gone[next(iter(self._gone))]
        ref = Ref(kind, namespace, name)
        if uid_of(self._objects.get(ref)) == uid:
            self._forget(ref)

    def drop(self, ref: Ref, uid: str) -> set[BotKey]:
        """Forget an object that is known to be gone although no watch has said so."""
        return self._forget(ref) if uid_of(self._objects.get(ref)) == uid else set()

    # ---- reading

    def bots(self) -> list[BotKey]:
        """Return all bots."""
        return [BotKey(ref.namespace, ref.name) for ref in self._objects if ref.kind == KIND]

    def bot(self, key: BotKey) -> Object | None:
        """Return a bot; None when it is not there."""
        return self._objects.get(Ref(KIND, *key))

    def objects(self, key: BotKey) -> list[Object]:
        """Return what carries a bot's label, without pods."""
        return [self._objects[ref] for ref in self._by_bot.get(key, ()) if ref.kind not in {KIND, "Pod"}]

    def pods(self, key: BotKey) -> list[Object]:
        """Return the pods that carry a bot's label, by name."""
        return [self._objects[ref] for ref in sorted(self._by_bot.get(key, ())) if ref.kind == "Pod"]

    def of_application(self, key: BotKey) -> list[Object]:
        """Return all bots of the same application, itself included."""
        alike = self._by_application.get(_application(self.bot(key)), ())
        return [bot for one in sorted(alike) if (bot := self.bot(one)) is not None]

    def versions(self) -> dict[str, tuple[Ref, str]]:
        """Return for each object, by its uid, where it is and which version is known."""
        return {uid_of(found): (ref, version_of(found)) for ref, found in self._objects.items()}

    def __len__(self) -> int:
        return len(self._objects)

    # ---- within

    def _keep(self, ref: Ref, found: Object) -> set[BotKey]:
        self._objects[ref] = trimmed(found)
        key = _bot_of(ref, found)
        self._by_bot[key].add(ref)
        if ref.kind != KIND:
            return {key}
        self._by_application[_application(found)].add(key)
        return {key, *self._by_application[_application(found)]}

    def _forget(self, ref: Ref) -> set[BotKey]:
        before = self._objects.pop(ref, None)
        if before is None:
            return set()
        key = _bot_of(ref, before)
        self._by_bot[key].discard(ref)
        if not self._by_bot[key]:
            del self._by_bot[key]
        concerned = {key}
        if ref.kind == KIND:
            application = _application(before)
            self._by_application[application].discard(key)
            concerned |= self._by_application[application]
            if not self._by_application[application]:
                del self._by_application[application]
        return concerned


def trimmed(found: Object) -> Object:
    """Return an object without what nobody here reads: most of the memory of a large cluster would be that."""
    metadata = {name: value for name, value in as_mapping(found.get("metadata")).items() if name != "managedFields"}
    if found.get("kind") != "Pod":
        return {**found, "metadata": metadata}
    metadata.pop("annotations", None)
    containers = at_path(found, "spec", "containers")
    ports = [
        {"name": at_path(item, "name"), "ports": at_path(item, "ports")}
        for item in (containers if isinstance(containers, list) else [])
    ]
    status = {name: at_path(found, "status", name) for name in ("phase", "podIP", "conditions", "containerStatuses")}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": ports}, "status": status}


def uid_of(found: object) -> str:
    """Return the unique id of an object."""
    return as_text(at_path(found, "metadata", "uid"))


def version_of(found: object) -> str:
    """Return the version of an object."""
    return as_text(at_path(found, "metadata", "resourceVersion"))


def _ref(found: Object) -> Ref:
    metadata = as_mapping(found.get("metadata"))
    return Ref(as_text(found.get("kind")), as_text(metadata.get("namespace")), as_text(metadata.get("name")))


def _bot_of(ref: Ref, found: Object) -> BotKey:
    labels = as_mapping(at_path(found, "metadata", "labels"))
    return BotKey(ref.namespace, ref.name if ref.kind == KIND else as_text(labels.get(BOT_LABEL)))


def _application(bot: object) -> str:
    return as_text(at_path(bot, "spec", "applicationId"))


def _is_leaving(found: Object) -> bool:
    return bool(as_text(at_path(found, "metadata", "deletionTimestamp")))


def _is_older(one: Object, other: Object) -> bool:
    """Whether one version is before another. They are numbers that grow; officially since Kubernetes 1.35."""
    versions = version_of(one), version_of(other)
    return all(text.isascii() and text.isdigit() for text in versions) and int(versions[0]) < int(versions[1])
