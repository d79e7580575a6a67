"""Send what a handler answers: as the response to an interaction, or as replies to a message. Used by `context.py`.

Rules: Discord's documentation, interactions/receiving-and-responding. The first answer of an interaction is due within
3 s; its token is good for 15 minutes of follow-ups.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

import hikari
from hikari import UNDEFINED
from hikari.impl import special_endpoints as impl

from migaga.framework.outgoing import Outgoing, ReplyError

ALREADY_ACKNOWLEDGED = 40_060
_CANNOT_REPLY = 160_002
"""Replies need the permission to read message history; other messages do not."""
_EPHEMERAL = hikari.MessageFlag.EPHEMERAL


class Reply:
    """A message that was sent as an answer."""

    __slots__ = ("_delete", "_edit", "ephemeral", "message_id")

    def __init__(
        self,
        message_id: hikari.Snowflake | None,
        *,
        edit: Callable[[Outgoing], Awaitable[object]],
        delete: Callable[[], Awaitable[object]],
        ephemeral: bool = False,
    ) -> None:
        self.message_id = message_id
        """None when Discord did not say it."""
        self.ephemeral = ephemeral
        self._edit = edit
        self._delete = delete

    async def edit(self, content: str | None = None, **changes: object) -> None:
        """Change the message; takes what `Context.respond` takes. `components=[]` removes all components."""
        await self.apply(outgoing(content, **changes))

    async def apply(self, message: Outgoing) -> None:
        """Change the message to what `message` says."""
        await self._edit(message.check(new=False))

    async def delete(self) -> None:
        """Delete the message. One that is gone already is no error."""
        try:
            await self._delete()
        except hikari.NotFoundError:
            return


def outgoing(content: str | None = None, **fields: object) -> Outgoing:
    """Make an `Outgoing` of what authors pass: `embed` is short for one of `embeds`.

    Raises:
        TypeError: A name is not one of `respond`'s.
    """
    embed = fields.pop("embed", None)
    if embed is not None:
        fields["embeds"] = [embed]
    text = None if content is None else str(content)
    return Outgoing(text, **fields)  # type: ignore[arg-type]  # the names are checked by the constructor


class Responder(Protocol):
    """Where the answers of one handler go."""

    @property
    def acknowledged(self) -> bool:
        """Whether the person has seen, or will see without more, that something happened."""
        ...

    async def send(self, message: Outgoing, *, ephemeral: bool) -> Reply:
        """Send an answer; the first one as the response."""
        ...

    async def defer(self, *, ephemeral: bool) -> None:
        """Show that an answer is coming."""
        ...

    async def edit(self, message: Outgoing) -> None:
        """Change the message that holds the component, or the first answer."""
        ...


class MessageResponder:
    """Replies to a message. A nonce made from the event keeps Discord from showing a repeated event's answer twice."""

    def __init__(
        self, rest: hikari.api.RESTClient, channel_id: int, message_id: int | None, nonce: Callable[[int], str]
    ) -> None:
        self._rest = rest
        self._channel_id = channel_id
        self._message_id = message_id
        self._nonce = nonce
        self._sent = 0
        self._first: Reply | None = None

    @property
    def acknowledged(self) -> bool:
        """Whether an answer was sent."""
        return self._first is not None

    async def send(self, message: Outgoing, *, ephemeral: bool) -> Reply:
        """Reply to the message. `ephemeral` cannot be had in a text channel and changes nothing."""
        number, self._sent = self._sent, self._sent + 1
        try:
            sent = await self._create(message, self._nonce(number))
        except hikari.ClientHTTPResponseError as error:
            if error.code != _CANNOT_REPLY:
                raise
            self._message_id = None
            sent = await self._create(message, self._nonce(number))

        async def edit(change: Outgoing) -> None:
            await edit_message(self._rest, self._channel_id, sent.id, change)

        async def delete() -> None:
            await self._rest.delete_message(self._channel_id, sent.id)

        reply = Reply(sent.id, edit=edit, delete=delete)
        self._first = self._first or reply
        return reply

    async def _create(self, message: Outgoing, nonce: str) -> hikari.Message:
        return await self._rest.create_message(
            self._channel_id,
            **message.fields(),
            mentions_reply=False,
            nonce=nonce,
            reply=UNDEFINED if self._message_id is None else self._message_id,
            reply_must_exist=False,
        )

    async def defer(self, *, ephemeral: bool) -> None:
        """Show "is typing"."""
        await self._rest.trigger_typing(self._channel_id)

    async def edit(self, message: Outgoing) -> None:
        """Change the first answer."""
        if self._first is None:
            raise ReplyError("there is nothing to edit yet: call ctx.respond(...) first")
        await self._first.apply(message)


async def edit_message(rest: hikari.api.RESTClient, channel_id: int, message_id: int, change: Outgoing) -> None:
    """Change one of the bot's messages."""
    await rest.edit_message(channel_id, message_id, **change.fields())


