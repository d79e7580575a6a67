"""Run one handler: its scope, its context, the checks before it, the report after it. `routing.py` says which one.

Whatever a handler raises ends here, except that it is cancelled.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import hikari
from sqlalchemy.exc import SQLAlchemyError

from migaga.common.alive import Alive
from migaga.common.errors import MigagaError
from migaga.common.text import shorten
from migaga.framework.access import Access, Asked
from migaga.framework.committing import current_scope
from migaga.framework.context import Context, EventContext
from migaga.framework.cooldowns import Cooldowns
from migaga.framework.deferral import Deferral
from migaga.framework.dialogue import DEFER_AFTER, Conversation
from migaga.framework.errors import UnknownSubcommand, WrongArgument
from migaga.framework.inject import call, injected
from migaga.framework.outgoing import MAX_CONTENT, Outgoing, reply_nonce
from migaga.framework.person import Person
from migaga.framework.replies import InteractionResponder, MessageResponder, Responder
from migaga.framework.reports import EXPIRED, explain, log_error, report
from migaga.framework.scope import Environment, LoadedModule, Scope
from migaga.framework.spec import CommandSpec, Cooldown, ListenerSpec, Requirements
from migaga.gateway.handling import AgainError
from migaga.gateway.received import Received
from migaga.storage.failures import Blame, blame

SOON = 2.25
"""Seconds that look-ups for an interaction may take: an apology must still come within Discord's 3."""
_LATER = 5.0
"""The same for a message."""
PATIENCE, _PATIENCE_OF_PEOPLE = 90.0, 30.0
"""Seconds for which what the database rolls back because of others (a lock, a deadlock) is run again; for people less.
A process that is frozen in a transaction keeps its locks for at most 60 s (`engines.py`)."""
TOO_OLD = 2.5
"""Seconds after which an interaction cannot be answered in time any more."""
_WHISPERS = Cooldown(1, timedelta(minutes=5))
"""How often a person is told by a direct message that the bot cannot answer where they wrote."""
_PAUSE, _LONGEST_PAUSE = 0.05, 2.0
_log = logging.getLogger(__name__)
Arguments = tuple[tuple[object, ...], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Who:
    """hikari's objects of what a person did."""

    author: hikari.User
    member: hikari.Member | None
    message: hikari.Message | None = None
    interaction: hikari.PartialInteraction | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a handler by a person."""

    module: LoadedModule
    handler: str
    requirements: Requirements
    received: Received
    person: Person
    who: Callable[[], Who]
    arguments: Callable[[Scope, Context], Awaitable[Arguments]]
    """The handler's positional and named arguments. Raises `UserError` for wrong ones."""
    label: str
    """For metrics."""
    command: CommandSpec | None = None
    rule: str | None = None
    """What allow and deny rules call it."""
    prefix: str = "/"
    ephemeral: bool = False
    usage: str | None = None
    refused: Exception | None = field(default=None)
    """It is known to be wrong before it runs: a group without one of its commands."""


class Runner:
    """Runs handlers."""

    def __init__(self, environment: Environment, access: Access) -> None:
        self._environment = environment
        self._access = access
        self._whispers = Cooldowns()

    @asynccontextmanager
    async def scope(
        self,
        module: LoadedModule,
        handler: str,
        event_key: str,
        guild_id: int | None,
        channel_id: int | None,
        *,
        alive: Alive | None = None,
    ) -> AsyncIterator[Scope]:
        """Open what one run needs; its transaction is committed at the end, rolled back on an error.

        It begins when `alive` is valid: the process, or what a run of its own depends on.
        """
        alive = alive or self._environment.alive
        while not alive.is_valid():
            await alive.until_valid()
        module.began()
        try:
            async with self._environment.database.session() as session:
                scope = Scope(self._environment, module, handler, event_key, session, alive, guild_id, channel_id)
                token = current_scope.set(scope)
                try:
                    yield scope
                    await scope.commit()
                finally:
                    current_scope.reset(token)
        finally:
            module.ended()

    async def ignores(self, user_id: int) -> bool:
        """Return whether what a person asks for is nobody's business: they were banned from the bot."""
        return await self._access.is_banned(user_id)

    async def listen(self, module: LoadedModule, listener: ListenerSpec, received: Received, event: object) -> None:
        """Run a listener for one event.

        Raises:
            AgainError: It has not ended, because the database is away: it has to run again.
        """
        started = time.monotonic()
        outcome = "ok"
        name = listener.handler

        async def run() -> None:
            async with self.scope(module, name, received.key, *place(received)) as scope:
                context = EventContext(scope, received.name)
                await call(getattr(module.instance, name), (event,), await injected(scope, context))

        try:
            await again_after_conflicts(run, PATIENCE, lambda: True)
        except Exception as error:
            if blame(error) is Blame.AWAY:
                self._environment.metrics.handler(module.spec.name, name, "again", time.monotonic() - started)
                _log.info("%s.%s runs again when the database is back: %s", module.spec.name, name, error)
                raise AgainError(f"{module.spec.name}.{name}") from error
            found = explain(error, None)
            outcome = found.outcome
            log_error(error, found, module=module.spec.name, handler=name)
        self._environment.metrics.handler(module.spec.name, name, outcome, time.monotonic() - started)

    async def use(self, use: Use) -> str:
        """Run what a person asked for, and return how it ended (see `reports.Report.outcome`; `ok`)."""
        started = time.monotonic()
        if use.received.name == "INTERACTION_CREATE" and self.age(use.received) > TOO_OLD:
            outcome = EXPIRED
        else:
            async with Deferral(ephemeral=use.ephemeral) as deferral:
                outcome = await self._use(use, deferral)
        self._count(use, outcome, time.monotonic() - started)
        return outcome

    async def _use(self, use: Use, deferral: Deferral) -> str:
        responder = self._responder(use)
        if isinstance(responder, InteractionResponder):
            deferral.watch(responder, DEFER_AFTER - max(0.0, self.age(use.received)))
        conversation: Conversation | None = None

        async def run() -> None:
            nonlocal conversation
            async with self.scope(use.module, use.handler, use.received.key, *place(use.received)) as scope:
                scope.patience = SOON if isinstance(responder, InteractionResponder) else _LATER
                conversation = Conversation(scope, responder, use.person.id, ephemeral=use.ephemeral, deferral=deferral)
                await self._run(use, scope, conversation)
            await conversation.finish()

        try:
            await again_after_conflicts(run, _PATIENCE_OF_PEOPLE, lambda: not (conversation and conversation.went_out))
        except Exception as error:
            answers = conversation or _Direct(responder)
            found = await report(
                error,
                answers,
                module=use.module.spec.name,
                handler=use.handler,
                usage=use.usage,
                whisper=None if isinstance(responder, InteractionResponder) else partial(self._whisper, use),
            )
            return found.outcome
        return "ok"

    async def _whisper(self, use: Use, message: str) -> None:
        """Tell a person by a direct message what could not be said in the channel; not again and again."""
        if use.person.bot or self._whispers.use(use.person.id, _WHISPERS, time.monotonic()) > 0:
            return
        rest, where = self._environment.discord, f"I could not answer you in <#{use.received.payload['channel_id']}>."
        channel = await rest.create_dm_channel(use.person.id)
        await rest.create_message(channel, shorten(f"{where} {message}", MAX_CONTENT), mentions_everyone=False)

    async def _run(self, use: Use, scope: Scope, conversation: Conversation) -> None:
        who = use.who()
        context = Context(
            scope,
            conversation,
            use.person,
            author=who.author,
            member=who.member,
            message=who.message,
            interaction=who.interaction,
            command=use.command,
            prefix=use.prefix,
        )
        nsfw = use.command is not None and use.command.nsfw and not context.is_slash
        await self._access.check(scope, context, Asked(use.requirements, use.rule, nsfw))
        if use.refused is not None:
            raise use.refused
        self._access.use(scope, use.person.id, use.requirements)
        try:
            positional, named = await use.arguments(scope, context)
        except (WrongArgument, UnknownSubcommand):
            self._access.refund(scope, use.person.id, use.requirements)
            raise
        try:
            named = {**named, **await injected(scope, context)}
            result = await call(getattr(scope.module.instance, use.handler), (context, *positional), named)
            if isinstance(result, str):
                await context.respond(result)
        except (SQLAlchemyError, MigagaError) as error:
            if blame(error) is not None and not scope.went_out:
                self._access.refund(scope, use.person.id, use.requirements)
            raise

    def _responder(self, use: Use) -> Responder:
        payload, environment = use.received.payload, self._environment
        if use.received.name == "INTERACTION_CREATE":
            return InteractionResponder(
                environment.discord,
                environment.application.id,
                int(payload["id"]),
                str(payload["token"]),
                component=payload.get("message") is not None,
            )
        # An edited message is tried again: its answer must not be taken for a repetition of the first.
        version = f"{use.received.key}:{payload.get('edited_timestamp') or ''}"
        handler = f"{use.module.spec.name}.{use.handler}"
        return MessageResponder(
            environment.discord,
            int(payload["channel_id"]),
            int(payload["id"]),
            lambda number: reply_nonce(version, handler, number),
        )

    def age(self, received: Received) -> float:
        """Return how many seconds an interaction has waited.

        It may have waited before it was received: in a replay, or in the socket behind one. This machine's time of day
        may be wrong by minutes, so the age is told by what Discord says of the time.
        """
        return self._environment.discord_time.age_of(int(received.payload["id"]))

    def _count(self, use: Use, outcome: str, seconds: float) -> None:
        module, metrics = use.module.spec.name, self._environment.metrics
        if use.command is not None:
            metrics.command(module, use.label, outcome, seconds)
        else:
            metrics.handler(module, use.handler, outcome, seconds)


async def again_after_conflicts(
    run: Callable[[], Awaitable[None]], patience: float, may_again: Callable[[], bool]
) -> None:
    """Run, and run again while the database rolls it back because of others, for at most `patience` seconds.

    Args:
        run: One run, in a transaction of its own. What it raises at the end is raised.
        patience: Seconds.
        may_again: Whether nothing has shown outside yet, so that a further run repeats nothing.
    """
    deadline, pause = time.monotonic() + patience, _PAUSE
    while True:
        try:
            return await run()
        except Exception as error:
            if blame(error) is not Blame.CONFLICT or not may_again() or time.monotonic() + pause > deadline:
                raise
        # Random, growing pauses: those who blocked each other must not meet again.
        await asyncio.sleep(random.uniform(0.5, 1.0) * pause)
        pause = min(2 * pause, _LONGEST_PAUSE)


class _Direct:
    """Sends a report when no session for the handler could be had: the database is down."""

    def __init__(self, responder: Responder) -> None:
        self._responder = responder

    async def send(self, message: Outgoing, ephemeral: bool | None = None) -> object:
        """Send an answer."""
        return await self._responder.send(message, ephemeral=bool(ephemeral))


def place(received: Received) -> tuple[int | None, int | None]:
    """Return the guild and channel of a raw event, as far as it has them."""
    payload, guild = received.payload, received.named_guild
    channel = payload.get("channel_id") or (payload.get("id") if received.name.startswith("CHANNEL_") else None)
    return (None if guild is None else int(guild), None if channel is None else int(channel))
