"""Dispatches that a fault keeps from the client of a session that is otherwise well. Used by `session.py`."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """One dispatch that has no sequence number yet."""

    name: str
    payload: bytes
    fate: T


class Withheld(Generic[T]):
    """What a session does not hand on while the fault lasts, in order.

    It is numbered when the fault ends: a client that has received other events meanwhile could never name a sequence
    number before it in a RESUME.
    """

    def __init__(self) -> None:
        self._everything = False
        self._names: set[str] = set()
        self._kept: deque[Kept[T]] = deque()

    def begin(self, names: Collection[str]) -> None:
        """Keep dispatches of these names too; none: all there are."""
        self._everything = self._everything or not names
        self._names.update(names)

    def takes(self, name: str, payload: bytes, fate: T) -> bool:
        """Keep this dispatch, if it is one of those; False: hand it on."""
        if not self._everything and name not in self._names:
            return False
        self._kept.append(Kept(name, payload, fate))
        return True

    def end(self) -> list[Kept[T]]:
        """End the fault; returns what was kept, oldest first."""
        kept = list(self._kept)
        self._kept.clear()
        self._names.clear()
        self._everything = False
        return kept
