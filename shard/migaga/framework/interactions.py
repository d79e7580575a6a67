"""Interactions: slash commands, context menus, components, modals, autocomplete. Called by `routing.py`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import hikari

from migaga.framework.autocompletes import Autocompletes
from migaga.framework.binding import bind_slash, slash_options
from migaga.framework.building import Built
from migaga.framework.context import Context
from migaga.framework.custom_ids import OUTDATED, component_arguments, split_custom_id
from migaga.framework.dialogue import respond_to, submitted
from migaga.framework.outgoing import Outgoing
from migaga.framework.person import person_of_interaction
from migaga.framework.rawguild import Payload
from migaga.framework.reports import EXPIRED, UNAVAILABLE
from migaga.framework.running import TOO_OLD, Arguments, Runner, Use, Who
from migaga.framework.scope import Environment, LoadedModule, Scope
from migaga.framework.spec import CommandSpec, ComponentSpec, MenuSpec
from migaga.framework.table import RoutingTable
from migaga.framework.usage import usage
from migaga.framework.waiting import DIALOGUE
from migaga.gateway.received import Received

Job = Callable[[], Awaitable[object]]
_log = logging.getLogger(__name__)

# Discord's interaction types.
_COMMAND, _COMPONENT, _AUTOCOMPLETE, _MODAL = 2, 3, 4, 5
_GONE = "I no longer wait for this. Please run the command again."
_NOT_YOURS = "This is for somebody else. Run the command yourself."
_UNKNOWN = "I do not know this command any more. Please try again in a few minutes; Discord still shows an old list."


class InteractionRouter:
    """Finds the handler of a raw interaction."""

    def __init__(self, environment: Environment, runner: Runner, autocompletes: Autocompletes) -> None:
        self._environment = environment
        self._runner = runner
        self._autocompletes = autocompletes

    def job(self, table: RoutingTable, built: Built) -> Job | None:
        """Return what answers an interaction; None when a question that waits has taken it."""
        payload = built.received.payload
        kind, data = payload.get("type"), payload.get("data") or {}
        if kind == _COMMAND:
            return self._command(table, built, data)
        if kind == _AUTOCOMPLETE:
            return self._autocompletes.job(table, built)
        if kind in (_COMPONENT, _MODAL):
            return self._custom_id(table, built, str(data.get("custom_id", "")), modal=kind == _MODAL)
        return None

    def answers(self, received: Received) -> bool:
        """Hand a press or a form over to the open question that it answers. Returns whether there was one."""
        payload = received.payload
        custom_id = str((payload.get("data") or {}).get("custom_id", ""))
        if payload.get("type") not in (_COMPONENT, _MODAL) or not custom_id.startswith(f"{DIALOGUE}:"):
            return False
        question = self._environment.waiting.pressed(custom_id.split(":")[1])
        is_theirs = question is not None and person_of_interaction(payload).id == question.user_id
        return is_theirs and question is not None and question.offer(payload)

    async def refuse(self, table: RoutingTable, received: Received, reason: str) -> None:
        """Tell a person why their interaction is not run, and what to do; who types gets no suggestions."""
        outcome = UNAVAILABLE if self._runner.age(received) <= TOO_OLD else EXPIRED
        if received.payload.get("type") != _AUTOCOMPLETE:
            await self._tell(received, reason)
        elif outcome == UNAVAILABLE:
            await self._autocompletes.send_nothing(received)
        self._count(table, received.payload, outcome)

    def _count(self, table: RoutingTable, payload: Payload, outcome: str) -> None:
        """Count an interaction that is not run under what it would have run."""
        metrics, data = self._environment.metrics, payload.get("data") or {}
        if payload.get("type") in (_COMMAND, _AUTOCOMPLETE):
            command, menu = table.commands.match_slash(data), table.commands.match_menu(data)
            if command is not None and payload["type"] == _COMMAND:
                metrics.command(command[0], " ".join(command[1].path), outcome, 0.0)
            elif menu is not None:
                metrics.handler(menu[0], menu[1].handler, outcome, 0.0)
            return
        parts = split_custom_id(str(data.get("custom_id", "")))
        found = None if parts is None else table.components.get((parts[0], parts[1], payload["type"] == _MODAL))
        if found is not None:
            metrics.handler(found[0].spec.name, found[1].handler, outcome, 0.0)

    def _command(self, table: RoutingTable, built: Built, data: Payload) -> Job:
        slash = table.commands.match_slash(data) if data.get("type", 1) == 1 else None
        if slash is not None:
            return partial(self._runner.use, self._slash_use(table.modules[slash[0]], slash[1], built))
        menu = table.commands.match_menu(data)
        if menu is not None:
            return partial(self._runner.use, self._menu_use(table.modules[menu[0]], menu[1], built))
        return partial(self._tell, built.received, _UNKNOWN)

    def _slash_use(self, module: LoadedModule, command: CommandSpec, built: Built) -> Use:
        async def arguments(scope: Scope, context: Context) -> Arguments:
            interaction = built.one(hikari.CommandInteractionCreateEvent).interaction
            return (), bind_slash(command, slash_options(interaction), interaction.resolved)

        name = " ".join(command.path)
        return Use(
            module=module,
            handler=command.handler,
            requirements=command.requirements,
            received=built.received,
            person=person_of_interaction(built.received.payload),
            who=partial(_who, built),
            arguments=arguments,
            label=name,
            command=command,
            rule=name,
            ephemeral=command.ephemeral,
            usage=f"`{usage(command, is_slash=True)}`",
        )

    def _menu_use(self, module: LoadedModule, menu: MenuSpec, built: Built) -> Use:
        async def arguments(scope: Scope, context: Context) -> Arguments:
            return (_target(built, menu),), {}

        return Use(
            module=module,
            handler=menu.handler,
            requirements=menu.requirements,
            received=built.received,
            person=person_of_interaction(built.received.payload),
            who=partial(_who, built),
            arguments=arguments,
            label=menu.name,
            rule=menu.name,
            ephemeral=menu.ephemeral,
        )

    def _custom_id(self, table: RoutingTable, built: Built, custom_id: str, *, modal: bool) -> Job | None:
        if custom_id.startswith(f"{DIALOGUE}:"):
            return self._answer(built, custom_id)
        parts = split_custom_id(custom_id)
        found = None if parts is None else table.components.get((parts[0], parts[1], modal))
        if parts is None or found is None:
            return partial(self._tell, built.received, OUTDATED)
        return partial(self._runner.use, self._component_use(found[0], found[1], parts[2], built))

    def _answer(self, built: Built, custom_id: str) -> Job | None:
        """Hand a press or a form to the question that waits for it."""
        payload = built.received.payload
        question = self._environment.waiting.pressed(custom_id.split(":")[1])
        if question is None:
            return partial(self._tell, built.received, _GONE)
        if person_of_interaction(payload).id != question.user_id:
            return partial(self._tell, built.received, _NOT_YOURS)
        return None if question.offer(payload) else partial(self._tell, built.received, _GONE)

    def _component_use(
        self, module: LoadedModule, component: ComponentSpec, given: tuple[str, ...], built: Built
    ) -> Use:
        async def arguments(scope: Scope, context: Context) -> Arguments:
            context.values = _values(built.received.payload)
            context.fields = submitted(built.received.payload)
            return (), component_arguments(component, given)

        return Use(
            module=module,
            handler=component.handler,
            requirements=component.requirements,
            received=built.received,
            person=person_of_interaction(built.received.payload),
            who=partial(_who, built),
            arguments=arguments,
            label=component.name,
        )

    async def _tell(self, received: Received, message: str) -> None:
        """Answer the person alone, without a handler and without the database."""
        if self._runner.age(received) > TOO_OLD:
            return
        environment = self._environment
        responder = respond_to(environment.discord, environment.application.id, received.payload)
        try:
            await responder.send_if_new(Outgoing(message))
        except hikari.HikariError as error:
            _log.warning("an interaction could not be answered: %s", error)


def _values(payload: Payload) -> tuple[str, ...]:
    return tuple(str(value) for value in payload["data"].get("values", ()))


def _who(built: Built) -> Who:
    interaction = built.one(hikari.InteractionCreateEvent).interaction
    if isinstance(interaction, hikari.CommandInteraction | hikari.ComponentInteraction | hikari.ModalInteraction):
        message = None if isinstance(interaction, hikari.CommandInteraction) else interaction.message
        return Who(interaction.user, interaction.member, message, interaction)
    raise LookupError(f"hikari built a {type(interaction).__name__}")


def _target(built: Built, menu: MenuSpec) -> object:
    interaction = built.one(hikari.CommandInteractionCreateEvent).interaction
    resolved, target = interaction.resolved, interaction.target_id
    if resolved is None or target is None:
        raise LookupError("Discord named no target")
    if menu.type == "message":
        return resolved.messages[target]
    return resolved.members.get(target) or resolved.users[target]
