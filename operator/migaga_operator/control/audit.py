"""Compares what watches told with what is there: at the start until all is known, then every few minutes.

A watch that was cut off may miss deletions: what is gone is forgotten here. A watch that tells nothing any more while
objects change is dead: `/healthz` says so then, and the process is started anew.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from migaga.common.clock import Clock
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.control.seen import BotKey, Ref, Seen
from migaga_operator.json_types import as_text
from migaga_operator.kube.kinds import Resource

_LOG = logging.getLogger(__name__)
EVERY_SECONDS = 300.0
LAG_SECONDS = 30.0
"""A watch that does not tell a change for so long is dead."""
_AGAIN_SECONDS = 0.1
_TRIES = 50
"""Before the list is made anew while everything is read for the first time."""


class Lister(Protocol):
    """Lists what is there."""

    def heads(self, resource: Resource, namespace: str) -> AsyncIterator[Mapping[str, object]]:
        """Yield the metadata of all objects of a kind; of all namespaces when none is named."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What is watched."""

    resources: Sequence[Resource]
    namespaces: Sequence[str]
    """An empty name stands for all namespaces."""


class Audit:
    """The comparison."""

    def __init__(
        self, seen: Seen, lister: Lister, scope: Scope, *, clock: Clock, wake: Callable[[BotKey], None]
    ) -> None:
        self._seen = seen
        self._lister = lister
        self._scope = scope
        self._clock = clock
        self._wake = wake
        self.is_complete = False
        """Whether watches have told everything once."""
        self.lagging: tuple[Ref, ...] = ()
        """Objects whose changes no watch has told."""

    async def until_complete(self) -> None:
        """Wait until watches have told of everything that is there."""
        while not self.is_complete:
            try:
                self.is_complete = await self._is_told(await self._versions())
            except (AwayError, StaleError, RefusedError) as error:
                _LOG.warning("what is there cannot be listed yet: %s", error)
                await self._clock.sleep(2.0)

    async def run(self) -> None:
        """Compare every few minutes, until cancelled."""
        while True:
            await self._clock.sleep(EVERY_SECONDS)
            try:
                await self.compare()
            except (AwayError, StaleError, RefusedError) as error:
                _LOG.warning("what is there could not be compared with what is known: %s", error)

    async def compare(self) -> None:
        """Compare once: forget what is gone, and note which changes watches have not told."""
        before = self._seen.versions()
        listed = await self._versions()
        await self._clock.sleep(LAG_SECONDS)
        now = self._seen.versions()
        self.lagging = tuple(sorted(_late(before, listed, now)))
        if self.lagging:
            _LOG.error("no watch has told of changes of %d objects, such as %s", len(self.lagging), self.lagging[0])
        for uid, (ref, _) in before.items():
            if uid not in listed and uid in now:
                _LOG.warning("%s is gone, and no watch has told so", ref)
                for bot in self._seen.drop(ref, uid):
                    self._wake(bot)

    async def _is_told(self, listed: Iterable[str]) -> bool:
        wanted = set(listed)
        for _ in range(_TRIES):
            if wanted <= self._seen.versions().keys():
                return True
            await self._clock.sleep(_AGAIN_SECONDS)
        return False

    async def _versions(self) -> dict[str, str]:
        return {
            as_text(head.get("uid")): as_text(head.get("resourceVersion"))
            for resource in self._scope.resources
            for namespace in self._scope.namespaces
            async for head in self._lister.heads(resource, namespace)
        }


def _late(
    before: Mapping[str, tuple[Ref, str]], listed: Mapping[str, str], now: Mapping[str, tuple[Ref, str]]
) -> Iterable[Ref]:
    """Yield what was changed before the list was made, and is still known as it was."""
    for uid, (ref, version) in before.items():
        if listed.get(uid, version) != version and now.get(uid, (ref, ""))[1] == version:
            yield ref
