"""What each handler of a module answers and takes: its required context, as data.

`recorder.py` stores it in the database and `migaga modules` shows it. Whoever calls a handler from another process
collects just this.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncSession

from migaga.framework.markers import HandlerContext
from migaga.framework.options import GuildOptions
from migaga.framework.spec import InjectedSpec, ModuleSpec, ParameterSpec, Requirements
from migaga.storage.catalogue import HandlerRecord, InjectedRecord, ParameterRecord

_PERSON = "Context"
_SUGGESTING = "AutocompleteContext"


def handlers_of(spec: ModuleSpec) -> tuple[HandlerRecord, ...]:
    """Return one record for everything that a module's handlers answer, in the order of the class's kinds."""
    return (*_people(spec), *_background(spec))


def _people(spec: ModuleSpec) -> Iterator[HandlerRecord]:
    """Read what people call."""
    for command in spec.commands:
        values = _parameters(command.parameters)
        record = HandlerRecord(command.handler, "command", " ".join(command.path), _PERSON, values)
        yield _with_needs(spec, record, command.requirements)
    for menu in spec.menus:
        yield _with_needs(spec, HandlerRecord(menu.handler, menu.type, menu.name, _PERSON), menu.requirements)
    for one in spec.components:
        kind = "modal" if one.modal else "component"
        record = HandlerRecord(one.handler, kind, one.name, _PERSON, _parameters(one.arguments))
        yield _with_needs(spec, record, one.requirements)
    for name in spec.autocompletes:
        yield HandlerRecord(name, "autocomplete", name, _SUGGESTING, (ParameterRecord("value", "text", True),))


def _background(spec: ModuleSpec) -> Iterator[HandlerRecord]:
    """Read what events and time call."""
    for listener in spec.listeners:
        for event in listener.events:
            yield HandlerRecord(
                listener.handler,
                "listener",
                event.__name__,
                _own_context(spec, listener.handler),
                injected=_injected(spec, listener.handler),
                guild_only=listener.guild_only,
            )
    for task in spec.tasks:
        often = f"every {task.every}, once per {task.once_per}"
        context, injected = _own_context(spec, task.handler), _injected(spec, task.handler)
        yield HandlerRecord(task.handler, "task", often, context, injected=injected)


def _parameters(parameters: Iterable[ParameterSpec]) -> tuple[ParameterRecord, ...]:
    return tuple(ParameterRecord(one.name, one.kind.value, one.required) for one in parameters)


def _with_needs(spec: ModuleSpec, record: HandlerRecord, needs: Requirements) -> HandlerRecord:
    return replace(
        record,
        injected=_injected(spec, record.handler),
        permissions=int(needs.permissions),
        bot_permissions=int(needs.bot_permissions),
        owner_only=needs.owner_only,
        guild_only=needs.guild_only,
    )


def _is_a(wanted: InjectedSpec, kind: type) -> bool:
    return inspect.isclass(wanted.type) and issubclass(wanted.type, kind)


def _own_context(spec: ModuleSpec, handler: str) -> str | None:
    """Name the context of a listener or task, which takes one when it wants to."""
    for wanted in spec.injected.get(handler, ()):
        if _is_a(wanted, HandlerContext):
            return str(wanted.type.__name__)
    return None


def _injected(spec: ModuleSpec, handler: str) -> tuple[InjectedRecord, ...]:
    return tuple(
        InjectedRecord(wanted.argument, _source(wanted), wanted.type.__name__)
        for wanted in spec.injected.get(handler, ())
    )


def _source(wanted: InjectedSpec) -> str:
    if _is_a(wanted, AsyncSession):
        return "database session"
    if _is_a(wanted, GuildOptions):
        return "options"
    return "context" if _is_a(wanted, HandlerContext) else "service"
