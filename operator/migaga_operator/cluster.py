"""What a reconcile asks of whatever keeps the objects: an API server (`kube/`) or this machine's memory (`local/`).

Whoever applies operations takes a `Cluster`; it imports neither kopf nor the client.
"""

from __future__ import annotations

from typing import Protocol

from migaga.common.errors import MigagaError, UnavailableError
from migaga_operator.builders.fleet import Owner
from migaga_operator.json_types import Json, Manifest
from migaga_operator.ops import Event, Key


class RefusedError(MigagaError):
    """The objects' keeper says no to a request, and would say it again. The message is shown in status."""


class AwayError(UnavailableError):
    """The objects' keeper does not answer, or is too busy. The same request may succeed later."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that it asks to wait; None: it does not say."""


class StaleError(MigagaError):
    """What a request is about has changed or is gone meanwhile: look again, and decide anew."""


class Cluster(Protocol):
    """Writes objects. Every method may raise `RefusedError`, `StaleError` and `AwayError`.

    What a write made of an object comes back where the keeper says so: a watch tells it only later.
    """

    async def apply(self, manifest: Manifest) -> Manifest:
        """Create an object, or bring what is ours in it to what it should be; return the object as it is kept."""

    async def scale(self, key: Key, namespace: str, replicas: int) -> Manifest | None:
        """Change how many pods a Deployment asks for, and nothing else of it."""

    async def delete(self, key: Key, namespace: str, uid: str) -> None:
        """Delete this one object. One that is gone, or another of its name, is no error."""

    async def set_status(self, owner: Owner, status: Json) -> Manifest | None:
        """Write the status of a bot."""

    async def tell(self, owner: Owner, event: Event) -> None:
        """Write an event that people read with `kubectl describe`."""
