"""Run a module's `start()` or `stop()`, which may raise anything and may never return. Called by `modules.py`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

_SECONDS_TO_OBEY = 2.0


class HookTooLongError(Exception):
    """It did not return in time; the message says where it was."""


async def run_hook(hook: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Run a hook for at most so long. What it raises is raised.

    Raises:
        HookTooLongError: It was cancelled; or left behind, when it does not let itself be cancelled.
    """
    task = asyncio.create_task(_outcome(hook), name=f"hook {getattr(hook, '__qualname__', hook)}")
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            where = _where(task)
            task.cancel()
            await asyncio.wait({task}, timeout=_SECONDS_TO_OBEY)
            raise HookTooLongError(where)
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=_SECONDS_TO_OBEY)
        raise
    error = task.result()
    if error is not None:
        raise error


async def _outcome(hook: Callable[[], Awaitable[None]]) -> BaseException | None:
    """Return what a hook raises: some of it would end the event loop when a task raised it."""
    try:
        await hook()
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        return RuntimeError(f"it raised CancelledError, but nobody cancelled it ({error})")
    except (Exception, SystemExit, KeyboardInterrupt) as error:
        return error
    return None


def _where(task: asyncio.Task[BaseException | None]) -> str:
    """Return the line of the hook at which it waits."""
    frame = getattr(getattr(task.get_coro(), "cr_await", None), "cr_frame", None)
    return "it cannot be told where" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
