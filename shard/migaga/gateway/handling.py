"""What an intake asks of others: who says what is to run, who runs it, who may hold it up. Plain shapes.

`intake.py` calls them; the framework is the router, `fleet/caution.py` and `fleet/mute.py` hold events up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from migaga.gateway.received import Received

PutAside = Callable[[], None]
"""Called when all that is left of an event waits for people: it no longer counts as unfinished, its handlers go on."""


class AgainError(Exception):
    """Handlers of an event could not work because the database is away: call the same `Handlers` again later."""


class FaultError(Exception):
    """Handlers of an event could not be run for a reason of our own. The log tells which, and the event is kept."""


class Handlers(Protocol):
    """Runs all handlers of one event."""

    def __call__(self, put_aside: PutAside, /) -> Awaitable[None]:
        """Return when all have ended.

        Raises:
            AgainError: Some have to run again when the database is back. Called again, it runs only those.
            FaultError: All have ended, and some could not be run at all.
        """
        ...


class Router(Protocol):
    """Says what is to run for an event. The framework implements it."""

    def route(self, event: Received) -> Handlers | None:
        """Return what runs all handlers of `event`, or None when nobody wants it. Synchronous, cheap, never raises."""
        ...

    def refuse(self, event: Received, reason: str) -> Handlers | None:
        """Return what tells a person why an interaction will not be run; None when nobody waits for an answer.

        The reason is a sentence for people. It needs no database. The event is routed later like any other, for those
        who only listen: its command, component or modal is left out then.
        """
        ...

    def left(self, has_left: Callable[[int | None], bool]) -> None:
        """Forget the guilds whose shard this process no longer has: their state, and dialogues that are open there.

        Args:
            has_left: Tells whether a guild (None: direct messages) has left.
        """
        ...


class Caution(Protocol):
    """Looks at each event before it is begun, when one of them may have killed its process (P6)."""

    async def allows(self, event: Received) -> bool:
        """Store the suspicion and return True, or store the event as quarantined and return False."""
        ...


class Mute(Protocol):
    """Keeps what may not be handled yet: events of a generation that is not cut in (P9)."""

    def keeps(self, event: Received, now: float) -> bool:
        """Keep an event; False when it is to be handled as always."""
        ...


@dataclass(slots=True, eq=False)
class Running:
    """An event whose handlers run."""

    event: Received
    since: float
    task: asyncio.Task[None] = field(init=False)
    let_go: bool = False
    """All that is left of it waits for people: a repetition would help nobody."""
    is_passed: bool = False
    """The watermark may pass it, and who keeps the journal knows."""
