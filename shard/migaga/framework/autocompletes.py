"""Suggest values while a person types into a slash command. Called by `interactions.py`."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import hikari
from hikari.impl import special_endpoints as impl

from migaga.common.text import shorten
from migaga.framework.access import Access, Asked
from migaga.framework.building import Built
from migaga.framework.context import AutocompleteContext
from migaga.framework.errors import NotAllowed
from migaga.framework.inject import call, injected
from migaga.framework.matching import leaf_options
from migaga.framework.person import person_of_interaction
from migaga.framework.replies import ALREADY_ACKNOWLEDGED
from migaga.framework.reports import EXPIRED, explain, log_error
from migaga.framework.running import SOON, TOO_OLD, Runner, place
from migaga.framework.scope import Environment, LoadedModule
from migaga.framework.spec import Choice, CommandSpec
from migaga.framework.table import RoutingTable
from migaga.gateway.received import Received

_MAX_CHOICES = 25
_MAX_TEXT = 100
Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class _Typing:
    """What somebody is typing."""

    module: LoadedModule
    command: CommandSpec
    handler: str
    typed: str
    values: Mapping[str, Value]
    built: Built


class Autocompletes:
    """Runs the methods that suggest values."""

    def __init__(self, environment: Environment, runner: Runner, access: Access) -> None:
        self._environment = environment
        self._runner = runner
        self._access = access

    def job(self, table: RoutingTable, built: Built) -> Callable[[], Awaitable[object]] | None:
        """Return what answers a raw autocomplete interaction; None when the command is unknown."""
        data = built.received.payload.get("data") or {}
        found = table.commands.match_slash(data)
        if found is None:
            return None
        module, command = found
        options = leaf_options(data)
        focused = next((option for option in options if option.get("focused")), None)
        parameter = next((p for p in command.parameters if focused and p.name == focused.get("name")), None)
        if focused is None or parameter is None or parameter.autocomplete is None:
            return None
        values = {str(option["name"]): _value(option.get("value")) for option in options}
        typed = str(focused.get("value", ""))
        typing = _Typing(table.modules[module], command, parameter.autocomplete, typed, values, built)
        return partial(self._run, typing)

    async def _run(self, typing: _Typing) -> None:
        """Suggest; who may not use the command gets no suggestions. There is no way to show an error here."""
        started, built = time.monotonic(), typing.built
        module, handler = typing.module.spec.name, typing.handler
        if self._runner.age(built.received) > TOO_OLD:
            self._environment.metrics.handler(module, handler, EXPIRED, 0.0)
            return
        outcome = "ok"
        try:
            await self._send(built.received, await self._suggest(typing))
        except NotAllowed:
            outcome = "refused"
            await self.send_nothing(built.received)
        except Exception as error:
            found = explain(error, None)
            outcome = found.outcome
            log_error(error, found, module=module, handler=handler)
            await self.send_nothing(built.received)
        self._environment.metrics.handler(module, handler, outcome, time.monotonic() - started)

    async def _suggest(self, typing: _Typing) -> Sequence[object]:
        received, handler = typing.built.received, typing.handler
        async with self._runner.scope(typing.module, handler, received.key, *place(received)) as scope:
            scope.patience = SOON
            person = person_of_interaction(received.payload)
            asked = Asked(typing.command.requirements, " ".join(typing.command.path))
            await self._access.check_place(scope, person.id, asked)
            interaction = typing.built.one(hikari.AutocompleteInteractionCreateEvent).interaction
            context = AutocompleteContext(scope, person, interaction.user, typing.values)
            method = getattr(typing.module.instance, handler)
            found = await call(method, (context, typing.typed), await injected(scope, context))
        if isinstance(found, str):
            return [found]
        return list(found) if isinstance(found, Sequence) else []

    async def send_nothing(self, received: Received) -> None:
        """Suggest nothing: it cannot be done now, and there is no way to say so."""
        try:
            await self._send(received, ())
        except hikari.HikariError:
            return

    async def _send(self, received: Received, suggested: Sequence[object]) -> None:
        # Discord refuses the whole list for one choice that is empty or there twice.
        made = [_choice(one) for one in suggested if str(getattr(one, "name", one)).strip()]
        choices = list({choice.name: choice for choice in made}.values())[:_MAX_CHOICES]
        number, token = int(received.payload["id"]), str(received.payload["token"])
        try:
            await self._environment.discord.create_autocomplete_response(number, token, choices)
        except hikari.BadRequestError as error:
            # A process that has died since had answered: what Discord has stays as it is.
            if error.code != ALREADY_ACKNOWLEDGED:
                raise


def _value(value: object) -> Value:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _choice(suggested: object) -> impl.AutocompleteChoiceBuilder:
    """Make a choice that Discord takes: at most 100 characters."""
    if isinstance(suggested, Choice):
        value = suggested.value
        name = suggested.name
    else:
        value = suggested if isinstance(suggested, int | float) else str(suggested)
        name = str(suggested)
    return impl.AutocompleteChoiceBuilder(
        name=shorten(name, _MAX_TEXT) or "-", value=value[:_MAX_TEXT] if isinstance(value, str) else value
    )
