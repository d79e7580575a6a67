"""Run an author's code so that nothing it does ends or stops the process: `loader.py` imports modules here.

Code that is imported may raise anything (also `SystemExit` and `KeyboardInterrupt`), and may never return. In a thread
of its own both can be told from what concerns the process, and a person's Ctrl-C still reaches the main thread.
"""

from __future__ import annotations

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_SECONDS_TO_OBEY = 2.0


class _InterruptedError(BaseException):
    """Raised inside code that takes too long."""


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What became of a call: a value, an error, or neither: then it did not end in time."""

    value: T | None = None
    error: BaseException | None = None
    stuck: Sequence[traceback.FrameSummary] = ()
    """Where it was when the time was over."""
    abandoned: bool = False
    """It could not be interrupted either, and goes on in its thread."""


def call_guarded(work: Callable[[], T], timeout: float) -> Outcome[T]:
    """Call `work` in a thread of its own and wait for it at most `timeout` seconds.

    What takes longer is interrupted where it runs Python code. A call that blocks outside of Python (a read, a sleep)
    cannot be: it is left behind, in a thread that does not keep the process alive.
    """
    outcomes: list[Outcome[T]] = []

    def body() -> None:
        try:
            outcomes.append(Outcome(value=work()))
        except BaseException as error:  # It is the outcome.
            outcomes.append(Outcome(error=error))

    thread = threading.Thread(target=body, name="guarded call", daemon=True)
    thread.start()
    thread.join(timeout)
    if outcomes:
        return outcomes[0]
    frame = sys._current_frames().get(thread.ident or 0)
    stuck = traceback.extract_stack(frame) if frame is not None else ()
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(_InterruptedError))
    thread.join(_SECONDS_TO_OBEY)
    return Outcome(stuck=stuck, abandoned=thread.is_alive())
