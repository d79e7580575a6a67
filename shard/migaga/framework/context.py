"""Contexts: what a handler sees of the event it answers.

`running.py` makes them; authors import them from `migaga.api`.

`Context` is for people who wait for an answer; `dialogue.py` holds how it asks questions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import hikari
from hikari.api import special_endpoints as builders
from sqlalchemy.ext.asyncio import AsyncSession

from migaga.framework.dialogue import Conversation, TextField
from migaga.framework.guild_view import GuildView
from migaga.framework.markers import (
    AutocompleteHandlerContext,
    EventHandlerContext,
    HandlerContext,
    PersonContext,
    TaskHandlerContext,
)
from migaga.framework.options import O
from migaga.framework.outgoing import Attachments, Mentions, Outgoing
from migaga.framework.person import Person, bot_permissions_of
from migaga.framework.replies import Reply
from migaga.framework.scope import LoadedModule, Scope
from migaga.framework.spec import CommandSpec
from migaga.storage.effects import once

T = TypeVar("T")
_MAX_REASON = 512
_NO_GUILD = "this did not happen in a guild: use guild_only=True, or look at ctx.guild_id first"


class _Shared(HandlerContext):
    """What every context offers."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    @property
    def guild_id(self) -> hikari.Snowflake | None:
        """The guild where it happened; None in direct messages."""
        found = self._scope.guild_id
        return None if found is None else hikari.Snowflake(found)

    @property
    def channel_id(self) -> hikari.Snowflake | None:
        """The channel where it happened, for events that have one."""
        found = self._scope.channel_id
        return None if found is None else hikari.Snowflake(found)

    @property
    def db(self) -> AsyncSession:
        """The handler's session: committed when the handler returns and before each call to Discord."""
        return self._scope.session

    @property
    def rest(self) -> hikari.api.RESTClient:
        """hikari's REST client; each call first commits `db`."""
        return self._scope.environment.rest

    def service(self, kind: type[T]) -> T:
        """Return the registered service of a type.

        Raises:
            UnknownServiceError: Nobody provides it.
        """
        return self._scope.module.services.get(kind)

    async def once(self, key: str = "") -> bool:
        """Return True the first time for this event, module and handler (and `key`), also when the event is repeated.

        The note is written in `db`'s transaction: it stands when that is committed, before the next call to Discord.
        """
        scope = self._scope
        await scope.until_valid()
        return await once(scope.session, f"{scope.event_key}:{key}", scope.module.spec.name, scope.handler)

    async def options(self, kind: type[O]) -> O:
        """Return this guild's options; outside of guilds the defaults."""
        scope = self._scope
        module = kind.module_name or scope.module.spec.name
        return await scope.look_up(scope.environment.settings.load(scope.guild_id, module, kind))

    async def guild(self) -> GuildView:
        """Return name, owner, roles and channels of the guild, fetched when unknown.

        Raises:
            LookupError: There is no guild here.
        """
        if self._scope.guild_id is None:
            raise LookupError(_NO_GUILD)
        await self._scope.commit()
        return await self._scope.environment.directory.get(self._scope.guild_id)

    def scope_of(self, module: LoadedModule) -> Scope:
        """Return this place as seen by another module, to check what may be used here."""
        return replace(self._scope, module=module)

    def reason(self, text: str) -> str:
        """Return an audit-log reason of at most 512 characters."""
        return audit_reason(text, None)


def audit_reason(text: str, author: hikari.User | None) -> str:
    """Return one line of at most 512 characters; it ends with who caused it, which is never cut."""
    by = "" if author is None else f" (by {author.username}, {author.id})"
    line = " ".join(text.split())
    room = _MAX_REASON - len(by)
    return (line if len(line) <= room else line[: room - 1] + "…") + by


class EventContext(_Shared, EventHandlerContext):
    """What a listener may take beside its event."""

    def __init__(self, scope: Scope, name: str) -> None:
        super().__init__(scope)
        self.name = name
        """Discord's name of the event, such as `MESSAGE_CREATE`."""

    async def bot_permissions(self) -> hikari.Permissions:
        """Return what the bot may do in the event's channel, or in its guild when it has none."""
        if self._scope.guild_id is None:
            raise LookupError(_NO_GUILD)
        return await bot_permissions_of(self._scope)


class TaskContext(_Shared, TaskHandlerContext):
    """What a task may take."""

    def __init__(self, scope: Scope, due: datetime, shard_id: int | None) -> None:
        super().__init__(scope)
        self.due = due
        """When this run was due, UTC. The same for a run that is tried again."""
        self.shard_id = shard_id
        """The shard, for tasks that run once per shard."""


class AutocompleteContext(_Shared, AutocompleteHandlerContext):
    """What a method that suggests values takes first."""

    def __init__(
        self, scope: Scope, person: Person, author: hikari.User, values: Mapping[str, str | int | float | bool]
    ) -> None:
        super().__init__(scope)
        self.person = person
        """The person as the raw event tells: ids, roles."""
        self.author = author
        self.values = values
        """What was typed into the command's parameters so far, by their names."""

    async def permissions(self) -> hikari.Permissions:
        """Return what the person may do in this channel."""
        return await self.person.permissions(self._scope)


