"""Text commands: which messages are one, and how they run. Called by `routing.py` for each message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import hikari

from migaga.framework.binding import bind_text
from migaga.framework.building import Built
from migaga.framework.context import Context
from migaga.framework.convert import Resolver
from migaga.framework.departures import HasLeft
from migaga.framework.edits import Edits
from migaga.framework.errors import UnknownSubcommand
from migaga.framework.matching import TextMatch, after_prefix
from migaga.framework.person import person_of_message
from migaga.framework.rawguild import Payload
from migaga.framework.reports import WRONG_USE
from migaga.framework.running import Arguments, Runner, Use, Who
from migaga.framework.scope import Environment, LoadedModule, Scope
from migaga.framework.spec import ListenerSpec, Requirements
from migaga.framework.table import RoutingTable
from migaga.framework.uncalled import UnknownCommandEvent, read_unknown
from migaga.framework.usage import text_usage
from migaga.gateway.received import Received

Job = Callable[[], Awaitable[object]]


class TextCommands:
    """Finds text commands in raw messages."""

    def __init__(
        self,
        environment: Environment,
        runner: Runner,
        resolver: Resolver,
        edits: Edits,
        *,
        bots: frozenset[int],
    ) -> None:
        self._environment = environment
        self._runner = runner
        self._resolver = resolver
        self._edits = edits
        self._bots = bots

    def job(self, table: RoutingTable, built: Built) -> Job | None:
        """Return what runs the command that a raw message calls, or None. Hands answers over to open questions."""
        payload = built.received.payload
        author = payload.get("author")
        if author is None or payload.get("webhook_id") or not self._heard(author):
            return None
        created = built.received.name == "MESSAGE_CREATE"
        guild = None if payload.get("guild_id") is None else int(payload["guild_id"])
        if created:
            self._edits.seen(built.received.shard_id, int(payload["id"]), guild)
        if created and self._offer(payload):
            return None
        content = payload.get("content")
        if not content:
            return None
        prefix = self._environment.settings.prefix(guild)
        if not _begins(content, prefix):
            return None
        if not created and not self._edits.may_run(payload, built.received.shard_id):
            return None
        job = self._match(table, built if created else built.as_created(), content, prefix)
        return self._unknown(table, built, content, prefix) if created and job is None else job

    def answers(self, event: Received) -> bool:
        """Hand a new message over to the open question that it answers. Returns whether there was one."""
        author = event.payload.get("author")
        heard = author is not None and not event.payload.get("webhook_id") and self._heard(author)
        return heard and self._offer(event.payload)

    def _offer(self, payload: Payload) -> bool:
        return self._environment.waiting.offer_message(
            int(payload["channel_id"]), int(payload["author"]["id"]), payload
        )

    def left(self, has_left: HasLeft) -> None:
        """Forget what is known of messages in shards that have gone."""
        self._edits.left(has_left)

    def _heard(self, author: Payload) -> bool:
        user_id = int(author["id"])
        if user_id == self._environment.application.bot_id:
            return False
        return not author.get("bot") or user_id in self._bots

    def _match(self, table: RoutingTable, built: Built, content: str, prefix: str) -> Job | None:
        try:
            match = table.commands.match_text(content, (prefix,), self._environment.application.bot_id)
        except UnknownSubcommand as error:
            self._edits.begin(int(built.received.payload["id"]), content)
            return partial(self._run, self._refusal(table, built, error, prefix), built.received.payload)
        if match is None:
            return None
        self._edits.begin(int(built.received.payload["id"]), content)
        return partial(self._run, self._use(table, built, match), built.received.payload)

    def _unknown(self, table: RoutingTable, built: Built, content: str, prefix: str) -> Job | None:
        """Return what tells the listeners of `UnknownCommandEvent`."""
        if not table.unknown_commands:
            return None
        found = after_prefix(content, (prefix,), self._environment.application.bot_id)
        event = None if found is None else read_unknown(built, *found)
        if event is None:
            return None
        enabled = self._environment.settings.is_enabled
        heard = [(module, one) for module, one in table.unknown_commands if enabled(event.guild_id, module.spec.name)]
        return partial(self._tell, heard, built, event) if heard else None

    async def _tell(
        self, heard: list[tuple[LoadedModule, ListenerSpec]], built: Built, event: UnknownCommandEvent
    ) -> None:
        if await self._runner.ignores(event.author_id):
            return
        while heard:
            await self._runner.listen(*heard[0], built.received, event)
            heard.pop(0)  # Should this have to run again, then without it.

    async def _run(self, use: Use, payload: Payload) -> None:
        if await self._runner.use(use) == WRONG_USE:
            self._edits.wrong_use(int(payload["id"]))

    def _use(self, table: RoutingTable, built: Built, match: TextMatch) -> Use:
        async def arguments(scope: Scope, context: Context) -> Arguments:
            files = () if context.message is None else context.message.attachments
            return (), await bind_text(match.command, match.arguments, context.guild_id, self._resolver, files)

        return Use(
            module=table.modules[match.module],
            handler=match.command.handler,
            requirements=match.command.requirements,
            received=built.received,
            person=person_of_message(built.received.payload),
            who=partial(_who, built),
            arguments=arguments,
            label=" ".join(match.command.path),
            command=match.command,
            rule=" ".join(match.command.path),
            prefix=match.prefix,
            usage=f"`{text_usage(match.command, _shown(match.prefix), match.called)}`",
        )

    def _refusal(self, table: RoutingTable, built: Built, error: UnknownSubcommand, prefix: str) -> Use:
        """Make a use of a group that ends as the error; a group's name belongs to the module of its first command."""
        module = next(
            module
            for module in table.modules.values()
            for command in module.spec.commands
            for words in command.text_names
            if tuple(word.casefold() for word in words[: len(error.group)]) == error.group
        )
        return Use(
            module=module,
            handler=error.group[0],
            requirements=Requirements(guild_only=False),
            received=built.received,
            person=person_of_message(built.received.payload),
            who=partial(_who, built),
            arguments=_no_arguments,
            label=" ".join(error.group),
            rule=" ".join(error.group),
            prefix=prefix,
            refused=error,
        )


async def _no_arguments(scope: Scope, context: Context) -> Arguments:
    none: Mapping[str, object] = {}
    return (), none


def _who(built: Built) -> Who:
    for event in built.events():
        if isinstance(event, hikari.GuildMessageCreateEvent):
            return Who(event.author, event.member, message=event.message)
        if isinstance(event, hikari.DMMessageCreateEvent):
            return Who(event.author, None, message=event.message)
    raise LookupError("hikari built no message")


def _begins(content: str, prefix: str) -> bool:
    """Whether a text may be a command. Prefixes count without case; blanks before them do not count."""
    if content[0].isspace():
        content = content.lstrip()
    return content.startswith((prefix, "<@")) or content[: len(prefix)].casefold() == prefix.casefold()


def _shown(prefix: str) -> str:
    """Return a prefix as usages show it: a mention of the bot needs a blank after it."""
    return f"{prefix} " if prefix.startswith("<@") else prefix
