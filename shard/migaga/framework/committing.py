"""hikari's REST client as modules get it: each call first commits the transaction of the handler that makes it.

So no handler holds database locks while Discord, or a rate limit, makes it wait. `running.py` sets the handler's scope.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TypeVar, cast

import hikari
from hikari import iterators

from migaga.common.alive import Alive
from migaga.framework.living import AnyLife
from migaga.framework.scope import Scope

T = TypeVar("T")

current_scope: ContextVar[Scope | None] = ContextVar("current_scope", default=None)
"""The handler that runs in this task."""


async def commit_current(alive: Alive) -> None:
    """Commit what the running handler has written so far; wait while it may not act.

    What no handler runs (a module's own background task) has no owner that would end it with a life of the process: it
    waits for the next one.
    """
    scope = current_scope.get()
    if scope is not None:
        await scope.go_out()
    elif not alive.is_valid():
        await AnyLife(alive).until_valid()


class _CommittingIterator(iterators.LazyIterator[T]):
    """Pages through a list of Discord's; commits before each item that may cost a call."""

    __slots__ = ("_alive", "_items")

    def __init__(self, items: iterators.LazyIterator[T], alive: Alive) -> None:
        self._items = items
        self._alive = alive

    async def __anext__(self) -> T:
        await commit_current(self._alive)
        return await self._items.__anext__()


class _CommittingRest:
    """Hands every attribute of the client through, with a commit before what calls Discord."""

    def __init__(self, rest: hikari.api.RESTClient, alive: Alive) -> None:
        self._rest = rest
        self._alive = alive

    def __getattr__(self, name: str) -> object:
        attribute = getattr(self._rest, name)
        if not callable(attribute):
            return attribute
        wrapped: object
        if inspect.iscoroutinefunction(attribute):
            wrapped = _committing(attribute, self._alive)
        elif name.startswith("fetch_"):
            wrapped = _paging(attribute, self._alive)
        else:
            return attribute
        setattr(self, name, wrapped)
        return wrapped


def _committing(call: Callable[..., Awaitable[T]], alive: Alive) -> Callable[..., Awaitable[T]]:
    @functools.wraps(call)
    async def wrapped(*args: object, **kwargs: object) -> T:
        await commit_current(alive)
        return await call(*args, **kwargs)

    return wrapped


def _paging(call: Callable[..., T], alive: Alive) -> Callable[..., object]:
    @functools.wraps(call)
    def wrapped(*args: object, **kwargs: object) -> object:
        found = call(*args, **kwargs)
        return _CommittingIterator(found, alive) if isinstance(found, iterators.LazyIterator) else found

    return wrapped


def committing(rest: hikari.api.RESTClient, alive: Alive) -> hikari.api.RESTClient:
    """Return `rest` with a commit before each call, and with no call while the process may not act."""
    return cast("hikari.api.RESTClient", _CommittingRest(rest, alive))