class Context(_Shared, PersonContext):
    """One use of a command, menu, component or modal by a person."""

    def __init__(
        self,
        scope: Scope,
        conversation: Conversation,
        person: Person,
        *,
        author: hikari.User,
        member: hikari.Member | None,
        message: hikari.Message | None = None,
        interaction: hikari.PartialInteraction | None = None,
        command: CommandSpec | None = None,
        prefix: str = "",
    ) -> None:
        super().__init__(scope)
        self._conversation = conversation
        self.person = person
        """The person as the raw event tells: ids, roles."""
        self.author = author
        self.member = member
        """The person in this guild; None in direct messages."""
        self.message = message
        """The message of a text command, or the one that holds the component."""
        self.interaction = interaction
        self.command = command
        self.prefix = prefix
        """What the text command began with; `/` for interactions."""
        self.values: Sequence[str] = ()
        """What was chosen in a select menu."""
        self.fields: Mapping[str, str] = {}
        """What was written into a submitted modal: custom id of the field -> text."""

    @property
    def is_slash(self) -> bool:
        """Whether this is an interaction: a slash command, menu, component or modal."""
        return self.interaction is not None

    @property
    def is_component(self) -> bool:
        """Whether a button or menu of a message was used, so that `edit` changes that message."""
        return isinstance(self.interaction, hikari.ComponentInteraction)

    @property
    def is_owner(self) -> bool:
        """Whether the person is an owner of the bot."""
        return self.person.id in self._scope.environment.application.owners

    @property
    def answered(self) -> bool:
        """Whether the person has an answer, or sees that one is coming."""
        return self._conversation.answered

    def reason(self, text: str) -> str:
        """Return an audit-log reason with the person's name and id, at most 512 characters."""
        return audit_reason(text, self.author)

    async def respond(
        self,
        content: object = None,
        *,
        embed: hikari.Embed | None = None,
        embeds: Sequence[hikari.Embed] = (),
        components: Sequence[builders.ComponentBuilder] = (),
        attachments: Attachments = (),
        ephemeral: bool | None = None,
        user_mentions: Mentions = False,
        role_mentions: Mentions = False,
    ) -> Reply:
        """Answer: the first time as the response or a reply to the message, later as a follow-up.

        Args:
            content: The text, at most 2,000 characters.
            embed: One embed; `embeds` for several.
            embeds: At most ten.
            components: At most five rows of components.
            attachments: At most ten files.
            ephemeral: Seen by the person alone (interactions only). None: as the command was declared.
            user_mentions: Who gets a ping: nobody, all that are mentioned (True), or these.
            role_mentions: Likewise for roles.

        Raises:
            ReplyError: Discord would refuse it.
        """
        message = Outgoing(
            None if content is None else str(content),
            ([embed] if embed is not None else list(embeds)) or None,
            list(components) or None,
            list(attachments) or None,
            user_mentions,
            role_mentions,
        )
        return await self._conversation.send(message, ephemeral)

    async def defer(self, ephemeral: bool | None = None) -> None:
        """Show that an answer is coming ("is thinking"; "is typing" for text commands)."""
        await self._conversation.defer(ephemeral)

    async def edit(
        self,
        content: object = None,
        *,
        embed: hikari.Embed | None = None,
        embeds: Sequence[hikari.Embed] | None = None,
        components: Sequence[builders.ComponentBuilder] | None = None,
        attachments: Attachments | None = None,
        user_mentions: Mentions = False,
        role_mentions: Mentions = False,
    ) -> None:
        """Change the message that holds the component, as the response; in commands, the first response.

        What is left out stays; an empty list removes.
        """
        message = Outgoing(
            None if content is None else str(content),
            [embed] if embed is not None else embeds,
            components,
            attachments,
            user_mentions,
            role_mentions,
        )
        await self._conversation.edit(message)

    async def ask(self, question: str, *, timeout: float = 60) -> str:
        """Ask for a text: the person's next message here; in interactions a button opens a form.

        Raises:
            Unanswered: After `timeout` seconds; when it is not caught, the person is told.
        """
        return await self._conversation.ask(question, timeout)

    async def confirm(self, question: str, *, yes: str = "Yes", no: str = "No", timeout: float = 60) -> bool:
        """Ask with two buttons that only this person can press.

        Raises:
            Unanswered: After `timeout` seconds.
        """
        return await self._conversation.confirm(question, yes, no, timeout)

    async def choose(self, question: str, choices: Mapping[str, str], *, timeout: float = 60) -> str:
        """Let the person press one of up to 25 buttons (key -> label) and return its key.

        Raises:
            Unanswered: After `timeout` seconds.
        """
        return await self._conversation.choose(question, choices, timeout)

    async def show_modal(
        self, title: str, fields: Mapping[str, str | TextField], *, timeout: float = 600
    ) -> Mapping[str, str]:
        """Show a form of one to five text fields (key -> label or `TextField`) and return what was written.

        It must be the first answer to an interaction. Later answers go to the submitted form.

        Raises:
            ReplyError: This is a text command, or there was an answer already.
            Unanswered: After `timeout` seconds; nobody tells when a person closes the form.
        """
        return await self._conversation.show_modal(title, fields, timeout)

    async def permissions(self) -> hikari.Permissions:
        """Return what the person may do in this channel; in direct messages everything that works there."""
        return await self.person.permissions(self._scope)

    async def bot_permissions(self) -> hikari.Permissions:
        """Return what the bot may do in this channel."""
        return await self.person.bot_permissions(self._scope)
