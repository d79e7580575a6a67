"""Fill handlers' arguments by their types, and call handlers. Used by `running.py` and `tasks.py`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from migaga.framework.markers import HandlerContext
from migaga.framework.options import GuildOptions
from migaga.framework.scope import Scope
from migaga.framework.services import Services
from migaga.framework.spec import ModuleSpec


async def injected(scope: Scope, context: HandlerContext) -> dict[str, object]:
    """Return the arguments of a handler that are filled by type: context, session, options, services.

    Raises:
        UnknownServiceError: Nobody provides a type that the handler asks for.
    """
    found: dict[str, object] = {}
    for wanted in scope.module.spec.injected.get(scope.handler, ()):
        found[wanted.argument] = await _value(wanted.type, scope, context)
    return found


async def _value(kind: Any, scope: Scope, context: HandlerContext) -> object:
    if kind is AsyncSession:
        return scope.session
    if inspect.isclass(kind) and issubclass(kind, GuildOptions):
        name = kind.module_name or scope.module.spec.name
        return await scope.look_up(scope.environment.settings.load(scope.guild_id, name, kind))
    if inspect.isclass(kind) and issubclass(kind, HandlerContext):
        return context
    return scope.module.services.get(kind)


def missing_services(spec: ModuleSpec, services: Services) -> list[str]:
    """Return the names of the types that handlers of a module ask for and nobody provides."""
    missing = {
        wanted.type.__name__
        for arguments in spec.injected.values()
        for wanted in arguments
        if not _is_given(wanted.type) and not services.has(wanted.type)
    }
    return sorted(missing)


def _is_given(kind: Any) -> bool:
    return kind is AsyncSession or (inspect.isclass(kind) and issubclass(kind, GuildOptions | HandlerContext))


class HandlerBrokeOffError(RuntimeError):
    """A handler ended by what is meant to end a task or the process. It is an error of that handler, no more."""


async def call(handler: Callable[..., object], positional: tuple[object, ...], named: Mapping[str, object]) -> object:
    """Call a handler; one that is no coroutine function runs in a thread, so that it may block.

    Raises:
        HandlerBrokeOffError: It raised CancelledError though nobody cancelled it, or wants to end the process.
    """
    try:
        if inspect.iscoroutinefunction(handler):
            return await handler(*positional, **named)
        return await asyncio.to_thread(handler, *positional, **named)
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise HandlerBrokeOffError("the handler raised CancelledError, but nobody cancelled it") from error
    except SystemExit as error:
        raise HandlerBrokeOffError("the handler tried to end the process") from error
