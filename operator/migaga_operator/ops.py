"""What the planner wants done, as data: the same operations are applied, logged and printed by `migaga plan`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from migaga_operator.crd.record import dump
from migaga_operator.crd.status import BotStatus
from migaga_operator.json_types import Json, Manifest, as_text, at_path


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """An object in the bot's namespace."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def key_of(manifest: object) -> Key:
    """Return the key of an object."""
    return Key(as_text(at_path(manifest, "kind")), as_text(at_path(manifest, "metadata", "name")))


@dataclass(frozen=True, slots=True)
class Apply:
    """Create an object, or bring what is ours in it to what it should be (server-side apply, forced)."""

    key: Key
    manifest: Manifest
    because: str
    """What is missing or different, for people."""
    identifies: int = 0
    """IDENTIFYs of the daily budget that the bot will spend because of this."""

    def __str__(self) -> str:
        cost = f" (costs {self.identifies} IDENTIFYs)" if self.identifies else ""
        return f"apply {self.key}: {self.because}{cost}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Change how many pods a Deployment has, and nothing else of it."""

    key: Key
    before: int
    replicas: int

    def __str__(self) -> str:
        return f"scale {self.key}: {self.before} -> {self.replicas} pods"


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object that the spec does not ask for any more."""

    key: Key
    uid: str
    """Only this one: another of the same name stays."""
    because: str

    def __str__(self) -> str:
        return f"delete {self.key}: {self.because}"


@dataclass(frozen=True, slots=True)
class Event:
    """Tell people who run `kubectl describe`."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str

    def __str__(self) -> str:
        return f"event {self.type} {self.reason}: {self.message}"


@dataclass(frozen=True, slots=True)
class SetStatus:
    """Write the status."""

    status: BotStatus
    changes: tuple[str, ...]
    """The fields that change, for people."""

    def __str__(self) -> str:
        return f"status: {', '.join(self.changes)}"

    @property
    def manifest(self) -> Json:
        """The status as it is written."""
        return dump(self.status)


Op = Apply | Scale | Delete | Event | SetStatus
