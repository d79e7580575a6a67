"""Count uses of commands, for `Cooldown`. Called by `access.py`, last of all checks.

Counted in this process. A guild's shard lives in one process, so only the scopes "user" and "bot" count apart in each
process, and a shard that has moved starts at zero.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import assert_never

from migaga.framework.spec import Cooldown

_SWEEP_EVERY = 1_000


def cooldown_key(
    cooldown: Cooldown, handler: str, *, user_id: int, guild_id: int | None, channel_id: int | None
) -> Hashable:
    """Return what the uses are counted under: the handler and the person, member, channel or guild."""
    match cooldown.scope:
        case "user":
            return handler, user_id
        case "member":
            return handler, user_id, guild_id
        case "channel":
            return handler, channel_id
        case "guild":
            return handler, guild_id or user_id
        case "bot":
            return handler
        case _:
            assert_never(cooldown.scope)


class Cooldowns:
    """Times of the last uses, as a sliding window. Knows no clock."""

    def __init__(self) -> None:
        self._uses: dict[Hashable, tuple[float, deque[float]]] = {}
        self._calls = 0

    def use(self, key: Hashable, cooldown: Cooldown, now: float) -> float:
        """Count one use at `now` (seconds) and return 0, or return how many seconds to wait, counting nothing."""
        period = cooldown.per.total_seconds()
        self._sweep(now)
        _, times = self._uses.setdefault(key, (period, deque()))
        while times and times[0] <= now - period:
            times.popleft()
        if len(times) >= cooldown.uses:
            return times[0] + period - now
        times.append(now)
        return 0.0

    def refund(self, key: Hashable) -> None:
        """Take the last use back."""
        _, times = self._uses.get(key, (0.0, None))
        if times:
            times.pop()

    def _sweep(self, now: float) -> None:
        """Now and then forget windows that have passed, so that memory is bounded by recent use."""
        self._calls += 1
        if self._calls % _SWEEP_EVERY == 0:
            self._uses = {k: (p, times) for k, (p, times) in self._uses.items() if times and times[-1] > now - p}
