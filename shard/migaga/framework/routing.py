"""From raw events to handlers. The gateway's intake calls `EventRouter.route` for every event, synchronously.

An event that nobody wants costs dictionary look-ups; a message that is no command costs one comparison with the prefix.
Objects are built when a handler runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

from migaga.framework.aside import Holders, hold
from migaga.framework.building import Builder, Built
from migaga.framework.departures import HasLeft
from migaga.framework.guild_keeper import KEPT_EVENTS, GuildKeeper
from migaga.framework.interactions import InteractionRouter
from migaga.framework.rawguild import Payload
from migaga.framework.running import Runner, place
from migaga.framework.scope import Environment, LoadedModule
from migaga.framework.spec import ListenerSpec
from migaga.framework.table import RoutingTable
from migaga.framework.texts import TextCommands
from migaga.gateway.handling import AgainError, FaultError, Handlers, PutAside
from migaga.gateway.received import Received
from migaga.storage.failures import blame

PAUSED = "The bot is paused by its operators, so it did nothing. Please try again later."
Job = Callable[[], Awaitable[object]]
_log = logging.getLogger(__name__)


class EventRouter:
    """Implements the gateway's `Router`."""

    def __init__(
        self,
        environment: Environment,
        runner: Runner,
        builder: Builder,
        *,
        texts: TextCommands,
        interactions: InteractionRouter,
        keeper: GuildKeeper,
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._builder = builder
        self._texts = texts
        self._interactions = interactions
        self._keeper = keeper
        self.table = RoutingTable(())
        self._here: set[int] = set()
        """Shards whose events come here, as far as is known since the last one left."""

    def route(self, event: Received) -> Handlers | None:
        """Return what runs all handlers of `event`, each apart from the others; None when nobody wants it."""
        try:
            if event.shard_id not in self._here:
                self._arrives(event)
            self._environment.directory.observe(event.name, event.payload)
            jobs = list(self._jobs_of_paused(event) if self._environment.pause.is_on else self._jobs(event))
        except Exception as error:
            # A payload that is not as documented must not stop the shard; it is one event that is kept for inspection.
            return EventRun([partial(_fail, error)])
        return EventRun(jobs) if jobs else None

    def refuse(self, event: Received, reason: str) -> Handlers | None:
        """Return what tells a person why their interaction is not run; None when nobody waits for an answer."""
        if event.name != "INTERACTION_CREATE":
            return None
        event.is_refused = True
        return EventRun([partial(self._interactions.refuse, self.table, event, reason)])

    def left(self, has_left: HasLeft) -> None:
        """Forget guilds whose shard this process no longer has, and end the dialogues that are open there."""
        self._here.clear()
        self._environment.departures.note(has_left)
        self._environment.directory.forget(has_left)
        self._environment.waiting.left(has_left)
        self._texts.left(has_left)
        self._keeper.left(has_left)

    def _arrives(self, event: Received) -> None:
        """Note by the first event that tells a guild that a shard has come, or come back."""
        guild_id, _ = place(event)
        if guild_id is None and event.name not in ("MESSAGE_CREATE", "INTERACTION_CREATE"):
            return
        self._here.add(event.shard_id)
        self._environment.departures.returned(guild_id)
        self._environment.settings.refresh_soon()

    def _jobs_of_paused(self, event: Received) -> Iterator[Job]:
        """Do for a paused bot what no module does: count, know its guilds, let handlers that run have their answers."""
        if self._answers_open_question(event):
            return
        self._environment.metrics.event_paused(event.name)
        if event.name in KEPT_EVENTS:
            job = self._keeper.job(event)
            if job is not None:
                yield job
        elif event.name == "INTERACTION_CREATE" and not event.is_refused:
            event.is_refused = True
            yield partial(self._interactions.refuse, self.table, event, PAUSED)

    def _answers_open_question(self, event: Received) -> bool:
        """Hand over the answer to a question of a handler that began before the pause."""
        if event.name == "MESSAGE_CREATE":
            return self._texts.answers(event)
        return event.name == "INTERACTION_CREATE" and not event.is_refused and self._interactions.answers(event)

    def _jobs(self, event: Received) -> Iterator[Job]:
        table, built = self.table, Built(self._builder, event)
        for module, listener in table.raw_listeners:
            if self._wanted(module, listener, event):
                yield partial(self._listen_raw, module, listener, built)
        for module, listener in table.listeners.get(event.name, ()):
            if self._wanted(module, listener, event):
                yield partial(self._listen, module, listener, built)
        if event.name in KEPT_EVENTS:
            job: Job | None = self._keeper.job(event)
        elif event.name in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            job = self._texts.job(table, built)
        elif event.name == "INTERACTION_CREATE" and not event.is_refused:
            job = self._interactions.job(table, built)
        else:
            return
        if job is not None:
            yield job

    def _wanted(self, module: LoadedModule, listener: ListenerSpec, event: Received) -> bool:
        guild = event.named_guild
        if guild is None:
            if listener.guild_only:
                return False
        elif not self._environment.settings.is_enabled(int(guild), module.spec.name):
            return False
        return listener.bots or not by_bot(event.payload)

    async def _listen(self, module: LoadedModule, listener: ListenerSpec, built: Built) -> None:
        try:
            events = [event for event in built.events() if isinstance(event, listener.events)]
        except (TypeError, ValueError, LookupError) as error:
            raise FaultError(f"hikari cannot read a {built.received.name}") from error
        for event in events:
            await self._runner.listen(module, listener, built.received, event)

    async def _listen_raw(self, module: LoadedModule, listener: ListenerSpec, built: Built) -> None:
        await self._runner.listen(module, listener, built.received, built.payload())


def by_bot(payload: Payload) -> bool:
    """Whether a bot or webhook did it: author of a message, user of a member event or reaction."""
    if payload.get("webhook_id"):
        return True
    member = payload.get("member") or {}
    user = payload.get("author") or payload.get("user") or member.get("user") or {}
    return bool(user.get("bot"))


class EventRun:
    """All handlers of one event: the gateway's `Handlers`. Called again, it runs those that have not ended."""

    __slots__ = ("_fault", "_jobs")

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._fault: Exception | None = None

    async def __call__(self, put_aside: PutAside, /) -> None:
        """Run the jobs; none touches another.

        Raises:
            AgainError: The database was away for some; a further call runs those alone.
            FaultError: All have ended, and some could not be run at all: the last reason is its cause.
        """
        jobs = self._jobs
        if len(jobs) == 1:
            hold(put_aside)
            ended = [await self._ended(jobs[0])]
        else:
            holders = Holders(len(jobs), put_aside)
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._among(holders, number, job)) for number, job in enumerate(jobs)]
            ended = [task.result() for task in tasks]
        self._jobs = [job for job, has_ended in zip(jobs, ended, strict=True) if not has_ended]
        if self._jobs:
            raise AgainError
        if self._fault is not None:
            raise FaultError from self._fault

    async def _among(self, holders: Holders, number: int, job: Job) -> bool:
        holders.begin(number)
        try:
            return await self._ended(job)
        finally:
            holders.end(number)

    async def _ended(self, job: Job) -> bool:
        """Run a job; tell whether it has ended, or has to run again when the database is back."""
        try:
            await job()
        except Exception as error:
            # Handlers' own errors are reported where they run. This is a fault of ours, and must not touch other
            # handlers; or the database is away, for the framework itself too.
            if isinstance(error, AgainError) or blame(error) is not None:
                return False
            self._fault = error
        return True


async def _fail(error: Exception) -> None:
    raise error
