"""Reconciles every bot of the store by the operator's own looks (`control/look.py`). `up.py` runs it.

The store stands where watches and the API server are on a cluster; what differs is only who wakes the looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Container, Iterable, Mapping
from contextlib import suppress

import aiohttp

from migaga.common.clock import MonotonicClock
from migaga_operator.builders.fleet import BOT_LABEL
from migaga_operator.cluster import AwayError, RefusedError, StaleError
from migaga_operator.control.asking import PodAsker
from migaga_operator.control.look import Looker, Surroundings
from migaga_operator.control.seen import BotKey, Seen
from migaga_operator.crd.read import KIND
from migaga_operator.json_types import Manifest, as_mapping, as_text, at_path
from migaga_operator.local.cluster import LocalCluster
from migaga_operator.local.pods import condition
from migaga_operator.local.store import Store, ref_of, uid_of

_LOG = logging.getLogger(__name__)

SOON = 1.0
"""Seconds until a bot that moves is looked at again."""
RARELY = 5.0
"""Seconds until a bot at rest is."""
AT_LEAST = 0.2
"""Seconds between two looks: many changes are one look."""


class BotReconciler:
    """Keeps every bot as its spec asks for."""

    def __init__(self, store: Store, cluster: LocalCluster, session: aiohttp.ClientSession) -> None:
        self._store = store
        self._seen = Seen()
        self._asker = _Asker(PodAsker(session))
        around = Surroundings(self._seen, cluster, self._asker, MonotonicClock(), may_write=_always)
        self._looker = Looker(around)

    @property
    def reports(self) -> Mapping[str, object]:
        """The `/status` documents that came last, by name of the pod."""
        return self._asker.reports

    async def run(self) -> None:
        """Look at all bots whenever anything changes, and now and then, because pods change by themselves."""
        while True:
            version = self._store.version
            await self.look()
            await asyncio.sleep(AT_LEAST)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._pause() - AT_LEAST):
                    await self._store.wait_for_change(version)

    async def look(self) -> None:
        """Look at every bot once."""
        self._see()
        for key in self._seen.bots():
            await self._look(key)

    async def _look(self, key: BotKey) -> None:
        try:
            await self._looker.look(key)
        except (RefusedError, StaleError, AwayError) as error:
            # Something of that name is still ending; the next look tries again.
            _LOG.warning("bot %s: %s", key, error)
        except Exception:
            # A fault of ours about one bot must not end the others, nor this one's pods.
            _LOG.exception("bot %s could not be looked at", key)

    def _see(self) -> None:
        """Take what the store has, as a watch would tell it."""
        there = {uid_of(item): item for item in self._store.all_of()}
        for uid, (ref, _) in self._seen.versions().items():
            if uid not in there:
                self._seen.drop(ref, uid)
        self._asker.forget_others({ref_of(item).name for item in there.values()})
        for item in there.values():
            if item.get("kind") == KIND or BOT_LABEL in as_mapping(at_path(item, "metadata", "labels")):
                self._seen.put(item)

    def _pause(self) -> float:
        return RARELY if all(is_at_rest(bot) for bot in self._store.all_of(KIND)) else SOON


class _Asker:
    """Asks pods, and remembers what they said for whoever shows it."""

    def __init__(self, asker: PodAsker) -> None:
        self._asker = asker
        self.reports: dict[str, object] = {}

    async def ask(self, pods: Iterable[object]) -> dict[str, object]:
        """Return the `/status` documents of those pods that answer, by name."""
        asked = list(pods)
        found = await self._asker.ask(asked)
        for pod in asked:
            self.reports.pop(as_text(at_path(pod, "metadata", "name")), None)
        self.reports.update(found)
        return found

    def forget_others(self, names: Container[str]) -> None:
        """Forget what pods said that are gone; `names` are those that are there."""
        self.reports = {name: report for name, report in self.reports.items() if name in names}


def is_at_rest(bot: Manifest) -> bool:
    """Whether nothing of a bot is on its way: everything is as its spec asks for."""
    observed = at_path(bot, "status", "observedGeneration") == at_path(bot, "metadata", "generation")
    moving = [condition(bot, kind).get("status") for kind in ("Progressing", "Resharding")]
    return observed and moving == ["False", "False"] and as_text(condition(bot, "Ready").get("status")) != "Unknown"


def _always() -> None:
    """There is no other operator on this machine's memory."""
