"""One look at one bot: gather what is there, plan, and do it. Level-triggered: why it was woken does not matter.

`reconciler.py` decides when. What a write gives back is known to the next plan at once, so the plan is made again after
the objects were written, and the status that is written last is about them.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from migaga.common.clock import Clock
from migaga.common.logs import REDACTOR
from migaga.common.text import shorten
from migaga_operator.cluster import AwayError, Cluster, RefusedError, StaleError
from migaga_operator.control.pace import pause
from migaga_operator.control.seen import BotKey, Object, Seen, uid_of, version_of
from migaga_operator.control.telling import Told
from migaga_operator.crd.read import read_bot
from migaga_operator.json_types import Manifest, as_mapping, digest
from migaga_operator.observed import Observed, observe
from migaga_operator.ops import Apply, Delete, Event, Key, Op, Scale, SetStatus, key_of
from migaga_operator.planner import plan

_LOG = logging.getLogger(__name__)
_FRESH = 1.0
"""Seconds for which the answers of pods are used again: wakes come in swarms."""
_LONGEST = 500

Work = Apply | Scale | Delete


class Keeper(Cluster, Protocol):
    """A cluster that can also be asked for one object."""

    async def read(self, key: Key, namespace: str) -> Manifest | None:
        """Return an object, whoever owns it; None when it is not there."""


class Asker(Protocol):
    """Asks pods."""

    async def ask(self, pods: Iterable[object]) -> dict[str, object]:
        """Return the documents of those pods that answer, by name."""


@dataclass(slots=True)
class _Memory:
    """What is known of a bot from one look to the next. Nothing of it is needed: a new process begins without."""

    uid: str
    """Of the bot: another one of its name begins anew."""
    settled: dict[Key, tuple[str, str]] = field(default_factory=dict)
    """Version and digest of the manifest that led to it."""
    strangers: dict[Key, Object] = field(default_factory=dict)
    """Objects that have a name we need, and not our label."""
    reports: Mapping[str, object] = field(default_factory=dict)
    reported_at: float = float("-inf")
    status: tuple[str, str] = ("", "")
    """Version of the bot and digest of the status after the last write."""
    changed_at: float = 0.0
    told: Told = field(default_factory=Told)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a look needs, the same for all bots."""

    seen: Seen
    """What watches tell."""
    keeper: Keeper
    """Where objects are written."""
    asker: Asker
    clock: Clock
    """Measures pauses."""
    may_write: Callable[[], None]
    """Raises when this process must not write; asked before each write."""
    apis: frozenset[str] = frozenset()
    """Group versions that the API server has, beyond those that each one has."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """The time of day."""

    async def read(self, keys: Iterable[Key], namespace: str) -> dict[Key, Object]:
        """Return those objects that are there."""
        wanted = list(keys)
        found = await asyncio.gather(*(self.keeper.read(key, namespace) for key in wanted))
        return {key: item for key, item in zip(wanted, found, strict=True) if item is not None}


class Looker:
    """Looks at bots. Each one at most once at a time; `reconciler.py` sees to that."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._memories: dict[BotKey, _Memory] = {}

    async def look(self, key: BotKey) -> float | None:
        """Look at a bot, do what is to be done, and return the seconds to the next look; None: it is gone.

        Raises AwayError, StaleError, and RefusedError when something was refused (after everything else was done).
        """
        bot = self._around.seen.bot(key)
        memory = self._memories.get(key)
        if bot is None:
            self._memories.pop(key, None)
            return None
        if memory is None or memory.uid != uid_of(bot):
            memory = self._memories[key] = _Memory(uid_of(bot), changed_at=self._around.clock.now())
        await self._gather(key, memory)
        return await _Look(self._around, key, memory).run()

    async def _gather(self, key: BotKey, memory: _Memory) -> None:
        if self._around.clock.now() - memory.reported_at > _FRESH:
            memory.reports = await self._around.asker.ask(self._around.seen.pods(key))
            memory.reported_at = self._around.clock.now()
        if memory.strangers:
            memory.strangers = await self._around.read(memory.strangers, key.namespace)


