"""Defer interactions of slow handlers before the person sees "the application did not respond" (3 s, by Discord).

`running.py` opens one around each handler of an interaction; a form that was submitted is watched likewise.
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType

import hikari

from migaga.common.ending import end_tasks
from migaga.framework.replies import InteractionResponder

_log = logging.getLogger(__name__)


class Deferral:
    """Watches the interactions of one handler while it runs."""

    def __init__(self, *, ephemeral: bool) -> None:
        self._ephemeral = ephemeral
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Deferral:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await end_tasks(*self._tasks)

    def watch(self, responder: InteractionResponder, after: float) -> None:
        """Defer this interaction in `after` seconds unless it is answered by then."""
        self._tasks.append(asyncio.create_task(self._defer(responder, after), name="defer interaction"))

    async def _defer(self, responder: InteractionResponder, after: float) -> None:
        await asyncio.sleep(max(0.0, after))
        if responder.acknowledged:
            return
        try:
            await responder.defer_quietly(ephemeral=self._ephemeral)
        except hikari.HikariError as error:
            _log.warning("a slow interaction could not be deferred: %s", error)
