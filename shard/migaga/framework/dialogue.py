"""How a handler talks with the person it answers: replies, questions, forms. `Context` delegates to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import hikari
from hikari import UNDEFINED
from hikari.impl import special_endpoints as impl

from migaga.common.text import shorten
from migaga.framework.deferral import Deferral
from migaga.framework.errors import NotAllowed
from migaga.framework.outgoing import Outgoing, ReplyError
from migaga.framework.permissions import listed
from migaga.framework.person import bot_permissions_of
from migaga.framework.rawguild import Payload
from migaga.framework.replies import InteractionResponder, Reply, Responder
from migaga.framework.scope import Scope
from migaga.framework.waiting import Question, Restarting, Unanswered

_log = logging.getLogger(__name__)

DEFER_AFTER = 1.5
"""Seconds after which an interaction is deferred: half of what Discord waits, since the call takes its time too."""
_MAX_LABEL = 80
_MAX_BUTTONS = 25
_MAX_FIELDS = 5


@dataclass(frozen=True, slots=True)
class TextField:
    """One field of a form."""

    label: str
    """At most 45 characters."""
    value: str = ""
    placeholder: str = ""
    required: bool = True
    min_length: int = 0
    max_length: int = 4_000
    paragraph: bool = False
    """Several lines."""


@dataclass(frozen=True, slots=True)
class _Button:
    key: str
    label: str
    style: hikari.ButtonStyle = hikari.ButtonStyle.SECONDARY


class Conversation:
    """Replies to one person, and questions to them."""

    def __init__(
        self, scope: Scope, responder: Responder, user_id: int, *, ephemeral: bool, deferral: Deferral | None
    ) -> None:
        self._scope = scope
        self._waiting = scope.environment.waiting
        self._responder = responder
        self._user_id = user_id
        self._ephemeral = ephemeral
        self._deferral = deferral

    @property
    def answered(self) -> bool:
        """Whether the person has an answer, or sees that one is coming."""
        return self._responder.acknowledged

    @property
    def went_out(self) -> bool:
        """Whether something may have happened that cannot be taken back: a commit, an answer, a call to Discord."""
        return self._scope.went_out

    async def send(self, message: Outgoing, ephemeral: bool | None = None) -> Reply:
        """Send an answer."""
        message.check(new=True)
        await self._scope.go_out()
        try:
            return await self._responder.send(message, ephemeral=self._ephemeral if ephemeral is None else ephemeral)
        except hikari.ForbiddenError as error:
            missing = message.needs() & ~await bot_permissions_of(self._scope)
            if not missing:
                raise
            raise NotAllowed(f"I need {listed(missing)} here to answer this.") from error

    async def defer(self, ephemeral: bool | None = None) -> None:
        """Show that an answer is coming."""
        await self._scope.go_out()
        await self._responder.defer(ephemeral=self._ephemeral if ephemeral is None else ephemeral)

    async def edit(self, message: Outgoing) -> None:
        """Change the component's message or the first answer."""
        message.check(new=False)
        await self._scope.go_out()
        await self._responder.edit(message)

    async def finish(self) -> None:
        """Give an interaction that its handler left unanswered the least answer, so that nobody waits for more."""
        if isinstance(self._responder, InteractionResponder) and not self._responder.finished:
            await self._responder.finish()

    async def ask(self, question: str, timeout: float) -> str:
        """Ask for a text. See `Context.ask`."""
        if isinstance(self._responder, InteractionResponder):
            return await self._ask_by_form(question, timeout)
        if self._scope.channel_id is None:
            raise ReplyError("there is no channel to ask in")
        with self._waiting.for_message(self._scope.channel_id, self._user_id, self._scope.guild_id) as waiting:
            await self.send(Outgoing(question))
            answer = await waiting.answer(timeout)
        return str(answer.get("content", ""))

    async def _ask_by_form(self, question: str, timeout: float) -> str:
        """Show a button that opens a form. A form that was closed can be opened again."""
        button = [_Button("open", "Answer", hikari.ButtonStyle.PRIMARY)]
        with self._waiting.for_press(self._user_id, self._scope.guild_id) as waiting:
            reply = await self.send(Outgoing(question, components=_rows(waiting, button)))
            while True:
                pressed = await self._answer(waiting, reply, button, timeout)
                responder = self._respond_to(pressed)
                if _key(pressed) != "open":
                    await self._settle(waiting, responder, Outgoing(components=_rows(waiting, button, disabled=True)))
                    return submitted(pressed).get("answer", "")
                form = {"answer": TextField(shorten("Your answer", 45), placeholder=shorten(question, 100))}
                await responder.show_modal(shorten(question, 45), waiting.custom_id("form"), _form(form))

    async def choose(self, question: str, choices: Mapping[str, str], timeout: float) -> str:
        """Let the person press a button. See `Context.choose`."""
        if not 1 <= len(choices) <= _MAX_BUTTONS:
            raise ReplyError(f"choose takes 1 to {_MAX_BUTTONS} choices, got {len(choices)}")
        return await self._press(question, [_Button(key, label) for key, label in choices.items()], timeout)

    async def confirm(self, question: str, yes: str, no: str, timeout: float) -> bool:
        """Ask for yes or no. See `Context.confirm`."""
        buttons = [_Button("yes", yes, hikari.ButtonStyle.SUCCESS), _Button("no", no, hikari.ButtonStyle.DANGER)]
        return await self._press(question, buttons, timeout) == "yes"

    async def _press(self, question: str, buttons: Sequence[_Button], timeout: float) -> str:
        with self._waiting.for_press(self._user_id, self._scope.guild_id) as waiting:
            reply = await self.send(Outgoing(question, components=_rows(waiting, buttons)))
            pressed = await self._answer(waiting, reply, buttons, timeout)
            chosen = buttons[int(_key(pressed))]
            rows = _rows(waiting, buttons, disabled=True, chosen=chosen)
            await self._settle(waiting, self._respond_to(pressed), Outgoing(components=rows))
        return chosen.key

    async def _settle(self, waiting: Question, responder: InteractionResponder, message: Outgoing) -> None:
        """Show that the question is answered, also to further presses that came at once. The answer counts anyway."""
        try:
            await responder.edit(message)
            while (further := waiting.leftover()) is not None:
                await self._respond_to(further).defer_quietly(ephemeral=True)
        except hikari.HikariError as error:
            _log.warning("an answered question could not be shown as answered: %s", error)

    async def _answer(self, waiting: Question, reply: Reply, buttons: Sequence[_Button], timeout: float) -> Payload:
        """Wait for a press; when none comes, show that the buttons are dead."""
        try:
            return await waiting.answer(timeout)
        except (Unanswered, Restarting):
            try:
                await reply.apply(Outgoing(components=_rows(waiting, buttons, disabled=True)))
            except hikari.HikariError as error:
                _log.debug("the buttons of an unanswered question stay: %s", error)
            raise

    async def show_modal(self, title: str, fields: Mapping[str, str | TextField], timeout: float) -> Mapping[str, str]:
        """Show a form. See `Context.show_modal`."""
        if not isinstance(self._responder, InteractionResponder):
            raise ReplyError("a text command cannot show a form: look at ctx.is_slash, or use ctx.ask")
        if not 1 <= len(fields) <= _MAX_FIELDS:
            raise ReplyError(f"a form takes 1 to {_MAX_FIELDS} fields, got {len(fields)}")
        named = {key: TextField(field) if isinstance(field, str) else field for key, field in fields.items()}
        await self._scope.go_out()
        with self._waiting.for_press(self._user_id, self._scope.guild_id) as waiting:
            await self._responder.show_modal(shorten(title, 45), waiting.custom_id("form"), _form(named))
            answer = await waiting.answer(timeout)
        self._responder = self._respond_to(answer)
        if self._deferral is not None:
            self._deferral.watch(self._responder, DEFER_AFTER)
        return submitted(answer)

    def _respond_to(self, payload: Payload) -> InteractionResponder:
        environment = self._scope.environment
        return respond_to(environment.discord, environment.application.id, payload)


