"""Does what `deployments.py` says for every Deployment of the store, until it is cancelled. `up.py` runs it."""

from __future__ import annotations

import asyncio
import random
import string
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from migaga_operator.json_types import as_text, at_path
from migaga_operator.local.deployments import new_pod, step
from migaga_operator.local.store import Ref, Store, ref_of, utc_now

_LETTERS = "bcdfghjklmnpqrstvwxz" + string.digits


def random_suffix() -> str:
    """Draw what tells a pod from its siblings."""
    return "".join(random.choices(_LETTERS, k=5))


class DeploymentController:
    """Keeps every Deployment's pods as it asks for."""

    def __init__(
        self, store: Store, now: Callable[[], datetime] = utc_now, suffix: Callable[[], str] = random_suffix
    ) -> None:
        self._store = store
        self._now = now
        self._suffix = suffix

    async def run(self) -> None:
        """Look at all Deployments whenever anything changes, or time alone changes the answer."""
        while True:
            version = self._store.version
            look_at = self.look()
            wait = None if look_at is None else max(0.0, (look_at - self._now()).total_seconds())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._store.wait_for_change(version)

    def look(self) -> datetime | None:
        """Do the next step of every Deployment; return when to look again though nothing changes."""
        moments = [self._step(ref_of(item)) for item in self._store.all_of("Deployment")]
        return min((moment for moment in moments if moment is not None), default=None)

    def _step(self, ref: Ref) -> datetime | None:
        deployment = self._store.get(ref)
        if deployment is None:
            return None
        found = step(deployment, self._store.all_of("Pod", ref.namespace), self._now())
        for name in found.delete:
            self._store.delete(Ref("Pod", ref.namespace, name))
        for _ in range(found.create):
            self._store.apply(new_pod(deployment, self._free_suffix()))
        self._store.set_status(ref, found.status)
        return found.look_at

    def _free_suffix(self) -> str:
        taken = {as_text(at_path(pod, "metadata", "name")).rpartition("-")[2] for pod in self._store.all_of("Pod")}
        while (suffix := self._suffix()) in taken:
            pass
        return suffix