class _Look:
    """One look that is under way."""

    def __init__(self, around: Surroundings, key: BotKey, memory: _Memory) -> None:
        self._around = around
        self._key = key
        self._memory = memory
        self._refused: dict[Key, str] = {}
        self._tried: set[Key] = set()
        self._looked_up: set[Key] = set(memory.strangers)

    async def run(self) -> float | None:
        """Plan and do until only the status is left, then write that."""
        while True:
            observed, ops = self._plan()
            work = [op for op in ops if isinstance(op, Apply | Scale | Delete) and op.key not in self._tried]
            if await self._meet_strangers(work, observed):
                continue
            if not work:
                break
            for op in work:
                await self._do(op, observed)
        status = await self._report(ops, observed)
        if self._refused:
            raise RefusedError("; ".join(f"{key}: {said}" for key, said in self._refused.items()))
        return pause(status, self._around.clock.now() - self._memory.changed_at)

    def _plan(self) -> tuple[Observed, Sequence[Op]]:
        seen, memory = self._around.seen, self._memory
        bot = seen.bot(self._key)
        if bot is None:
            raise StaleError(f"the bot {self._key} has gone meanwhile.")
        there = {key_of(item): item for item in seen.objects(self._key)}
        observed = observe(
            bot,
            objects={**memory.strangers, **there}.values(),
            pods=seen.pods(self._key),
            reports=memory.reports,
            bots=seen.of_application(self._key),
            apis=self._around.apis,
        )
        settled = frozenset((key, version, made_of) for key, (version, made_of) in memory.settled.items())
        observed = replace(observed, refused=dict(self._refused), settled=settled)
        return observed, plan(read_bot(bot), observed, self._around.now())

    async def _meet_strangers(self, work: Sequence[Work], observed: Observed) -> bool:
        """Before the first write of an object look whether one of its name is there: watches tell only what is ours."""
        unknown = [op.key for op in work if isinstance(op, Apply) and op.key not in observed.objects]
        unknown = [key for key in unknown if key not in self._looked_up]
        if not unknown:
            return False
        self._looked_up.update(unknown)
        found = await self._around.read(unknown, self._key.namespace)
        self._memory.strangers.update(found)
        return bool(found)

    async def _do(self, op: Work, observed: Observed) -> None:
        self._tried.add(op.key)
        self._around.may_write()
        try:
            await self._write(op, observed)
        except RefusedError as error:
            self._refused[op.key] = REDACTOR.clean(shorten(str(error), _LONGEST))
            _LOG.warning("bot %s: %s was refused: %s", self._key, op, error)
        else:
            _LOG.info("bot %s: %s", self._key, op)

    async def _write(self, op: Work, observed: Observed) -> None:
        keeper, seen, namespace = self._around.keeper, self._around.seen, self._key.namespace
        if isinstance(op, Delete):
            await keeper.delete(op.key, namespace, op.uid)
            seen.deleted(namespace, op.key.kind, op.key.name, op.uid)
            return
        if isinstance(op, Scale):
            try:
                written = await keeper.scale(op.key, namespace, op.replicas)
            except StaleError:
                # It is gone: it is made anew in the next look, and the watch will say so too.
                seen.deleted(namespace, op.key.kind, op.key.name, observed.objects[op.key].uid)
                raise
        else:
            written = await keeper.apply(op.manifest)
            self._memory.settled[op.key] = (version_of(written), digest(op.manifest))
            self._memory.strangers.pop(op.key, None)
        if written is not None:
            seen.wrote(written)

    async def _report(self, ops: Sequence[Op], observed: Observed) -> Mapping[str, object]:
        """Write events and status, and return the status as it is then."""
        status = observed.status
        for op in ops:
            if isinstance(op, Event):
                await self._tell(op, observed)
            elif isinstance(op, SetStatus):
                status = await self._set_status(op, observed)
        return status

    async def _tell(self, event: Event, observed: Observed) -> None:
        if not self._memory.told.may_tell(event, self._around.clock.now()):
            return
        self._around.may_write()
        try:
            await self._around.keeper.tell(observed.owner, event)
        except (RefusedError, AwayError, StaleError) as error:
            # The status says the same, so nothing is lost with an event.
            _LOG.info("bot %s: the %s could not be written: %s", self._key, event, error)

    async def _set_status(self, op: SetStatus, observed: Observed) -> Mapping[str, object]:
        bot = self._around.seen.bot(self._key)
        name = digest(op.manifest)
        if bot is None or uid_of(bot) != observed.owner.uid or self._memory.status == (version_of(bot), name):
            return as_mapping(op.manifest)
        self._around.may_write()
        written = await self._around.keeper.set_status(observed.owner, op.manifest)
        _LOG.info("bot %s: %s", self._key, op)
        self._memory.changed_at = self._around.clock.now()
        if written is not None:
            self._memory.status = (version_of(written), name)
            self._around.seen.wrote(written)
        return as_mapping(op.manifest)