def respond_to(rest: hikari.api.RESTClient, application_id: int, payload: Payload) -> InteractionResponder:
    """Return what answers a raw interaction."""
    return InteractionResponder(
        rest, application_id, int(payload["id"]), str(payload["token"]), component=payload.get("message") is not None
    )


def submitted(payload: Payload) -> Mapping[str, str]:
    """Return what was written into a submitted form: custom id of the field -> text."""
    found: dict[str, str] = {}
    for row in payload["data"].get("components", ()):
        for part in row.get("components", ()) or [row.get("component") or {}]:
            if "value" in part:
                found[str(part["custom_id"])] = str(part["value"] or "")
    return found


def _key(payload: Payload) -> str:
    return str(payload["data"]["custom_id"]).rpartition(":")[2]


def _rows(
    waiting: Question, buttons: Sequence[_Button], *, disabled: bool = False, chosen: _Button | None = None
) -> list[impl.MessageActionRowBuilder]:
    """Lay buttons out in rows of five. A lone form button keeps its key, the others are numbered."""
    rows: list[impl.MessageActionRowBuilder] = []
    for number, button in enumerate(buttons):
        if number % 5 == 0:
            rows.append(impl.MessageActionRowBuilder())
        key = button.key if button.key == "open" else str(number)
        style = hikari.ButtonStyle.SECONDARY if chosen is not None and button != chosen else button.style
        if chosen is not None and button == chosen and style is hikari.ButtonStyle.SECONDARY:
            style = hikari.ButtonStyle.PRIMARY
        rows[-1].add_component(
            impl.InteractiveButtonBuilder(
                style=style,
                custom_id=waiting.custom_id(key),
                label=shorten(button.label, _MAX_LABEL),
                is_disabled=disabled,
            )
        )
    return rows


def _form(fields: Mapping[str, TextField]) -> list[impl.ModalActionRowBuilder]:
    rows: list[impl.ModalActionRowBuilder] = []
    for key, field in fields.items():
        row = impl.ModalActionRowBuilder()
        row.add_text_input(
            key,
            shorten(field.label, 45),
            style=hikari.TextInputStyle.PARAGRAPH if field.paragraph else hikari.TextInputStyle.SHORT,
            placeholder=field.placeholder or UNDEFINED,
            value=field.value or UNDEFINED,
            required=field.required,
            min_length=field.min_length,
            max_length=field.max_length,
        )
        rows.append(row)
    return rows
