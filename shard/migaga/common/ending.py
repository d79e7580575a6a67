"""Ends tasks, also those that do not end at the first word. Whoever starts tasks uses it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

_LOG = logging.getLogger(__name__)

CANCEL_AGAIN = 0.5
"""Seconds after which a task that goes on is cancelled again. Libraries now and then take a cancellation for their own:
`asyncio.wait_for` of Python 3.11 swallows one that comes together with its result, so that what waits next waits on."""
OF_MODULES = 2.0
"""The same for what modules run: they may have something to clean up, and one cancellation more would end that too."""
LEFT_AFTER = 10.0
"""Seconds after which what a module runs is left behind, when it does not let itself be cancelled."""


async def end_tasks(*tasks: asyncio.Task[Any], again: float = CANCEL_AGAIN, within: float | None = None) -> None:
    """Cancel tasks until they have ended. What they raise is dropped.

    Args:
        tasks: One that has ended may be among them; the current one may not.
        again: Seconds after which those that go on are cancelled again.
        within: Seconds after which those that still go on are named in the log and left; None: never.

    Raises:
        asyncio.CancelledError: Whoever ends them was cancelled meanwhile. Only then, too, when all have ended: nobody
            else would look after them.
    """
    pending, cancelled, waited = set(tasks), False, 0.0
    while pending and (within is None or waited < within):
        for task in pending:
            task.cancel()
        try:
            _, pending = await asyncio.wait(pending, timeout=again)
        except asyncio.CancelledError:
            cancelled = True
        waited += again
    for task in tasks:
        if task in pending:
            _LOG.error("%s was cancelled and does not end: it is left behind", task.get_name())
        elif not task.cancelled():
            task.exception()  # Else asyncio says that nobody has asked for it.
    if cancelled:
        raise asyncio.CancelledError


async def end_those_of_modules(*tasks: asyncio.Task[Any]) -> None:
    """Cancel what modules run: patiently, and not for ever.

    Raises:
        asyncio.CancelledError: As `end_tasks`.
    """
    await end_tasks(*tasks, again=OF_MODULES, within=LEFT_AFTER)
