"""Validity for work that outlives one life of the process (P1): tasks, and what modules start themselves.

`tasks.py` and `committing.py` use it. Handlers of events end with the life in which they began; these go on.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from migaga.common.alive import Alive

_PAUSE = 0.25
"""Seconds between two looks."""


@dataclass(slots=True, eq=False)
class AnyLife:
    """The process in whichever life it is (`common.alive.Alive`)."""

    process: Alive

    def is_valid(self) -> bool:
        """Whether the process may act now."""
        return self.process.is_valid()

    async def until_valid(self) -> None:
        """Return when it may, be it in another life: to wait for the present one could take for ever."""
        while True:
            if self.is_valid():
                return
            await asyncio.sleep(_PAUSE)
