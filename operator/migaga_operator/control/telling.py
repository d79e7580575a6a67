"""Which Events are written: the same one rarely, and never a flood. `look.py` asks before it tells."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from migaga_operator.ops import Event

AGAIN_AFTER = 600.0
"""Seconds in which the same event of a bot is written once."""
MOST = 20
"""Events of one bot in that time."""


@dataclass(slots=True)
class Told:
    """What was told of one bot."""

    _times: dict[Event, float] = field(default_factory=dict)
    _all: deque[float] = field(default_factory=deque)

    def may_tell(self, event: Event, now: float) -> bool:
        """Whether to write it; if so, it counts as written. `now` in seconds."""
        self._times = {one: at for one, at in self._times.items() if now - at < AGAIN_AFTER}
        while self._all and now - self._all[0] >= AGAIN_AFTER:
            self._all.popleft()
        if event in self._times or len(self._all) >= MOST:
            return False
        self._times[event] = now
        self._all.append(now)
        return True
