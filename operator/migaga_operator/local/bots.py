"""Reconciles every bot of the store, as the operator does on a cluster: observe, plan, apply. `up.py` runs it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime

import aiohttp

from migaga_operator.cluster import Cluster, RefusedError, StaleError
from migaga_operator.crd.read import KIND, read_bot
from migaga_operator.json_types import Manifest, as_text, at_path
from migaga_operator.local.pods import condition
from migaga_operator.local.reports import ask_pods
from migaga_operator.local.store import Store, ref_of, utc_now
from migaga_operator.observed import Observed, observe
from migaga_operator.ops import Apply, Delete, Event, Op, Scale, SetStatus
from migaga_operator.planner import plan

_LOG = logging.getLogger(__name__)

SOON = 1.0
"""Seconds until a bot that moves is looked at again."""
RARELY = 5.0
"""Seconds until a bot at rest is."""
AT_LEAST = 0.2
"""Seconds between two looks: many changes are one look."""


class BotReconciler:
    """Keeps every bot as its spec asks for."""

    def __init__(
        self,
        store: Store,
        cluster: Cluster,
        session: aiohttp.ClientSession,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._cluster = cluster
        self._session = session
        self._now = now
        self.reports: Mapping[str, object] = {}
        """The `/status` documents of the last look, by name of the pod."""

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
        """Reconcile every bot once."""
        self.reports = await ask_pods(self._store.all_of("Pod"), self._session)
        for bot in self._store.all_of(KIND):
            try:
                await self.reconcile(bot)
            except Exception:
                # A fault of ours about one bot must not end the others, nor this one's pods.
                _LOG.exception("%s could not be looked at", ref_of(bot))

    async def reconcile(self, bot: Manifest) -> list[Op]:
        """Do what is to be done for one bot, and return it."""
        observed = self._observe(bot)
        ops = plan(read_bot(bot), observed, self._now())
        for op in ops:
            if not isinstance(op, SetStatus):
                _LOG.info("%s: %s", observed.owner.name, op)
            try:
                await self._apply(op, observed)
            except (RefusedError, StaleError) as error:
                # Something of that name is still ending; the next look tries again.
                _LOG.warning("%s: %s was refused: %s", observed.owner.name, op, error)
        return ops

    def _observe(self, bot: Manifest) -> Observed:
        namespace = ref_of(bot).namespace
        return observe(
            bot,
            objects=[
                item for item in self._store.all_of(namespace=namespace) if ref_of(item).kind not in {"Pod", KIND}
            ],
            pods=self._store.all_of("Pod", namespace),
            reports=self.reports,
            bots=self._store.all_of(KIND),
        )

    async def _apply(self, op: Op, observed: Observed) -> None:
        owner = observed.owner
        match op:
            case Apply():
                await self._cluster.apply(op.manifest)
            case Scale():
                await self._cluster.scale(op.key, owner.namespace, op.replicas)
            case Delete():
                await self._cluster.delete(op.key, owner.namespace, op.uid)
            case SetStatus():
                await self._cluster.set_status(owner, op.manifest)
            case Event():
                await self._cluster.tell(owner, op)

    def _pause(self) -> float:
        return RARELY if all(is_at_rest(bot) for bot in self._store.all_of(KIND)) else SOON


def is_at_rest(bot: Manifest) -> bool:
    """Whether nothing of a bot is on its way: everything is as its spec asks for."""
    observed = at_path(bot, "status", "observedGeneration") == at_path(bot, "metadata", "generation")
    moving = [condition(bot, kind).get("status") for kind in ("Progressing", "Resharding")]
    return observed and moving == ["False", "False"] and as_text(condition(bot, "Ready").get("status")) != "Unknown"