class InteractionResponder:
    """Answers one interaction. The first answer happens once: the handler's, or the automatic defer."""

    def __init__(
        self, rest: hikari.api.RESTClient, application_id: int, interaction_id: int, token: str, *, component: bool
    ) -> None:
        self._rest = rest
        self._application_id = application_id
        self._id = interaction_id
        self._token = token
        self._component = component
        self._lock = asyncio.Lock()
        self._state = "new"
        self._deferred_ephemeral = False

    @property
    def acknowledged(self) -> bool:
        """Whether Discord has the first answer."""
        return self._state != "new"

    @property
    def finished(self) -> bool:
        """Whether nothing is left open: no answer missing, none announced."""
        return self._state == "answered"

    async def send(self, message: Outgoing, *, ephemeral: bool) -> Reply:
        """Send the response, fill in the deferred one, or follow up."""
        async with self._lock:
            if self._state == "new":
                return await self._respond(message, ephemeral)
            if self._state == "thinking":
                self._state = "answered"
                if self._deferred_ephemeral == ephemeral:
                    return await self._fill_in(message, ephemeral)
                # Who may see a deferred answer is fixed when it is deferred: take that one away and follow up.
                await self._rest.delete_interaction_response(self._application_id, self._token)
            return await self._follow_up(message, ephemeral)

    async def defer(self, *, ephemeral: bool) -> None:
        """Show "is thinking"; nothing when there was an answer already."""
        async with self._lock:
            if self._state == "new":
                flags = _EPHEMERAL if ephemeral else UNDEFINED
                await self._first(hikari.ResponseType.DEFERRED_MESSAGE_CREATE, flags=flags)
                self._state, self._deferred_ephemeral = "thinking", ephemeral

    async def defer_quietly(self, *, ephemeral: bool) -> None:
        """Tell Discord that it takes longer: a component shows nothing, a command "is thinking"."""
        if not self._component:
            await self.defer(ephemeral=ephemeral)
            return
        async with self._lock:
            if self._state == "new":
                await self._first(hikari.ResponseType.DEFERRED_MESSAGE_UPDATE)
                self._state = "answered"

    async def send_if_new(self, message: Outgoing) -> None:
        """Answer the person alone. An answer that Discord has already, of another process's run, stays as it is."""
        async with self._lock:
            await self._first(hikari.ResponseType.MESSAGE_CREATE, _EPHEMERAL, message)
            self._state = "answered"

    async def finish(self) -> None:
        """Answer what the handler left open: a component shows nothing, a command "Done." to the person alone."""
        if self._component and self._state == "new":
            await self.defer_quietly(ephemeral=True)
        elif not self.finished:
            await self.send(Outgoing("Done."), ephemeral=True)

    async def edit(self, message: Outgoing) -> None:
        """Change the message that holds the component (as the response), or the first response of a command."""
        async with self._lock:
            if self._state != "new":
                self._state = "answered"
                await self._edit_original(message)
            elif self._component:
                self._state = "answered"
                await self._create(hikari.ResponseType.MESSAGE_UPDATE, message)
            else:
                raise ReplyError("there is nothing to edit yet: call ctx.respond(...) or ctx.defer() first")

    async def show_modal(self, title: str, custom_id: str, rows: list[impl.ModalActionRowBuilder]) -> None:
        """Answer with a modal, which only the very first answer can be."""
        async with self._lock:
            if self._state != "new":
                raise ReplyError(
                    "a modal must be the first answer: call ctx.show_modal before respond and defer, and soon, "
                    "since a slow handler is deferred by itself"
                )
            await self._rest.create_modal_response(
                self._id, self._token, title=title, custom_id=custom_id, components=rows
            )
            self._state = "answered"

    async def _respond(self, message: Outgoing, ephemeral: bool) -> Reply:
        flags = _EPHEMERAL if ephemeral else UNDEFINED
        message_id = await self._create(hikari.ResponseType.MESSAGE_CREATE, message, flags=flags)
        self._state = "answered"
        return self._original(message_id, ephemeral)

    async def _create(
        self,
        kind: hikari.ResponseType,
        message: Outgoing,
        flags: hikari.UndefinedOr[hikari.MessageFlag] = UNDEFINED,
    ) -> hikari.Snowflake | None:
        """Send the first answer. When the event was repeated and its first run answered: change that answer instead."""
        try:
            sent = await self._rest.create_interaction_response(
                self._id, self._token, kind, flags=flags, **message.fields()
            )
        except hikari.BadRequestError as error:
            if error.code != ALREADY_ACKNOWLEDGED:
                raise
            return await self._edit_original(message)
        return sent.interaction.response_message_id or None

    async def _first(
        self,
        kind: hikari.ResponseType,
        flags: hikari.UndefinedOr[hikari.MessageFlag] = UNDEFINED,
        message: Outgoing | None = None,
    ) -> None:
        try:
            if message is None:
                await self._rest.create_interaction_response(self._id, self._token, kind, flags=flags)
            else:
                await self._rest.create_interaction_response(
                    self._id, self._token, kind, flags=flags, **message.fields()
                )
        except hikari.BadRequestError as error:
            if error.code != ALREADY_ACKNOWLEDGED:
                raise

    async def _fill_in(self, message: Outgoing, ephemeral: bool) -> Reply:
        return self._original(await self._edit_original(message), ephemeral)

    async def _edit_original(self, message: Outgoing) -> hikari.Snowflake:
        edited = await self._rest.edit_interaction_response(self._application_id, self._token, **message.fields())
        return edited.id

    def _original(self, message_id: hikari.Snowflake | None, ephemeral: bool) -> Reply:
        async def delete() -> None:
            await self._rest.delete_interaction_response(self._application_id, self._token)

        return Reply(message_id, edit=self._edit_original, delete=delete, ephemeral=ephemeral)

    async def _follow_up(self, message: Outgoing, ephemeral: bool) -> Reply:
        sent = await self._rest.execute_webhook(
            self._application_id,
            self._token,
            **message.fields(),
            flags=_EPHEMERAL if ephemeral else UNDEFINED,
        )

        async def edit(change: Outgoing) -> None:
            await self._rest.edit_webhook_message(self._application_id, self._token, sent.id, **change.fields())

        async def delete() -> None:
            await self._rest.delete_webhook_message(self._application_id, self._token, sent.id)

        return Reply(sent.id, edit=edit, delete=delete, ephemeral=ephemeral)
