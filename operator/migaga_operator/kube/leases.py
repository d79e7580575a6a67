"""One Lease object of the API server: `control/leadership.py` decides by it who acts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from migaga_operator.cluster import StaleError
from migaga_operator.json_types import Manifest, as_text, as_whole, at_path
from migaga_operator.kube.client import Client
from migaga_operator.kube.kinds import LEASE


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What a Lease says."""

    holder: str
    """Who has it; empty: nobody."""
    seconds: int
    """For how long after its last change it is to be respected."""
    acquired: str = ""
    """When the holder took it, in ISO 8601. For people: clocks of machines differ, nothing is decided by it."""
    turns: int = 0
    """How often it went to another holder."""
    version: str = ""
    """Changes with every write; empty: it has not been written yet."""


class KubeLease:
    """The Lease of a name."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name

    def __str__(self) -> str:
        return f"Lease {self._namespace}/{self._name}"

    async def read(self) -> LeaseRecord | None:
        """Return what it says; None when there is none. Raises RefusedError and AwayError."""
        try:
            found = await self._client.request("GET", LEASE.path(self._namespace, self._name))
        except StaleError:
            return None
        return _record(found)

    async def write(self, record: LeaseRecord) -> LeaseRecord:
        """Write it, if it still has the version of the record, and return what is there now.

        Raises StaleError when somebody else was quicker, RefusedError and AwayError.
        """
        body = self._manifest(record)
        if record.version:
            path = LEASE.path(self._namespace, self._name)
            return _record(await self._client.request("PUT", path, body=body))
        return _record(await self._client.request("POST", LEASE.path(self._namespace), body=body))

    def _manifest(self, record: LeaseRecord) -> Manifest:
        version: Manifest = {"resourceVersion": record.version} if record.version else {}
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self._name, "namespace": self._namespace, **version},
            "spec": {
                "holderIdentity": record.holder,
                "leaseDurationSeconds": record.seconds,
                "acquireTime": record.acquired or None,
                "renewTime": now_in_micros(),
                "leaseTransitions": record.turns,
            },
        }


def now_in_micros() -> str:
    """Return the time of day as Lease objects write it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _record(manifest: Manifest) -> LeaseRecord:
    return LeaseRecord(
        holder=as_text(at_path(manifest, "spec", "holderIdentity")),
        seconds=as_whole(at_path(manifest, "spec", "leaseDurationSeconds")) or 0,
        acquired=as_text(at_path(manifest, "spec", "acquireTime")),
        turns=as_whole(at_path(manifest, "spec", "leaseTransitions")) or 0,
        version=as_text(at_path(manifest, "metadata", "resourceVersion")),
    )
