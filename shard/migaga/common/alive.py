"""Whether this process may act for its shards now. `fleet.member.Member` knows; the gateway and the framework ask."""

from __future__ import annotations

from typing import Protocol


class Alive(Protocol):
    """The life of a process in the eyes of the others (P1 in docs/architecture.md, "Continuity")."""

    def is_valid(self) -> bool:
        """Whether handlers may start and Discord may be called. Cheap: asked inline, each time."""
        ...

    async def until_valid(self) -> None:
        """Return when it is valid. A life that is over never is again: its handlers are cancelled instead."""
        ...


class AlwaysAlive:
    """The life of a process that shares its shards with nobody: tests of modules, tools."""

    def is_valid(self) -> bool:
        """Return True."""
        return True

    async def until_valid(self) -> None:
        """Return at once."""
