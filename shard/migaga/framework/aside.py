"""Handlers that wait for a person let go of their event. `routing.py` begins each event here, `dialogue.py` tells it.

An open question dies with its process, so a repetition of its event would help nobody; but an event that is not
finished keeps Discord's replay of everything after it. So once all that is left of an event waits for people, it is put
aside: the gateway counts it as finished, and the handlers go on.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial

_let_go: ContextVar[Callable[[], None] | None] = ContextVar("let_go", default=None)
"""How the handler that runs in this task lets go of its event."""


def hold(let_go: Callable[[], None]) -> None:
    """Say how the handler that runs in this task lets go of its event."""
    _let_go.set(let_go)


def let_go() -> None:
    """Let go of the event: the running handler begins to wait for a person. It may be called again."""
    current = _let_go.get()
    if current is not None:
        current()


class Holders:
    """The handlers of one event that still hold it."""

    __slots__ = ("_holding", "_put_aside", "_waits")

    def __init__(self, count: int, put_aside: Callable[[], None]) -> None:
        """`put_aside` is called when one of `count` handlers waits for a person and no other one still works."""
        self._holding = set(range(count))
        self._put_aside = put_aside
        self._waits = False

    def begin(self, number: int) -> None:
        """Note that the handler of this number runs in the current task."""
        hold(partial(self._wait, number))

    def _wait(self, number: int) -> None:
        self._waits = True
        self.end(number)

    def end(self, number: int) -> None:
        """Note that a handler has ended, or waits."""
        if number in self._holding:
            self._holding.discard(number)
            if self._waits and not self._holding:
                self._put_aside()
