"""How a run ends before its time: errors of a group as lines, Ctrl-C and SIGTERM. Called by the demo and scenarios."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator


def leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    """The errors of a group of groups."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


def on_signals(stop: Callable[[], object]) -> None:
    """Let Ctrl-C and SIGTERM end the run in order, so that no bot is left behind."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def cancel_this() -> Callable[[], object]:
    """What cancels the running task."""
    task = asyncio.current_task()
    return task.cancel if task is not None else lambda: None
